"""The demo plays on with matches of the two municipalities that share most."""

from __future__ import annotations

from pathlib import Path

import pytest
from sluis_demo.meeting import choose
from sluis_demo.results import NodeMatch
from sluis_protocol.rules import Grade

from tests.demo.small import CODES, laid_out, side

ONE, TWO, THREE = CODES


def known(*matches: tuple[str, str, Grade]) -> dict[str, list[NodeMatch]]:
    """Both sides' lists; the match's number is its id, and its families' ids."""
    found: dict[str, list[NodeMatch]] = {}
    for number, (a, b, grade) in enumerate(matches):
        for own, other in ((a, b), (b, a)):
            found.setdefault(own, []).append(side(f"{number}", other, f"{own}-{number}", grade))
    return found


def test_those_who_share_most_meet_by_bsn_and_refuse_a_match_by_name(tmp_path: Path) -> None:
    fewer, more = (ONE, TWO, Grade.BSN), (TWO, THREE, Grade.NAME)
    chosen = choose(laid_out(tmp_path), known(fewer, more, more, (TWO, THREE, Grade.BSN), fewer))
    assert [node.caseload.code for node in chosen.towns] == [TWO, THREE]
    assert chosen.wanted is not None
    assert (chosen.wanted.match, chosen.wanted.family_a, chosen.wanted.family_b) == ("3", f"{TWO}-3", f"{THREE}-3")
    assert chosen.refused is not None
    assert chosen.refused.match == "1"
    assert [one.match for one in chosen.left] == ["2"]


@pytest.mark.parametrize("grade", list(Grade))
def test_one_match_is_enough_for_an_approach(tmp_path: Path, grade: Grade) -> None:
    chosen = choose(laid_out(tmp_path), known((ONE, THREE, grade)))
    assert chosen.wanted is not None
    assert (chosen.refused, chosen.left) == (None, ())


def test_without_a_match_that_both_know_two_municipalities_are_left(tmp_path: Path) -> None:
    chosen = choose(laid_out(tmp_path), {ONE: [side("1", TWO, "G1")]})
    assert [node.caseload.code for node in chosen.towns] == [ONE, TWO]
    assert (chosen.wanted, chosen.refused) == (None, None)


def test_families_that_nobody_else_helps_come_first_of_those_left(tmp_path: Path) -> None:
    matches = known(*[(ONE, TWO, Grade.BSN)] * 4)
    matches[THREE] = [side("third", ONE, "G9")]
    matches[ONE].append(side("third", THREE, f"{ONE}-2"))
    chosen = choose(laid_out(tmp_path), matches)
    assert [one.match for one in chosen.left] == ["3", "2"]
