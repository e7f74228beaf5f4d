"""Synthetic caseloads: invented families, some of them known to two or three municipalities.

Every person is drawn from one flat pool of names (`synthetic_names.toml`), so nothing here knows where a name comes
from. A family that moved is entered again as another clerk would; near misses are other people who look alike.
The same arguments give the same bytes. It reads no caseload and calls no service.
"""

from __future__ import annotations

import csv
import random
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import resources
from itertools import combinations, count
from pathlib import Path

from sluis_protocol.errors import InputError
from stdnum.nl import bsn as eleven_test

from sluis_demo.clerk import Person, enter_again

COLUMNS = (
    "gezin", "persoon", "burgerservicenummer", "voornamen", "voorvoegsel", "geslachtsnaam", "geboortedatum",
    "postcode", "huisnummer", "zaak", "grondslag", "startdatum", "einddatum", "behandelaar",
)  # fmt: skip
TRUTH_COLUMNS = ("gemeente_a", "gezin_a", "gemeente_b", "gezin_b")
LEGAL_BASIS = "demo-grondslag"
BORN_BEFORE = date(2025, 6, 1)

MOVED, MOVED_TWICE = 0.30, 0.20  # the share of families that moved, and of those the share that moved once more
NEAR_MISSES = 0.12  # other people who look alike, as a share of the families
SPLIT_TWINS = 0.03  # grown-up twins, each with a file of their own: same surname and birth date, two families
WITHOUT_BSN = 0.06
UNKNOWN_DATE = 0.02

# Lines that a node refuses, each with what is wrong in it. Every one stands in a family of its own.
FAULTS: tuple[dict[str, str], ...] = (
    {"burgerservicenummer": "999900000"},  # fails the eleven-test
    {"geboortedatum": "20250231"},  # no such day
    {"grondslag": ""},  # no legal basis
    {"behandelaar": ""},  # no responsible professional
    {"startdatum": "", "einddatum": ""},
    {"startdatum": "2024-02-01", "einddatum": "2025-01-31"},  # a case closed long ago
)

Truth = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A family in one municipality's caseload; `origin` is the same number wherever the same family is entered."""

    municipality: str
    origin: int
    address: tuple[str, str]
    persons: tuple[Person, ...]


def write_caseloads(
    folder: Path,
    *,
    municipalities: Sequence[tuple[str, str]],
    families: int,
    seed: int,
    faults: bool = False,
    today: date = BORN_BEFORE,
) -> list[Truth]:
    """Write one `GMxxxx.csv` per municipality (code, name) and `truth.csv` into `folder`; returns the truth's rows.

    `families` counts different families; re-entries and near misses come on top. With `faults` some lines are wrong,
    which never touches a family of the truth. Every case started in the year before `today`, so that none of them is up
    for review then. Test BSNs run out after about 9,000 persons; later ones have none.

    Raises:
        InputError: there is nothing to share: fewer than two municipalities, a code twice, or no family.
    """
    codes = [code for code, _ in municipalities]
    if len(set(codes)) < max(2, len(codes)) or families < 1:
        raise InputError(
            "synthetic caseloads need at least two different municipalities and one family",
            do="Give more municipalities, each with its own code, and a positive number of families.",
        )
    rng = random.Random(seed)  # noqa: S311 - invented persons, nothing secret
    entries = _Population(rng).entries(codes, families)
    rng.shuffle(entries)  # so that neither numbers nor places in a file say what belongs together
    numbered = [(f"G{number:05}", entry) for number, entry in enumerate(entries, start=1)]

    folder.mkdir(parents=True, exist_ok=True)
    for place, code in enumerate(codes):
        own = [(family, entry) for family, entry in numbered if entry.municipality == code]
        rows = [row for family, entry in own for row in _rows(family, entry, rng, today)]
        if faults and place % 2 == 0:
            rows += _faulty_rows(code, rng, today)
        _write(folder / f"{code}.csv", COLUMNS, rows, delimiter=",;"[place % 2], bom=place % 3 == 1)
    truth = sorted(_truth(numbered))
    _write(folder / "truth.csv", TRUTH_COLUMNS, (dict(zip(TRUTH_COLUMNS, row, strict=True)) for row in truth))
    return truth


class _Population:
    """Draws families, the moves that some of them made, and their look-alikes."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        pool = tomllib.loads(resources.files(__package__).joinpath("synthetic_names.toml").read_text("utf-8"))
        self._given: list[str] = pool["given"]
        self._surnames: list[tuple[str, str]] = [_split(name) for name in pool["surnames"]]
        self._numbers = [number for number in (f"9999{n:05}" for n in range(100_000)) if eleven_test.is_valid(number)]
        rng.shuffle(self._numbers)

    def entries(self, codes: Sequence[str], families: int) -> list[Entry]:
        rng, number = self._rng, count()
        found: list[Entry] = []
        for _ in range(families):
            origin, persons = next(number), self._family()
            moves = rng.random() < MOVED
            times = 1 + moves + (moves and rng.random() < MOVED_TWICE)
            first, *others = rng.sample(codes, min(times, len(codes)))
            found.append(Entry(first, origin, self._address(), persons))
            found += [
                Entry(code, origin, self._address(), enter_again(persons, self._surnames, rng)) for code in others
            ]
        real = tuple(found)
        for _ in range(round(families * NEAR_MISSES)):
            met = rng.choice(real)
            elsewhere = rng.choice([code for code in codes if code != met.municipality])
            alike = self._look_alike(rng.choice(met.persons))
            found.append(Entry(elsewhere, next(number), self._address(), (alike,)))
        for _ in range(round(families * SPLIT_TWINS)):
            twin = self._person(self._surname(), rng.randint(1965, 2000))
            both = (twin, self._other_person(twin))
            places = rng.sample(codes, 2)
            found += [
                Entry(code, next(number), self._address(), (one,)) for code, one in zip(places, both, strict=True)
            ]
        return found

    def _family(self) -> tuple[Person, ...]:
        """Up to two parents and their children; now and then twins, a grandparent or a young person alone."""
        rng = self._rng
        if rng.random() < 0.12:
            return (self._person(self._surname(), rng.randint(1945, 2008)),)
        name, partner = self._surname(), self._surname()
        year = rng.randint(1968, 1998)
        parents = [self._person(name, year)]
        if rng.random() < 0.7:
            own = (partner[0], f"{partner[1]}-{name[1]}") if rng.random() < 0.15 else partner
            parents.append(self._person(own, year + rng.randint(-6, 6)))
        child_name = name
        if len(parents) == 2 and rng.random() < 0.08:
            child_name = (name[0], f"{name[1]} {partner[1]}")
        children: list[Person] = []
        for _ in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 3, 4, 5))):
            youngest = min(BORN_BEFORE.year - 1, year + 42)
            child = self._person(child_name, rng.randint(max(year + 18, BORN_BEFORE.year - 20), youngest))
            children.append(child)
            if rng.random() < 0.05:
                children.append(self._other_person(child))
        if rng.random() < 0.05:
            parents.append(self._person(name, year - rng.randint(22, 38)))
        return tuple(parents + children)

    def _person(self, surname: tuple[str, str], year: int) -> Person:
        rng = self._rng
        given = rng.sample(self._given, rng.choice((1, 1, 1, 2, 2, 3)))
        day = date(year, 1, 1) + timedelta(days=rng.randrange(365))
        born = f"{min(day, BORN_BEFORE):%Y%m%d}"
        if rng.random() < UNKNOWN_DATE:
            born = rng.choice((born[:6] + "00", born[:4] + "0000"))
        return Person(self._bsn(), " ".join(given), *surname, born)

    def _other_person(self, like: Person) -> Person:
        """Somebody else with the same surname and birth date, and not one given name in common."""
        given = self._rng.choice([name for name in self._given if name not in like.given.split()])
        return replace(like, bsn=self._bsn(), given=given)

    def _look_alike(self, person: Person) -> Person:
        """A near miss: a namesake a generation apart, or another person with the same surname and birth date."""
        if self._rng.random() < 0.5:
            return self._other_person(person)
        year = int(person.born[:4])
        apart = self._rng.randint(20, 35)
        other = year + apart if year + apart < BORN_BEFORE.year else year - apart
        born = f"{other}{person.born[4:]}" if person.born[4:] != "0229" else f"{other}0228"
        return replace(person, bsn=self._bsn(), born=born)

    def _surname(self) -> tuple[str, str]:
        return self._rng.choice(self._surnames)

    def _bsn(self) -> str:
        return self._numbers.pop() if self._numbers and self._rng.random() >= WITHOUT_BSN else ""

    def _address(self) -> tuple[str, str]:
        """A postcode that could be one, and a house number; sometimes nobody knows it."""
        rng = self._rng
        if rng.random() < 0.05:
            return "", ""
        letters = "ABCDEGHJKLMNPRTVWXZ"  # those in use, less the S, so that no pair is one that is never given out
        return f"{rng.randint(1000, 9999)}{rng.choice(letters)}{rng.choice(letters)}", str(rng.randint(1, 299))


def _split(name: str) -> tuple[str, str]:
    prefix, _, surname = name.rpartition("|")
    return prefix, surname


def _rows(family: str, entry: Entry, rng: random.Random, today: date) -> Iterator[dict[str, str]]:
    """A family's lines; all members share a case, each has a responsible professional."""
    digits = entry.municipality.removeprefix("GM")
    started = today - timedelta(days=rng.randrange(1, 365))
    for number, person in enumerate(entry.persons, start=1):
        values = (
            family, f"{family}-{number}", person.bsn, person.given, person.prefix, person.surname, person.born,
            *entry.address, f"ZAAK-{digits}-{family[1:]}", LEGAL_BASIS, started.isoformat(), "",
            f"medewerker{rng.randint(1, 8)}@{entry.municipality.lower()}.example",
        )  # fmt: skip
        yield dict(zip(COLUMNS, values, strict=True))


def _faulty_rows(code: str, rng: random.Random, today: date) -> Iterator[dict[str, str]]:
    for number, fault in enumerate(FAULTS, start=1):
        person = Person("", "Voorbeeld", "", f"Regelfout{number}", "19900101")
        entry = Entry(code, -1, ("", ""), (person,))
        for row in _rows(f"F{code.removeprefix('GM')}{number:02}", entry, rng, today):
            yield row | fault


def _truth(numbered: Sequence[tuple[str, Entry]]) -> Iterator[Truth]:
    """Every pair of entries of one family; the lower municipality code first."""
    places: dict[int, list[tuple[str, str]]] = {}
    for family, entry in numbered:
        places.setdefault(entry.origin, []).append((entry.municipality, family))
    for known in places.values():
        for a, b in combinations(sorted(known), 2):
            yield *a, *b


def _write(
    path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]], *, delimiter: str = ",", bom: bool = False
) -> None:
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
