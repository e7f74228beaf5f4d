"""Invented families in one naming tradition: who they are, before any clerk writes them down.

A `Household` says how a family is made up: how many, what age, twins or not. The same households are named in every
tradition, so that what is compared are names. Everything comes from the `random.Random` that is given.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from benchmarks.traditions.tradition import Name, Spelling, Tradition

LATEST = 2025
TWINS = 0.05  # of the children
ALONE = 0.25  # of the households: one person
UNKNOWN_DAY, UNKNOWN_MONTH = 0.01, 0.01  # in the register already

Born = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a household: sex and year of birth; `twin` has the birthday of the one before."""

    woman: bool
    year: int
    twin: bool = False


@dataclass(frozen=True, slots=True)
class Household:
    """One or two parents, first the father or the one there is, then their children."""

    parents: tuple[Slot, ...]
    children: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Someone:
    """A person: all their names, and which given name they go by; `partner` is the partner's surname if it differs."""

    given: tuple[Name, ...]
    called: int
    surname: tuple[Name, ...]
    woman: bool
    born: Born
    partner: Name | None = None


def draw_household(rng: random.Random) -> Household:
    """How a family is made up."""
    if rng.random() < ALONE:
        return Household((Slot(rng.random() < 0.5, rng.randint(1945, 2007)),), ())
    year = rng.randint(1965, 1998)
    parents = [Slot(False, year), Slot(True, year + rng.randint(-5, 5))]
    if rng.random() < 0.35:
        parents = [parents[rng.random() < 0.85]]
    children: list[Slot] = []
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4))):
        child = Slot(rng.random() < 0.5, rng.randint(max(year + 18, LATEST - 22), min(LATEST - 1, year + 42)))
        children.append(child)
        if rng.random() < TWINS:
            children.append(Slot(rng.random() < 0.5, child.year, twin=True))
    return Household(tuple(parents), tuple(children))


def draw_family(tradition: Tradition, household: Household, rng: random.Random) -> tuple[Someone, ...]:
    """The household with names and birthdays."""
    naming = _Naming(tradition, rng)
    # A father whom the household doesn't have has given his children names all the same.
    man = naming.adult(Slot(False, household.parents[0].year))
    woman = naming.adult(Slot(True, household.parents[-1].year))
    if len(household.parents) == 2:
        man, woman = naming.marry(man, woman)
    parents = [(woman if slot.woman else man) for slot in household.parents]
    family = list(parents)
    for slot in household.children:
        twin = family[-1] if slot.twin else None
        family.append(naming.child(slot, man, woman, twin))
    return tuple(family)


def other_given_name(tradition: Tradition, person: Someone, rng: random.Random) -> Someone:
    """Somebody else with the same surname and date of birth: a twin, or a coincidence."""
    naming = _Naming(tradition, rng)
    taken = {name.registered for name in person.given}
    while True:
        other = naming.adult(Slot(person.woman, person.born[0]))
        if not other.given or not taken & {name.registered for name in other.given}:
            return replace(person, given=other.given or (naming.given(person.woman),), called=other.called)


def generation_apart(person: Someone, rng: random.Random) -> Someone:
    """A namesake a generation older or younger: father and son."""
    apart = rng.randint(20, 35)
    year = person.born[0] + apart if person.born[0] + apart < LATEST else person.born[0] - apart
    return replace(person, born=(year, rng.randint(1, 12), rng.randint(1, 28)), partner=None)


class _Naming:
    """Names persons as the tradition does."""

    def __init__(self, tradition: Tradition, rng: random.Random) -> None:
        self.tradition = tradition
        self.rng = rng

    def adult(self, slot: Slot) -> Someone:
        father = self.given(False)
        if self.tradition.surname == "father's given":
            return self._person(slot, (father, self.given(False)), father)
        pair = self.tradition.surname != "inherited"
        surname = tuple(self._bearing(self._surname(), slot.woman) for _ in range(1 + pair))
        return self._person(slot, surname, father)

    def child(self, slot: Slot, father: Someone, mother: Someone, twin: Someone | None) -> Someone:
        own = father.given[father.called] if father.given else father.surname[0]
        match self.tradition.surname:
            case "father's given":
                surname: tuple[Name, ...] = (own, father.surname[0])
            case "mother father":
                surname = (mother.surname[-1], father.surname[-1])
            case "father mother":
                surname = (father.surname[0], mother.surname[0])
            case _:
                surname = (self._bearing(father.surname[0], slot.woman),)
        person = self._person(slot, surname, own)
        while twin is not None and person.given[:1] == twin.given[:1] and person.given:
            person = self._person(slot, surname, own)
        return person if twin is None else replace(person, born=twin.born)

    def marry(self, man: Someone, woman: Someone) -> tuple[Someone, Someone]:
        if self.tradition.surname == "father's given":
            return man, woman
        his = self._bearing(man.surname[-1], True)
        if self.rng.random() < self.tradition.wife_takes and self.tradition.surname == "inherited":
            return man, replace(woman, surname=(his,))
        return replace(man, partner=woman.surname[-1]), replace(woman, partner=his)

    def given(self, woman: bool) -> Name:
        return self.rng.choice(self.tradition.given_f if woman else self.tradition.given_m)

    def _person(self, slot: Slot, surname: tuple[Name, ...], father: Name) -> Someone:
        """Names of the tradition's parts, in the register's order."""
        has, rng = self.tradition, self.rng
        born = self._birthday(slot.year)
        if rng.random() < has.single:
            return Someone((), 0, (self.given(slot.woman),), slot.woman, born)
        given = [self.given(slot.woman)]
        if days := has.day_f if slot.woman else has.day_m:
            given.insert(0, days[date(born[0], born[1] or 1, born[2] or 1).weekday()])
        elif rng.random() < has.two_given:
            other = self.given(slot.woman)
            if other != given[0]:
                hyphenated = rng.random() < has.hyphenated
                given = [_joined(given[0], other)] if hyphenated else [*given, other]
        if rng.random() < has.middle_share:
            given.insert(0, rng.choice(has.middle_f if slot.woman else has.middle_m))
        if has.patronymic and rng.random() < has.patronymic_share:
            given.append(_patronymic(father, has.patronymic[slot.woman]))
        if rng.random() < has.father_in_given:
            given.append(father)
        called = {"first": 0, "last": len(given) - 1, "any": rng.randrange(len(given))}[has.called_by]
        return Someone(tuple(given), called, surname, slot.woman, born)

    def _birthday(self, year: int) -> Born:
        day = date(year, 1, 1) + timedelta(days=self.rng.randrange(365))
        unknown = self.rng.random()
        if unknown < UNKNOWN_MONTH:
            return (year, 0, 0)
        return (year, day.month, 0 if unknown < UNKNOWN_MONTH + UNKNOWN_DAY else day.day)

    def _surname(self) -> Name:
        names = self.tradition.surnames
        weights = [1 / rank for rank in range(1, len(names) + 1)] if self.tradition.steep else [1.0] * len(names)
        return self.rng.choices(names, weights)[0]

    def _bearing(self, name: Name, woman: bool) -> Name:
        return name.ending(self.tradition.feminine) if woman else name


def _joined(one: Name, other: Name) -> Name:
    """Ana-Maria: two names as one, hyphenated or apart."""
    names: Sequence[tuple[Spelling, Spelling]] = list(zip(one.spellings, other.spellings, strict=False))
    spellings = [Spelling("", f"{first.text}-{second.text}") for first, second in names]
    return Name((*spellings, Spelling("", f"{one.registered.text} {other.registered.text}")))


def _patronymic(father: Name, ending: str) -> Name:
    """The father's name with an ending, in Latin letters."""
    texts = [one.text.rstrip("aeiouy") + ending for one in father.spellings if one.latin]
    return Name(tuple(Spelling("", text) for text in dict.fromkeys(texts)))
