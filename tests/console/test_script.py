"""What the script adds: updates, a warning before the session ends, and a form that is sent once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sluis_node.handshake.review import Answer

from ..node.handshake.rig import FIRST, Two
from .rig import DESKTOP, log_in, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def test_a_page_updates_by_itself_but_not_where_somebody_writes(chromium: Browser, tmp_path: Path) -> None:
    async with Two(tmp_path) as two, running(two.a.node, clock=two.clock) as console:
        context = await chromium.new_context(viewport=DESKTOP)
        page, writing = await context.new_page(), await context.new_page()
        await log_in(page, console, "anna")
        await page.goto(f"{console.address}/match/{two.a.match}")
        await writing.goto(f"{console.address}/match/{two.a.match}/decide")
        await writing.check("#answer-yes")
        two.a.desk.decide(two.a.match, by=FIRST, answer=Answer.YES)
        await expect(page.locator("main")).to_contain_text(
            "Een collega gaf een eerste oordeel. U beslist.", timeout=15_000
        )
        assert await writing.is_checked("#answer-yes")


async def test_people_are_warned_before_their_session_ends_and_can_stay(chromium: Browser, tmp_path: Path) -> None:
    """WCAG 2.2.1. After the end nothing of a case is left on the screen."""
    async with Two(tmp_path) as two, running(two.a.node, clock=two.clock) as console:
        page = await chromium.new_page(viewport=DESKTOP)
        await page.clock.install()
        await log_in(page, console, "anna")
        ending = page.locator("#ending")
        await expect(ending).to_be_hidden()
        two.clock.ahead += timedelta(minutes=18, seconds=30)
        await page.clock.fast_forward("18:30")
        await expect(ending).to_be_visible()
        await page.click("#stay")
        await expect(ending).to_be_hidden()
        two.clock.ahead += timedelta(minutes=18, seconds=30)
        await page.clock.fast_forward("18:30")
        await expect(ending).to_be_visible()
        two.clock.ahead += timedelta(minutes=2)
        await page.clock.fast_forward("02:00")
        await expect(page).to_have_url(f"{console.address}/login?ended")


async def test_a_button_that_is_pressed_twice_sends_once(chromium: Browser, tmp_path: Path) -> None:
    async with Two(tmp_path) as two, running(two.a.node, clock=two.clock) as console:
        page = await chromium.new_page(viewport=DESKTOP)
        await log_in(page, console, "anna")
        await page.goto(f"{console.address}/match/{two.a.match}/decide")
        await page.check("#answer-yes")
        sent = []
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        await page.locator(".sluis-decide button").dblclick()
        await expect(page).to_have_url(f"{console.address}/match/{two.a.match}")
        assert len(sent) == 1
        assert len(two.a.case().history) == 2
