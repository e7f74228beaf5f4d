"""What came out of a round: both sides of every match put together, the CSV of it, and how well it fits a truth.

Only the demo can do this, because it sees into every node; nobody else ever holds this list. It starts nothing.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sluis_protocol.errors import InputError, MalformedMessage
from sluis_protocol.rules import Grade

OUT_COLUMNS = ("gemeente_a", "gezin_a", "gemeente_b", "gezin_b", "grade")
TRUTH_COLUMNS = OUT_COLUMNS[:4]

Entry = tuple[str, str]  # municipality code, its own family id


class Counterpart(BaseModel):
    """The other municipality of a match."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    municipality: str


class NodeMatch(BaseModel):
    """One side of a match, as `sluis-node` tells it with --json; what the demo has no use for is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    match: str
    round: str
    counterpart: Counterpart
    grade: Grade
    family: str


@dataclass(frozen=True, slots=True, order=True)
class SharedFamily:
    """Two municipalities help the same family; the lower code first."""

    municipality_a: str
    family_a: str
    municipality_b: str
    family_b: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Score:
    """How the found pairs of families fit the true ones."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of the found pairs that are true; 1 where nothing was found."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """The share of the true pairs that were found; 1 where there are none."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)


def parse_matches(told: object, *, municipality: str) -> list[NodeMatch]:
    """The matches as a node lists them in its JSON; raise MalformedMessage if they aren't that."""
    try:
        return TypeAdapter(list[NodeMatch]).validate_json(json.dumps(told))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) or "the whole" for problem in error.errors())
        raise MalformedMessage("a node's list of matches can't be read", municipality=municipality, at=fields) from None


def put_together(known: Mapping[str, Sequence[NodeMatch]]) -> tuple[list[SharedFamily], list[str]]:
    """Shared families, sorted, and what is wrong with the matches that are not whole.

    known: municipality code → its matches. A match is whole if exactly two municipalities know it, each names the
    other, and both give it the same grade.
    """
    sides: dict[str, list[tuple[str, NodeMatch]]] = defaultdict(list)
    for municipality in sorted(known):
        for match in known[municipality]:
            sides[match.match].append((municipality, match))
    shared, faults = [], []
    for match_id, found in sides.items():
        if len(found) != 2:
            told = ", ".join(f"{code} (with {match.counterpart.municipality})" for code, match in found)
            faults.append(f"match {match_id} is known to {len(found)} instead of 2 municipalities: {told}")
            continue
        (a, of_a), (b, of_b) = found
        if (of_a.counterpart.municipality, of_b.counterpart.municipality) != (b, a):
            faults.append(f"match {match_id}: {a} and {b} don't name each other")
        elif of_a.grade != of_b.grade:
            faults.append(f"match {match_id}: {a} grades it {of_a.grade}, {b} {of_b.grade}")
        else:
            shared.append(SharedFamily(a, of_a.family, b, of_b.family, of_a.grade))
    return sorted(shared), sorted(faults)


def write_shared(path: Path, shared: Iterable[SharedFamily]) -> None:
    """The shared families as CSV; raise InputError if the file can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(OUT_COLUMNS)
            writer.writerows((s.municipality_a, s.family_a, s.municipality_b, s.family_b, s.grade) for s in shared)
    except OSError as error:
        raise InputError(f"the result can't be written: {error.strerror}", do="check --out", file=path) from error


def read_truth(path: Path) -> set[frozenset[Entry]]:
    """The pairs of families that are the same; raise InputError for a file without the four columns."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the truth can't be read", do="check --truth; it is a CSV file in UTF-8", file=path) from error
    header, *_ = text.splitlines() or [""]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if ";" in header else ",")
    if lacking := [column for column in TRUTH_COLUMNS if column not in (reader.fieldnames or ())]:
        raise InputError("the truth lacks columns", do="add " + ", ".join(lacking), file=path)
    pairs = set()
    for row in reader:
        cells = [(row[column] or "").strip() for column in TRUTH_COLUMNS]
        if not all(cells):
            raise InputError("a line of the truth is not complete", file=path, line=reader.line_num)
        pairs.add(frozenset([(cells[0], cells[1]), (cells[2], cells[3])]))
    return pairs


def of_municipalities(truth: set[frozenset[Entry]], codes: Collection[str], file: Path) -> set[frozenset[Entry]]:
    """The pairs between these municipalities; raise InputError if there are pairs, and none of them is."""
    kept = {pair for pair in truth if all(code in codes for code, _ in pair)}
    if truth and not kept:
        raise InputError(
            "the truth is about other municipalities than the caseloads", do="check --truth and --caseloads", file=file
        )
    return kept


def score(shared: Iterable[SharedFamily], truth: set[frozenset[Entry]]) -> Score:
    """Compare pairs of families, whichever is named first."""
    found = {frozenset([(s.municipality_a, s.family_a), (s.municipality_b, s.family_b)]) for s in shared}
    return Score(right=len(found & truth), wrong=len(found - truth), missed=len(truth - found))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
