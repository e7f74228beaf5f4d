"""Linkage keys: what of a person is compared, and the bytes that are tagged (protocol.md, 2 and 3).

Pure. A key is exact: two persons share it or they don't. The keys never leave the node; only their tags do.
Blinding and evaluation are `sluis_protocol.oprf` and `sluis_protocol.threshold`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from sluis_protocol.encoding import VERSION, lp_all
from sluis_protocol.normalise import atoms, home
from sluis_protocol.record import Family, Person
from sluis_protocol.rules import Kind, RuleSet

SEPARATOR = "|"  # no atom has one
MOST_ENTRIES = 10  # of one person in one file, which also bounds the work

Ids = tuple[str, str]  # family id, person id


@dataclass(frozen=True, slots=True)
class LinkageKey:
    """One key of a person: `value` is the canonical text that both nodes must arrive at."""

    kind: str
    value: str = field(repr=False)
    points: int


def linkage_keys(person: Person, rules: RuleSet) -> tuple[LinkageKey, ...]:
    """The keys of a person, at most `slots` of each kind, in the order of the rule set, none twice.

    A key of which an atom is unknown is left out. So an unknown date, or part of one, agrees with nothing (rule 10).
    """
    variants = atoms(person)
    return tuple(
        LinkageKey(kind.name, value, kind.points)
        for kind in rules.kinds.values()
        for value in _values(kind, variants)[: kind.slots]
    )


def _values(kind: Kind, variants: Iterable[Mapping[str, str]]) -> list[str]:
    complete = (v for v in variants if all(atom in v for atom in kind.atoms))
    return list(dict.fromkeys(SEPARATOR.join(v[atom] for atom in kind.atoms) for v in complete))


def keys_of_file(families: Iterable[Family], rules: RuleSet) -> dict[Ids, tuple[LinkageKey, ...]]:
    """The keys of everybody in a caseload, by (family id, person id), before uniqueness.

    Keys with an address are left out where an address is no evidence of who somebody is. That is everywhere in a file
    with BSNs: whoever has none there is new, or lives where many do, and would be confused with those they live with.
    In a file without, it is so for an address that more than `most_at_home` families have.
    """
    return _keys_of_file(_by_ids(families), rules)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """The keys of a node's caseload, by (family id, person id).

    `every`: before uniqueness, as `keys_of_file`. `twice`: the entries of each person of whom there is more than one,
    sorted; what a municipality should put right. `unique`: what is tagged.
    """

    every: Mapping[Ids, tuple[LinkageKey, ...]] = field(repr=False)
    twice: list[tuple[Ids, ...]] = field(repr=False)
    unique: Mapping[Ids, tuple[LinkageKey, ...]] = field(repr=False)


def compare_within(families: Iterable[Family], rules: RuleSet) -> FileKeys:
    """Compare a node's own persons with one another: who is there twice, and which keys tell them apart.

    A value that two of one's own persons share can't tell them apart, and frequent values are what frequency attacks
    need: such keys are left out. Somebody who was entered more than once would lose everything that way, so the entries
    of one person are taken together first: the entry with a BSN (else the one with most keys, else the first by ids)
    keeps the keys, the others get none. The result doesn't depend on the order of families or members.

    Two entries are one person if they have the same BSN, or are of two families, have no two BSNs between them, and
    share keys by which two nodes would have a match, those with an address left out: relatives share one.
    """
    persons = _by_ids(families)
    every = _keys_of_file(persons, rules)
    twice = _same_person(persons, every, rules)
    kept = dict(every)
    for entries in twice:
        _, *others = sorted(entries, key=lambda ids: (persons[ids].bsn is None, -len(every[ids]), ids))
        kept |= dict.fromkeys(others, ())
    owners = Counter((key.kind, key.value) for own in kept.values() for key in own)
    unique = {ids: tuple(key for key in own if owners[key.kind, key.value] == 1) for ids, own in kept.items()}
    return FileKeys(every, sorted(tuple(sorted(entries)) for entries in twice), unique)


def unique_keys(families: Iterable[Family], rules: RuleSet) -> Mapping[Ids, tuple[LinkageKey, ...]]:
    """The keys of everybody in a node's caseload that nobody else in it has, as `compare_within` finds them."""
    return compare_within(families, rules).unique


def pairs_within(keys: Mapping[Ids, Iterable[LinkageKey]]) -> dict[tuple[Ids, Ids], list[LinkageKey]]:
    """The keys that each two entries of one file share; a value that more than `MOST_ENTRIES` have says nothing."""
    holders: dict[LinkageKey, list[Ids]] = {}
    for ids in sorted(keys):
        for key in keys[ids]:
            holders.setdefault(key, []).append(ids)
    shared: dict[tuple[Ids, Ids], list[LinkageKey]] = {}
    for key, having in holders.items():
        if len(having) <= MOST_ENTRIES:
            for pair in combinations(having, 2):
                shared.setdefault(pair, []).append(key)
    return shared


def connected(pairs: Iterable[tuple[Ids, Ids]]) -> list[list[Ids]]:
    """The groups that pairs make."""
    group: dict[Ids, list[Ids]] = {}
    for one, other in pairs:
        first, second = group.setdefault(one, [one]), group.setdefault(other, [other])
        if first is not second:
            first += second
            group |= dict.fromkeys(second, first)
    return list({id(members): members for members in group.values()}.values())


def _by_ids(families: Iterable[Family]) -> dict[Ids, Person]:
    return {(f.family_id, r.person.person_id): r.person for f in families for r in f.members}


def _keys_of_file(persons: Mapping[Ids, Person], rules: RuleSet) -> dict[Ids, tuple[LinkageKey, ...]]:
    keys = {ids: linkage_keys(persons[ids], rules) for ids in sorted(persons)}
    if any(person.bsn for person in persons.values()):
        unproven = set(persons)
    else:
        living: dict[str, set[Ids]] = {}
        for ids, person in persons.items():
            if address := home(person):
                living.setdefault(address, set()).add(ids)
        crowded = (there for there in living.values() if len({family for family, _ in there}) > rules.most_at_home)
        unproven = {ids for there in crowded for ids in there}
    for ids in unproven:
        keys[ids] = tuple(key for key in keys[ids] if not rules.kinds[key.kind].shows_address)
    return keys


def _same_person(
    persons: Mapping[Ids, Person], keys: Mapping[Ids, tuple[LinkageKey, ...]], rules: RuleSet
) -> list[list[Ids]]:
    """The entries of each person, where there is more than one."""
    named = {ids: [key for key in own if not rules.kinds[key.kind].shows_address] for ids, own in keys.items()}
    by_name = []
    for (one, other), shared in pairs_within(named).items():
        numbers = {persons[one].bsn, persons[other].bsn} - {None}
        if one[0] != other[0] and len(numbers) < 2 and rules.accept([[key.kind for key in shared]]):
            by_name.append((one, other))
    by_number: dict[str, Ids] = {}
    pairs = [(by_number.setdefault(bsn, ids), ids) for ids in sorted(persons) if (bsn := persons[ids].bsn)]
    for entries in connected(by_name):
        # With two BSNs they are namesakes, and it can't be told which of them an entry without one is.
        if len({persons[ids].bsn for ids in entries} - {None}) < 2:
            pairs += [(entries[0], ids) for ids in entries]
    return [entries for entries in connected(pairs) if len(entries) > 1]


def prf_input(covenant_id: str, purpose: str, round_id: str, rule_set: str, key: LinkageKey) -> bytes:
    """What is tagged: lp("sluis-v1") lp(covenant id) lp(purpose) lp(round id) lp(rule set) lp(kind) lp(value).

    protocol.md, 3. Two purposes, two rounds or two rule sets never share a tag (rules 6 and 19). `rule_set` is
    `RuleSet.identity`.
    """
    return lp_all([VERSION, covenant_id, purpose, round_id, rule_set, key.kind, key.value])
