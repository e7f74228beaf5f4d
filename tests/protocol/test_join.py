"""The join: its definition case by case, its symmetries, and a node's own check."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.errors import Anomaly
from sluis_protocol.join import (
    Candidate,
    PersonPair,
    TaggedPerson,
    check_claim,
    family_pairs,
    join,
    person_pairs,
)
from sluis_protocol.rules import Grade, Thresholds, load_rules

LIMITS = Thresholds(person=25, family=60, certain=100)


def tag(name: str) -> bytes:
    return name.encode().ljust(16, b"\0")


def row(family: int, person: int, tags: str, points: int = 20, *, bsn: bool = False) -> TaggedPerson:
    """A person whose tags are the letters of `tags`, each worth `points`."""
    return TaggedPerson(family, person, bsn, tuple(map(tag, tags)), (points,) * len(tags))


def test_shared_tags_add_up() -> None:
    found = join({"A": [row(1, 11, "xabc")], "B": [row(2, 22, "cbay")]}, LIMITS)
    assert found == [Candidate("A", "B", 1, 2, (PersonPair(11, 22, (tag("a"), tag("b"), tag("c")), 60),))]


def test_the_lower_points_count() -> None:
    assert not join({"A": [row(1, 11, "abc", 200)], "B": [row(2, 22, "abc", 19)]}, LIMITS)


def test_under_a_threshold_there_is_nothing() -> None:
    assert not join({"A": [row(1, 11, "a")], "B": [row(2, 22, "a")]}, LIMITS)
    pairs = list(person_pairs({"A": [row(1, 11, "ab")], "B": [row(2, 22, "ab")]}, LIMITS))
    assert [one.pair.score for one in pairs] == [40]
    assert not family_pairs(pairs, LIMITS)


def test_two_persons_of_a_family_add_up_and_two_of_different_families_do_not() -> None:
    here = [row(1, 11, "ab"), row(1, 12, "cd")]
    assert len(join({"A": here, "B": [row(2, 21, "ab"), row(2, 22, "cd")]}, LIMITS)) == 1
    assert not join({"A": here, "B": [row(2, 21, "ab"), row(3, 22, "cd")]}, LIMITS)


def test_a_tag_twice_in_one_submission_counts_for_nobody_there() -> None:
    other = [row(2, 22, "abc")]
    assert not join({"A": [row(1, 11, "abc"), row(9, 99, "a")], "B": other}, LIMITS)
    assert not join({"A": [row(1, 11, "aabc")], "B": other}, LIMITS)
    # But the other nodes' copies of it stay good.
    found = join({"A": [row(1, 11, "abc"), row(9, 99, "a")], "B": other, "C": [row(3, 33, "abc")]}, LIMITS)
    assert [(one.oin_a, one.oin_b) for one in found] == [("B", "C")]


def test_two_bsns_match_by_bsn_only() -> None:
    assert not join({"A": [row(1, 11, "abcdef", bsn=True)], "B": [row(2, 22, "abcdef", bsn=True)]}, LIMITS)
    assert join({"A": [row(1, 11, "abcdef", bsn=True)], "B": [row(2, 22, "abcdef")]}, LIMITS)
    assert join({"A": [row(1, 11, "n", 100, bsn=True)], "B": [row(2, 22, "n", 100, bsn=True)]}, LIMITS)
    assert not join({"A": [row(1, 11, "n", 100, bsn=True)], "B": [row(2, 22, "n", 99, bsn=True)]}, LIMITS)


def test_nobody_is_used_twice() -> None:
    # 21 shares 60 with 11 and 40 with 12: only the first counts, and 12 has nobody left.
    found = join({"A": [row(1, 11, "abc"), row(1, 12, "de")], "B": [row(2, 21, "abcde")]}, LIMITS)
    assert [(pair.person_a, pair.person_b) for pair in found[0].pairs] == [(11, 21)]


def test_equal_scores_go_by_handles() -> None:
    found = join({"A": [row(1, 12, "abcd"), row(1, 11, "efgh")], "B": [row(2, 21, "abcdefgh")]}, LIMITS)
    assert [(pair.person_a, pair.person_b) for pair in found[0].pairs] == [(11, 21)]


def test_points_for_every_tag() -> None:
    with pytest.raises(ValueError, match="2 tags with 1"):
        TaggedPerson(1, 1, False, (tag("a"), tag("b")), (1,))


rows = st.builds(
    lambda family, tags, points, bsn: (family, tags, points, bsn),
    st.integers(1, 3),
    st.text("abcdefghij", max_size=6),
    st.sampled_from([15, 25, 100]),
    st.booleans(),
)
rounds = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.lists(rows, max_size=6), min_size=2).map(
    lambda made: {
        oin: [row(family, at, tags, points, bsn=bsn) for at, (family, tags, points, bsn) in enumerate(own)]
        for oin, own in made.items()
    }
)


@given(rounds, st.randoms())
def test_order_makes_no_difference(made: dict[str, list[TaggedPerson]], shuffler: random.Random) -> None:
    def stirred(one: TaggedPerson) -> TaggedPerson:
        order = shuffler.sample(range(len(one.tags)), len(one.tags))
        tags, points = tuple(one.tags[at] for at in order), tuple(one.points[at] for at in order)
        return TaggedPerson(one.family, one.person, one.has_bsn, tags, points)

    oins = shuffler.sample(sorted(made), len(made))
    other = {oin: [stirred(one) for one in shuffler.sample(made[oin], len(made[oin]))] for oin in oins}
    assert join(other, LIMITS) == join(made, LIMITS)
    pairs = list(person_pairs(made, LIMITS))
    assert family_pairs(shuffler.sample(pairs, len(pairs)), LIMITS) == join(made, LIMITS)


@given(rounds)
def test_the_names_of_the_nodes_make_no_difference_to_who_is_compared(made: dict[str, list[TaggedPerson]]) -> None:
    # Mirrored, A is C and C is A. Ties in a family go by handles, lower OIN first, so the pairs before that count.
    mirror = {"A": "C", "B": "B", "C": "A"}
    plain = person_pairs(made, LIMITS)
    mirrored = person_pairs({mirror[oin]: own for oin, own in made.items()}, LIMITS)
    assert {
        frozenset({(one.oin_a, one.pair.person_a), (one.oin_b, one.pair.person_b), one.pair.score}) for one in plain
    } == {
        frozenset({(mirror[one.oin_a], one.pair.person_a), (mirror[one.oin_b], one.pair.person_b), one.pair.score})
        for one in mirrored
    }


@given(rounds)
def test_every_candidate_keeps_what_the_definition_promises(made: dict[str, list[TaggedPerson]]) -> None:
    found = join(made, LIMITS)
    assert found == sorted(found)
    assert len({(c.oin_a, c.oin_b, c.family_a, c.family_b) for c in found}) == len(found)
    for one in found:
        assert one.oin_a < one.oin_b
        assert sum(pair.score for pair in one.pairs) >= LIMITS.family
        for side in ([pair.person_a for pair in one.pairs], [pair.person_b for pair in one.pairs]):
            assert len(side) == len(set(side))
        for pair in one.pairs:
            here, there = made[one.oin_a][pair.person_a], made[one.oin_b][pair.person_b]
            assert set(pair.tags) <= set(here.tags) & set(there.tags)


# The node's side.

RULES = load_rules()
OWN = {
    7: {tag("n"): "bsn", tag("s"): "surname-sound+date"},
    8: {tag("a"): "sounds+date", tag("b"): "surname-sound+date", tag("c"): "starts+year", tag("d"): "given-end+date"},
}


def test_a_claim_is_graded_by_its_kinds() -> None:
    assert check_claim(OWN, {7: [tag("n")]}, RULES) is Grade.BSN
    assert check_claim(OWN, {8: [tag("a"), tag("b"), tag("c")]}, RULES) is Grade.NAME
    assert check_claim(OWN, {7: [tag("s")], 8: [tag("d")]}, RULES) is None


@pytest.mark.parametrize(
    "claimed",
    [
        {},
        {9: [tag("n")]},
        {7: []},
        {7: [tag("x")]},
        {7: [tag("a")]},
        {7: [tag("n"), tag("n")]},
    ],
)
def test_a_claim_that_nobody_honest_makes_is_an_anomaly(claimed: dict[int, list[bytes]]) -> None:
    with pytest.raises(Anomaly):
        check_claim(OWN, claimed, RULES)


def test_a_tag_of_two_persons_can_be_claimed_once() -> None:
    own = {7: {tag("n"): "bsn"}, 8: {tag("n"): "bsn"}}
    with pytest.raises(Anomaly):
        check_claim(own, {7: [tag("n")], 8: [tag("n")]}, RULES)
