"""The invented persons and the second clerk: reproducible, complete, and without a label in any record."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import pytest
from sluis_protocol.normalise import atoms
from sluis_protocol.record import Person
from stdnum.nl import bsn as eleven_test

from benchmarks.traditions.caseloads import Pair, draw_pair
from benchmarks.traditions.clerks import RATES, Slips, draw_slips, enter, register
from benchmarks.traditions.people import Someone, draw_family, draw_household
from benchmarks.traditions.tradition import Tradition, load_tradition, parse_name, traditions
from tests.shared import ROOT

BY_LABEL = {one.label: one for one in traditions()}
NEVER = Slips(dict.fromkeys(RATES, 1.0))
ASKED_FOR = set(
    """
    Dutch Frisian Surinamese Turkish Moroccan Arabic Polish Romanian Bulgarian Serbo-Croatian Ukrainian Vietnamese
    Chinese Indonesian Ghanaian Eritrean Portuguese Hungarian
    """.split()  # noqa: SIM905 - a list would be twenty lines
)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return draw_pair(traditions(), shared=4, seed="test")


def only(what: str) -> Slips:
    """A clerk who makes one kind of slip."""
    return Slips({**NEVER.draws, what: 0.0})


def persons(pair: Pair) -> dict[str, Person]:
    families = pair.first + pair.second
    return {member.person.person_id: member.person for family in families for member in family.members}


def test_every_tradition_is_there_with_enough_names() -> None:
    assert set(BY_LABEL) >= ASKED_FOR
    for one in traditions():
        assert len({name.registered for name in one.given_m + one.given_f}) >= 40
        assert one.surname == "father's given" or len({name.registered for name in one.surnames}) >= 60


def test_the_same_seed_gives_the_same_caseloads(pair: Pair) -> None:
    assert draw_pair(traditions(), shared=4, seed="test") == pair
    assert draw_pair(traditions(), shared=4, seed="other") != pair


def test_a_tradition_is_beside_the_records_never_in_them(pair: Pair) -> None:
    assert "label" not in {one.name for one in fields(Person)}
    labels = set(BY_LABEL)
    for person in persons(pair).values():
        assert not labels & {str(getattr(person, one.name)) for one in fields(Person)}
    for package in ("protocol", "runtime", "node", "coordinator", "covenant", "demo"):
        for path in (ROOT / package).rglob("*.py"):
            assert "traditions" not in path.read_text("utf-8"), path


def test_who_is_who(pair: Pair) -> None:
    known = persons(pair)
    family = {member.person.person_id: f.family_id for f in pair.first + pair.second for member in f.members}
    assert len(pair.families) == 4 * len(BY_LABEL)
    assert pair.respelt <= set(pair.persons)
    for one, other in pair.persons.items():
        assert pair.families[family[one]] == family[other]
        assert known[other].bsn is None
    numbers = [person.bsn for person in known.values() if person.bsn]
    assert len(set(numbers)) == len(numbers)
    assert all(eleven_test.is_valid(number) and number.startswith("9") for number in numbers)


def test_everybody_has_a_name_that_normalises(pair: Pair) -> None:
    for person in persons(pair).values():
        assert person.given_names or person.surname
        assert any("s" in variant or "g" in variant for variant in atoms(person)), person


def test_the_same_households_in_every_tradition() -> None:
    first = draw_pair([BY_LABEL["Dutch"]], shared=3, seed="s").first
    other = draw_pair([BY_LABEL["Chinese"]], shared=3, seed="s").first
    assert [len(family.members) for family in first] == [len(family.members) for family in other]


@pytest.mark.parametrize("tradition", traditions(), ids=lambda one: one.label)
def test_a_careful_clerk_changes_nothing(tradition: Tradition) -> None:
    rng = random.Random(1)
    for person in draw_family(tradition, draw_household(rng), rng):
        written = enter(person, tradition, NEVER, rng)
        swapped = not person.given and not written.surname  # a single name may stand in either field
        assert swapped or written == register(person)


def someone(given: str, surname: str, partner: str = "") -> Someone:
    names, surnames = (tuple(map(parse_name, text.split())) for text in (given, surname))
    return Someone(names, 0, surnames, True, (1990, 3, 4), parse_name(partner) if partner else None)


@pytest.mark.parametrize(
    ("slip", "label", "person", "expected"),
    [
        ("initials", "Dutch", someone("Anna Maria", "de|Vries"), ("A. M.", "de", "Vries")),
        ("plain letters", "Polish", someone("Łucja", "Wójcik"), ("Lucja", "", "Wojcik")),
        ("swapped", "Hungarian", someone("Éva", "Nagy"), ("Nagy", "", "Éva")),
        ("second surname dropped", "Spanish", someone("Ana", "Gil Ruiz"), ("Ana", "", "Gil")),
    ],
)
def test_what_a_slip_does(slip: str, label: str, person: Someone, expected: tuple[str, str, str]) -> None:
    found = {
        (written.given_names, written.prefix, written.surname)
        for number in range(40)
        for written in [enter(person, BY_LABEL[label], only(slip), random.Random(number))]
    }
    assert expected in found
    assert register(person).surname not in {surname for _, _, surname in found} or slip in ("initials",)


def test_another_spelling_is_one_of_the_list_and_is_marked() -> None:
    person = someone("Đorđe/Djordje/Ђорђе", "Ilić/Ilic")
    seen = {enter(person, BY_LABEL["Serbo-Croatian"], only("respelt"), random.Random(n)) for n in range(200)}
    assert all(written.respelt for written in seen)
    assert {written.given_names for written in seen} == {"Đorđe", "Djordje", "Ђорђе"}


def test_a_married_name_is_the_partners() -> None:
    person = someone("Anna", "Kis", "Nagy")
    seen = {enter(person, BY_LABEL["Hungarian"], only("married name"), random.Random(n)).surname for n in range(20)}
    assert seen == {"Nagyné", "Nagyné Kis"}


@pytest.mark.parametrize(
    ("slip", "expected"),
    [
        ("day and month", {(1990, 4, 3)}),
        ("unknown day", {(1990, 3, 0)}),
        ("only the year", {(1990, 0, 0)}),
    ],
)
def test_what_happens_to_a_date(slip: str, expected: set[tuple[int, int, int]]) -> None:
    person = someone("Anna", "Kis")
    assert {enter(person, BY_LABEL["Dutch"], only(slip), random.Random(n)).born for n in range(9)} == expected


def test_slips_come_at_their_rates() -> None:
    rng = random.Random(5)
    drawn = [draw_slips(rng) for _ in range(20_000)]
    for what, rate in RATES.items():
        assert sum(slips.happens(what) for slips in drawn) / len(drawn) == pytest.approx(rate, abs=0.015)


@pytest.mark.parametrize("text", ['label = "X"', 'label = "X"\ngiven_m = ["A"]', "label = 1"])
def test_a_file_that_does_not_fit_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="x"):
        load_tradition(path)
