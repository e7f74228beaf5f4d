"""docs/audit.md, run as it stands: an outsider verifies a real log, and finds every bit that was changed."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..coordinator.rig import Rig
from ..node.people import three_caseloads
from ..node.rig import Country
from ..node.test_cli import sluis_node
from ..shared import ROOT
from ..world import make_world

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")
SCRIPTS = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.M | re.S))


def run(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One of the page's scripts, by a Python that knows nothing of Sluis."""
    return subprocess.run([sys.executable, "-I", "-S", "-c", SCRIPTS[name]], cwd=folder, capture_output=True, text=True)


def of_shell(command: str, folder: Path) -> str:
    """What it prints."""
    return subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True, text=True).stdout


async def exported(folder: Path) -> Path:
    """A round, and what one of its nodes gives an outsider."""
    async with Country(folder, three_caseloads(), make_world()) as country:
        await country.whole_round()
        configs = [one.config for one in country.municipalities]
        for config in configs:
            assert (await sluis_node("receive", "--wait", "1", "--config", config)).status == 0
        await asyncio.gather(*(sluis_node("log", "verify", "--config", config) for config in configs))
        outcome = await sluis_node("log", "export", folder / "audit" / "log", "--config", configs[0])
        assert outcome.status == 0, outcome.stderr
        assert isinstance(country, Rig)
        (folder / "audit" / "verifier.txt").write_text(f"{country.world.authority}\n")
    return folder / "audit"


def altered(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.slow
async def test_an_outsider_verifies_the_log(tmp_path: Path) -> None:
    audit = await exported(tmp_path)
    for name, expected in (("notes.py", "cosigned by 3 of 3 nodes"), ("tree.py", "       3 commitment")):
        done = run(name, audit)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
    for command in re.findall(r"`(\(printf [^`]*)`", PAGE):
        assert re.search("[0-9a-f]{64}", of_shell(command, audit)), command
    log = audit / "log"
    checkpoint, leaves, covenant = ((log / name).read_text("utf-8") for name in FILES)
    size = int(checkpoint.splitlines()[1])
    for script, name, old, new in (
        ("notes.py", "covenant.note", '"version": 1', '"version": 2'),
        ("notes.py", "checkpoint.note", f"\n{size}\n", f"\n{size - 1}\n"),
        ("tree.py", "leaves.txt", "kind commitment", "kind commitmend"),
        ("tree.py", "leaves.txt", leaves[: leaves.index("salt")], leaves[: leaves.index("salt")] * 2),
        ("tree.py", "checkpoint.note", f"\n{size}\n", f"\n{size - 1}\n"),
    ):
        altered(log / name, old, new)
        assert run(script, audit).returncode == 1
        for file, text in zip(FILES, (checkpoint, leaves, covenant), strict=True):
            (log / file).write_text(text)
    assert run("notes.py", audit).returncode == 0


FILES = ("checkpoint.note", "leaves.txt", "covenant.note")


def test_the_page_has_its_scripts() -> None:
    assert SCRIPTS.keys() == {"notes.py", "tree.py"}
    with pytest.raises(KeyError):
        SCRIPTS["other.py"]
