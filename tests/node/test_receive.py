"""Receiving mail ends, whatever the other side does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar, cast

from sluis_node.coordinator import Coordinator
from sluis_node.receive import Receiver
from sluis_protocol import wire
from sluis_protocol.messages import Delivery, Empty, Publication
from sluis_protocol.signed import Kind
from sluis_protocol.wire.methods import Method

from ..world import COORDINATOR
from .desk import ROUND, Desk, NoWire
from .rig import sign_as

T = TypeVar("T")


class EndlessWire(NoWire):
    """The same piece of mail for ever."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.sent = 0

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        return cast("T", Empty())

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        while True:
            self.sent += 1
            yield cast("T", self.delivery)


async def test_who_never_stops_sending_does_not_keep_us(desk: Desk) -> None:
    message = sign_as(desk.world, COORDINATOR, Kind.PUBLICATION, wire.encode(Publication(2, 1)), ROUND)
    endless = EndlessWire(Delivery(1, ROUND, message))
    one = desk.nodes[0]
    receiver = Receiver(replace(one.parts, coordinator=Coordinator(endless, "nowhere:1", os.urandom)))
    async with asyncio.timeout(10):
        assert not await receiver.run(lambda: False, wait=0.2)
        assert await receiver.run(lambda: True, wait=0.2, quiet=0.1)
    assert endless.sent > 1
