"""Linkage keys: slots, unknown parts, uniqueness in a caseload, and the exact PRF input."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.keys import LinkageKey, compare_within, linkage_keys, prf_input, unique_keys
from sluis_protocol.normalise import DATE_ATOMS
from sluis_protocol.record import Family, Person
from sluis_protocol.rules import load_rules

from tests.protocol.persons import family, person, persons

RULES = load_rules()


def kinds(someone: Person) -> set[str]:
    return {key.kind for key in linkage_keys(someone, RULES)}


@given(persons)
def test_nobody_has_more_keys_than_slots_or_one_twice(someone: Person) -> None:
    keys = linkage_keys(someone, RULES)
    assert len(keys) <= RULES.slots
    assert len({(key.kind, key.value) for key in keys}) == len(keys)
    for kind in RULES.kinds.values():
        own = [key for key in keys if key.kind == kind.name]
        assert len(own) <= kind.slots
        assert all(key.points == kind.points for key in own)


def test_a_complete_person_with_a_double_surname_and_no_bsn_fills_every_slot_but_that_for_it() -> None:
    whole = person("Annemarie", "Jansen-Bakker", postcode="2511 CA", house_number="12")
    assert len(linkage_keys(whole, RULES)) == RULES.slots - 1


def test_a_key_needs_all_its_atoms() -> None:
    assert kinds(person("", "", None, bsn="999990019")) == {"bsn"}
    assert kinds(person("", "", (1980, 3, 12))) == set()
    unknown = kinds(person(born=(1980, 0, 0)))
    assert all("date" not in RULES.kinds[kind].evidence for kind in unknown)


def test_no_kind_is_made_of_a_date_alone() -> None:
    assert all(set(kind.atoms) - DATE_ATOMS for kind in RULES.kinds.values())


def test_a_value_that_two_persons_share_is_dropped_for_both() -> None:
    twins = family("f1", person("Anna", person_id="a"), person("Bert", person_id="b"))
    kept = unique_keys([twins], RULES)
    values = [{(key.kind, key.value) for key in kept["f1", who]} for who in "ab"]
    assert values[0]
    assert values[1]
    assert not values[0] & values[1]
    dropped = {key.kind for key in linkage_keys(twins.members[0].person, RULES)} - {key.kind for key in kept["f1", "a"]}
    assert "surname-sound+date" in dropped


def test_one_person_entered_twice_keeps_the_keys_of_the_entry_with_a_bsn() -> None:
    known, unknown = person(bsn="999990019", person_id="b"), person(person_id="a")
    kept = unique_keys([family("f1", unknown), family("f2", known)], RULES)
    assert kept["f1", "a"] == ()
    assert kept["f2", "b"] == linkage_keys(known, RULES)


def test_the_same_bsn_is_one_person_whatever_the_names() -> None:
    one = person("Anna", "Jansen", bsn="999990019", person_id="a")
    other = person("A.", "Janssen", bsn="999990019", person_id="b")
    kept = unique_keys([family("f1", one), family("f2", other)], RULES)
    assert sorted(map(bool, kept.values())) == [False, True]


def test_namesakes_with_two_bsns_stay_two_people() -> None:
    one, other = person(bsn="999990019", person_id="a"), person(bsn="999991644", person_id="b")
    third = person(person_id="c")
    kept = unique_keys([family("f1", one), family("f2", other), family("f3", third)], RULES)
    assert {who: [key.kind for key in keys] for (_, who), keys in kept.items()} == {"a": ["bsn"], "b": ["bsn"], "c": []}


@given(st.lists(st.lists(persons, min_size=1, max_size=3), max_size=5), st.randoms())
def test_unique_keys_are_unique_and_the_order_of_families_is_no_matter(
    groups: list[list[Person]], shuffler: random.Random
) -> None:
    families = [family(f"f{at}", *{one.person_id: one for one in group}.values()) for at, group in enumerate(groups)]
    kept = unique_keys(families, RULES)
    values = [(key.kind, key.value) for own in kept.values() for key in own]
    assert len(values) == len(set(values))
    assert len(kept) == sum(len(one.members) for one in families)
    shuffled = [Family(one.family_id, tuple(shuffler.sample(one.members, len(one.members)))) for one in families]
    shuffler.shuffle(shuffled)
    assert unique_keys(shuffled, RULES) == kept


def test_the_prf_input_is_the_one_of_the_specification() -> None:
    key = LinkageKey("bsn", "999990019", 100)
    assert prf_input("c-1", "hulp", "2026-11-22", "sluis-rules/1", key) == (
        b"\0\x08sluis-v1\0\x03c-1\0\x04hulp\0\x0a2026-11-22\0\x0dsluis-rules/1\0\x03bsn\0\x09999990019"
    )


def test_every_part_of_the_prf_input_counts() -> None:
    parts = ["c", "p", "r", "s", "k", "v"]
    changed = [parts] + [[*parts[:at], "x", *parts[at + 1 :]] for at in range(6)] + [["c", "p", "r", "s", "kv", ""]]
    inputs = {prf_input(c, p, r, s, LinkageKey(kind, value, 1)) for c, p, r, s, kind, value in changed}
    assert len(inputs) == 8


def test_a_key_shows_no_value() -> None:
    assert "999990019" not in repr(LinkageKey("bsn", "999990019", 100))


def test_one_person_entered_by_two_clerks_is_found_by_the_same_keys() -> None:
    families = [
        family("f1", person("Katarzyna Maria", "Nowak-de Vries", person_id="a")),
        family("f2", person("K.", "de Vries", person_id="b")),
        family("f3", person("Willem", "Nowak", (1955, 7, 2), person_id="c")),
    ]
    assert compare_within(families, RULES).twice == []  # an initial and half of the surname: too little
    families[1] = family("f2", person("Katarina", "Nowak", person_id="b"))
    assert compare_within(families, RULES).twice == [(("f1", "a"), ("f2", "b"))]
    assert unique_keys(families, RULES)["f1", "a"] == linkage_keys(families[0].members[0].person, RULES)


def test_relatives_under_one_roof_and_members_of_one_family_are_not_one_person() -> None:
    def living(born: tuple[int, int, int] = (1980, 3, 12), person_id: str = "p1") -> Person:
        return person(born=born, person_id=person_id, postcode="2511CA", house_number="12")

    parent, child = living(), living((2001, 7, 2), "p2")
    assert compare_within([family("f1", parent), family("f2", child)], RULES).twice == []
    assert compare_within([family("f1", parent, living(person_id="p2"))], RULES).twice == []


def living(number: int, bsn: str | None = None) -> Family:
    born, name = (1980 + number, 1, 1), "ABCDE"[number] * 4
    return family(f"f{number}", person(name, name, born, bsn=bsn, postcode="2511CA", house_number="12"))


def addressed(*families: Family) -> int:
    return sum(RULES.kinds[key.kind].shows_address for own in unique_keys(families, RULES).values() for key in own)


def test_an_address_of_many_families_is_no_home() -> None:
    assert addressed(living(1), living(2), living(3)) > 0
    assert addressed(living(1), living(2), living(3), living(4)) == 0


def test_in_a_file_that_has_bsns_no_home_counts_for_anybody() -> None:
    assert addressed(living(1)) > 0
    assert addressed(living(1), living(2, bsn="999990019")) == 0
