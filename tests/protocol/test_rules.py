"""The rule set: read strictly, and what its thresholds and evidence mean for people."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest
from sluis_protocol.errors import ConfigError
from sluis_protocol.keys import linkage_keys, unique_keys
from sluis_protocol.record import Person
from sluis_protocol.rules import CURRENT, Grade, load_rules

from tests.protocol.persons import family, person

RULES = load_rules()
CONTENT = files("sluis_protocol").joinpath(CURRENT).read_text("utf-8")


def shared(one: Person, other: Person) -> list[str]:
    """The kinds of the keys that two persons share."""
    theirs = {(key.kind, key.value) for key in linkage_keys(other, RULES)}
    return [key.kind for key in linkage_keys(one, RULES) if (key.kind, key.value) in theirs]


def grade(*pairs: tuple[Person, Person]) -> Grade | None:
    return RULES.accept([shared(one, other) for one, other in pairs])


def test_the_digest_is_over_the_exact_bytes() -> None:
    assert RULES.sha256 == hashlib.sha256(CONTENT.encode()).hexdigest()
    assert load_rules(CONTENT.encode() + b"\n").sha256 != RULES.sha256
    assert RULES.identity == "sluis-rules/1"
    assert RULES.slots == sum(kind.slots for kind in RULES.kinds.values()) == 18


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "sluis-rules"\n', "", "lacks name"),
        ("version = 1", "version = true", "version must be"),
        ("version = 1", "version = 0", "above 0"),
        ("version = 1", "version = 1\ncolour = 1", "unknown colour"),
        ("family = 40", "family = 20", "person <= family"),
        ("points = 22", "points = 300", "255"),
        ("points = 22", "points = 100", "decides alone"),
        ("points = 100", "points = 99", "decides alone"),
        ('atoms = ["sk", "ysw"]', 'atoms = ["sk", "colour"]', "unknown atom"),
        ('atoms = ["sk", "ysw"]', 'atoms = ["ysw"]', "date alone"),
        ('atoms = ["sk", "ysw"]', 'atoms = ["sk"]', "shows no date"),
        ('atoms = ["sk", "ysw"]', "atoms = []", "no atoms"),
        ('atoms = ["sk", "ysw"]', "atoms = [1]", "list of words"),
        ('atoms = ["sk", "ysw"]', 'atoms = "sk"', "must be a list"),
        ('name = "given-end+date"', 'name = "starts+year"', "there twice"),
        ('["given", "surname", "date"],', '["given", "surname"],', "needs both names and the date"),
        ('["given", "surname", "date"],', '["given", "date"],', "needs both names and the date"),
        ('["given", "surname", "date"],', '["home"],', "more than one"),
        ('["given", "surname", "date"],', '["bsn"],', "can ask for"),
        ('["given", "surname", "date"],', "[],", "any_of must name"),
        ("most_families = 3", "most_families = 0", "above 0"),
        ("[thresholds]", "[thresholds", "no TOML"),
        ("[evidence]", "[proof]", "lacks evidence"),
    ],
)
def test_a_wrong_rule_set_is_refused(old: str, new: str, says: str) -> None:
    assert old in CONTENT
    with pytest.raises(ConfigError, match=says) as fault:
        load_rules(CONTENT.replace(old, new, 1).encode())
    assert fault.value.do


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigError):
        load_rules(b"\xff")


def test_any_two_of_name_and_date_stay_under_the_family_threshold() -> None:
    one = person("Katharina", "Oosterhuis", (1980, 3, 12))
    others = {
        "another given name": person("Willem", "Oosterhuis", (1980, 3, 12)),
        "another surname": person("Katharina", "Bakker", (1980, 3, 12)),
        "another date": person("Katharina", "Oosterhuis", (1957, 11, 28)),
        "another day": person("Katharina", "Oosterhuis", (1980, 7, 28)),
        "another year": person("Katharina", "Oosterhuis", (1957, 3, 12)),
    }
    for difference, other in others.items():
        points = sum(RULES.kinds[kind].points for kind in shared(one, other))
        assert points < RULES.thresholds.family, difference


def test_the_grades_are_kept_apart() -> None:
    known = person(bsn="999990019")
    assert grade((known, known)) is Grade.BSN
    assert grade((person(), person())) is Grade.NAME
    assert grade((person(), person()), (known, known)) is Grade.BSN
    assert grade() is None


@pytest.mark.parametrize(
    "other",
    [
        person("A.M.", "Jansen"),
        person("Anna", "Jansen-Bakker"),
        person("Anna", "Janssen"),
        person("Ana", "Jansen"),
        person("Anna Maria", "Jansen", (1980, 12, 3)),
        person("Anna Maria", "Jansen", (1980, 3, 0)),
        person("Anna Maria", "Jansen", (1981, 3, 12)),
        person("Jansen", "Anna", (1980, 3, 12)),
        person("Maria", "Jansen"),
    ],
)
def test_one_person_entered_by_another_clerk_is_a_match_by_name(other: Person) -> None:
    assert grade((person(), other)) is Grade.NAME


@pytest.mark.parametrize(
    "other",
    [
        person("Bert", "Jansen"),  # a twin or a namesake
        person("Adriaan", "Jansen"),  # the same, with the same initial: both names are known in full
        person("Anna Maria", "Jansen", (1955, 7, 2)),  # a generation apart
        person("Anna Maria", "Bakker"),
        person("Anna Maria", "Jansen", None),
        person("Anna Maria", "Jansen", (1980, 0, 0)),
        person("A.", "Jansen", (1980, 3, 0)),
    ],
)
def test_what_two_people_may_share_is_no_match(other: Person) -> None:
    assert grade((person(), other)) is None


def at_home(
    given: str = "Anna Maria",
    surname: str = "Jansen",
    born: tuple[int, int, int] | None = (1980, 3, 12),
    *,
    postcode: str = "2511CA",
    number: str = "12",
) -> Person:
    return person(given, surname, born, postcode=postcode, house_number=number)


@pytest.mark.parametrize(
    "other",
    [
        at_home("Anna Maria", "Jansen", None),
        at_home("", "Jansen"),
        at_home("Annie", "Bakker"),
        at_home("Anna Maria", "Jansen", (1955, 7, 2), postcode="2511AC"),
    ],
)
def test_a_home_stands_in_for_a_part_only_between_files_without_bsns(other: Person) -> None:
    assert grade((at_home(), other)) is Grade.NAME
    known = family("f1", at_home()), family("f2", person("Bert", "Bos", (1950, 1, 2), bsn="999990019", person_id="p2"))
    ours = unique_keys(known, RULES)["f1", "p1"]
    theirs = {(key.kind, key.value) for key in unique_keys([family("f3", other)], RULES)["f3", "p1"]}
    both = [key.kind for key in ours if (key.kind, key.value) in theirs]
    assert RULES.accept([both]) is None  # perhaps a relative under the same roof


@pytest.mark.parametrize(
    "other",
    [
        at_home("Willem", "Bakker", (1955, 7, 2)),
        at_home("Willem", "Bakker", None),
        at_home("Anna Maria", "Bakker", None, number="12-B"),  # the neighbours
    ],
)
def test_an_address_alone_is_no_match(other: Person) -> None:
    assert grade((at_home(number="12-A"), other)) is None


def test_unknown_dates_on_both_sides_agree_on_nothing() -> None:
    for born in (None, (1980, 0, 0), (0, 3, 12)):
        assert grade((person(born=born), person(born=born))) is None


def test_weak_pairs_need_one_with_full_evidence() -> None:
    weak = (person("Bert", "Jansen"), person("Anna", "Jansen"))
    assert grade(weak, weak, weak) is None
    assert grade(weak, (person(), person())) is Grade.NAME


def test_somebody_with_one_name_is_found() -> None:
    assert grade((person("", "Debrabandere"), person("", "de Brabandere"))) is None  # spelled apart: not yet
    assert grade((person("", "Suharto"), person("", "Suharto"))) is Grade.NAME
    assert grade((person("", "Suharto"), person("Suharto", ""))) is Grade.NAME
