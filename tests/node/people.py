"""Small caseloads of synthetic persons (test BSNs), some families of which are known in two places."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from sluis_node.caseload.columns import COLUMNS, OPTIONAL
from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record
from stdnum.nl import bsn as eleven_test

_NUMBERS = [number for number in (f"9999{n:05}" for n in range(2_000)) if eleven_test.is_valid(number)]
_GIVEN = ("Sanne", "Daan", "Noor", "Lucas", "Mila", "Sem", "Jip", "Bram", "Fleur", "Teun")
_SURNAMES = ("Jansen", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Vos", "Peters", "Hendriks", "Dekker")


def family(name: str, number: int, *, members: int = 2, bsn: bool = True, case: str = "") -> Family:
    """Family `number` of the world, as the municipality that calls it `name` knows it."""
    return Family(name, tuple(_record(name, number, at, bsn=bsn, case=case) for at in range(members)))


def _record(name: str, number: int, at: int, *, bsn: bool, case: str) -> Record:
    person = Person(
        person_id=f"{name}-{at}",
        bsn=_NUMBERS[number * 5 + at] if bsn else None,
        given_names=_GIVEN[(number + 3 * at) % len(_GIVEN)],
        prefix="",
        surname=_SURNAMES[number % len(_SURNAMES)] + "abcdefghijkl"[number // len(_SURNAMES)],
        birth_date=BirthDate(1980 + (number * 7 + at * 11) % 40, 1 + (number + at) % 12, 1 + (number * 5 + at) % 28),
    )
    ground = CaseGround(
        case or f"ZAAK-{name}", "demo-grondslag", date(2026, 1, 5), None, date(2099, 1, 1), "w1@example"
    )
    return Record(person, ground)


def three_caseloads() -> list[list[Family]]:
    """Family 1 is known to the first and second (by BSN), 2 to the first and third (by name only), 3 to all three."""
    return [
        [family("A1", 1), family("A2", 2, members=3), family("A3", 3), family("A4", 4)],
        [family("B1", 1), family("B3", 3), family("B5", 5)],
        [family("C2", 2, members=3, bsn=False), family("C3", 3, members=1), family("C6", 6)],
    ]


def write_csv(path: Path, families: Sequence[Family]) -> Path:
    """The caseload file of these families."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([column for column in COLUMNS if column not in OPTIONAL])
        for one in families:
            for record in one.members:
                person, ground = record.person, record.ground
                born = person.birth_date
                writer.writerow(
                    [
                        one.family_id,
                        person.person_id,
                        person.bsn or "",
                        person.given_names,
                        person.prefix,
                        person.surname,
                        f"{born.year:04}{born.month:02}{born.day:02}" if born else "",
                        "",
                        "",
                        ground.case,
                        ground.legal_basis,
                        f"{ground.start:%Y%m%d}",
                        "",
                        ground.professional,
                    ]
                )
    return path
