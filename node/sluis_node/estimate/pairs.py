"""How the persons of one caseload compare with each other, counted: on fields, and on linkage keys.

All pairs are counted, most of them without being looked at: only those that share a key are compared, the rest are two
persons. Two persons are known to be different if they stand in one family or have two BSNs, or if somebody else of the
one's family agrees with the other on more (a twin, a sister), and to be the same if they have one BSN. Only counts
leave this module, no person and no value of a key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sluis_protocol.keys import keys_of_file
from sluis_protocol.normalise import atoms
from sluis_protocol.record import Family, Person
from sluis_protocol.rules import RuleSet

FIELDS = ("given", "surname", "year", "month", "day")
MOST_HOLDERS = 500  # a value that more persons have says nothing, and would make very many pairs


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two persons compare: masks of fields, masks of kinds (in the rules' order), and the points they share."""

    fields_agreed: int
    fields_compared: int
    kinds_agreed: int
    kinds_compared: int
    points: int
    same: bool | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A caseload's comparisons with their counts, and what all pairs of different families come to.

    `pairs`: how many there are. `comparable`: how many of them both have a key, by kind. `held`: how many persons have
    one. `chance`: how often each field agrees in all pairs.
    """

    persons: int
    pairs: int
    comparisons: Mapping[Comparison, int]
    comparable: tuple[int, ...]
    held: tuple[int, ...]
    chance: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _One:
    """A person, reduced to what is compared."""

    family: int
    bsn: str | None
    keys: frozenset[tuple[int, str]]
    fields: tuple[frozenset[str], ...]

    @property
    def kinds(self) -> int:
        return _mask(kind for kind, _ in self.keys)


def compare(families: Sequence[Family], rules: RuleSet) -> Compared:
    """Compare everybody with everybody of another family."""
    keys = keys_of_file(families, rules)
    order = {name: at for at, name in enumerate(rules.kinds)}
    people = []
    for at, family in enumerate(families):
        for person in (member.person for member in family.members):
            own = frozenset((order[key.kind], key.value) for key in keys[family.family_id, person.person_id])
            people.append(_reduce(person, at, own))
    points = [kind.points for kind in rules.kinds.values()]
    sizes = [len(family.members) for family in families]
    kinds = range(len(points))
    return Compared(
        persons=len(people),
        pairs=_across(sizes),
        comparisons=_comparisons(people, points),
        comparable=tuple(_across(_by_family(people, len(sizes), kind)) for kind in kinds),
        held=tuple(sum(one.kinds >> kind & 1 for one in people) for kind in kinds),
        chance=tuple(_collisions([one.fields[field] for one in people]) for field in range(len(FIELDS))),
    )


def _reduce(person: Person, family: int, keys: frozenset[tuple[int, str]]) -> _One:
    variants = atoms(person)
    born = person.birth_date
    date = (born.year, born.month, born.day) if born else (0, 0, 0)
    named = [frozenset(variant[atom] for variant in variants if atom in variant) for atom in ("gk", "sk")]
    return _One(
        family,
        person.bsn,
        keys,
        (*named, *(frozenset({str(part)} if part else ()) for part in date)),
    )


def _comparisons(people: Sequence[_One], points: Sequence[int]) -> Counter[Comparison]:
    """Those who share a key, compared."""
    holders: dict[tuple[int, str], list[int]] = defaultdict(list)
    for at, one in enumerate(people):
        for key in one.keys:
            holders[key].append(at)
    found = {pair for having in holders.values() if len(having) <= MOST_HOLDERS for pair in combinations(having, 2)}
    pairs = [(one, other) for one, other in found if people[one].family != people[other].family]
    compared = [(pair, _compare(people[pair[0]], people[pair[1]], points)) for pair in pairs]
    best: dict[tuple[int, int], int] = defaultdict(int)  # fields on which a person agrees with any of a family
    for pair, comparison in compared:
        for entry in _entries(people, pair):
            best[entry] = max(best[entry], comparison.fields_agreed.bit_count())
    return Counter(
        replace(comparison, same=False)
        if comparison.same is None
        and any(comparison.fields_agreed.bit_count() < best[entry] for entry in _entries(people, pair))
        else comparison
        for pair, comparison in compared
    )


def _entries(people: Sequence[_One], pair: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Each of the two with the other's family."""
    one, other = pair
    return (one, people[other].family), (other, people[one].family)


def _compare(one: _One, other: _One, points: Sequence[int]) -> Comparison:
    shared = one.keys & other.keys
    both = list(zip(one.fields, other.fields, strict=True))
    return Comparison(
        fields_agreed=_mask(at for at, (mine, theirs) in enumerate(both) if mine & theirs),
        fields_compared=_mask(at for at, (mine, theirs) in enumerate(both) if mine and theirs),
        kinds_agreed=_mask(kind for kind, _ in shared),
        kinds_compared=one.kinds & other.kinds,
        points=sum(points[kind] for kind, _ in shared),
        same=one.bsn == other.bsn if one.bsn and other.bsn else None,
    )


def _mask(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask


def _across(sizes: Iterable[int]) -> int:
    """How many pairs there are of members of different groups."""
    sizes = list(sizes)
    return (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2


def _by_family(people: Sequence[_One], families: int, kind: int) -> list[int]:
    """How many members of each family have a key of the kind."""
    having = Counter(one.family for one in people if one.kinds >> kind & 1)
    return [having[family] for family in range(families)]


def _collisions(values: Sequence[frozenset[str]]) -> float:
    """The probability that two random persons agree on a field, if it is known of both."""
    known = [value for value in values if value]
    counts = Counter(value for held in known for value in held)
    pairs = len(known) * (len(known) - 1) / 2
    return sum(count * (count - 1) / 2 for count in counts.values()) / pairs if pairs else 1.0
