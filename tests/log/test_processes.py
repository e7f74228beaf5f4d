"""The real programs: a coordinator process on a tampered database, a node that finds out, and SIGKILL anywhere."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sluis_coordinator import log
from sluis_protocol.checkpoint import Checkpoint
from sluis_runtime.database import transaction
from sqlalchemy import text

from ..coordinator.rig import ProcessRig
from ..node.people import three_caseloads, write_csv
from ..node.rig import write_node_folder
from ..node.test_cli import Outcome, sluis_node
from ..world import member_oin

# Events are added, each with a checkpoint after it, until somebody kills this process.
APPEND = """
import itertools, os, sys
from datetime import UTC, datetime
from pathlib import Path
from sluis_coordinator import events, log
from sluis_coordinator.config import CoordinatorSettings
from sluis_coordinator.coordinator import open_coordinator
from sluis_runtime.database import transaction

coordinator = open_coordinator(CoordinatorSettings.load(Path(sys.argv[1])), lambda: datetime.now(UTC), os.urandom)
for number in itertools.count():
    with transaction(coordinator.engine) as connection:
        for _ in range(number % 3 + 1):
            events.record(connection, "covenant", coordinator.clock(), os.urandom(32), count=number)
    if number % 2:
        log.sign_newest(coordinator)
    print(number, flush=True)
"""


@asynccontextmanager
async def processes(folder: Path) -> AsyncIterator[tuple[ProcessRig, Path]]:
    """A coordinator process that does nothing by itself, and a node's configuration."""
    (folder / "coordinator").mkdir()
    async with ProcessRig(folder / "coordinator", tick_seconds=60) as rig:
        config = write_node_folder(rig.world, member_oin(1), folder / "node", coordinator=f"127.0.0.1:{rig.port}")
        rig.pki.issue(member_oin(1), folder / "node" / "tls")
        yield rig, config


async def on_another_database(rig: ProcessRig, config: Path, copy: Path | None, *statements: str) -> None:
    """Kill the coordinator, put another database in its place, start it, and tell the node its port."""
    await rig.kill()
    if copy:
        for path in rig.folder.glob("coordinator.sqlite*"):
            path.unlink()
        shutil.copy(copy, rig.settings.database)
    with sqlite3.connect(rig.settings.database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    before = rig.port
    await rig.start()
    dial(config, before, rig.port)


def dial(config: Path, before: int, port: int) -> None:
    config.write_text(config.read_text().replace(f":{before}", f":{port}"))


def backup(rig: ProcessRig) -> Path:
    copy = rig.folder / "backup.sqlite"
    with sqlite3.connect(rig.settings.database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


def told(outcome: Outcome) -> str:
    assert outcome.status == 1
    return outcome.stderr


@pytest.mark.slow
async def test_a_tampered_database_stops_a_node_with_evidence_until_it_is_settled(tmp_path: Path) -> None:
    async with processes(tmp_path) as (rig, config):
        old = backup(rig)
        rig.announce(opens_in=600)
        verified = await sluis_node("log", "verify", "--config", config)
        assert verified.status == 0, verified.stderr
        assert "nothing is wrong with the log" in verified.stdout
        assert "1 of 3 nodes cosigned the newest checkpoint" in verified.stdout
        await on_another_database(rig, config, old)
        with transaction(rig.coordinator.engine) as connection:  # the connections of before see the old file
            connection.execute(text("SELECT 1"))
        rig.coordinator.engine.dispose()
        assert "SLUIS-802" in told(await sluis_node("log", "verify", "--config", config))
        caseload = write_csv(tmp_path / "c.csv", three_caseloads()[0])
        for command in (["participate", caseload], ["receive"], ["rounds"], ["covenant", "fetch"], ["log", "verify"]):
            said = told(await sluis_node(*command, "--config", config))
            assert "SLUIS-802" in said
            assert "log resume" in said
        shown = await sluis_node("log", "show", "--config", config)
        assert "OPEN: this node takes part in nothing" in shown.stdout
        file = tmp_path / "evidence.json"
        assert (await sluis_node("log", "evidence", file, "--config", config)).status == 0
        judged = await sluis_node("log", "judge", file, "--authority", str(rig.world.authority))
        assert judged.status == 0, judged.stderr
        assert "proven: the log became smaller" in judged.stdout
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, "messages": content["messages"][::-1]}))
        assert (await sluis_node("log", "judge", file, "--authority", str(rig.world.authority))).status == 1
        resumed = await sluis_node("log", "resume", "1", "--by", "p.jansen", "--why", "a rehearsal", "--config", config)
        assert resumed.status == 0, resumed.stderr
        again = await sluis_node("log", "verify", "--json", "--config", config)
        assert again.status == 0, again.stderr
        assert json.loads(again.stdout)["before"] is None
        assert "settled" in (await sluis_node("log", "show", "--config", config)).stdout


@pytest.mark.slow
async def test_history_that_is_rewritten_under_the_same_tree(tmp_path: Path) -> None:
    """An event is changed: the tree still has the old one, and the operator's own check finds it."""
    async with processes(tmp_path) as (rig, config):
        rig.announce(opens_in=600)
        assert (await sluis_node("log", "verify", "--config", config)).status == 0
        await on_another_database(rig, config, None, "UPDATE events SET digest = zeroblob(32) WHERE kind = 'covenant'")
        assert "a covenant of" in told(await sluis_node("log", "verify", "--config", config))
        program = Path(sys.executable).with_name("sluis-coordinator")
        checking = await asyncio.create_subprocess_exec(
            program, "log", "verify", "--config", rig.config, stdout=PIPE, stderr=PIPE
        )
        assert b"don't agree: an event was altered" in (await checking.communicate())[1]
        assert checking.returncode == 1


@pytest.mark.slow
async def test_killed_between_an_event_and_its_checkpoint(tmp_path: Path) -> None:
    async with processes(tmp_path) as (rig, config):
        sizes = []
        for lines in (1, 4, 7, 2):
            assert (await sluis_node("log", "verify", "--config", config)).status == 0
            appending = await asyncio.create_subprocess_exec(sys.executable, "-c", APPEND, rig.config, stdout=PIPE)
            assert appending.stdout
            for _ in range(lines):
                await appending.stdout.readline()
            appending.kill()
            await appending.wait()
            found: Checkpoint = log.verify(rig.coordinator)
            sizes.append(found.size)
            await on_another_database(rig, config, None)
            shown = await sluis_node("log", "verify", "--json", "--config", config)
            assert json.loads(shown.stdout)["checkpoint"]["size"] >= found.size, shown.stderr
        assert sizes == sorted(set(sizes))
