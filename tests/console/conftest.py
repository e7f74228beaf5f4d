"""One browser for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from .rig import browser


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with browser() as opened:
        yield opened
