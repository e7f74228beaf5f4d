"""A real round and a real handshake between two municipalities, and all that the coordinator saw and kept of them.

The persons are canaries: every name, number and id is one that occurs nowhere else, so that it can be looked for.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import sluis_coordinator.calls
from sluis_node.handshake.model import Informing, Phase, What
from sluis_node.handshake.review import Answer
from sluis_node.round.participation import Report
from sluis_node.vault import Vault
from sluis_protocol import wire
from sluis_protocol.approach import Partner
from sluis_protocol.content import ContactCard
from sluis_protocol.errors import SluisError
from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record
from stdnum.nl import bsn as eleven_test
from structlog.testing import capture_logs

from ..node.handshake.rig import FIRST, SECOND, Side, Two
from ..node.people import write_csv
from ..world import make_world

BSNS = [number for number in (f"9998{n:05}" for n in range(1_000)) if eleven_test.is_valid(number)]
CARD = ContactCard(role="Procescoördinator", mailbox="kanariepost@a.example", telephone="030 765 43 21")
REVIEWERS = ("kanarievogel-een", "kanarievogel-twee")


def person(number: int, at: int, here: str) -> Record:
    """A canary: `here` is the municipality's letter, for what is its own."""
    words = (
        "quetzal",
        "tiaris",
        "sialia",
        "linaria",
        "pyrrhula",
        "emberiza",
        "carduel",
        "serinus",
        "acanthis",
        "loxia",
    )
    return Record(
        Person(
            person_id=f"pers-{here}-{number}-{at}-kanarie",
            bsn=BSNS[number * 7 + at],
            given_names=words[at].capitalize() + "voornaam",
            prefix="",
            surname=words[number].capitalize() + "achternaam",
            birth_date=BirthDate(1971 + number, 1 + at, 3 + number),
            postcode=f"98{number}{at}KZ",
            house_number=str(7000 + 10 * number + at),
        ),
        CaseGround(
            f"zaak-{here}-{number}-kanarie",
            "demo-grondslag",
            date(2026, 1, 5),
            None,
            date(2099, 1, 1),
            f"prof-{here}-kanarie@x.example",
        ),
    )


def family(number: int, here: str, members: int = 3) -> Family:
    return Family(f"gezin-{here}-{number}-kanarie", tuple(person(number, at, here) for at in range(members)))


CASELOADS = [[family(n, "a") for n in (0, 1, 2, 3)], [family(n, "b") for n in (0, 4, 5)]]  # 0 is known to both


# Who did what must stand in a node's own database; nowhere else.
STAFF = (*REVIEWERS,)
OWN = "the nodes' databases"
SETTINGS = """
[processing]
file = "processing.jsonl"
[notify]
console = "https://sluis.example.nl"
[[notify.webhooks]]
name = "cases"
url = "http://127.0.0.1:9/"
audiences = ["coordinators", "administrators"]
"""


def canaries() -> list[str]:
    """Everything personal, as text."""
    found = [CARD.mailbox, CARD.telephone]
    for one in (family for caseload in CASELOADS for family in caseload):
        found.append(one.family_id)
        for record in one.members:
            who, born = record.person, record.person.birth_date
            assert born
            found += [str(who.bsn), who.given_names, who.surname, who.person_id, who.postcode, record.ground.case]
            found += [record.ground.professional, f"{born.year:04}{born.month:02}{born.day:02}"]
            found += [f"{born.year:04}-{born.month:02}-{born.day:02}"]
    return list(dict.fromkeys(found))


@dataclass
class Seen:
    """What there is to search, by where it was."""

    places: dict[str, bytes] = field(default_factory=dict)
    world: Any = None
    round_id: str = ""
    elements: list[bytes] = field(default_factory=list)

    def found(self, text: str, *places: str) -> list[str]:
        """Where this stands, as UTF-8 or UTF-16."""
        raw = text.encode()
        # In Base64 a text looks in one of three ways, by where it begins; its ends depend on what is around it.
        shifted = [base64.b64encode(bytes(at) + raw)[4 * (at > 0) : -4].lstrip(b"A") for at in range(3)]
        needles = (raw, text.lower().encode(), text.encode("utf-16-le"), raw.hex().encode(), *filter(_long, shifted))
        return [name for name in places or self.places if any(one in self.places[name] for one in needles)]


def _long(needle: bytes) -> bool:
    return len(needle) >= 8


class Recorder:
    """Stands for `wire` at the coordinator's edge and keeps every message that it decodes or encodes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def decode(self, kind: type[Any], raw: bytes) -> Any:
        self.messages.append(raw)
        return wire.decode(kind, raw)

    def encode(self, value: object) -> bytes:
        raw = wire.encode(value)
        self.messages.append(raw)
        return raw


class Watched(Two):
    """Keeps what the coordinator has just before it joins."""

    at_its_fullest = b""

    async def whole_round(self) -> list[Report]:
        for one in self.municipalities:
            with one.config.open("a") as file:
                file.write(SETTINGS)
        return await super().whole_round()

    async def close_round(self) -> None:
        self.at_its_fullest = everything(self.folder)
        await super().close_round()


def everything(folder: Path) -> bytes:
    """All bytes of all files."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@contextmanager
def _in_the_clear() -> Iterator[None]:
    """A vault that seals nothing."""

    def seal(self: Vault, plaintext: bytes, **place: object) -> bytes:
        return plaintext

    with mock.patch.object(Vault, "seal", seal), mock.patch.object(Vault, "open", seal):
        yield


def watch(*, sealed: bool = True) -> Seen:
    """Play it all, and gather what is seen and kept; without `sealed` the round alone, in the clear."""
    recorder, seen = Recorder(), Seen()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(mock.patch.object(sluis_coordinator.calls, "wire", recorder))
        if not sealed:
            stack.enter_context(_in_the_clear())
        lines = stack.enter_context(capture_logs())
        records = stack.enter_context(_standard_logging())
        asyncio.run(_play(Path(folder), seen, whole=sealed))
        seen.places["the programs' logs"] = f"{lines} {records}".encode()
    seen.places["the coordinator's traffic"] = b"\0".join(recorder.messages)
    return seen


@contextmanager
def _standard_logging() -> Iterator[list[str]]:
    """What libraries say by Python's own logging."""
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage() + str(record.exc_info or ""))

    handler, root = Handler(logging.DEBUG), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


async def _play(folder: Path, seen: Seen, *, whole: bool) -> None:
    async with Watched(folder, make_world(("GM0001", "GM0002")), CASELOADS) as two:
        seen.world, seen.round_id = two.world, two.round_id
        seen.places["the errors that people and logs get"] = "\n".join(await _errors(two, folder)).encode()
        if whole:
            await _approach(two)
        notices = [notice for side in (two.a, two.b) for notice in side.node.notices()]
        # Who did it stands there, and must; of whom, as a keyed hash.
        logged = [replace(entry, actor="") for side in (two.a, two.b) for entry in side.node.processing_log()]
        seen.places["notices, with their addresses"] = str(notices).encode()
        files = (folder / f"node-{number}" / "processing.jsonl" for number in (1, 2))
        lines = [{**json.loads(line), "resource": ""} for file in files for line in file.read_text().splitlines()]
        assert lines
        seen.places["the processing logs, but for who did it"] = f"{logged}{lines}".encode()
        seen.places["the coordinator's database and files, before the join"] = two.at_its_fullest
        for number in (1, 2):  # so that all is in one file
            with sqlite3.connect(folder / f"node-{number}" / "node.sqlite") as connection:
                connection.execute("PRAGMA wal_checkpoint(FULL)")
        seen.places[OWN] = b"\0".join(
            path.read_bytes() for number in (1, 2) for path in (folder / f"node-{number}").glob("node.sqlite*")
        )
        seen.places["the coordinator's database and files, at the end"] = everything(two.folder)


async def _approach(two: Two) -> None:
    """From the match to an approach that is on, by people with names of their own."""
    await _until(two, Phase.REVIEWING)
    for side in (two.a, two.b):
        for by in REVIEWERS:
            side.desk.decide(side.match, by=by, answer=Answer.YES, card=CARD)
    await _until(two, Phase.AGREED)
    partner = Partner(role="school", basis="demo-grondslag", since=two.clock().date())
    two.a.desk.propose(two.a.match, by=REVIEWERS[0], plan=two.a.plan(partners=(partner,)))
    await _until(two, Phase.DRAFTING)
    today = two.clock().date()
    for side in (two.b, two.a):
        side.desk.inform(side.match, by=REVIEWERS[0], informing=Informing(parents=today, young_persons=today))
        side.desk.sign(side.match, by=REVIEWERS[0])
        async with asyncio.timeout(30):  # a signature that crosses another entry would have to be given again
            while What.SIGNED not in {step.what for step in other_than(two, side).case().history}:
                await two.exchange(1)
    await _until(two, Phase.ACTIVE)


def other_than(two: Two, side: Side) -> Side:
    return two.b if side is two.a else two.a


async def _until(two: Two, phase: Phase) -> None:
    async with asyncio.timeout(30):
        while {two.a.phase, two.b.phase} != {phase}:
            await two.exchange(1)


async def _errors(two: Two, folder: Path) -> list[str]:
    """The text and the repr of errors that come of personal data, with all that a traceback would say."""
    said: list[str] = []

    async def provoke(families: Sequence[Family] | Path) -> None:
        try:
            said.append(repr(two.a.node.check(families)))
            await two.a.node.participate(families, wait=0.1)
        except SluisError as error:
            said.extend((error.diagnostics(), repr(error), str(error.where)))

    one = family(0, "a")
    for bsn in ("999800001", "12345678", "111222333"):
        member = replace(one.members[0], person=replace(one.members[0].person, bsn=bsn))
        await provoke([replace(one, members=(member, one.members[1]))])
    path = write_csv(folder / "errors.csv", [one])
    rows = path.read_text()
    for old, new in (("19710103", "19711399"), (";demo-grondslag;", ";andere;"), ("gezin;", "gezin;geloof;")):
        path.write_text(rows.replace(old, new))
        await provoke(path)
    for question in (one.members[0].person.surname, str(one.members[0].person.bsn)):
        try:
            two.a.desk.ask(two.a.match, by=FIRST, question=f"Wat nu met {question}?")
        except SluisError as error:
            said.extend((error.diagnostics(), repr(error)))
    for person_id in ("", one.members[0].person.person_id):
        try:
            said.append(repr(two.a.node.rights.access(person_id, by=SECOND)))
        except SluisError as error:
            said.append(error.diagnostics())
    said.append(repr(one) + repr(one.members) + repr(two.a.node.matches()) + repr(two.a.case()))
    return said
