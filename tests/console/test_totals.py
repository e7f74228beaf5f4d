"""The page of the totals: exactly the figures that go, and the button that lets them go; axe-core finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sluis_node.totals.counting import Counted, Counting
from sluis_protocol.indicators import Indicator, cells_of

from ..node.totals.test_flow import Three
from .rig import DESKTOP, PHONE, browser, log_in, running
from .test_accessible import objections

FIGURES = {cell: 3 * at for at, cell in enumerate(cells_of(Indicator))}  # no two alike


async def test_a_professional_sees_the_figures_and_approves_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counting, "count", lambda _self, _connection: Counted(FIGURES, frozenset()))
    async with Three(tmp_path) as three:
        await three.open(1)
        (node,) = three.nodes
        node.purpose()  # has it accept the covenant
        period = three.begin()
        await three.all_take_part()
        async with running(node, clock=three.clock) as console, browser() as chromium:
            context = await chromium.new_context(viewport=PHONE, locale="nl-NL")
            page = await context.new_page()
            await log_in(page, console, "anna")
            await page.goto(f"{console.address}/inbox")
            assert await objections(page) == []
            await page.get_by_role("link", name="Keur de cijfers voor het landelijke beeld goed").click()
            await page.wait_for_url("**/totals")
            assert await objections(page) == []
            shown = await page.locator("tbody td").all_inner_texts()
            assert sorted(map(int, shown)) == sorted(FIGURES.values())
            await page.get_by_role("button", name="Deze cijfers goedkeuren").click()
            await page.get_by_text("goedgekeurd", exact=False).first.wait_for()
            assert node.totals.waiting() is None
            await page.locator("main summary").click()
            await page.set_viewport_size(DESKTOP)
            assert await objections(page) == []
            assert node.totals.period(period).approved_by == "demo:anna"
            assert node.totals.period(period).figures == FIGURES
        await three.aclose()
