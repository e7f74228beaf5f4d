"""The console in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from ..node.desk import CASELOADS, Desk
from .rig import DESKTOP, Running, browser, log_in, running


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with browser() as opened:
        yield opened


@pytest.fixture
def console(tmp_path: Path) -> Desk:
    return Desk(tmp_path, CASELOADS)


async def test_somebody_logs_in_and_out(tmp_path: Path, chromium: Browser) -> None:
    async with Desk(tmp_path, CASELOADS) as desk, running(desk.nodes[0].node) as console:
        page = await chromium.new_page(viewport=DESKTOP)
        await page.goto(f"{console.address}/rounds")
        await expect(page).to_have_url(f"{console.address}/login")
        await log_in(page, console, "anna")
        await expect(page).to_have_url(f"{console.address}/rounds")
        await page.get_by_role("button", name="Log out").click()
        await expect(page).to_have_url(f"{console.address}/login?out")
        await page.goto(f"{console.address}/rounds")
        await expect(page).to_have_url(f"{console.address}/login")


__all__ = ["Running"]
