"""Fixtures of the node's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .desk import CASELOADS, Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Two nodes that have handed in."""
    async with Desk(tmp_path, CASELOADS) as desk:
        yield desk
