"""Receiving mail ends, whatever the other side does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar, cast

import pytest
from sluis_node.coordinator import Coordinator
from sluis_node.round import receive
from sluis_node.round.receive import Receiver
from sluis_node.transparency.owed import outstanding
from sluis_protocol import wire
from sluis_protocol.errors import MalformedMessage, Unreachable
from sluis_protocol.messages import Delivery, Empty, Publication, ReceiveRequest
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import Method

from ..world import COORDINATOR, World
from .desk import ROUND, Desk, NoWire
from .rig import receipt_for, sign_as

T = TypeVar("T")


class EndlessWire(NoWire):
    """The same piece of mail for ever; or none at first, if only that which comes later is `endless`."""

    def __init__(self, delivery: Delivery, *, at_first: bool) -> None:
        self.delivery = delivery
        self.at_first = at_first
        self.sent = 0

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        return cast("T", Empty())

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        assert timeout is not None
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        if cast("ReceiveRequest", request).until_empty and not self.at_first:
            return
        while loop.time() < end:
            self.sent += 1
            yield cast("T", self.delivery)
            await asyncio.sleep(0)
        raise Unreachable("no answer within its time")


class WrongReceipt(NoWire):
    """A coordinator that takes an answer, and signs for another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lies = True

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        assert isinstance(request, SignedMessage)
        digest = bytes(32) if self.lies else request.digest
        return cast("T", receipt_for(self.world, "confirmation", digest, ROUND))


async def test_an_answer_is_sent_until_the_coordinator_signs_for_it(desk: Desk) -> None:
    desk.claim_both()
    one = desk.nodes[0]
    wrong = WrongReceipt(desk.world)
    receiver = Receiver(replace(one.parts, coordinator=Coordinator(wrong, "nowhere:1", os.urandom, patience=0.2)))
    with pytest.raises(MalformedMessage, match="something else than our confirmation"):
        await receiver.send_answers()
    assert one.parts.ledger.to_send()
    wrong.lies = False
    await receiver.send_answers()
    assert not one.parts.ledger.to_send()
    with one.parts.store.transaction() as connection:
        [confirmation] = [owing for owing in outstanding(connection) if owing.kind == "confirmation"]
    assert confirmation.promise is not None


@pytest.mark.parametrize("at_first", [True, False])
async def test_who_never_stops_sending_does_not_keep_us(
    desk: Desk, at_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_FETCH_SECONDS", 0.1)
    message = sign_as(desk.world, COORDINATOR, Kind.PUBLICATION, wire.encode(Publication(bytes(16), 2, 1)), ROUND)
    endless = EndlessWire(Delivery(1, ROUND, message), at_first=at_first)
    one = desk.nodes[0]
    coordinator = Coordinator(endless, "nowhere:1", os.urandom, patience=0.2)
    receiver = Receiver(replace(one.parts, coordinator=coordinator))
    async with asyncio.timeout(10):
        if at_first:
            with pytest.raises(Unreachable):
                await receiver.run(lambda: True, wait=0.2)
        else:
            assert not await receiver.run(lambda: False, wait=0.2)
    assert endless.sent > 1


class SilentWire(NoWire):
    """A coordinator that has nothing for us, and keeps the stream open."""

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        if not cast("ReceiveRequest", request).until_empty:
            await asyncio.sleep(timeout or 0)
        for nothing in cast("tuple[T, ...]", ()):
            yield nothing


async def test_what_another_process_of_the_node_dealt_with_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_LOOK_SECONDS", 0.01)
    coordinator = Coordinator(SilentWire(), "nowhere:1", os.urandom, patience=0.2)
    receiver = Receiver(replace(desk.nodes[0].parts, coordinator=coordinator))
    looks = iter([False, False, False, True, True])
    async with asyncio.timeout(10):
        assert await receiver.run(lambda: next(looks), wait=3_600)
