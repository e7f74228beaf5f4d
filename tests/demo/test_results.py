"""Both sides of a match are put together, and what doesn't fit is told; truth is truth in either order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_demo.results import (
    NodeMatch,
    Score,
    SharedFamily,
    of_municipalities,
    parse_matches,
    put_together,
    read_truth,
    score,
    write_shared,
)
from sluis_protocol.errors import InputError, MalformedMessage
from sluis_protocol.rules import Grade


def side(match: str, counterpart: str, family: str, grade: str = "bsn") -> NodeMatch:
    told = {"match": match, "round": "r1", "purpose": "jeugd", "grade": grade, "family": family, "new": True}
    told |= {"counterpart": {"oin": "0" * 20, "municipality": counterpart, "name": "x"}, "cases": ["z"]}
    return parse_matches([told], municipality="GM0000")[0]


def test_two_sides_make_a_shared_family_with_the_lower_code_first() -> None:
    known = {"GM0363": [side("m1", "GM0014", "G7", "name")], "GM0014": [side("m1", "GM0363", "G2", "name")]}
    assert put_together(known) == ([SharedFamily("GM0014", "G2", "GM0363", "G7", Grade.NAME)], [])


@pytest.mark.parametrize(
    ("known", "fault"),
    [
        ({"GM0001": [side("m", "GM0002", "a")], "GM0002": []}, "known to 1 instead of 2"),
        ({"GM0001": [side("m", "GM0003", "a")], "GM0002": [side("m", "GM0001", "b")]}, "don't name each other"),
        ({"GM0001": [side("m", "GM0002", "a")], "GM0002": [side("m", "GM0001", "b", "name")]}, "grades it"),
        ({"GM0001": [side("m", "GM0002", "a"), side("m", "GM0002", "b")]}, "don't name each other"),
    ],
)
def test_a_match_that_is_not_whole_is_a_fault_and_not_a_result(known: dict[str, list[NodeMatch]], fault: str) -> None:
    shared, faults = put_together(known)
    assert not shared
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_list_that_is_not_one_is_refused_without_repeating_it() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_matches([{"match": "m", "family": "Jansen"}], municipality="GM0001")
    assert "Jansen" not in str(caught.value)
    assert "counterpart" in str(caught.value)


families = st.tuples(st.sampled_from(["GM0001", "GM0002", "GM0003"]), st.sampled_from(["a", "b", "c"]))
pairs = st.tuples(families, families).filter(lambda pair: pair[0][0] != pair[1][0])


@given(st.sets(pairs), st.sets(pairs))
def test_the_score_counts_every_pair_once_whichever_side_comes_first(
    found: set[tuple[tuple[str, str], tuple[str, str]]], true: set[tuple[tuple[str, str], tuple[str, str]]]
) -> None:
    truth = {frozenset(pair) for pair in true}
    shared = [SharedFamily(*a, *b, Grade.BSN) for a, b in found]
    turned = [SharedFamily(*b, *a, Grade.BSN) for a, b in found]
    result = score(shared, truth)
    assert result == score(turned, truth) == score(shared + turned, truth)
    assert result.right + result.missed == len(truth)
    low, high = sorted((result.precision, result.recall))
    assert low - 1e-9 <= result.f1 <= high + 1e-9


def test_the_score_of_nothing_is_perfect_and_of_everything_wrong_is_nought() -> None:
    assert Score(0, 0, 0).f1 == 1
    assert (Score(0, 3, 2).precision, Score(0, 3, 2).recall, Score(0, 3, 2).f1) == (0, 0, 0)
    assert Score(8, 2, 4).f1 == pytest.approx(16 / 22)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("between", [",", ";"])
def test_a_truth_has_four_columns_among_others(tmp_path: Path, start: str, between: str) -> None:
    lines = ["gemeente_b,gezin_b,gemeente_a,gezin_a,soort", "GM0002,b,GM0001,a,x"]
    path = tmp_path / "truth.csv"
    path.write_text(start + "\n".join(lines).replace(",", between), "utf-8")
    assert read_truth(path) == {frozenset([("GM0001", "a"), ("GM0002", "b")])}


@pytest.mark.parametrize(
    "text", ["", "gemeente_a,gezin_a\nGM0001,a\n", "gemeente_a,gezin_a,gemeente_b,gezin_b\nx,y,,\n"]
)
def test_a_truth_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"truth\.csv"):
        read_truth(path)
    with pytest.raises(InputError):
        read_truth(tmp_path / "absent.csv")


def test_what_is_written_reads_back_as_a_truth(tmp_path: Path) -> None:
    shared = [
        SharedFamily("GM0001", "a", "GM0002", "b", Grade.BSN),
        SharedFamily("GM0001", "c;d", "GM0003", "e", Grade.NAME),
    ]
    write_shared(tmp_path / "out.csv", shared)
    text = (tmp_path / "out.csv").read_text()
    assert text == "gemeente_a,gezin_a,gemeente_b,gezin_b,grade\nGM0001,a,GM0002,b,bsn\nGM0001,c;d,GM0003,e,name\n"
    assert score(shared, read_truth(tmp_path / "out.csv")) == Score(2, 0, 0)
    with pytest.raises(InputError):
        write_shared(tmp_path / "absent" / "out.csv", shared)


def test_truth_about_others_does_not_count_and_nothing_else_is_a_mistake(tmp_path: Path) -> None:
    here = frozenset([("GM0014", "a"), ("GM0363", "b")])
    elsewhere = frozenset([("GM0014", "a"), ("GM0599", "c")])
    assert of_municipalities({here, elsewhere}, ["GM0014", "GM0363"], tmp_path) == {here}
    assert of_municipalities(set(), ["GM0014"], tmp_path) == set()
    with pytest.raises(InputError, match="other municipalities"):
        of_municipalities({elsewhere}, ["GM0014", "GM0363"], tmp_path)
