"""One browser for a module, and one stage for all that only look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from .rig import Running, browser, running
from .stage import Stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Families in every phase."""
    async with Stage(tmp_path_factory.mktemp("stage")) as opened:
        await opened.play()
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(stage: Stage) -> AsyncIterator[Running]:
    """The first municipality's console."""
    async with running(stage.a.node, clock=stage.clock) as opened:
        yield opened
