"""Figures of a linkage: precision, recall, F1, and what the pairs disagree in that were missed or wrongly joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sluis_protocol.normalise import atoms
from sluis_protocol.record import Person


@dataclass(frozen=True, slots=True)
class Figures:
    """How many pairs were found, how many of them are right, how many should be found; `seconds` it took."""

    found: int
    right: int
    known: int
    seconds: float = 0.0

    @property
    def precision(self) -> float:
        """The share of what was found that is right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of what should be found that is."""
        return self.right / self.known if self.known else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return 2 * self.right / (self.found + self.known) if self.right else 0.0

    def cells(self) -> list[str]:
        """Precision, recall, F1, missed, wrong, as a table has them."""
        rates = [f"{rate:.4f}" for rate in (self.precision, self.recall, self.f1)]
        return [*rates, f"{self.known - self.right:,}", f"{self.found - self.right:,}"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the columns after the first are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def causes(pairs: Iterable[tuple[Person, Person]], most: int = 8) -> list[tuple[str, int]]:
    """What the pairs disagree in, the most frequent first, the rest in one line."""
    counted = Counter(difference(one, other) for one, other in pairs)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[most:])
    return ranked[:most] + ([("something else", rest)] if rest else [])


def difference(one: Person, other: Person) -> str:
    """What two entries disagree in, in words; only by their canonical forms, so a respelling is no difference."""
    ours, theirs = atoms(one), atoms(other)
    parts = [
        _name("given name", "gk", "gi", ours, theirs),
        _name("surname", "sk", "", ours, theirs),
        _date(ours[0], theirs[0]),
        _home(ours[0], theirs[0]),
    ]
    return ", ".join(part for part in parts if part) or "nothing in canonical form"


def _name(
    what: str, sounds: str, initial: str, ours: Sequence[Mapping[str, str]], theirs: Sequence[Mapping[str, str]]
) -> str:
    mine, others = ({one[sounds] for one in variants if sounds in one} for variants in (ours, theirs))
    if mine & others:
        return ""
    if mine and others:
        crossed = "sk" if sounds == "gk" else "gk"
        if mine & {one.get(crossed) for one in theirs} and others & {one.get(crossed) for one in ours}:
            return "names swapped" if sounds == "gk" else ""
        return f"{what} differs"
    if initial and all(any(initial in one for one in variants) for variants in (ours, theirs)):
        return "an initial only"
    return f"no {what}"


def _date(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    same = [part for part in ("y", "m", "d") if part in ours and ours.get(part) == theirs.get(part)]
    if len(same) == 3 or ours.get("ysw", "") == theirs.get("ysw", "-"):
        return ""
    if not ({"y", "m", "d"} <= set(ours) and {"y", "m", "d"} <= set(theirs)):
        return "date unknown" if len(same) < 2 else "day unknown"
    return "one part of the date differs" if len(same) == 2 else "date differs"


def _home(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    same = [part for part in ("pc", "hn") if part in ours and ours.get(part) == theirs.get(part)]
    return ("other or no address", "half of the address", "")[len(same)]
