"""The key ceremony through the command lines: honest, cheated, interrupted, tampered with."""

from __future__ import annotations

import base64
import json
import os
import shutil
from itertools import combinations
from pathlib import Path

import pytest
from sluis_protocol import threshold
from sluis_protocol.bulletin import make_deal
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    BadSignature,
    CeremonyFault,
    ConfigError,
    KeyFileError,
    MalformedMessage,
    Replayed,
    SluisError,
    StorageError,
    WrongSender,
)
from sluis_protocol.note import Verifier
from sluis_protocol.sealed import seal
from sluis_protocol.signed import Kind
from sluis_runtime.keyfiles import read_signing_key

from .rig import NOW, Table, covenant, keyholder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A draft with its holders, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("prepared")
    table = Table(folder)
    table.set_up()
    (folder / "verifier").write_text(table.verifier)
    return folder


@pytest.fixture
def table(prepared: Path, tmp_path: Path) -> Table:
    folder = tmp_path / "table"
    shutil.copytree(prepared, folder)
    return Table(folder, verifier=(folder / "verifier").read_text())


@pytest.fixture
def opened(table: Table) -> Table:
    table.open()
    return table


def test_any_two_of_three_have_the_key_that_nobody_has(table: Table) -> None:
    table.hold_ceremony()
    verified = Covenant.verify(table.note.read_text(), Verifier.parse(table.verifier))
    shares = [table.share(index) for index in (1, 2, 3)]
    blinded = threshold.blind([b"input"], os.urandom)
    outputs = set()
    for pair in combinations([share for share in shares if share], 2):
        quorum = [share.index for share in pair]
        answers = [threshold.evaluate(share, quorum, blinded.elements, os.urandom) for share in pair]
        sums = threshold.combine(verified.joint_key, quorum, blinded.elements, answers, os.urandom)
        outputs.add(threshold.finalize(verified.joint_key, blinded, sums)[0])
    assert len(outputs) == 1
    secrets = [share.secret for share in shares if share]
    assert len(secrets) == 3
    everything = b"".join(path.read_bytes() for path in table.folder.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in everything
        assert base64.b64encode(secret) not in everything


def test_each_step_says_what_it_did_and_whom_it_waits_for(opened: Table) -> None:
    one, two, three = opened.steps(1, 2, 3)
    assert "put its deal on the board" in one
    assert "waiting for the deals of holder 2 (Holder 2), holder 3 (Holder 3)" in one
    assert "waiting for the deals of holder 3 (Holder 3)" in two
    assert "accepted all deals" in three
    assert "waiting for the verdicts of holder 1" in covenant("ceremony", "status", opened.board)
    opened.steps(1, 2, 3)
    assert "all holders have accepted" in covenant("ceremony", "status", opened.board)
    assert "finished" in opened.step(1)


def test_every_step_can_be_taken_again(opened: Table) -> None:
    first = opened.steps(1, 1)
    assert "put its deal" not in first[1]
    opened.steps(2, 2, 3, 3, 1, 2)
    before = {path.name: path.read_bytes() for path in opened.board.iterdir()}
    covenant("ceremony", "finish", opened.draft, opened.board)
    finished = opened.draft.read_bytes()
    opened.steps(1, 2, 3, 1)
    covenant("ceremony", "finish", opened.draft, opened.board)
    opened.open()
    assert {path.name: path.read_bytes() for path in opened.board.iterdir()} == before
    assert opened.draft.read_bytes() == finished


def test_what_was_lost_from_the_board_is_put_there_again_to_the_byte(opened: Table) -> None:
    opened.steps(1, 2, 3)
    before = opened.path(Kind.DEAL, 1).read_bytes()
    opened.path(Kind.DEAL, 1).unlink()
    opened.step(1)
    assert opened.path(Kind.DEAL, 1).read_bytes() == before


def test_nothing_is_finished_while_a_holder_is_missing(opened: Table) -> None:
    opened.steps(1, 2, 1, 2)
    before = opened.draft.read_bytes()
    with pytest.raises(CeremonyFault, match=r"deals of holder 3 \(Holder 3\)"):
        covenant("ceremony", "finish", opened.draft, opened.board)
    opened.steps(3, 2)  # the first holder never judges
    with pytest.raises(CeremonyFault, match="verdicts of holder 1"):
        covenant("ceremony", "finish", opened.draft, opened.board)
    assert opened.draft.read_bytes() == before
    assert opened.share(2) is None


def cheat(table: Table, index: int, *, victim: int) -> dict[int, bytes]:
    """A deal whose share for one holder doesn't fit; the shares as they should have been."""
    ceremony = table.ceremony
    key = read_signing_key(table.holder(index) / "signing.pem")
    message, shares = make_deal(ceremony, index, key, os.urandom, NOW)
    payload = json.loads(message.envelope.payload)
    recipient = base64.b64decode(ceremony.holders[victim].sealing_key)
    wrong = seal(os.urandom(31) + b"\x00", recipient, *ceremony.seal_context(index, victim))
    payload["shares"][victim - 1] = base64.b64encode(wrong).decode()
    table.forge(Kind.DEAL, index, json.dumps(payload).encode())
    return dict(shares)


def reply(table: Table, dealer: int, shares: dict[int, bytes]) -> None:
    transcript = json.loads(table.message(Kind.VERDICT, 2).envelope.payload)["transcript"]
    opened = [{"recipient": i, "share": base64.b64encode(share).decode()} for i, share in shares.items()]
    table.forge(Kind.REPLY, dealer, json.dumps({"transcript": transcript, "shares": opened}).encode())


def accept(table: Table, index: int, complaints: tuple[int, ...] = ()) -> None:
    """A verdict made by hand, about the deals that holder 2 has judged."""
    transcript = json.loads(table.message(Kind.VERDICT, 2).envelope.payload)["transcript"]
    payload = {"transcript": transcript, "complaints": list(complaints)}
    table.forge(Kind.VERDICT, index, json.dumps(payload).encode())


def everybody_names(table: Table, culprit: int, *holders: int) -> None:
    for index in holders:
        with pytest.raises(CeremonyFault) as raised:
            table.step(index)
        assert raised.value.culprits == (culprit,)
    for words in (["status", table.board], ["finish", table.draft, table.board]):
        with pytest.raises(CeremonyFault) as raised:
            covenant("ceremony", *words)
        assert raised.value.culprits == (culprit,)
    assert table.terms.joint_key is None
    assert all(table.share(index) is None for index in (1, 2, 3))


@pytest.mark.parametrize("answer", ["another wrong share", "no share"])
def test_a_dealer_that_cheats_is_complained_about_and_named(opened: Table, answer: str) -> None:
    cheat(opened, 1, victim=2)
    opened.step(3)
    assert "complained about the deals of holder 1" in opened.step(2)
    opened.step(3)
    accept(opened, 1)
    assert "replies to complaints of holder 1" in opened.step(2)
    reply(opened, 1, {2: bytes([7] * 31) + b"\x00"} if answer == "another wrong share" else {})
    everybody_names(opened, 1, 2, 3)


def test_a_complaint_that_the_dealer_can_answer_names_the_complainer(opened: Table) -> None:
    opened.steps(1, 2, 3)
    opened.steps(1, 2)
    opened.path(Kind.VERDICT, 3).unlink()
    accept(opened, 3, complaints=(1,))
    assert "replies to complaints of holder 1" in opened.step(2)
    with pytest.raises(CeremonyFault, match="holder 3 complained about holder 1, whose share fits"):
        opened.step(1)
    everybody_names(opened, 3, 1, 2)


def test_a_deal_without_its_proof_is_named_at_once(opened: Table) -> None:
    opened.step(1)
    payload = json.loads(opened.message(Kind.DEAL, 1).envelope.payload)
    payload["proof"] = base64.b64encode(bytes(64)).decode()
    opened.forge(Kind.DEAL, 3, json.dumps(payload).encode())
    everybody_names(opened, 3, 1, 2)


def test_another_dealers_commitments_cannot_be_copied(opened: Table) -> None:
    opened.step(1)
    opened.forge(Kind.DEAL, 3, opened.message(Kind.DEAL, 1).envelope.payload)
    everybody_names(opened, 3, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 1},
        {"count": 4},
        {"commitments": []},
        {"shares": []},
        {"shares": ["?", "?", "?"]},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_deal_that_cannot_be_meant_is_named(opened: Table, change: dict[str, object]) -> None:
    opened.step(1)
    payload = json.loads(opened.message(Kind.DEAL, 1).envelope.payload) | change
    opened.forge(Kind.DEAL, 3, json.dumps(payload).encode())
    everybody_names(opened, 3, 1)


@pytest.mark.parametrize("complaints", [[2, 1], [1, 1], [9], [3], ["1"], None], ids=str)
def test_a_verdict_that_cannot_be_meant_is_named(opened: Table, complaints: object) -> None:
    opened.steps(1, 2, 3, 2)
    transcript = json.loads(opened.message(Kind.VERDICT, 2).envelope.payload)["transcript"]
    payload = {"transcript": transcript, "complaints": complaints}
    opened.forge(Kind.VERDICT, 3, json.dumps(payload).encode())
    everybody_names(opened, 3, 1, 2)


def test_an_altered_file_is_refused_by_name(opened: Table) -> None:
    opened.steps(1, 2)
    path = opened.path(Kind.DEAL, 2)
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(SluisError) as raised:
            opened.step(1)
        assert raised.value.where["file"] == "deal-2.msg"
        assert not isinstance(raised.value, CeremonyFault)  # nobody is accused of it
    path.write_bytes(whole[:-1])
    with pytest.raises(MalformedMessage):
        opened.step(1)
    path.write_bytes(whole)
    opened.step(1)


def test_a_holder_does_not_accept_its_own_file_altered(opened: Table) -> None:
    opened.step(1)
    path = opened.path(Kind.DEAL, 1)
    cheat(opened, 1, victim=2)
    with pytest.raises(CeremonyFault, match="not what this key holder put there"):
        opened.step(1)
    path.unlink()
    opened.step(1)


def test_one_holder_cannot_speak_for_another(opened: Table) -> None:
    opened.step(1)
    opened.path(Kind.DEAL, 2).write_bytes(opened.path(Kind.DEAL, 1).read_bytes())
    with pytest.raises(WrongSender):
        opened.step(3)


def test_a_deal_exchanged_after_the_verdicts_is_noticed(opened: Table) -> None:
    opened.steps(1, 2)
    cheat(opened, 3, victim=1)  # the deal for holder 1 is bad, holder 2 doesn't see it
    opened.step(2)
    cheat(opened, 3, victim=2)
    with pytest.raises(CeremonyFault, match="holder 2 saw other deals") as raised:
        opened.step(1)
    assert raised.value.where["file"] == "verdict-2.msg"
    with pytest.raises(CeremonyFault, match="saw other deals"):
        covenant("ceremony", "finish", opened.draft, opened.board)


def test_a_board_of_another_ceremony_is_refused(opened: Table) -> None:
    opened.steps(1, 2, 3)
    stale = opened.path(Kind.DEAL, 2).read_bytes()
    old, opened.board = opened.board, opened.folder / "second"
    opened.open()
    opened.path(Kind.DEAL, 2).write_bytes(stale)
    with pytest.raises(Replayed) as raised:
        opened.step(1)
    assert raised.value.where["file"] == "deal-2.msg"
    opened.path(Kind.DEAL, 2).unlink()
    (old / "ceremony.json").unlink()
    opened.board = old
    with pytest.raises(ConfigError, match="messages of another ceremony"):
        opened.open()
    with pytest.raises(ConfigError, match="no ceremony was opened"):
        opened.step(1)


def test_the_board_is_for_the_drafts_holders_only(opened: Table) -> None:
    covenant("add-member", opened.draft, opened.holder_card(4))
    for attempt in (opened.open, lambda: opened.step(1)):
        with pytest.raises(CeremonyFault, match="list of key holders"):
            attempt()
    with pytest.raises(CeremonyFault, match="list of key holders"):
        covenant("ceremony", "finish", opened.draft, opened.board)


def test_members_may_join_the_draft_while_the_ceremony_goes_on(opened: Table) -> None:
    opened.steps(1, 2, 3)
    covenant("add-member", opened.draft, opened.member_card(3))
    opened.steps(1, 2, 3)
    covenant("ceremony", "finish", opened.draft, opened.board)
    assert len(opened.terms.members) == 3
    assert opened.terms.joint_key is not None


def test_too_few_holders_open_no_ceremony(tmp_path: Path) -> None:
    table = Table(tmp_path, holders=1)
    table.set_up()
    with pytest.raises(CeremonyFault, match="1 key holders where 2"):
        table.open()
    assert not table.board.exists()


def test_one_of_one_is_possible(tmp_path: Path) -> None:
    table = Table(tmp_path, holders=1, threshold=1)
    table.set_up()
    table.hold_ceremony()
    assert table.share(1) is not None


def test_a_holder_with_other_keys_than_its_card_takes_no_part(opened: Table) -> None:
    (opened.holder(1) / "sealing.key").unlink()
    keyholder("init", opened.holder(1), *_init(opened))
    with pytest.raises(KeyFileError, match="another sealing key"):
        opened.step(1)


def _init(table: Table) -> list[str]:
    options = ["--oin", table.settings(1).oin, "--name", "Holder 1", "--coordinator", "localhost:1"]
    return [*options, "--authority", table.verifier]


def test_a_holder_that_lost_its_database_says_so(opened: Table) -> None:
    opened.step(1)
    for path in opened.holder(1).glob("keyholder.sqlite*"):
        path.unlink()
    with pytest.raises(CeremonyFault, match="not in its database"):
        opened.step(1)


def test_another_storage_key_does_not_open_the_share(table: Table) -> None:
    table.hold_ceremony()
    assert table.share(1) is not None
    (table.holder(1) / "storage.key").unlink()
    keyholder("init", table.holder(1), *_init(table))
    with pytest.raises(StorageError, match="can't be opened"):
        table.share(1)


def test_a_new_ceremony_makes_another_key_and_both_shares_are_kept(table: Table) -> None:
    table.hold_ceremony()
    first, key = table.share(1), table.terms.joint_key
    table.board = table.folder / "again"
    table.open()
    table.steps(1, 2, 3, 1, 2, 3, 1)
    covenant("ceremony", "finish", table.draft, table.board)
    assert table.terms.joint_key != key
    assert table.share(1) not in (None, first)


def test_bad_signatures_on_the_board_accuse_nobody(opened: Table) -> None:
    opened.step(1)
    opened.forge(Kind.DEAL, 2, b"{}")
    raw = opened.path(Kind.DEAL, 2).read_bytes()
    opened.path(Kind.DEAL, 2).write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(BadSignature):
        opened.step(1)
