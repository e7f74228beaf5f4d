"""Fixtures of the handshake's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..desk import CASELOADS
from .played import Played
from .rig import Two


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two municipalities that have found the same family."""
    async with Two(tmp_path) as two:
        yield two


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    """Two nodes that have found the same family; the test plays the coordinator. Nothing is opened yet."""
    async with Played(tmp_path, CASELOADS) as played:
        yield played
