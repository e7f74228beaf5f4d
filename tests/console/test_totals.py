"""The page of the totals: exactly the figures that go, and the button that lets them go; axe-core finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import sluis_node.node

from ..node.totals.test_flow import Three
from .rig import DESKTOP, PHONE, browser, log_in, running
from .test_accessible import objections


async def test_a_professional_sees_the_figures_and_approves_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sluis_node.node, "_QUIET_SECONDS", 0.15)
    async with Three(tmp_path) as three:
        await three.play()
        period = three.begin()
        await three.all_take_part()
        node = three.nodes[1]
        async with running(node, clock=three.clock) as console, browser() as chromium:
            context = await chromium.new_context(viewport=PHONE, locale="nl-NL")
            page = await context.new_page()
            await log_in(page, console, "anna")
            await page.goto(f"{console.address}/totals")
            assert await objections(page) == []
            rows = page.locator("tbody td")
            assert await rows.count() == 29
            shown = [value for value in (node.totals.period(period).figures or {}).values() if value]
            texts = await rows.all_inner_texts()
            assert sorted(int(text) for text in texts if text != "0") == sorted(shown)
            await page.get_by_role("button", name="Deze cijfers goedkeuren").click()
            await page.get_by_text("goedgekeurd", exact=False).first.wait_for()
            await page.set_viewport_size(DESKTOP)
            assert await objections(page) == []
            assert node.totals.period(period).approved_by == "demo:anna"
        await three.aclose()
