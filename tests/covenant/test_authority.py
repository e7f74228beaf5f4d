"""The authority's tool on files: drafts, signatures, versions, and files that are whole or untouched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sluis_protocol.errors import BadSignature, CovenantError, InputError, KeyFileError, SluisError, StorageError

from tests.world import COORDINATOR, holder_oin, member_oin

from .rig import NAME, Table, covenant


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed covenant of version 1, made once."""
    table = Table(tmp_path_factory.mktemp("signed"))
    table.set_up()
    table.hold_ceremony()
    (table.folder / "verifier").write_text(table.verifier)
    return table.folder


@pytest.fixture
def table(signed: Path, tmp_path: Path) -> Table:
    folder = tmp_path / "table"
    shutil.copytree(signed, folder)
    return Table(folder, verifier=(folder / "verifier").read_text())


@pytest.fixture
def fresh(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.verifier = table.new().strip()
    return table


def test_a_new_draft_can_be_made_again_but_not_overwritten(fresh: Table) -> None:
    before = fresh.draft.read_bytes()
    assert fresh.new().strip() == fresh.verifier
    assert fresh.draft.read_bytes() == before
    with pytest.raises(InputError, match="another draft"):
        fresh.new("--collecting-minutes", 5)
    assert fresh.draft.read_bytes() == before


def test_the_key_is_its_owners_and_its_verifier_can_be_printed(fresh: Table) -> None:
    assert fresh.key.stat().st_mode & 0o777 == 0o600
    assert covenant("verifier", "--key", fresh.key, "--authority-name", NAME).strip() == fresh.verifier


def test_options_become_terms(tmp_path: Path) -> None:
    table = Table(tmp_path)
    more = ["--collecting-minutes", 7, "--confirmation-hours", 9, "--every-hours", 168]
    table.new(*more, "--assessment", "DPIA: 12:2026-02-03", minimum=5)
    terms = table.terms
    assert (terms.schedule.collecting_minutes, terms.schedule.confirmation_hours, terms.schedule.every_hours) == (
        7,
        9,
        168,
    )
    assert terms.schedule.minimum_participants == 5
    assert terms.assessment is not None
    assert (terms.assessment.reference, str(terms.assessment.approved_on)) == ("DPIA: 12", "2026-02-03")
    assert [(p.id, p.title, p.legal_bases) for p in terms.purposes] == [("jeugd", "Jeugd", ("demo-grondslag",))]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--purpose", "jeugd"], "purpose"),
        (["--purpose", "jeugd:Titel: , "], "legal_bases"),
        (["--purpose", "Jeugd!:Titel:a"], "id"),
        (["--purpose", "jeugd:Nog een keer:a"], "purpose stands there twice"),
        (["--valid-from", "yesterday"], "--valid-from"),
        (["--valid-until", "2020-01-01"], "valid_until"),
        (["--collecting-minutes", 0], "collecting_minutes"),
        (["--assessment", "DPIA"], "--assessment"),
        (["--id", "Not A Slug"], "id"),
    ],
)
def test_wrong_options_make_no_files(tmp_path: Path, more: list[object], what: str) -> None:
    with pytest.raises(SluisError, match=what):
        Table(tmp_path).new(*more)
    assert list(tmp_path.iterdir()) == []


def test_parties_are_taken_in_by_their_cards(table: Table) -> None:
    terms = table.terms
    assert [member.oin for member in terms.members] == [member_oin(1), member_oin(2)]
    assert [(holder.index, holder.oin) for holder in terms.holders] == [(i, holder_oin(i)) for i in (1, 2, 3)]
    assert terms.coordinator is not None
    assert terms.coordinator.oin == COORDINATOR


def test_a_card_again_changes_nothing_and_a_new_one_changes_its_keys(table: Table) -> None:
    before = table.terms
    for card in ("member-1.json", "holder-2/card.json", "coordinator.json"):
        covenant("add-member", table.draft, table.folder / card)
    assert table.terms == before
    table.members.clear()
    covenant("add-member", table.draft, table.member_card(1), "--quota", 77)
    after = table.terms
    assert after.members[0].signing_key != before.members[0].signing_key
    assert (after.members[0].quota, after.members[1]) == (77, before.members[1])
    assert after.joint_key == before.joint_key


def test_a_new_holder_makes_a_new_ceremony_necessary(table: Table) -> None:
    assert "new ceremony" in covenant("add-member", table.draft, table.holder_card(4))
    assert table.terms.joint_key is None
    with pytest.raises(CovenantError, match="joint key"):
        table.sign()


@pytest.mark.parametrize(
    ("card", "role", "what"),
    [
        ("member-1.json", "holder", "OIN"),
        ("holder-1/card.json", "member", "municipality"),
        ("coordinator.json", "holder", "sealing key"),
        ("authority.pem", "member", "card"),
        ("absent.json", "member", "read"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused_by_name(table: Table, card: str, role: str, what: str) -> None:
    before = table.draft.read_bytes()
    with pytest.raises(SluisError, match=what) as raised:
        covenant("add-member", table.draft, table.folder / card, "--as", role)
    assert raised.value.where["file"].endswith(card)
    assert table.draft.read_bytes() == before


def test_a_covenant_is_verified_with_the_pinned_key_only(table: Table, fresh: Table) -> None:
    assert "valid: test-covenant version 1" in covenant("verify", table.note, "--authority", table.verifier)
    with pytest.raises(BadSignature) as raised:
        covenant("verify", table.note, "--authority", fresh.verifier)
    assert raised.value.where["file"] == str(table.note)
    with pytest.raises(KeyFileError):
        covenant("verify", table.note, "--authority", "nonsense")


def test_an_altered_covenant_is_refused(table: Table) -> None:
    whole = table.note.read_text()
    for old, new in (("GM0001", "GM0009"), ('"version": 1', '"version": 2'), ("demo-grondslag", "andere")):
        table.note.write_text(whole.replace(old, new))
        with pytest.raises(BadSignature):
            covenant("verify", table.note, "--authority", table.verifier)


def test_signing_again_gives_the_same_bytes(table: Table) -> None:
    before = table.note.read_bytes()
    table.sign()
    assert table.note.read_bytes() == before


def test_what_is_incomplete_is_not_signed(fresh: Table) -> None:
    with pytest.raises(CovenantError, match="coordinator") as raised:
        fresh.sign()
    assert "members" in str(raised.value)
    assert not fresh.note.exists()


def test_a_signed_covenant_gives_way_to_newer_versions_only(table: Table) -> None:
    draft = table.folder / "next.json"
    covenant("revise", table.note, draft, "--authority", table.verifier)
    covenant("revoke", draft, member_oin(2))
    with pytest.raises(CovenantError, match="at least 2 members; there are 1"):
        table.sign(draft)
    covenant("add-member", draft, table.member_card(3))
    table.sign(draft)
    assert "version 2" in covenant("verify", table.note, "--authority", table.verifier)
    before = table.note.read_bytes()
    with pytest.raises(CovenantError, match="can't replace"):
        table.sign()
    covenant("add-member", draft, table.member_card(4))
    with pytest.raises(CovenantError, match="can't replace"):
        table.sign(draft)  # another version 2
    assert table.note.read_bytes() == before


def test_a_revision_keeps_parties_and_keys(table: Table) -> None:
    draft = table.folder / "next.json"
    covenant("revise", table.note, draft)
    covenant("revise", table.note, draft)
    content = json.loads(draft.read_text())
    assert content.pop("version") == 2
    before = json.loads(table.draft.read_text())
    assert before.pop("version") == 1
    assert content == before


def test_a_revoked_member_can_be_admitted_again(table: Table) -> None:
    covenant("revoke", table.draft, member_oin(1))
    assert table.terms.members[0].revoked
    covenant("add-member", table.draft, table.folder / "member-1.json")
    assert not table.terms.members[0].revoked
    with pytest.raises(InputError, match="not a member"):
        covenant("revoke", table.draft, holder_oin(1))


def test_a_note_is_no_draft(table: Table) -> None:
    with pytest.raises(InputError, match="not a draft"):
        covenant("revoke", table.note, member_oin(1))


def test_people_can_read_it(table: Table) -> None:
    shown = covenant("show", table.note)
    for expected in ("test-covenant", "not verified", "2 of 3", "GM0002", "Holder 3", "demo-grondslag", member_oin(1)):
        assert expected in shown
    assert "14 days to decide" in shown
    assert "criminal justice" not in shown
    [purpose] = table.terms.purposes
    purposes = (purpose.model_copy(update={"criminal_justice_bases": ("wams",)}),)
    table.draft.write_text(table.terms.model_copy(update={"purposes": purposes}).serialise())
    assert "wams" in covenant("show", table.draft)
    covenant("revoke", table.draft, member_oin(1))
    assert "revoked" in covenant("show", table.draft)


def test_names_are_shown_as_they_are(fresh: Table) -> None:
    content = json.loads(fresh.draft.read_text())
    content["purposes"][0]["title"] = "[red]Jeugd[/red] [/nonsense]"
    fresh.draft.write_text(json.dumps(content))
    assert "[/nonsense]" in covenant("show", fresh.draft)


def test_a_draft_that_was_broken_by_hand_is_refused_with_file_and_field(table: Table) -> None:
    table.draft.write_text(table.draft.read_text().replace('"quota"', '"quotum"', 1))
    with pytest.raises(CovenantError, match=r"members\.0\.quota") as raised:
        covenant("revoke", table.draft, member_oin(1))
    assert raised.value.where["file"] == str(table.draft)


def test_a_full_disk_leaves_the_draft_as_it_was(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted((path.name, path.stat().st_size) for path in table.folder.iterdir())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        covenant("revoke", table.draft, member_oin(1))
    assert sorted((path.name, path.stat().st_size) for path in table.folder.iterdir()) == before


def test_errors_reach_people_with_what_to_do_and_status_1(tmp_path: Path) -> None:
    program = [str(Path(sys.executable).parent / "sluis-covenant"), "show", str(tmp_path / "absent.json")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("SLUIS-101: the covenant can't be read")
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr
