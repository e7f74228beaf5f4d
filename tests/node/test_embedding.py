"""The program in docs/embedding.md runs as it stands there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from ..shared import ROOT
from ..world import make_world
from .people import three_caseloads, write_csv
from .rig import Country


async def test_the_documented_program(tmp_path: Path) -> None:
    found = re.findall(r"```python\n(.*?)```", (ROOT / "docs/embedding.md").read_text(), re.DOTALL)
    assert len(found) == 1
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        folder = country.municipalities[0].config.parent
        write_csv(folder / "caseload.csv", country.municipalities[0].families)
        await country.open_round()
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", found[0], cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        await country.submitted(3)
        await country.close_round()
        stdout, stderr = await asyncio.wait_for(program.communicate(), 30)
        await asyncio.gather(*others)
    lines = stdout.decode().splitlines()
    assert program.returncode == 0, stderr.decode()
    assert "3 municipalities, 4 new matches" in lines
    assert any(line.startswith("A1 ('ZAAK-A1',) Municipality GM0002 bsn") for line in lines)
    assert any(line.endswith("before any contact") for line in lines)
