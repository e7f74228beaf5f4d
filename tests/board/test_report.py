"""The report: it shows what may be shown, in both languages, to everybody."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from sluis_board.report.figures import Figures, Verdict, figures_of
from sluis_board.report.page import as_csv, as_page
from sluis_board.report.parity import read_parity
from sluis_board.report.texts import texts
from sluis_protocol.errors import InputError
from sluis_protocol.indicators import Cell, Indicator

from ..console.provider import PACKAGES
from ..console.test_accessible import RULES
from ..shared import ROOT
from .books import YEAR, board_world, figures, write_book

AXE = PACKAGES / "node_modules" / "axe-core" / "axe.min.js"
PARITY = ROOT / "tests" / "linkage" / "parity.json"


def made(folder: Path, sizes: dict[str, int] = YEAR) -> Figures:
    world = board_world()
    return figures_of(write_book(folder, world.covenant, sizes), world.covenant, None, None)


def page(found: Figures, language: str) -> str:
    return as_page(found, language, date(2026, 10, 20), read_parity(PARITY))


def test_nothing_withheld_is_in_the_page_or_in_the_csv(tmp_path: Path) -> None:
    found = made(tmp_path)
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    by_name = {(row["period"], row["figure"]): row["value"] for row in rows}
    for label, size in YEAR.items():
        for cell, value in figures(size).items():
            shown = by_name[label, str(cell)]
            assert shown in ("", str(value))
            if value < 5:
                assert shown == ""
    wrong = Cell(Indicator.WRONG)
    assert found.added([wrong]) == 0
    assert not found.is_whole([wrong])


def test_sums_are_of_the_years_published_figures(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert found.year == 2026
    assert found.added(found.goal_cells) == 3 * (14 + 21 + 30)
    assert found.is_whole(found.goal_cells)


def test_shares_are_bounds_where_something_is_withheld(tmp_path: Path) -> None:
    share = made(tmp_path).periods[-1].share(Indicator.WRONG)
    assert share
    assert share.least == 0
    assert share.most == pytest.approx(100 * 4 / (276 + 90 + 4))


@pytest.mark.parametrize(
    ("followed", "wrong", "verdict"),
    [(50, 2, Verdict.GO_ON), (10, 2, Verdict.STOP), (50, 30, Verdict.STOP), (5, 0, Verdict.UNDECIDED)],
)
def test_the_stop_criterion(tmp_path: Path, followed: int, wrong: int, verdict: Verdict) -> None:
    book = write_book(tmp_path, board_world().covenant, YEAR)
    known = 100 if followed > 5 else 19
    changed = {"matches-followed-up": followed, "matches-wrong": wrong, "matches-already-known": known}
    opened = tuple(one.model_copy(update={"sums": one.sums | changed}) for one in book.opened)
    found = figures_of(book.model_copy(update={"opened": opened}), board_world().covenant, None, None)
    assert found.verdict is verdict


def test_both_languages_have_the_same_words() -> None:
    assert texts("nl").keys() == texts("en").keys()
    for name, text in texts("nl").items():
        if isinstance(text, str):
            fields = {part.partition("}")[0] for part in text.split("{")[1:]}
            assert fields == {part.partition("}")[0] for part in texts("en")[name].split("{")[1:]}, name


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    for language in ("nl", "en"):
        html = page(made(tmp_path), language)
        assert "<script" not in html
        assert "http:" not in html.replace("http://www.w3.org", "")
        assert "src=" not in html
        assert html.count('<svg class="chart') == html.count("<desc ")


def test_a_report_of_one_period_and_of_nothing(tmp_path: Path) -> None:
    assert "niet getoond" in page(made(tmp_path, {"2026-q1": 1}), "nl")
    with pytest.raises(InputError, match="nothing was opened"):
        made(tmp_path, {})


@pytest.mark.parametrize("language", ["nl", "en"])
def test_axe_finds_nothing_and_it_fits_a_phone(tmp_path: Path, language: str) -> None:
    if not AXE.exists():
        pytest.fail("install the tests' npm packages: npm ci --prefix tests/console/npm")
    file = tmp_path / "report.html"
    file.write_text(page(made(tmp_path), language))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (320, 1280):
            opened = chromium.new_page(viewport={"width": width, "height": 900}, bypass_csp=True)
            opened.goto(file.as_uri())
            opened.evaluate(AXE.read_text("utf-8"))
            found = opened.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
            assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]] == []
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
        chromium.close()
