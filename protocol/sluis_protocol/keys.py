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
_MOST_ENTRIES = 10  # of one person in one file, which also bounds the work

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


def unique_keys(families: Iterable[Family], rules: RuleSet) -> dict[Ids, tuple[LinkageKey, ...]]:
    """The keys of everybody in a node's caseload, by (family id, person id), without those that two persons have.

    A value that two of one's own persons share can't tell them apart, and frequent values are what frequency attacks
    need. Somebody who was entered more than once would lose everything that way, so the entries of `entered_twice` are
    first taken as one person: the entry with a BSN (else the one with most keys, else the first by ids) keeps the keys,
    the others get none. The result doesn't depend on the order of families or members.
    """
    persons = _by_ids(families)
    keys = _keys_of_file(persons, rules)
    for entries in _same_person(persons, keys, rules):
        _, *others = sorted(entries, key=lambda ids: (persons[ids].bsn is None, -len(keys[ids]), ids))
        keys |= dict.fromkeys(others, ())
    owners = Counter((key.kind, key.value) for own in keys.values() for key in own)
    return {ids: tuple(key for key in own if owners[key.kind, key.value] == 1) for ids, own in keys.items()}


def entered_twice(families: Iterable[Family], rules: RuleSet) -> list[tuple[Ids, ...]]:
    """The entries of each person of whom there is more than one, sorted: what a municipality should put right.

    Two entries are one person if they have the same BSN, or are of two families, have no two BSNs between them, and
    share keys by which two nodes would have a match, those with an address left out: relatives share one.
    """
    persons = _by_ids(families)
    return sorted(tuple(sorted(entries)) for entries in _same_person(persons, _keys_of_file(persons, rules), rules))


def pairs_within(
    keys: Mapping[Ids, Iterable[LinkageKey]], most: int = _MOST_ENTRIES
) -> dict[tuple[Ids, Ids], list[LinkageKey]]:
    """The keys that each two entries of one file share; a value that more than `most` have says nothing."""
    holders: dict[LinkageKey, list[Ids]] = {}
    for ids in sorted(keys):
        for key in keys[ids]:
            holders.setdefault(key, []).append(ids)
    shared: dict[tuple[Ids, Ids], list[LinkageKey]] = {}
    for key, having in holders.items():
        if len(having) <= most:
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
    numbered = any(person.bsn for person in persons.values())
    homes = {ids: home(person) for ids, person in persons.items()}
    families: dict[str, set[str]] = {}
    for ids, address in homes.items():
        families.setdefault(address, set()).add(ids[0])
    crowded = {address for address, living in families.items() if address and len(living) > rules.most_at_home}
    keys = {}
    for ids in sorted(persons):
        every = linkage_keys(persons[ids], rules)
        without = numbered or homes[ids] in crowded
        keys[ids] = tuple(key for key in every if not (without and rules.kinds[key.kind].shows_address))
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
