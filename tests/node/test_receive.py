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
from sluis_protocol import wire
from sluis_protocol.errors import Unreachable
from sluis_protocol.messages import Delivery, Empty, Publication, ReceiveRequest
from sluis_protocol.signed import Kind
from sluis_protocol.wire.methods import Method

from ..world import COORDINATOR
from .desk import ROUND, Desk, NoWire
from .rig import sign_as

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


@pytest.mark.parametrize("at_first", [True, False])
async def test_who_never_stops_sending_does_not_keep_us(
    desk: Desk, at_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "_FETCH_SECONDS", 0.1)
    message = sign_as(desk.world, COORDINATOR, Kind.PUBLICATION, wire.encode(Publication(2, 1)), ROUND)
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
