"""The linters, the types, who imports whom, and the generated wire: each is a test, so that one command checks all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT

SCRIPTS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check"], id="style"),
        pytest.param(["ruff", "format", "--check"], id="format"),
        pytest.param(["mypy"], id="types"),
        pytest.param(["lint-imports", "--no-logo"], id="imports"),
        pytest.param(["python", "proto/generate.py", "--check"], id="wire"),
    ],
)
def test_nothing_to_object(command: list[str]) -> None:
    done = subprocess.run([SCRIPTS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
