"""A whole round in memory: who is found, who isn't, and that the quorum makes no difference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations

import pytest
from sluis_protocol.errors import BadQuorum, WrongProof
from sluis_protocol.record import Family
from sluis_protocol.rules import Grade, load_rules
from sluis_protocol.run import Match, run_round
from sluis_protocol.threshold import KeyShare

from tests.world import PURPOSE, make_world, member_oin

from .persons import family, person

WORLD = make_world()
RULES = load_rules()
ROUND = "r20260501t120000z-0123456789abcdef"
A, B, C = (member_oin(number) for number in (1, 2, 3))
MOTHER = person("Fatma Nur", "de Vries", (1985, 2, 3), bsn="999990019", person_id="m")
CHILD = person("Jan Willem", "Pietersen", (2012, 7, 9), person_id="c")
CASELOADS: dict[str, list[Family]] = {
    A: [
        family("a1", MOTHER, CHILD),
        family("a2", person("Els", "Bakker", (1970, 1, 1), bsn="999990020")),
        family("a3", person("Onbekend", "Datum", (1990, 0, 0))),
    ],
    B: [
        family("b1", person("F.", "Vries", (1985, 2, 3), bsn="999990019", person_id="x")),
        family("b2", person("Els", "Bakker", (1970, 1, 1), bsn="999990032")),
        family("b3", person("Onbekend", "Datum", (1990, 0, 0))),
    ],
    C: [
        family("c1", person("Jan Willem", "Pietersen", (2012, 7, 9))),
        family("c2", person("Heel", "Anders", (2001, 4, 5), bsn="999990044")),
    ],
}
EXPECTED = [Match(A, "a1", B, "b1", Grade.BSN), Match(A, "a1", C, "c1", Grade.NAME)]


def play(holders: Sequence[KeyShare], caseloads: dict[str, list[Family]] | None = None) -> list[Match]:
    return run_round(
        WORLD.covenant,
        RULES,
        caseloads if caseloads is not None else CASELOADS,
        holders,
        purpose=PURPOSE,
        round_id=ROUND,
        random=os.urandom,
    )


@pytest.mark.parametrize("quorum", list(combinations(range(3), 2)), ids=str)
def test_any_quorum_finds_the_same(quorum: tuple[int, ...]) -> None:
    assert play([WORLD.shares[at] for at in quorum]) == EXPECTED


def test_families_of_one_municipality_do_not_match_each_other() -> None:
    assert play(WORLD.shares[:2], {A: [*CASELOADS[A], family("a9", MOTHER)]}) == []


def test_empty_caseloads_share_nothing() -> None:
    assert play(WORLD.shares[:2], {A: [], B: [], C: CASELOADS[C]}) == []


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_or_too_many_holders_are_no_quorum(count: int) -> None:
    with pytest.raises(BadQuorum):
        play(WORLD.shares[:count])


def test_a_holder_with_another_share_is_named() -> None:
    liar = KeyShare(2, (1).to_bytes(32, "little"))
    with pytest.raises(WrongProof) as raised:
        play([WORLD.shares[0], liar])
    assert raised.value.culprits == (2,)
