"""Rules 1 to 5 and 22: what may come in, of whom, and on which ground; at the place where it is enforced."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sluis_coordinator.schema
import sluis_node.keyholder.tables
import sluis_node.tables
from google.protobuf.descriptor import FileDescriptor
from sluis_node.caseload.intake import take_in
from sluis_node.vault import Vault
from sluis_protocol import card, content, join, keys, messages, record, tag
from sluis_protocol._wire.sluis.v1 import (
    common_pb2,
    covenant_pb2,
    evaluation_pb2,
    handshake_pb2,
    matches_pb2,
    rounds_pb2,
    submission_pb2,
    totals_pb2,
)
from sluis_protocol.covenant import Assessment, Covenant, Purpose, Terms
from sluis_protocol.errors import CovenantError, ForbiddenData, InputError, SluisError, Unreachable
from sluis_protocol.normalise import fold
from sluis_protocol.record import Family
from sluis_protocol.wording import is_forbidden

from ..node.desk import Desk
from ..node.people import family, write_csv
from ..shared import ROOT
from ..world import AUTHORITY, PURPOSE, make_world

WORLD = make_world()
TODAY = date(2026, 6, 1)
REAL_BSN = "111222333"


def with_column(path: Path, title: str, value: str) -> Path:
    """The same file with one more column."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([*row, title if at == 0 else value] for at, row in enumerate(rows))
    return path


def kept(desk: Desk) -> dict[Path, bytes]:
    """All files of the first node, but for SQLite's index of who reads."""
    found = (path for path in (desk.folder / "node-1").rglob("*") if path.is_file() and path.suffix != ".sqlite-shm")
    return {path: path.read_bytes() for path in found}


def changed(**changes: Any) -> list[Family]:
    """A family of two, of which the first one's ground is changed."""
    one = family("A1", 1)
    first = replace(one.members[0], ground=replace(one.members[0].ground, **changes))
    return [replace(one, members=(first, one.members[1]))]


async def test_rule_01_an_import_with_such_a_column_is_refused_by_name_and_nothing_is_kept(desk: Desk) -> None:
    before = kept(desk)
    for title in ("Nationaliteit", "geboorteland", "religie", "etniciteit", "thuistaal", "verblijfstitel", "woonvorm"):
        path = with_column(write_csv(desk.folder / "caseload.csv", [family("Q1", 1)]), title, "canary-value")
        with pytest.raises(ForbiddenData, match=title) as caught:
            await desk.nodes[0].node.participate(path)
        assert "canary-value" not in caught.value.diagnostics()
    assert kept(desk) == before


def names_of(file: FileDescriptor) -> set[str]:
    return {f"{name}.{field.name}" for name, message in file.message_types_by_name.items() for field in message.fields}


def test_rule_01_no_message_table_or_record_has_a_place_for_it() -> None:
    wires = (
        common_pb2,
        covenant_pb2,
        evaluation_pb2,
        handshake_pb2,
        matches_pb2,
        rounds_pb2,
        submission_pb2,
        totals_pb2,
    )
    names = set().union(*(names_of(one.DESCRIPTOR) for one in wires))
    for module in (sluis_node.tables, sluis_node.keyholder.tables, sluis_coordinator.schema):
        names |= {f"{table.name}.{column.name}" for table in module.metadata.sorted_tables for column in table.columns}
    for module in (record, messages, content, card, keys, tag, join):
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and is_dataclass(kind)]
        names |= {f"{kind.__name__}.{field.name}" for kind in kinds for field in fields(kind)}
    assert len(names) > 300
    assert not [name for name in names if is_forbidden(name.partition(".")[2])]


def test_rule_01_a_label_says_nothing_of_it_either() -> None:
    (purpose,) = WORLD.covenant.terms.purposes
    for changes in ({"title": "Gezinnen met een andere afkomst"}, {"id": "jeugd-migratie"}):
        with pytest.raises(ValueError, match="rule 1"):
            Purpose(**{**purpose.model_dump(), **changes})
    Purpose(**{**purpose.model_dump(), "title": "Nationale aanpak: kinderen uit de knel"})
    left = take_in(changed(case="ETNICITEIT-7"), WORLD.covenant, purpose, TODAY)
    assert [(one.field, one.line) for one in left.refused] == [("zaak", 1)]


# Names of groups and of networks, as they must stand nowhere: the first 12 hex digits of SHA-256 of the folded word, so
# that this file doesn't name them.
GROUPS = frozenset(
    """
022e1643f926 02efc2fffc96 06d141e9d849 07a5db752fb1 09c870a20759 0d2593e23a56 11f4eb428409 131eca6846d6 1450f199637d
14880ae3f073 161c4fcfecee 1a1ab7184e0a 1c159c2f44e1 1ca8ad26dc03 20e034626662 22be40b93cb1 23090f3eb48c 2c0ec29eb66b
2e4532956a49 2ef98e5a4f45 343b793e927a 3457d7e075bb 3cb77da53730 4673fd72f33b 48376909d74e 48983f8ee636 48a91ccb4b6e
4a8373645117 4cbf51f21fb3 571594a97f23 57525c1094bb 590e7bdd3d78 5921fb04bb6b 5e937513c637 66ba578e6d4a 68c8b0607aa9
6a2ffc767f22 6e79a6468fd4 79add32607fd 7ab50a0959ea 7ad08aa46f31 7ad2f4afd391 8105488f3060 832a0948d776 8f36bdb5be6a
95435ab0f562 97f1b912c00c 982e3b58314b 9c2b2cf80e66 a87be105f055 abecc26a5486 ad6f2475480f ae4352b662a4 ae5df0bceb62
b0c27fca74fa b10b0ee52762 b14c479f5a5e b47e3095d4b1 b70deb546fc5 b9353ce69ef4 ba9379526d3b bb4a24784812 be0f12cbb35a
be4c082c5c22 ca3ffbf83ef6 cc11cab64d76 cc84b0b1c3e8 cf1caf42b02e d0ea6cf7e170 d206ec9f6f12 d66302d73274 d6814f095497
d9db9cbd5892 da253cde86e0 da8de471de01 dcb85fcf872e dfa7f5d583c6 e088f85fa5c2 e84dde508a60 eca65fc95101 ee4074078316
ee6efa634e54 f26d97da5ff6 f3e8caf2c086 f784c1efc9ec
""".split()  # noqa: SIM905 (it is shorter)
)  # fmt: skip
MEASURED_ONLY = ("benchmarks/traditions/", "docs/parity.md", "tests/linkage/")  # naming traditions, for rule 24


def words_of(path: Path) -> set[str]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return set()
    return set(fold(re.sub(r"[^\w]|_", " ", text)).split())


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def test_rule_02_no_group_and_no_network_is_named_anywhere() -> None:
    vocabulary: dict[str, str] = {}
    for name in tracked():
        if not name.startswith(MEASURED_ONLY):
            vocabulary |= dict.fromkeys(words_of(ROOT / name), name)
    assert len(vocabulary) > 5_000
    found = {
        word: name for word, name in vocabulary.items() if hashlib.sha256(word.encode()).hexdigest()[:12] in GROUPS
    }
    assert not found
    products = ("protocol/", "node/", "coordinator/", "covenant/", "board/", "runtime/", "demo/", "proto/", "deploy/")
    traditions = {path.stem for path in (ROOT / "benchmarks/traditions/names").glob("*.toml")} - {
        "dutch",
        "arabic",
    }  # what the texts are in, and a script
    named = {word: name for word, name in vocabulary.items() if word in traditions and name.startswith(products)}
    assert not named, "naming traditions are for measuring only"


def test_rule_02_there_is_nowhere_to_keep_a_list_of_surnames() -> None:
    """No table has a name of a person; what a node keeps of names are keyed hashes, sealed."""
    for module in (sluis_node.tables, sluis_node.keyholder.tables, sluis_coordinator.schema):
        columns = {column.name for table in module.metadata.sorted_tables for column in table.columns}
        assert not {name for name in columns if re.search(r"surname|geslachtsnaam|achternaam|given|voornam", name)}
    assert "name" not in str(Vault.of(bytes(32), os.urandom))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"case": ""}, "zaak"),
        ({"professional": " "}, "behandelaar"),
        ({"legal_basis": ""}, "grondslag"),
        ({"legal_basis": "my-own"}, "grondslag"),
        ({"review": TODAY - timedelta(days=1)}, "herzieningsdatum"),
    ],
)
async def test_rule_03_without_a_ground_nobody_takes_part(desk: Desk, changes: dict[str, Any], field: str) -> None:
    (refusal,) = desk.nodes[0].node.check(changed(**changes)).refused
    assert (refusal.line, refusal.field) == (1, field)
    with pytest.raises(InputError, match=field):
        await desk.nodes[0].node.participate(changed(**changes))


async def test_rule_03_a_line_without_a_start_date_or_a_purpose_that_is_not_agreed(desk: Desk) -> None:
    path = write_csv(desk.folder / "caseload.csv", [family("A1", 1)])
    path.write_text(path.read_text().replace("20260105", ""))
    refusals = desk.nodes[0].node.check(path).refused
    assert [(one.line, one.field) for one in refusals] == [(2, "startdatum"), (3, "startdatum")]
    with pytest.raises(SluisError, match="no such purpose"):
        await desk.nodes[0].node.participate([family("A1", 1)], purpose="other")


async def test_rule_04_a_closed_case_is_not_in_the_next_round(desk: Desk) -> None:
    node, yesterday = desk.nodes[0].node, desk.now.date() - timedelta(days=1)
    left = node.check(changed(end=yesterday))
    assert (left.persons, left.closed) == (1, 1)
    assert left.families[0].members[0].person.person_id == "A1-1"
    assert node.check(changed(end=desk.now.date())).persons == 2


async def test_rule_05_more_than_the_ceiling_is_refused_before_anything_is_sent(desk: Desk) -> None:
    (purpose,) = desk.world.covenant.terms.purposes
    one_only = purpose.model_copy(update={"maximum_persons": 1})
    terms = desk.world.covenant.terms.model_copy(update={"purposes": (one_only,), "version": 2})
    covenant = Covenant.sign(terms, AUTHORITY, desk.world.authority_key)
    (desk.folder / "node-1" / "covenant.note").write_text(covenant.note)
    with pytest.raises(InputError, match="2 open persons, the covenant allows 1"):
        await desk.nodes[0].node.participate([family("A1", 1)])
    (desk.folder / "node-1" / "covenant.note").write_text(desk.world.covenant.note)
    with pytest.raises(CovenantError, match="is older"):  # and nobody goes back to the version with the higher one
        desk.nodes[0].node.check([family("A1", 1)])


def production(**changes: Any) -> Terms:
    """The same covenant in production, for real organisations."""
    data = WORLD.covenant.terms.model_dump_json().replace("00000099", "00000001")
    terms = Terms.parse(data)
    assessed = {"mode": "production", "assessment": Assessment(reference="DPIA-7", approved_on=date(2026, 1, 1))}
    return terms.model_copy(update={**assessed, **changes})


def test_rule_22_production_needs_an_approved_assessment() -> None:
    Covenant.sign(production(), AUTHORITY, WORLD.authority_key)
    with pytest.raises(CovenantError, match="impact assessment"):
        Covenant.sign(production(assessment=None), AUTHORITY, WORLD.authority_key)
    tests_only = WORLD.covenant.terms.model_copy(update={"mode": "production", "assessment": production().assessment})
    with pytest.raises(CovenantError, match="real OINs"):
        Covenant.sign(tests_only, AUTHORITY, WORLD.authority_key)
    with pytest.raises(CovenantError, match="test OINs"):
        Covenant.sign(production(mode="demo"), AUTHORITY, WORLD.authority_key)


async def test_rule_22_test_persons_stay_out_of_production_and_real_ones_out_of_a_demo(desk: Desk) -> None:
    covenant = replace(WORLD.covenant, terms=production())
    refused = take_in([family("A1", 1)], covenant, covenant.purpose(PURPOSE, TODAY), TODAY).refused
    assert [one.field for one in refused] == ["burgerservicenummer"] * 2
    one = family("A1", 1)
    real = replace(one.members[0], person=replace(one.members[0].person, bsn=REAL_BSN))
    with pytest.raises(InputError, match="this is a demo") as caught:
        await desk.nodes[0].node.participate([replace(one, members=(real,))])
    assert REAL_BSN not in caught.value.diagnostics()
    with pytest.raises(Unreachable):  # the others may: they get as far as there is a network
        await desk.nodes[0].node.participate([one])
