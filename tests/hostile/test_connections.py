"""Who may connect, what connections that do nothing cost, and that a flood leaves room for the others."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sluis_protocol.covenant import Limits
from sluis_protocol.errors import HolderUnavailable, SluisError, Unreachable
from sluis_protocol.messages import (
    CovenantNote,
    Empty,
    EvaluationRequest,
    HolderAnswer,
    HolderResult,
    HolderTask,
    Refusal,
    RoundList,
    RoundQuery,
)
from sluis_protocol.signed import Kind
from sluis_protocol.wire.methods import EVALUATE, GET_COVENANT, LIST_ROUNDS, SERVE
from sluis_runtime.channel import Channel
from sluis_runtime.config import Tls

from ..coordinator.rig import Party, ProcessRig, Rig, eventually, person
from ..keyholder.rig import elements
from ..pki import Pki
from ..shared import ROOT
from ..world import PURPOSE, holder_oin, make_world, member_oin

MEMORY_MB = 512  # docs/threat-model.md: what a coordinator takes at the most, besides `join_memory`


async def refused(rig: Rig, tls: Tls) -> bool:
    """Whether nobody gets in with these files."""
    async with Channel(f"127.0.0.1:{rig.port}", tls) as channel:
        try:
            await channel.call(GET_COVENANT, Empty(), CovenantNote, timeout=5)
        except Unreachable:
            return True
        except SluisError as error:
            raise AssertionError("it got as far as an answer") from error
    return False


async def test_expired_swapped_foreign_and_absent_certificates(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        good = rig.pki.issue(member_oin(1), tmp_path / "good")
        other = rig.pki.issue(member_oin(2), tmp_path / "other")
        assert not await refused(rig, good)
        assert await refused(rig, rig.pki.issue(member_oin(1), tmp_path / "expired", days=-0.5))
        assert await refused(rig, good.model_copy(update={"key": other.key}))
        foreign = Pki("Test authority").issue(member_oin(1), tmp_path / "foreign")
        foreign.authorities.write_bytes(good.authorities.read_bytes())
        assert await refused(rig, foreign)
        assert await asyncio.to_thread(_without_a_certificate, rig.port, good)


def _context(tls: Tls, *, certified: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.authorities))
    context.set_alpn_protocols(["h2"])
    if certified:
        context.load_cert_chain(str(tls.certificate), str(tls.key))
    return context


def _without_a_certificate(port: int, tls: Tls) -> bool:
    """Whether the server hangs up on who shows none, before anything is said."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        _context(tls, certified=False).wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        try:
            secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
            return secured.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True


async def finish_a_round(rig: Rig, one: Party, other: Party) -> None:
    """Two honest nodes hand in and get the family that they share."""
    tag = os.urandom(16)
    for party in (one, other):
        await party.submit([person(1, 1, [tag])])
    await rig.close_round()
    assert [len(await party.claims()) for party in (one, other)] == [1, 1]


async def test_a_flood_by_one_node_leaves_room_for_the_others(tmp_path: Path) -> None:
    """As many calls at once as one node may have and more, over and over, until the others have their match."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        flooder, one, other = await rig.members(3, 1, 2)
        asked = 0

        async def flood(number: int) -> None:
            nonlocal asked
            while True:
                asked += 1
                with suppress(SluisError):
                    if number % 4:
                        await flooder.call(LIST_ROUNDS, RoundQuery(PURPOSE), RoundList)
                    else:
                        request = EvaluationRequest(PURPOSE, (1, 2), os.urandom(32 * 64))
                        signed = flooder.sign(Kind.EVALUATION_REQUEST, request)
                        async for _ in flooder.channel.stream(EVALUATE, signed, HolderAnswer, timeout=5):
                            pass
                await asyncio.sleep(0)

        flooding = [asyncio.create_task(flood(number)) for number in range(100)]
        async with asyncio.timeout(60):
            await finish_a_round(rig, one, other)
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)
        assert asked > 200


async def test_a_key_holder_that_answers_what_nobody_asked_is_heard_and_forgotten(tmp_path: Path) -> None:
    """An endless stream of results for tasks that there are not, and of a task that there is."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        liar = await rig.party(holder_oin(1))
        said = 0

        async def results() -> AsyncIterator[HolderResult]:
            nonlocal said
            yield HolderResult(0, Refusal(0, "ready", ""))
            while True:
                said += 1
                yield HolderResult(said % 60 + 1, Refusal(HolderUnavailable.code, "no", ""))
                await asyncio.sleep(0)

        async def serve() -> None:
            async for _ in liar.channel.converse(SERVE, results(), HolderTask):
                pass

        serving = asyncio.create_task(serve())
        await eventually(lambda: rig.server.relay.connected == [1])
        for _ in range(20):
            signed = one.sign(Kind.EVALUATION_REQUEST, EvaluationRequest(PURPOSE, (1, 2), elements(1)))
            stream = one.channel.stream(EVALUATE, signed, HolderAnswer, timeout=10)
            answers = {answer.index: answer.outcome async for answer in stream}
            assert {index for index, said in answers.items() if isinstance(said, Refusal)} == {1, 2}
        link = rig.server.relay._links[1]
        assert not link.waiting
        assert not link.unsent
        assert said > 20
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def peak_mb(pid: int) -> int:
    """The most memory that a process had so far, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.mark.slow
async def test_two_thousand_idle_connections_and_a_flood_stay_within_the_stated_memory(tmp_path: Path) -> None:
    """Half of them stop after TCP, half after TLS with a member's certificate. Then big messages, then a round."""
    async with ProcessRig(tmp_path, make_world()) as rig:
        tls = rig.pki.issue(member_oin(3), tmp_path / "idle")
        before = peak_mb(rig.process.pid)
        idle = await asyncio.to_thread(_connect, rig.port, tls, 2_000)
        await rig.open_round()
        flooder, one, other = await rig.members(3, 1, 2)
        request = EvaluationRequest(PURPOSE, (1, 2), os.urandom(32 * Limits().batch_elements))
        signed = flooder.sign(Kind.EVALUATION_REQUEST, request)

        async def flood() -> None:
            for _ in range(50):
                with suppress(SluisError):
                    async for _ in flooder.channel.stream(EVALUATE, signed, HolderAnswer, timeout=10):
                        pass

        flooding = [asyncio.create_task(flood()) for _ in range(80)]
        async with asyncio.timeout(300):
            await finish_a_round(rig, one, other)
            await asyncio.gather(*flooding)
        after = peak_mb(rig.process.pid)
        for connection in idle:
            connection.close()
        print(f"coordinator: {before} MB at rest, {after} MB at the most")  # noqa: T201 (pytest -s shows it)
        assert after < MEMORY_MB
        assert f"**less than {MEMORY_MB} MB**" in (ROOT / "docs/threat-model.md").read_text("utf-8")


def _connect(port: int, tls: Tls, count: int) -> list[socket.socket]:
    found, context = [], _context(tls)
    for number in range(count):
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        found.append(context.wrap_socket(plain, server_hostname="localhost") if number % 2 else plain)
    return found
