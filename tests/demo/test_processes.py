"""Children are started, watched and stopped to the last one; plain shells stand in for the programs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from sluis_demo import processes
from sluis_demo.processes import Programs, find_program
from sluis_protocol.errors import ConfigError, ProgramFailed

from tests.demo.alive import alive, gone

READY = re.compile(r"^listening on (\S+)$", re.M)


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sh` is on the PATH, not beside the interpreter; and nobody waits long for those who don't want to end."""
    monkeypatch.setattr(processes, "GRACE", 0.3)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "logs", tmp_path / "tmp")


async def test_a_program_runs_and_its_output_comes_back(programs: Programs, tmp_path: Path) -> None:
    os.environ["SLUIS_COORDINATOR"] = "elsewhere"
    try:
        running = Programs(tmp_path / "logs", tmp_path / "tmp")
    finally:
        del os.environ["SLUIS_COORDINATOR"]
    async with running:
        said = await running.run("sh", "-c", 'echo "$TMPDIR ${SLUIS_COORDINATOR-unset}"', name="a shell")
    assert said == f"{tmp_path / 'tmp'} unset\n"


async def test_two_of_one_name_do_not_write_over_each_other(programs: Programs) -> None:
    async with programs:
        first = programs.start("sh", "-c", "echo first; sleep 60", name="one")
        second = programs.start("sh", "-c", "echo second", name="one")
        assert await programs.finish(second, timeout=30) == "second\n"
        await programs.told(first, re.compile("^first$", re.M))
        assert first.stdout != second.stdout


async def test_a_failing_program_is_named_with_its_last_lines(programs: Programs) -> None:
    async with programs:
        with pytest.raises(ProgramFailed, match=r"node GM0014 ended with status 3(?s:.*)\| the reason$") as caught:
            await programs.run("sh", "-c", "seq 100; echo the reason >&2; exit 3", name="node GM0014")
    assert "| 50\n" not in str(caught.value)


async def test_an_answer_in_json_counts_whatever_the_status(programs: Programs) -> None:
    async with programs:
        assert await programs.ask("sh", "-c", 'echo "[1]"; exit 1', name="a shell") == [1]
        with pytest.raises(ProgramFailed, match=r"a shell ended with status 1(?s:.*)\| the reason$"):
            await programs.ask("sh", "-c", "echo the reason >&2; exit 1", name="a shell")


async def test_a_full_disk_is_named_where_a_program_can_no_longer_say_so(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4096))
    async with programs:
        with pytest.raises(ProgramFailed) as caught:
            await programs.run("sh", "-c", "exit 1", name="node")
    assert "the disk is full" in caught.value.do


async def test_a_program_that_takes_too_long_is_stopped(programs: Programs) -> None:
    async with programs:
        with pytest.raises(ProgramFailed, match="did not end within"):
            await programs.run("sh", "-c", "echo $$; exec sleep 60", name="slow", timeout=0.3)
        assert gone(int((programs.logs / "slow.out").read_text()))


async def test_a_service_is_ready_when_it_says_so(programs: Programs) -> None:
    async with programs:
        script = "echo starting; sleep 0.1; echo listening on localhost:4711; exec sleep 60"
        found = await programs.told(programs.serve("sh", "-c", script, name="service"), READY)
    assert found[1] == "localhost:4711"


async def test_one_can_wait_until_something_was_said_often_enough(programs: Programs) -> None:
    async with programs:
        script = "for i in 1 2 3; do echo listening on $i >&2; sleep 0.1; done; exec sleep 60"
        service = programs.serve("sh", "-c", script, name="service")
        assert (await programs.told(service, READY, times=3))[1] == "3"
        with pytest.raises(ProgramFailed, match="not ready within"):
            await programs.told(service, READY, times=4, timeout=0.2)


async def test_a_service_that_ends_before_it_is_ready_is_a_failure(programs: Programs) -> None:
    async with programs:
        with pytest.raises(ProgramFailed, match="status 7 before it was ready"):
            await programs.told(programs.serve("sh", "-c", "exit 7", name="service"), READY)


async def test_leaving_stops_everyone_with_all_they_started_even_who_will_not(programs: Programs) -> None:
    stubborn = 'trap "" TERM; sh -c "trap \\"\\" TERM; sleep 60; sleep 60" & echo listening on $$; sleep 60; sleep 60'
    async with programs:
        groups = [
            int((await programs.told(programs.serve("sh", "-c", script, name=name), READY))[1])
            for name, script in (("meek", "echo listening on $$; exec sleep 60"), ("stubborn", stubborn))
        ]
        assert all(map(alive, groups))
    assert all(map(gone, groups))


async def test_what_a_program_leaves_behind_ends_with_it(programs: Programs) -> None:
    async with programs:
        said = await programs.run("sh", "-c", "sleep 60 & echo $$", name="parent")
        assert gone(int(said))


async def test_cancelling_the_work_stops_everyone(programs: Programs) -> None:
    async def work() -> None:
        async with programs:
            await programs.run("sh", "-c", "echo $$; exec sleep 60", name="long")

    task = asyncio.create_task(work())
    said = programs.logs / "long.out"
    async with asyncio.timeout(10):
        while not (said.exists() and said.read_text().strip()):  # noqa: ASYNC110 (a file, not an event)
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(int(said.read_text()))


async def test_a_lost_service_ends_the_work_and_is_named_as_the_cause(programs: Programs) -> None:
    async with programs:
        service = programs.serve("sh", "-c", "echo listening on $$; exec sleep 60", name="holder 2")
        found = await programs.told(service, READY)

        async def work() -> None:
            os.kill(int(found[1]), signal.SIGKILL)
            await programs.run("sh", "-c", "exit 1", name="node")

        with pytest.raises(ProgramFailed, match="holder 2 ended with status -9 while it was needed"):
            await programs.while_serving(work())


async def test_work_that_fails_by_itself_says_so(programs: Programs) -> None:
    async with programs:
        programs.serve("sh", "-c", "exec sleep 60", name="holder 2")
        with pytest.raises(ProgramFailed, match="node ended with status 1"):
            await programs.while_serving(programs.run("sh", "-c", "exit 1", name="node"))
        assert await programs.while_serving(asyncio.sleep(0, "done")) == "done"


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match="sluis-nothing is not installed"):
        find_program("sluis-nothing")
