"""Parity of recall between naming traditions: no change of rules may lower it, and the page says what is measured."""

from __future__ import annotations

import pytest
from sluis_protocol.rules import load_rules

from benchmarks.traditions.figures import Figures, Parity, Tally, page, ratios, table
from benchmarks.traditions.tradition import traditions
from tests.linkage import parity
from tests.shared import ROOT


@pytest.fixture(scope="module")
def measured() -> dict[str, object]:
    return parity.generate()


@pytest.mark.slow
def test_a_change_of_rules_never_lowers_a_ratio(measured: dict[str, object]) -> None:
    assert not parity.lowered(parity.committed(), measured)


@pytest.mark.slow
def test_the_committed_figures_are_those_of_the_rules(measured: dict[str, object]) -> None:
    assert parity.render(measured) == parity.FILE.read_text("utf-8"), "run: python -m tests.linkage.parity"


def test_a_lower_ratio_is_named() -> None:
    before: dict[str, object] = {"ratios": dict.fromkeys(parity.RATIOS, 0.9)}
    after: dict[str, object] = {"ratios": dict.fromkeys(parity.RATIOS, 0.9) | {"persons": 0.8999}}
    assert parity.lowered(before, after) == ["persons: 0.9 was, 0.8999 is"]
    assert not parity.lowered(after, before)


def test_ratios_are_of_recall_and_count_transliterated_names_only() -> None:
    by_label = {
        one.label: Figures(Tally(100, 95, 95), Tally(50, 50, 50), Tally(10, 1, 1), Tally(10, 2, 2))
        for one in traditions()
    }
    for one in traditions():
        if one.transliterated:
            by_label[one.label] = Figures(Tally(100, 80, 76), Tally(50, 50, 40), Tally(20, 15, 15), Tally(20, 18, 18))
    figures = Parity("x/1", by_label)
    assert figures.persons == pytest.approx(0.76 / 0.95)
    assert figures.families == pytest.approx(0.8)
    assert figures.transliterated_persons == pytest.approx(0.75 / 0.95)
    assert figures.transliterated_families == pytest.approx(0.9)
    assert table(figures).count("\n") == len(by_label) + 1
    assert ratios(figures) in page(figures, load_rules(), "command")


def test_the_published_page_is_of_the_packaged_rules() -> None:
    text = (ROOT / "docs/parity.md").read_text("utf-8")
    assert load_rules().sha256 in text, "run the command that stands in docs/parity.md"
    for one in traditions():
        assert f"| {one.label} |" in text
