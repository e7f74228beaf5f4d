"""Rules 21 and 23: what is public, what of the figures is withheld, and when matching isn't useful enough."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from sluis_board.report.figures import Verdict, figures_of
from sluis_board.report.page import as_csv
from sluis_protocol import totals
from sluis_protocol.errors import TotalSpoilt
from sluis_protocol.indicators import Cell, Indicator
from sluis_protocol.publication import withhold
from sluis_protocol.rules import load_rules

from tests.board.books import YEAR, board_world, figures, write_book
from tests.board_key import SECRET
from tests.protocol.test_totals import play
from tests.shared import ROOT


def test_rule_21_protocol_source_and_error_rates_are_public() -> None:
    for page in (
        "docs/protocol.md",
        "docs/linkage.md",
        "docs/parity.md",
        "docs/leakage.md",
        "proto/sluis/v1",
        "LICENSE",
    ):
        assert (ROOT / page).exists(), page
    assert load_rules().identity in (ROOT / "docs/linkage.md").read_text("utf-8")
    assert "EUPL-1.2" in (ROOT / "publiccode.yml").read_text("utf-8")


def test_rule_21_small_cells_are_in_no_report(tmp_path: Path) -> None:
    world = board_world()
    found = figures_of(write_book(tmp_path, world.covenant, YEAR), world.covenant, None, None)
    shown = {(row["period"], row["figure"]): row["value"] for row in csv.DictReader(io.StringIO(as_csv(found)))}
    for label, size in YEAR.items():
        sums = figures(size)
        for cell in withhold(sums, found.limit) | {cell for cell, value in sums.items() if value < found.limit}:
            assert shown[label, str(cell)] == ""
    assert any(shown.values())


def test_rule_21_only_totals_leave_a_single_contribution_opens_to_nothing() -> None:
    """The board with the coordinator decrypts one node's contribution: figures under a mask that they don't have."""
    played = play()
    roster, node = played.roster(), played.nodes[0]
    found = SECRET.decrypt(
        totals.check_contribution(played.contribution(node, roster), played.period, roster, caller=node.oin)
    )
    with pytest.raises(TotalSpoilt):
        played.period.terms.layout.unpack(found, 1)


def test_rule_23_usefulness_is_measured_against_a_stop_criterion(tmp_path: Path) -> None:
    world = board_world()
    useful = figures_of(write_book(tmp_path, world.covenant, YEAR), world.covenant, None, None)
    assert useful.verdict is Verdict.GO_ON
    proven, followed, known, wrong = (
        Cell(one) for one in (Indicator.PROVEN, Indicator.FOLLOWED_UP, Indicator.ALREADY_KNOWN, Indicator.WRONG)
    )
    useless = tuple(
        replace(one, cells={**one.cells, proven: 1000, followed: 10, known: 10, wrong: 500}) for one in useful.periods
    )
    assert len(useless) >= useful.stop.periods
    assert replace(useful, periods=useless).verdict is Verdict.STOP
    assert replace(useful, periods=(*useless[:-1], useful.periods[-1])).verdict is not Verdict.STOP
