"""The trial data and published vectors; a test that needs them skips, visibly, where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared(path: str) -> Path:
    """A file of the shared data folder beside the checkout (or at SLUIS_SHARED); skips the test if it isn't there."""
    found = Path(os.environ.get("SLUIS_SHARED", ROOT.parent / "shared")) / path
    if not found.exists():
        pytest.skip(f"the shared data are not on this machine: {path}")
    return found
