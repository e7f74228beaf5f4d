"""Whole rounds over real gRPC with mutual TLS: nodes see what `run_round` finds, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

from ..world import make_world
from .people import three_caseloads
from .rig import Country, pairs, seen


async def test_a_round_equals_run_round(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        reports = await country.whole_round()
        expected = country.expected()
        assert len(expected) >= 4
        for office, report in zip(country.offices, reports, strict=True):
            assert report.published
            assert report.participants == 3
            assert (report.outstanding, report.unconfirmed) == (0, 0)
            assert not report.anomalies
            assert not report.holder_faults
            assert seen(report) == pairs(expected, office.oin)
            assert report.new_matches == len(report.matches)
