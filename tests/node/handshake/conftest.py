"""Fixtures of the handshake's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sluis_node.node

from ..desk import CASELOADS
from .played import Played
from .rig import Two


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is on this machine: what comes, comes at once."""
    monkeypatch.setattr(sluis_node.node, "_QUIET_SECONDS", 0.15)


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
