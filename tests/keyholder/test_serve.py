"""A key holder over real gRPC with mutual TLS: it serves, refuses, comes back, and stops well."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sluis_node.keyholder import serve
from sluis_node.keyholder.answer import Answerer
from sluis_node.keyholder.config import KeyHolderSettings
from sluis_node.keyholder.store import open_holder
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import BadQuorum, QuotaExceeded, StorageError
from sluis_protocol.messages import HolderResult, HolderTask, Refusal
from sluis_protocol.signed import SignedMessage

from tests.world import AUTHORITY, holder_oin, make_world, member_oin

from .rig import SECONDS, Asker, RelayOnly, Round, elements, make_folder, serving

WORLD = make_world(quota=40)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[RelayOnly]:
    async with RelayOnly(WORLD, tmp_path, [Round(WORLD).status()]) as relay:
        yield relay


@pytest.fixture
def settings(tmp_path: Path, relay: RelayOnly) -> KeyHolderSettings:
    made = make_folder(tmp_path / "holder", WORLD, coordinator=f"localhost:{relay.port}")
    relay.pki.issue(holder_oin(1), made.tls.key.parent)
    return made


@pytest.fixture
def asker(relay: RelayOnly) -> Asker:
    return Asker(WORLD, relay.rounds[0].announcement.envelope.round_id)


async def ready(relay: RelayOnly) -> HolderResult:
    return await asyncio.wait_for(relay.ready.get(), SECONDS)


def note_of(version: int, **changes: object) -> str:
    terms = WORLD.covenant.terms.model_copy(update={"version": version, **changes})
    return Covenant.sign(terms, AUTHORITY, WORLD.authority_key).note


async def test_it_says_that_it_is_ready_then_answers_and_refuses(
    relay: RelayOnly, settings: KeyHolderSettings, asker: Asker
) -> None:
    async with serving(settings):
        assert await ready(relay) == HolderResult(0, Refusal(0, "ready", ""))
        request = asker.ask(elements(20))
        answer = await relay.answer_of(1, request)
        assert isinstance(answer, SignedMessage)
        assert asker.read(request, answer).index == 1
        refusal = await relay.answer_of(2, asker.ask(elements(1), (2, 3)))
        assert isinstance(refusal, Refusal)
        assert refusal.code == BadQuorum.code
        assert refusal.do == ""
        await relay.answer_of(3, asker.ask(elements(20)))
        exceeded = await relay.answer_of(4, asker.ask(elements(1)))
        assert isinstance(exceeded, Refusal)
        assert exceeded.code == QuotaExceeded.code
        assert "next round" in exceeded.do
    await asyncio.wait_for(relay.ended.wait(), SECONDS)


async def test_many_tasks_at_once_are_all_answered(relay: RelayOnly, settings: KeyHolderSettings, asker: Asker) -> None:
    async with serving(settings):
        await ready(relay)
        for task_id in range(1, 41):
            relay.tasks.put_nowait(HolderTask(task_id, asker.ask(elements(1))))
        results = [await asyncio.wait_for(relay.results.get(), SECONDS) for _ in range(40)]
    assert {result.task_id for result in results} == set(range(1, 41))
    assert all(isinstance(result.outcome, SignedMessage) for result in results)


async def test_running_tasks_are_finished_before_it_stops(
    relay: RelayOnly, settings: KeyHolderSettings, asker: Asker
) -> None:
    async with serving(settings) as stop:
        await ready(relay)
        relay.tasks.put_nowait(HolderTask(1, asker.ask(elements(30))))
        await asyncio.wait_for(_counted(settings), SECONDS)
        stop.set()
    assert (await asyncio.wait_for(relay.results.get(), SECONDS)).task_id == 1
    assert relay.ended.is_set()


async def _counted(settings: KeyHolderSettings) -> None:
    """Until the task is being worked on: its count is the first thing to be seen of it."""
    holder = open_holder(settings)
    while not await asyncio.to_thread(holder.quota.report):
        pass
    holder.close()


async def test_it_comes_back_when_the_coordinator_does(
    relay: RelayOnly, settings: KeyHolderSettings, asker: Asker
) -> None:
    async with serving(settings):
        await ready(relay)
        batch = elements(30)
        await relay.answer_of(1, asker.ask(batch))
        await relay.stop()
        await relay.start()
        await ready(relay)
        assert isinstance(await relay.answer_of(2, asker.ask(batch, (1, 3))), SignedMessage)
        refusal = await relay.answer_of(3, asker.ask(elements(30)))
        assert isinstance(refusal, Refusal)
        assert refusal.code == QuotaExceeded.code


async def test_without_a_covenant_it_takes_the_coordinators_if_the_authority_signed_it(
    relay: RelayOnly, settings: KeyHolderSettings
) -> None:
    settings.covenant.unlink()
    async with serving(settings):
        await ready(relay)
    assert settings.covenant.read_text() == WORLD.covenant.note


async def test_a_newer_covenant_is_taken_over_and_an_older_one_is_not(
    relay: RelayOnly, settings: KeyHolderSettings
) -> None:
    newer = relay.note = note_of(2)
    async with serving(settings):
        await ready(relay)
        assert settings.covenant.read_text() == newer
        relay.note = WORLD.covenant.note
        relay.tasks.put_nowait(None)  # the coordinator ends the stream
        await ready(relay)
        assert settings.covenant.read_text() == newer


async def test_a_covenant_that_could_not_be_kept_is_not_noted_either(
    relay: RelayOnly, settings: KeyHolderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two, or a full disk: it starts again, and takes it over then."""
    relay.note = note_of(2)
    failed = asyncio.Event()

    def full(*_: object) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise StorageError("the disk is full")

    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patched:
        patched.setattr(serve, "write_atomically", full)
        async with serving(settings):
            await asyncio.wait_for(failed.wait(), SECONDS)
    async with serving(settings):
        await ready(relay)
        assert settings.covenant.read_text() == relay.note


async def test_a_coordinator_that_reads_no_answers_gets_no_more(
    relay: RelayOnly, settings: KeyHolderSettings, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0
    stalled = asyncio.Event()

    async def counting(_answerer: Answerer, task: HolderTask) -> HolderResult:
        nonlocal taken
        taken += 1
        stalled.set()
        return HolderResult(task.task_id, Refusal(1, "x" * 2_000, ""))

    async def never(_results: object) -> AsyncIterator[HolderResult]:
        yield serve.READY
        await asyncio.Event().wait()

    monkeypatch.setattr(serve, "_result", counting)
    monkeypatch.setattr(serve, "_until_none", never)
    monkeypatch.setattr(serve, "_DRAIN_SECONDS", 0.2)
    async with serving(settings):
        await ready(relay)
        for task_id in range(1, 101):
            relay.tasks.put_nowait(HolderTask(task_id, asker.ask(elements(1))))
        await asyncio.wait_for(stalled.wait(), SECONDS)
        await asyncio.wait_for(_empty(relay.tasks), SECONDS)
    assert taken <= 16


async def _empty(tasks: asyncio.Queue[HolderTask | None]) -> None:
    while not await asyncio.to_thread(tasks.empty):
        pass


@pytest.mark.parametrize(
    "note", [make_world().covenant.note, "nonsense", note_of(1, valid_until=date(2098, 1, 1)), note_of(9, id="other")]
)
async def test_a_covenant_of_others_is_not_taken_over(relay: RelayOnly, settings: KeyHolderSettings, note: str) -> None:
    relay.note = note
    async with serving(settings):
        await ready(relay)
        assert settings.covenant.read_text() == WORLD.covenant.note


async def test_it_runs_as_a_program_until_sigterm(relay: RelayOnly, settings: KeyHolderSettings) -> None:
    now = datetime.now(UTC)
    found = Round(WORLD, opens_at=now - timedelta(minutes=1))
    relay.rounds = (found.status(),)
    asker = Asker(WORLD, found.round_id)
    program = [sys.executable, "-c", "from sluis_node.keyholder.cli import app; app()"]
    config = ["--config", str(settings.database.parent / "keyholder.toml")]
    process = await asyncio.create_subprocess_exec(
        *program, "serve", *config, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        await ready(relay)
        assert isinstance(await relay.answer_of(1, asker.ask(elements(3), sent_at=now)), SignedMessage)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    usage = await asyncio.create_subprocess_exec(*program, "usage", "--json", *config, stdout=asyncio.subprocess.PIPE)
    output, _ = await usage.communicate()
    assert json.loads(output) == [
        {"round_id": found.round_id, "purpose": "jeugd", "member": member_oin(1), "elements": 3, "batches": 1}
    ]
