"""Linkage keys: what of a person is compared, and the bytes that are tagged (protocol.md, 2 and 3).

Pure. A key is exact: two persons share it or they don't. The keys never leave the node; only their tags do.
Blinding and evaluation are `sluis_protocol.oprf` and `sluis_protocol.threshold`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sluis_protocol.encoding import VERSION, lp_all
from sluis_protocol.normalise import atoms, first_given_name, fold, surname_parts
from sluis_protocol.record import Family, Person
from sluis_protocol.rules import Kind, RuleSet

SEPARATOR = "|"  # no atom has one


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


def unique_keys(families: Iterable[Family], rules: RuleSet) -> dict[tuple[str, str], tuple[LinkageKey, ...]]:
    """The keys of everybody in a node's caseload, by (family id, person id), without those that two persons have.

    A value that two of one's own persons share can't tell them apart, and frequent values are what frequency attacks
    need. Somebody who was entered more than once would lose everything that way. So entries with the same BSN, or
    with the same full name and complete date of birth and no two BSNs between them, are first taken as one person:
    the entry with a BSN (else the one with most keys, else the first by ids) keeps the keys, the others get none.
    The result doesn't depend on the order of families or members.
    """
    persons = {(f.family_id, r.person.person_id): r.person for f in families for r in f.members}
    keys = {ids: linkage_keys(persons[ids], rules) for ids in sorted(persons)}
    for entries in _same_person(persons):
        _, *others = sorted(entries, key=lambda ids: (persons[ids].bsn is None, -len(keys[ids]), ids))
        keys |= dict.fromkeys(others, ())
    owners = Counter((key.kind, key.value) for own in keys.values() for key in own)
    return {ids: tuple(key for key in own if owners[key.kind, key.value] == 1) for ids, own in keys.items()}


def _same_person(persons: Mapping[tuple[str, str], Person]) -> Iterable[list[tuple[str, str]]]:
    """The entries of each person, where there is more than one."""
    by_name: dict[object, list[tuple[str, str]]] = {}
    for ids in sorted(persons):
        by_name.setdefault(_full_identity(persons[ids]) or ids, []).append(ids)
    merged: dict[object, list[tuple[str, str]]] = {}
    for entries in by_name.values():
        numbers = {bsn for ids in entries if (bsn := persons[ids].bsn)}
        for ids in entries:
            # With two BSNs they are namesakes, and it can't be told which of them an entry without one is.
            shared = ids if len(numbers) > 1 else (*numbers, entries[0])[0]
            merged.setdefault(persons[ids].bsn or shared, []).append(ids)
    return [entries for entries in merged.values() if len(entries) > 1]


def _full_identity(person: Person) -> object | None:
    """Full name and complete date of birth in canonical form, or None if any of it isn't known."""
    born, given = person.birth_date, fold(person.given_names)
    parts = surname_parts(person.prefix, person.surname)
    if born is None or not born.complete or not parts or not first_given_name(person.given_names)[0]:
        return None
    return given, parts, born


def prf_input(covenant_id: str, purpose: str, round_id: str, rule_set: str, key: LinkageKey) -> bytes:
    """What is tagged: lp("sluis-v1") lp(covenant id) lp(purpose) lp(round id) lp(rule set) lp(kind) lp(value).

    protocol.md, 3. Two purposes, two rounds or two rule sets never share a tag (rules 6 and 19). `rule_set` is
    `RuleSet.identity`.
    """
    return lp_all([VERSION, covenant_id, purpose, round_id, rule_set, key.kind, key.value])
