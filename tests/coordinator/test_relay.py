"""The relay, with key holders that are absent, slow, refusing, or come anew; and one that truly evaluates."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sluis_coordinator import events, relay
from sluis_protocol import threshold, wire
from sluis_protocol.covenant import Limits
from sluis_protocol.errors import HolderUnavailable, MalformedMessage, QuotaExceeded
from sluis_protocol.messages import (
    EvaluationAnswer,
    EvaluationRequest,
    HolderAnswer,
    HolderResult,
    HolderTask,
    Refusal,
)
from sluis_protocol.promises import check_receipt
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import EVALUATE, SERVE
from sluis_runtime.database import transaction

from ..world import PURPOSE, holder_oin, make_world
from .rig import DEADLINE, Party, Rig, eventually

Work = Callable[[Party, HolderTask], Awaitable[SignedMessage | Refusal]]
READY = HolderResult(0, Refusal(0, "ready", ""))


async def refusing(party: Party, task: HolderTask) -> Refusal:
    return Refusal(QuotaExceeded.code, "enough for today", "come back tomorrow")


async def silent(party: Party, task: HolderTask) -> Refusal:
    await asyncio.Event().wait()
    return Refusal(0, "", "")


async def honest(party: Party, task: HolderTask) -> SignedMessage:
    request = wire.decode(EvaluationRequest, task.request.envelope.payload)
    index = party.covenant.holder_by_oin(party.oin).index
    done = threshold.evaluate(party.world.shares[index - 1], request.quorum, request.elements, os.urandom)
    answer = EvaluationAnswer(task.request.digest, index, done.elements, done.proof, done.composites)
    return party.sign(Kind.EVALUATION_ANSWER, answer, round_id=task.request.envelope.round_id)


@asynccontextmanager
async def holder(rig: Rig, index: int, work: Work) -> AsyncIterator[Party]:
    """A key holder that is connected as long as this lasts."""
    party = await rig.party(holder_oin(index))
    results: asyncio.Queue[HolderResult] = asyncio.Queue()
    results.put_nowait(READY)

    async def sending() -> AsyncIterator[HolderResult]:
        while True:
            yield await results.get()

    async def serve() -> None:
        async for task in party.channel.converse(SERVE, sending(), HolderTask):
            results.put_nowait(HolderResult(task.task_id, await work(party, task)))

    links = rig.server.relay._links
    before = links.get(index)  # it may be connected already, and is to be replaced
    serving = asyncio.create_task(serve())
    await eventually(lambda: links.get(index) not in (None, before))
    try:
        yield party
    finally:
        serving.cancel()
        await asyncio.wait([serving])


async def evaluate(party: Party, elements: bytes = bytes(32), quorum: tuple[int, ...] = (1, 2)) -> list[HolderAnswer]:
    request = party.sign(Kind.EVALUATION_REQUEST, EvaluationRequest(PURPOSE, quorum, elements))
    answers = [each async for each in party.channel.stream(EVALUATE, request, HolderAnswer, timeout=DEADLINE)]
    first = answers.pop(0)
    assert first.index == 0
    assert isinstance(first.outcome, SignedMessage)
    check_receipt(first.outcome, party.covenant, "evaluation", request.digest, request.envelope.round_id)
    return answers


def codes(answers: list[HolderAnswer]) -> dict[int, int]:
    return {each.index: each.outcome.code for each in answers if isinstance(each.outcome, Refusal)}


async def test_two_honest_holders(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, holder(rig, 1, honest), holder(rig, 3, honest):
        await rig.open_round()
        [one] = await rig.members(1)
        blinded = threshold.blind([b"a", b"b"], os.urandom)
        answers = await evaluate(one, blinded.elements, (1, 3))
        evaluations = []
        for each in answers:
            assert isinstance(each.outcome, SignedMessage)
            content = wire.decode(EvaluationAnswer, each.outcome.envelope.payload)
            evaluations.append(
                threshold.ShareEvaluation(content.index, content.elements, content.proof, content.composites)
            )
        joint = one.covenant.joint_key
        assert threshold.combine(joint, (1, 3), blinded.elements, evaluations, os.urandom)
        with transaction(rig.coordinator.engine) as connection:
            assert events.counts(connection, rig.round_id, events.Happened.EVALUATION) == {one.oin: 2}


@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [
        (["00-" + "ab" * 16 + "-" + "cd" * 8 + "-00"], "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"),
        (["cc-" + "ab" * 16 + "-" + "cd" * 8 + "-01-later"], "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"),
        (["00-" + "ab" * 16 + "-" + "cd" * 8 + "-01-more"], ""),
        (["00-" + "AB" * 16 + "-" + "cd" * 8 + "-01"], ""),
        (["00-" + "00" * 16 + "-" + "cd" * 8 + "-01"], ""),
        (["x" * 4_000], ""),
        ([], ""),
    ],
)
async def test_a_trace_is_passed_on_or_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: list[str], passed_on: str
) -> None:
    tasks: list[HolderTask] = []

    async def noting(party: Party, task: HolderTask) -> SignedMessage:
        tasks.append(task)
        return await honest(party, task)

    async with Rig(tmp_path) as rig, holder(rig, 1, noting), holder(rig, 2, noting):
        await rig.open_round()
        [one] = await rig.members(1)
        monkeypatch.setattr("sluis_runtime.channel.metadata", lambda: tuple(("traceparent", value) for value in sent))
        answers = await evaluate(one, threshold.blind([b"a"], os.urandom).elements)
        assert all(isinstance(each.outcome, SignedMessage) for each in answers)
    assert [task.traceparent for task in tasks] == [passed_on] * 2


async def test_absent_and_refusing(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig, holder(rig, 2, refusing):
        await rig.open_round()
        [one] = await rig.members(1)
        answers = await evaluate(one)
        assert codes(answers) == {1: HolderUnavailable.code, 2: QuotaExceeded.code}
        [refusal] = [each.outcome for each in answers if each.index == 2]
        assert refusal == Refusal(QuotaExceeded.code, "enough for today", "come back tomorrow")


async def test_slow(tmp_path: Path) -> None:
    """The fast holder's answer doesn't wait for the slow one, which is given up after the covenant's limit."""
    async with (
        Rig(tmp_path, make_world(limits=Limits(evaluation_seconds=1))) as rig,
        holder(rig, 1, silent),
        holder(rig, 2, refusing),
    ):
        await rig.open_round()
        [one] = await rig.members(1)
        answers = await evaluate(one)
        assert [each.index for each in answers] == [2, 1]
        assert codes(answers) == {1: HolderUnavailable.code, 2: QuotaExceeded.code}


async def test_going_away_and_coming_back(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        asked = asyncio.Event()

        async def vanishing(party: Party, task: HolderTask) -> Refusal:
            asked.set()
            return await silent(party, task)

        async with holder(rig, 2, refusing):
            async with holder(rig, 1, vanishing):
                waiting = asyncio.create_task(evaluate(one))
                await asked.wait()
            assert codes(await waiting)[1] == HolderUnavailable.code
            async with holder(rig, 1, silent), holder(rig, 1, refusing):
                await eventually(lambda: rig.server.relay.connected == [1, 2])
                assert codes(await evaluate(one)) == {1: QuotaExceeded.code, 2: QuotaExceeded.code}


async def test_a_holder_that_is_not_ready(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)

        party = await rig.party(holder_oin(3))

        async def not_ready() -> AsyncIterator[HolderResult]:
            yield HolderResult(5, Refusal(1, "", ""))

        with pytest.raises(MalformedMessage, match="ready"):
            async for _ in party.channel.converse(SERVE, not_ready(), HolderTask):
                pass
        assert codes(await evaluate(one, quorum=(2, 3))) == dict.fromkeys((2, 3), HolderUnavailable.code)


async def test_one_node_cannot_take_the_others_places(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        go_on = asyncio.Event()

        async def busy(party: Party, task: HolderTask) -> Refusal:
            await go_on.wait()
            return await refusing(party, task)

        async with holder(rig, 2, busy):
            flood = [asyncio.create_task(evaluate(one)) for _ in range(relay.MOST_OF_ONE + 3)]
            await eventually(lambda: sum(each.done() for each in flood) == 3)
            other = asyncio.create_task(evaluate(two))
            go_on.set()
            assert codes(await other)[2] == QuotaExceeded.code
            outcomes = [codes(await each)[2] for each in flood]
            assert outcomes.count(HolderUnavailable.code) == 3
            assert outcomes.count(QuotaExceeded.code) == relay.MOST_OF_ONE


async def test_no_more_waits_for_a_holder_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        go_on = asyncio.Event()

        async def busy(party: Party, task: HolderTask) -> Refusal:
            await go_on.wait()
            return await refusing(party, task)

        async with holder(rig, 2, busy):
            large = bytes(32 * 256)
            monkeypatch.setattr(relay, "MOST_BYTES", 3 * len(large))
            many = [asyncio.create_task(evaluate(one, large)) for _ in range(4)]  # with what is around them, two fit
            await eventually(lambda: sum(each.done() for each in many) == 2)
            link = rig.server.relay._links[2]
            assert 2 * len(large) < link.bytes < relay.MOST_BYTES
            go_on.set()
            outcomes = [codes(await each)[2] for each in many]
            assert sorted(outcomes) == sorted([QuotaExceeded.code] * 2 + [HolderUnavailable.code] * 2)
            assert link.bytes == 0


async def test_nothing_is_kept_for_a_holder_that_takes_nothing(tmp_path: Path) -> None:
    """It stalls: what its askers have given up is not kept, and not sent when it wakes."""
    async with Rig(tmp_path, make_world(limits=Limits(evaluation_seconds=1))) as rig:
        results: asyncio.Queue[HolderResult] = asyncio.Queue()
        results.put_nowait(READY)

        async def sending() -> AsyncIterator[HolderResult]:
            while True:
                yield await results.get()

        await rig.open_round()
        [one] = await rig.members(1)
        stream = rig.server.relay.serve(holder_oin(1), sending())
        waking = asyncio.ensure_future(anext(stream))
        await eventually(lambda: rig.server.relay.connected == [1])
        assert codes(await evaluate(one)) == dict.fromkeys((1, 2), HolderUnavailable.code)
        assert (await waking).task_id == 1
        assert codes(await evaluate(one)) == dict.fromkeys((1, 2), HolderUnavailable.code)
        waking = asyncio.ensure_future(anext(stream))
        asking = asyncio.create_task(evaluate(one))
        assert (await waking).task_id == 3  # the second one was given up
        await stream.aclose()
        assert codes(await asking)[1] == HolderUnavailable.code
