"""How well a caseload will match, before any round: what is missing, who is there twice, who has too few keys.

Looks at one's own data only, sends and stores nothing, and repairs nothing. Counts and line numbers; nothing personal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from sluis_protocol.keys import LinkageKey, compare_within
from sluis_protocol.normalise import first_given_name, house_number, postcode, surname_parts
from sluis_protocol.record import Person
from sluis_protocol.rules import RuleSet

from .reading import Caseload, Ids

_PARTS = (
    "no BSN",
    "no given name",
    "initials only",
    "no surname",
    "no date of birth",
    "part of the date of birth unknown",
    "no address",
)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A kind of key: how many persons have one, and how many of them lose it because somebody else has the same."""

    kind: str
    persons: int
    shared: int


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be expected of a caseload.

    `missing`: persons by what isn't known of them. `twice`: the lines of each person who was entered more than once.
    `unfindable`: lines of persons whom no key will find, not even an exact copy of themselves. `with_family_only`:
    persons who are found only together with others of their family. `by_bsn_only`: persons whom nobody finds who
    doesn't know their BSN. `families_unfindable`: families that can't be found as they stand.
    """

    rules: str
    persons: int
    families: int
    missing: Mapping[str, int]
    twice: tuple[tuple[int, ...], ...]
    keys: tuple[KeyUse, ...]
    average_keys: float
    unfindable: tuple[int, ...]
    with_family_only: int
    by_bsn_only: int
    families_unfindable: int

    @property
    def too_few_keys(self) -> float:
        """The share of persons whom their own keys can't find."""
        return (len(self.unfindable) + self.with_family_only) / self.persons if self.persons else 0.0

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {**asdict(self), "too_few_keys": round(self.too_few_keys, 4)}


def assess(caseload: Caseload, rules: RuleSet) -> Quality:
    """How well the families that can take part will match under the rules."""
    families = caseload.families
    persons = {(family.family_id, m.person.person_id): m.person for family in families for m in family.members}
    compared = compare_within(families, rules)
    kept, twice = compared.unique, compared.twice
    again = {ids for entries in twice for ids in entries if not kept[ids]}
    alone = {ids for ids, keys in kept.items() if rules.accept([_kinds(keys)]) is not None}
    by_name = {ids for ids in alone if rules.accept([_by_name(kept[ids], rules)]) is not None}
    others = [ids for ids in persons if ids not in alone and ids not in again]
    by_family = {
        family.family_id: [(family.family_id, m.person.person_id) for m in family.members] for family in families
    }
    findable = {
        name for name, members in by_family.items() if rules.accept([_kinds(kept[ids]) for ids in members]) is not None
    }
    helped = [ids for ids in others if ids[0] in findable and kept[ids]]
    return Quality(
        rules=rules.identity,
        persons=len(persons),
        families=len(families),
        missing=_missing(persons.values()),
        twice=tuple(tuple(sorted(caseload.lines[ids] for ids in entries)) for entries in twice),
        keys=_uses(rules, compared.every),
        average_keys=round(sum(map(len, kept.values())) / len(kept), 1) if kept else 0.0,
        unfindable=tuple(sorted(caseload.lines[ids] for ids in set(others) - set(helped))),
        with_family_only=len(helped),
        by_bsn_only=len(alone - by_name),
        families_unfindable=len(families) - len(findable),
    )


def _kinds(keys: Iterable[LinkageKey]) -> list[str]:
    return [key.kind for key in keys]


def _by_name(keys: Iterable[LinkageKey], rules: RuleSet) -> list[str]:
    return [key.kind for key in keys if key.points < rules.thresholds.certain]


def _missing(persons: Iterable[Person]) -> dict[str, int]:
    """How many persons lack each part; a part that says "unknown" is missing."""
    counts = dict.fromkeys(_PARTS, 0)
    for person in persons:
        given, initial = first_given_name(person.given_names)
        born = person.birth_date
        counts["no BSN"] += person.bsn is None
        counts["no given name"] += not initial
        counts["initials only"] += bool(initial) and not given
        counts["no surname"] += not surname_parts(person.prefix, person.surname)
        counts["no date of birth"] += born is None
        counts["part of the date of birth unknown"] += born is not None and not born.complete
        counts["no address"] += not (postcode(person.postcode) and house_number(person.house_number))
    return counts


def _uses(rules: RuleSet, every: Mapping[Ids, Sequence[LinkageKey]]) -> tuple[KeyUse, ...]:
    """Each kind, with how many persons have a value that somebody else has, too; before anything is merged."""
    owners = Counter((key.kind, key.value) for keys in every.values() for key in keys)
    have, share = Counter[str](), Counter[str]()
    for keys in every.values():
        have.update({key.kind for key in keys})
        share.update({key.kind for key in keys if owners[key.kind, key.value] > 1})
    return tuple(KeyUse(kind, have[kind], share[kind]) for kind in rules.kinds)
