"""What padding and the protocol leave to be seen, measured: sizes, and who shares with how many (protocol.md, 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sluis_protocol.keys import unique_keys
from sluis_protocol.submission import assemble, bucket, row_bytes

from ..node.people import family
from .attack import Tally, below, seeded
from .on_tags import by_size
from .scene import RULES, Keys, invented


@dataclass(frozen=True)
class Size:
    """A caseload, what of it is handed in, and between which sizes it must lie."""

    families: int
    persons: int
    shown_families: int
    shown_persons: int
    megabytes: float
    least: int
    most: int


def sizes() -> Iterator[Size]:
    """Caseloads with families of one to five persons."""
    for count in (20, 64, 150, 400):
        random = seeded(f"padding {count}")
        of_each = [1 + below(5, random) for _ in range(count)]
        handed = assemble(invented(of_each, random), RULES, random)
        shown = len(handed.rows)
        alike = sorted(_alike(handed.families, shown))
        megabytes = shown * row_bytes(RULES.slots) / 1e6
        yield Size(count, sum(of_each), handed.families, shown, megabytes, alike[0], alike[-1])


def _alike(families: int, persons: int) -> set[int]:
    """The numbers of persons that would be padded to the same numbers; each family has one at least."""
    return {
        real
        for own in range(families + 1)
        if bucket(own) == families
        for real in range(own, persons + 1)
        if bucket(real + families - own) == persons
    }


def family_sizes() -> Iterator[tuple[int, Tally]]:
    """For each size in a caseload of 50 families: how often somebody who knows all sizes names the right handle."""
    yield from sorted(by_size(defended=True).items(), reverse=True)


def evaluations() -> tuple[int, int, int]:
    """Persons of a caseload, its linkage keys, and the most that their slots could be: evaluations are not padded."""
    keys = unique_keys([family(f"F{number}", number) for number in range(30)], RULES)
    return len(keys), sum(map(len, keys.values())), len(keys) * RULES.slots


def shared_by_many() -> Tally:
    """Families by the number of municipalities that have them: told, where no other family has that number."""
    keys, random = Keys.of("many"), seeded("many")
    spread = {0: 5, 1: 4, 2: 3, 3: 2, 4: 2, 5: 1, 6: 1}
    seen: dict[bytes, int] = {}
    truth: dict[bytes, int] = {}
    for municipality in range(5):
        families = [family(f"F{number}", number) for number, count in spread.items() if municipality < count]
        handed = keys.submission(families, random)
        for row in handed.rows:
            for tag in row.tags:
                seen[tag] = seen.get(tag, 0) + 1
        for own in handed.own.values():
            truth |= {key.tag: int(own.family_id[1:]) for person in own.members.values() for key in person.keys}
    alone = {count: number for number, count in spread.items() if list(spread.values()).count(count) == 1}
    told = {alone[count] for tag, count in seen.items() if count in alone and truth.get(tag) == alone[count]}
    return Tally(len(told), len(alone))
