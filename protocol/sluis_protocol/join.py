"""The join: which families of two nodes share enough tags to be candidates (protocol.md, 5 and 6).

Pure, and it knows tags and points only: no kinds, no keys, no persons. `join` defines the result. It has two halves:
`person_pairs` compares all tags of a round, which the coordinator's service does in SQL instead, with the same result;
`family_pairs` makes candidates of them. `check_claim` is what a node does with a candidate before it confirms.
Not checked here: sizes, signatures and commitments of submissions (`sluis_protocol.submission`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, groupby

from sluis_protocol.errors import Anomaly
from sluis_protocol.rules import Grade, RuleSet, Thresholds

_REPORT = "Report it to the operator of the coordinator; the log holds what both sides were sent."


@dataclass(frozen=True, slots=True)
class TaggedPerson:
    """One row of a submission: random 64-bit handles, whether a BSN is known, 16-byte tags with the points of each."""

    family: int
    person: int
    has_bsn: bool
    tags: tuple[bytes, ...] = field(repr=False)
    points: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.tags) != len(self.points):
            raise ValueError(f"{len(self.tags)} tags with {len(self.points)} points")


@dataclass(frozen=True, slots=True, order=True)
class PersonPair:
    """Two persons that share tags: their handles, the tags sorted, and the points that these add up to."""

    person_a: int
    person_b: int
    tags: tuple[bytes, ...] = field(repr=False)
    score: int


@dataclass(frozen=True, slots=True, order=True)
class PairInFamilies:
    """A person pair with the families and the nodes that it comes from; oin_a < oin_b."""

    oin_a: str
    oin_b: str
    family_a: int
    family_b: int
    pair: PersonPair


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """Two families of two nodes that reach the thresholds; oin_a < oin_b, and each person is in one pair at most."""

    oin_a: str
    oin_b: str
    family_a: int
    family_b: int
    pairs: tuple[PersonPair, ...]


def join(submissions: Mapping[str, Sequence[TaggedPerson]], thresholds: Thresholds) -> list[Candidate]:
    """The candidates of a round, sorted; the order of submissions and of their rows makes no difference."""
    return family_pairs(person_pairs(submissions, thresholds), thresholds)


def person_pairs(submissions: Mapping[str, Sequence[TaggedPerson]], thresholds: Thresholds) -> Iterable[PairInFamilies]:
    """Every two persons of different nodes that share enough, sorted.

    1. A tag that is more than once in one submission is ignored for that submission.
    2. A tag that both have counts for the lower of the two sides' points.
    3. Where both have a BSN, only a shared tag of at least `certain` points makes a pair; two BSNs are two people.
    4. Otherwise the points of all shared tags must reach `person`.
    """
    once = {oin: _once(chain.from_iterable(row.tags for row in submissions[oin])) for oin in sorted(submissions)}
    elsewhere = Counter(chain.from_iterable(once.values()))
    holders: dict[bytes, list[tuple[str, int, int]]] = defaultdict(list)  # tag: (OIN, row, points) of each holder
    for oin, own in once.items():
        common = {tag for tag in own if elsewhere[tag] > 1}
        for at, row in enumerate(submissions[oin]):
            if not common.isdisjoint(row.tags):
                for tag, points in zip(row.tags, row.points, strict=True):
                    if tag in common:
                        holders[tag].append((oin, at, points))
    shared: dict[tuple[str, str, int, int], list[tuple[bytes, int]]] = defaultdict(list)
    for tag, having in holders.items():
        for (oin_a, row_a, points_a), (oin_b, row_b, points_b) in combinations(having, 2):
            shared[oin_a, oin_b, row_a, row_b].append((tag, min(points_a, points_b)))
    found = []
    for (oin_a, oin_b, row_a, row_b), tags in shared.items():
        one, other = submissions[oin_a][row_a], submissions[oin_b][row_b]
        score = sum(points for _, points in tags)
        if one.has_bsn and other.has_bsn:
            counts = max(points for _, points in tags) >= thresholds.certain
        else:
            counts = score >= thresholds.person
        if counts:
            pair = PersonPair(one.person, other.person, tuple(sorted(tag for tag, _ in tags)), score)
            found.append(PairInFamilies(oin_a, oin_b, one.family, other.family, pair))
    return sorted(found, key=lambda one: (*_families(one), one.pair.person_a, one.pair.person_b))


def _once(tags: Iterable[bytes]) -> set[bytes]:
    """Those that are there exactly once."""
    return {tag for tag, count in Counter(tags).items() if count == 1}


def family_pairs(pairs: Iterable[PairInFamilies], thresholds: Thresholds) -> list[Candidate]:
    """The families whose person pairs add up to `family`, sorted.

    Each person counts once: the pair with the highest score is taken first, then by handles, and its two persons are
    out. A person pair that reaches `family` by itself is enough, so families of one need no rule of their own.
    """
    candidates = []
    for (oin_a, oin_b, family_a, family_b), group in groupby(sorted(pairs, key=_families), key=_families):
        taken = _assign([one.pair for one in group])
        if sum(pair.score for pair in taken) >= thresholds.family:
            candidates.append(Candidate(oin_a, oin_b, family_a, family_b, taken))
    return candidates


def _families(one: PairInFamilies) -> tuple[str, str, int, int]:
    return one.oin_a, one.oin_b, one.family_a, one.family_b


def _assign(pairs: Iterable[PersonPair]) -> tuple[PersonPair, ...]:
    """Greedy: best score first, ties by handles; sorted by handles in the end."""
    used_a: set[int] = set()
    used_b: set[int] = set()
    taken = []
    for pair in sorted(pairs, key=lambda pair: (-pair.score, pair)):
        if pair.person_a not in used_a and pair.person_b not in used_b:
            used_a.add(pair.person_a)
            used_b.add(pair.person_b)
            taken.append(pair)
    return tuple(sorted(taken))


def check_claim(
    own: Mapping[int, Mapping[bytes, str]], claimed: Mapping[int, Sequence[bytes]], rules: RuleSet
) -> Grade | None:
    """A node's own check of a candidate: its grade, or None where the two families just aren't a match.

    `own` has, for each person handle of the one family, the kind of each real tag; `claimed` has the tags that are
    said to be shared, by person handle. The other node decides on the same kinds, so it comes to the same answer.
    Raises `Anomaly` for a claim that no honest coordinator makes:
    1. it names no person, or one that isn't in the family;
    2. it names no tag for a person, a tag twice, or one that isn't a real tag of theirs (a dummy matches nobody).
    That the other side truly has the tags is left to the confirmation (protocol.md, 6).
    """
    if not claimed:
        raise Anomaly("a candidate names no person", do=_REPORT)
    seen: set[bytes] = set()
    for person, tags in claimed.items():
        if person not in own:
            raise Anomaly("a candidate names a person of another family", do=_REPORT)
        if not tags or any(tag not in own[person] for tag in tags):
            raise Anomaly("a candidate names a tag that can't be shared", do=_REPORT)
        if len(set(tags)) != len(tags) or seen & set(tags):
            raise Anomaly("a candidate names a tag twice", do=_REPORT)
        seen |= set(tags)
    return rules.accept([[own[person][tag] for tag in tags] for person, tags in claimed.items()])
