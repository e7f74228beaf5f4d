"""Two municipalities' caseloads of invented families in all traditions, and who is who.

Half of the families are in both: first as the register has them, then as another clerk entered them. The rest is in one
only, with a few look-alikes of families of the other. The label of a tradition is beside the records, never in them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record

from benchmarks.traditions.clerks import Written, draw_slips, enter, register
from benchmarks.traditions.people import Someone, draw_family, draw_household, generation_apart, other_given_name
from benchmarks.traditions.tradition import Tradition

STAYED_OUT = 0.15  # of the members of a family: not entered the second time
LOOK_ALIKES = 0.10  # of the families that are in the first caseload only
WITHOUT_BSN = 0.06  # in the register; nobody who was entered again or looks like another has one there
GROUND = CaseGround("Z-1", "demo-grondslag", date(2026, 1, 1), None, None, "iemand@example.org")


@dataclass(slots=True)
class Pair:
    """Two caseloads; `label` by family id; `persons` and `families` that are the same, by id; `respelt`: of the first.

    The ids of the two caseloads are in one series, so that an id belongs to one of them.
    """

    first: list[Family] = field(default_factory=list)
    second: list[Family] = field(default_factory=list)
    label: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    respelt: set[str] = field(default_factory=set)


def draw_pair(traditions: Sequence[Tradition], *, shared: int, seed: str) -> Pair:
    """Caseloads with `shared` families of each tradition in both, and as many in each alone.

    The same `seed` gives the same caseloads, and the same households and slips whatever the traditions are.
    """
    drawing = _Drawing(seed)
    for number in range(3 * shared):
        for tradition in traditions:
            drawing.family(tradition, number, number % 3)
    return drawing.pair


class _Drawing:
    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.pair = Pair()
        self._ids = 0
        self._bsns = _bsns()

    def family(self, tradition: Tradition, number: int, where: int) -> None:
        """One family: in both caseloads (0), in the first (1), or in the second (2)."""
        structure = random.Random(f"{self.seed}/{number}/household")
        names = random.Random(f"{self.seed}/{number}/{tradition.label}")
        home = _address(names)
        people = draw_family(tradition, draw_household(structure), names)
        if where == 2:
            self._add(self.pair.second, tradition, [register(person) for person in people], home, names)
            return
        family, ids = self._add(self.pair.first, tradition, [register(person) for person in people], home, names)
        if where == 1:
            if structure.random() < LOOK_ALIKES:
                twin = structure.random() < 0.5
                person = names.choice(people)
                alike = other_given_name(tradition, person, names) if twin else generation_apart(person, names)
                self._add(self.pair.second, tradition, [register(alike)], _address(names), None)
            return
        again, whose = self._enter_again(tradition, people, ids, structure, names)
        stayed = draw_slips(structure).happens("still at the old address")
        address = home if stayed else _address(names)
        other, other_ids = self._add(self.pair.second, tradition, again, address, None)
        self.pair.families[family] = other
        for one, theirs, written in zip(whose, other_ids, again, strict=True):
            self.pair.persons[one] = theirs
            if written.respelt:
                self.pair.respelt.add(one)

    def _enter_again(
        self,
        tradition: Tradition,
        people: Sequence[Someone],
        ids: Sequence[str],
        structure: random.Random,
        names: random.Random,
    ) -> tuple[list[Written], list[str]]:
        """The members that the second clerk has, and which they are in the first caseload."""
        drawn = [(draw_slips(structure), structure.random()) for _ in people]
        longest = max(stays for _, stays in drawn)
        kept = [at for at, (_, stays) in enumerate(drawn) if stays >= STAYED_OUT or stays == longest]
        return [enter(people[at], tradition, drawn[at][0], names) for at in kept], [ids[at] for at in kept]

    def _add(
        self,
        caseload: list[Family],
        tradition: Tradition,
        people: Sequence[Written],
        address: tuple[str, str],
        knows_bsn: random.Random | None,
    ) -> tuple[str, list[str]]:
        """Put a family in a caseload; returns its id and its persons'."""
        family_id = self._id("f")
        self.pair.label[family_id] = tradition.label
        members = []
        for person in people:
            known = knows_bsn is not None and knows_bsn.random() >= WITHOUT_BSN
            bsn = next(self._bsns) if known else None
            born = BirthDate(*person.born)
            made = Person(self._id("p"), bsn, person.given_names, person.prefix, person.surname, born, *address)
            members.append(Record(made, GROUND))
        caseload.append(Family(family_id, tuple(members)))
        return family_id, [member.person.person_id for member in members]

    def _id(self, letter: str) -> str:
        self._ids += 1
        return f"{letter}{self._ids}"


def _address(rng: random.Random) -> tuple[str, str]:
    """A postcode and a house number."""
    letters = "ABCDEGHJKLMNPRTVWXZ"
    return f"{rng.randint(1000, 9999)}{rng.choice(letters)}{rng.choice(letters)}", str(rng.randint(1, 299))


def _bsns() -> Iterator[str]:
    """Test numbers: they start with a 9 and pass the eleven-test."""
    for number in range(90_000_000, 100_000_000):
        digits = str(number)
        check = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True)) % 11
        if check < 10:
            yield f"{digits}{check}"
