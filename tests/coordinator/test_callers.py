"""Who may call: the certificate's OIN against covenant, signer and role; and messages that are not right."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from sluis_coordinator import calls
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant, Limits
from sluis_protocol.errors import (
    BadQuorum,
    BadSignature,
    MalformedMessage,
    NotAMember,
    Replayed,
    RoundError,
    SluisError,
    Unreachable,
    WrongClock,
    WrongCovenant,
    WrongSender,
)
from sluis_protocol.messages import CovenantNote, Empty, EvaluationRequest, HolderAnswer, RoundList, RoundQuery
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import EVALUATE, GET_COVENANT, LIST_ROUNDS
from sluis_protocol.wire.status import from_rpc

from ..pki import Pki
from ..world import AUTHORITY, PURPOSE, World, holder_oin, make_world, member_oin
from .rig import DEADLINE, Party, Rig, person

STRANGER = "00000099000000009999"


def changed(world: World, **terms: Any) -> World:
    """The same keys under other terms."""
    covenant = Covenant.sign(world.covenant.terms.model_copy(update=terms), AUTHORITY, world.authority_key)
    return World(covenant, world.authority, world.authority_key, world.signing, world.sealing, world.shares)


async def evaluate(party: Party, message: SignedMessage) -> list[HolderAnswer]:
    stream = party.channel.stream(EVALUATE, message, HolderAnswer, timeout=DEADLINE)
    return [answer async for answer in stream if answer.index]


def request(purpose: str = PURPOSE, quorum: tuple[int, ...] = (1, 2), count: int = 1) -> EvaluationRequest:
    return EvaluationRequest(purpose, quorum, os.urandom(32 * count))


@pytest.mark.parametrize("certificate", [STRANGER, None, "not an OIN"])
async def test_a_certificate_of_nobody_we_know(tmp_path: Path, certificate: str | None) -> None:
    async with Rig(tmp_path) as rig:
        party = await rig.party(member_oin(1), certificate=certificate)
        with pytest.raises(NotAMember):
            await party.call(GET_COVENANT, Empty(), CovenantNote)


async def test_a_certificate_of_another_authority(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        party = await rig.party(member_oin(1), pki=Pki("Another"))
        with pytest.raises(Unreachable):
            await party.call(GET_COVENANT, Empty(), CovenantNote)


async def test_no_certificate(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        credentials = grpc.ssl_channel_credentials(rig.settings.tls.authorities.read_bytes())
        channel: Any = grpc.aio.secure_channel(f"127.0.0.1:{rig.port}", credentials)
        async with channel:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary(GET_COVENANT.path)(b"", timeout=DEADLINE)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_revoked_member(tmp_path: Path) -> None:
    world = make_world()
    first, *others = world.covenant.terms.members
    world = changed(world, members=(first.model_copy(update={"revoked": True}), *others))
    async with Rig(tmp_path, world) as rig:
        with pytest.raises(NotAMember, match="revoked"):
            await (await rig.party(member_oin(1))).call(GET_COVENANT, Empty(), CovenantNote)
        assert await (await rig.party(member_oin(2))).call(GET_COVENANT, Empty(), CovenantNote)


async def test_roles(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        holder = await rig.party(holder_oin(1))
        assert (await holder.call(LIST_ROUNDS, RoundQuery(PURPOSE), RoundList)).rounds
        with pytest.raises(NotAMember):
            await evaluate(holder, holder.sign(Kind.EVALUATION_REQUEST, request()))
        with pytest.raises(NotAMember):
            await holder.submit([person(1, 1)])


async def test_a_signer_who_is_not_the_caller(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        with pytest.raises(WrongSender):
            await evaluate(two, one.sign(Kind.EVALUATION_REQUEST, request()))
        with pytest.raises(WrongSender):
            await two.upload([one.sign(Kind.MANIFEST, one.manifest([person(1, 1)]))])
        with pytest.raises(BadSignature):
            await two.upload([one.sign(Kind.MANIFEST, one.manifest([person(1, 1)]), sender=two.oin)])


async def test_another_covenant_version(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        one.covenant = changed(rig.world, version=7).covenant
        with pytest.raises(WrongCovenant):
            await evaluate(one, one.sign(Kind.EVALUATION_REQUEST, request()))
        with pytest.raises(WrongCovenant):
            await one.submit([person(1, 1)])


@pytest.mark.parametrize("ahead", [-301, 301])
async def test_a_clock_that_is_off(tmp_path: Path, ahead: int) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        one.clock = lambda: rig.clock() + timedelta(seconds=ahead)
        with pytest.raises(WrongClock):
            await evaluate(one, one.sign(Kind.EVALUATION_REQUEST, request()))
        with pytest.raises(WrongClock):
            await one.submit([person(1, 1)])


async def test_messages_of_another_round_or_purpose(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [old] = await rig.members(1)
        await rig.close_round()
        await rig.open_round()
        [new] = await rig.members(1)
        rows = [person(1, 1)]
        with pytest.raises(RoundError, match="purged"):
            await old.submit(rows)
        with pytest.raises(RoundError, match="purged"):
            await evaluate(old, old.sign(Kind.EVALUATION_REQUEST, request()))
        with pytest.raises(RoundError, match="no such"):
            await evaluate(new, new.sign(Kind.EVALUATION_REQUEST, request(), round_id="r-invented"))
        with pytest.raises(Replayed):
            await new.submit(rows, manifest=new.manifest(rows, purpose="other"))
        with pytest.raises(SluisError):
            await evaluate(new, new.sign(Kind.EVALUATION_REQUEST, request("other")))
        with pytest.raises(MalformedMessage, match="expected"):
            await evaluate(new, new.sign(Kind.MANIFEST, new.manifest(rows)))


async def test_what_a_batch_may_ask(tmp_path: Path) -> None:
    async with Rig(tmp_path, make_world(limits=Limits(batch_elements=4))) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        with pytest.raises(MalformedMessage, match="5 elements"):
            await evaluate(one, one.sign(Kind.EVALUATION_REQUEST, request(count=5)))
        for quorum in ((1,), (1, 2, 3), (1, 9)):
            with pytest.raises(BadQuorum):
                await evaluate(one, one.sign(Kind.EVALUATION_REQUEST, request(quorum=quorum)))


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        (GET_COVENANT, b"\x08\x01"),
        (LIST_ROUNDS, b""),
        (LIST_ROUNDS, wire.encode(RoundQuery(PURPOSE)) + b"\x00"),
        (LIST_ROUNDS, wire.encode(RoundQuery(PURPOSE)) * 2),
        (EVALUATE, b"\xff\xff"),
        (EVALUATE, wire.encode(SignedMessage(b"\x00", bytes(64)))),
    ],
)
async def test_malformed_requests(tmp_path: Path, method: Any, raw: bytes) -> None:
    async with Rig(tmp_path) as rig:
        [one] = await rig.members(1)
        with pytest.raises(MalformedMessage):
            await raw_call(rig, one, method, raw)


async def test_a_message_that_is_too_large(tmp_path: Path) -> None:
    async with Rig(tmp_path, make_world(limits=Limits(message_bytes=65_536, batch_elements=64))) as rig:
        [one] = await rig.members(1)
        with pytest.raises(Unreachable, match="larger"):
            await raw_call(rig, one, LIST_ROUNDS, bytes(70_000))


async def raw_call(rig: Rig, party: Party, method: Any, raw: bytes) -> None:
    """Send these bytes as they are."""
    authorities, key, certificate = party.tls.read()
    credentials = grpc.ssl_channel_credentials(authorities, key, certificate)
    channel: Any = grpc.aio.secure_channel(f"127.0.0.1:{rig.port}", credentials)
    async with channel:
        try:
            if method is EVALUATE:
                async for _ in channel.unary_stream(method.path)(raw, timeout=DEADLINE):
                    pass
            else:
                await channel.unary_unary(method.path)(raw, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error


async def test_more_calls_than_one_party_may_have_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_CALLS", 2)
    async with Rig(tmp_path) as rig:
        one, two = await rig.members(1, 2)
        streams = [asyncio.create_task(one.receive(1)) for _ in range(2)]

        async def refused() -> bool:
            try:
                await one.call(GET_COVENANT, Empty(), CovenantNote)
            except Unreachable as error:
                return "2 calls open" in str(error)
            return False

        async with asyncio.timeout(DEADLINE):
            while not await refused():
                pass
        assert await two.call(GET_COVENANT, Empty(), CovenantNote)
        for stream in streams:
            stream.cancel()
        await asyncio.wait(streams)
        async with asyncio.timeout(DEADLINE):
            while await refused():
                pass
