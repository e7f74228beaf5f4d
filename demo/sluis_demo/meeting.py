"""Which matches the demo plays on with after its round: two of one pair of municipalities.

Only the demo can choose so, because it sees into every node. It starts nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluis_protocol.rules import Grade

from .results import NodeMatch
from .world import Node, World


@dataclass(frozen=True, slots=True)
class Meeting:
    """A match that both sides know; `a` is the municipality with the lower code, each with its own family id."""

    match: str
    a: Node
    b: Node
    family_a: str
    family_b: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Chosen:
    """Two municipalities, and their matches: one to become a joint approach, one to be refused, and those left.

    Of those left, the first are of families that no third municipality helps: a visitor finds them easily.
    """

    towns: tuple[Node, Node]
    wanted: Meeting | None = None
    refused: Meeting | None = None
    left: tuple[Meeting, ...] = ()


def choose(world: World, known: Mapping[str, Sequence[NodeMatch]]) -> Chosen:
    """The two municipalities that share most; a match by BSN becomes an approach, one by name is refused, if there are.

    known: municipality code → its matches. Without any match, the first two municipalities and nothing to play.
    """
    pairs: dict[tuple[str, str], list[Meeting]] = defaultdict(list)
    for meeting in _meetings(world, known):
        pairs[meeting.a.oin, meeting.b.oin].append(meeting)
    if not pairs:
        return Chosen((world.nodes[0], world.nodes[1]))
    shared = max(pairs.values(), key=lambda found: (len(found), any(one.grade is Grade.BSN for one in found)))
    wanted = next((one for one in shared if one.grade is Grade.BSN), shared[0])
    rest = [one for one in shared if one is not wanted]
    refused = next((one for one in rest if one.grade is Grade.NAME), rest[0] if rest else None)
    often = Counter((code, match.family) for code, matches in known.items() for match in matches)
    left = sorted(
        (one for one in rest if one is not refused),
        key=lambda one: often[one.a.caseload.code, one.family_a] + often[one.b.caseload.code, one.family_b],
    )
    return Chosen((wanted.a, wanted.b), wanted, refused, tuple(left))


def _meetings(world: World, known: Mapping[str, Sequence[NodeMatch]]) -> list[Meeting]:
    """All matches that two municipalities know, in the order of the municipalities and of their families."""
    sides: dict[str, list[tuple[Node, NodeMatch]]] = defaultdict(list)
    for node in world.nodes:
        for match in known.get(node.caseload.code, ()):
            sides[match.match].append((node, match))
    found = []
    for match_id, both in sides.items():
        if len(both) == 2:  # `put_together` complains of the others
            (a, of_a), (b, of_b) = both
            found.append(Meeting(match_id, a, b, of_a.family, of_b.family, of_a.grade))
    return sorted(found, key=lambda one: (one.a.name, one.b.name, one.family_a, one.family_b))
