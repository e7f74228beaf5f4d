"""Receive: fetch the mail, answer it, and only then acknowledge it (protocol.md, 6).

A delivery comes again until it is acknowledged, and an answer is kept until the coordinator has it; so a node may
stop anywhere here and start again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

from sluis_protocol.errors import SluisError, StorageError, Unreachable
from sluis_protocol.messages import Acknowledgement, Delivery, Empty, ReceiveRequest
from sluis_protocol.promises import check_receipt
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire import methods
from sluis_runtime.logs import logger

from ..handshake.sending import Sending
from ..parts import Parts
from .ledger import OUTSTANDING
from .mail import Mail

STREAM_SECONDS = 600.0  # a stream that lives this long is opened anew
_FETCH_SECONDS = 60.0
_LOOK_SECONDS = 5.0
_AT_ONCE = 256
_SENDING = 8
log = logger("receive")


class Receiver:
    """Fetches a node's mail until there is nothing left to wait for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._mail = Mail(parts)
        self._sending = Sending(parts)

    async def run(self, settled: Callable[[], bool], *, wait: float) -> bool:
        """Deal with all mail that there is, and then with what comes until `settled`, at most `wait` seconds.

        `settled` is asked in a thread. True if it was so in the end. Raises Unreachable, or what the coordinator
        refused.
        """
        await self._parts.coordinator.check()
        await self.send_answers()
        await self._parts.coordinator.persist(self._fetch)
        if await asyncio.to_thread(settled):
            return True
        await self._watch(settled, wait)
        await self._parts.coordinator.persist(self._fetch)
        return await asyncio.to_thread(settled)

    async def _fetch(self) -> None:
        """Deal with what waits at the coordinator; it says when that is all."""
        coordinator, arrived = self._parts.coordinator, list[Delivery]()
        request = ReceiveRequest("", until_empty=True)
        stream = coordinator.wire.stream(methods.RECEIVE, request, Delivery, timeout=_FETCH_SECONDS)
        async with aclosing(cast("Any", stream)):
            async for delivery in stream:
                arrived.append(delivery)
                if len(arrived) == _AT_ONCE:
                    await self._deal(arrived)
                    arrived.clear()
        await self._deal(arrived)

    async def _watch(self, settled: Callable[[], bool], wait: float) -> None:
        """Deal with mail as it comes, until `settled`, at most `wait` seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        queue: asyncio.Queue[Delivery | SluisError] = asyncio.Queue(_AT_ONCE)
        reader = asyncio.create_task(self._read(queue))
        try:
            # What is left in the queue comes again; who never stops sending must not keep us.
            while (left := end - loop.time()) > 0 and not await asyncio.to_thread(settled):
                try:
                    arrived = [await asyncio.wait_for(queue.get(), min(left, _LOOK_SECONDS))]
                except TimeoutError:
                    continue  # another process of this node may have dealt with what we wait for
                while len(arrived) < _AT_ONCE and not queue.empty():
                    arrived.append(queue.get_nowait())
                await self._deal([one for one in arrived if isinstance(one, Delivery)])
                for one in arrived:
                    if isinstance(one, SluisError):
                        raise one
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _deal(self, deliveries: Sequence[Delivery]) -> None:
        """Handle, answer, acknowledge."""
        if not deliveries:
            return
        read = await self._handle(deliveries)
        await self.send_answers()
        if read:
            await self._parts.coordinator.call(methods.ACKNOWLEDGE, Acknowledgement(read), Empty)

    async def _handle(self, deliveries: Sequence[Delivery]) -> tuple[int, ...]:
        """The ids of those that were dealt with. The others are of a newer covenant version: it is fetched first."""
        read = await asyncio.to_thread(self._mail.handle, deliveries)
        waiting = [delivery for delivery in deliveries if delivery.delivery_id not in read]
        if waiting:
            try:
                await self._parts.fetch_covenant()
            except SluisError as error:
                log.warning("mail waits for a covenant that can't be fetched", code=error.code, what=error.what)
            else:
                read |= await asyncio.to_thread(self._mail.handle, waiting)
        return tuple(read)

    async def _read(self, queue: asyncio.Queue[Delivery | SluisError]) -> None:
        """Put deliveries into the queue; at last, an error that trying again doesn't help."""
        coordinator, tried = self._parts.coordinator, 0
        left = coordinator.patience
        loop = asyncio.get_running_loop()
        while True:
            opened = loop.time()
            try:
                stream = coordinator.wire.stream(methods.RECEIVE, ReceiveRequest(""), Delivery, timeout=STREAM_SECONDS)
                async with aclosing(cast("Any", stream)):
                    async for delivery in stream:
                        tried, left = 0, coordinator.patience
                        await queue.put(delivery)
            except Unreachable as error:
                if loop.time() - opened > coordinator.patience:  # it was open, and quiet
                    tried, left = 0, coordinator.patience
                tried += 1
                left -= coordinator.pause(tried)
                if left < 0:
                    await queue.put(error)
                    return
            except SluisError as error:
                await queue.put(error)
                return
            await coordinator.sleep(coordinator.pause(tried or 1))

    async def send_answers(self) -> None:
        """Send all stored answers and steps of handshakes that the coordinator has not taken yet."""
        waiting = await asyncio.to_thread(self._parts.ledger.to_send)
        for at in range(0, len(waiting), _SENDING):
            await asyncio.gather(*(self._send(*one) for one in waiting[at : at + _SENDING]))
        await self._sending.run()

    async def _send(self, candidate_id: bytes, answer: SignedMessage) -> None:
        """Send one answer, the same bytes each time; the coordinator takes it however long it waited here."""
        parts = self._parts
        try:
            receipt = await parts.coordinator.call(methods.CONFIRM, answer, SignedMessage)
        except (Unreachable, StorageError):
            raise
        except SluisError as error:
            log.warning("the coordinator takes no answer", round=answer.envelope.round_id, code=error.code)
            await asyncio.to_thread(parts.ledger.expired, candidate_id)
        else:
            await asyncio.to_thread(self._sent, candidate_id, answer, receipt)

    def _sent(self, candidate_id: bytes, answer: SignedMessage, receipt: SignedMessage) -> None:
        said = answer.envelope
        covenant = self._parts.covenant_of_round(said.covenant_hash)
        check_receipt(receipt, covenant, "confirmation", answer.digest, said.round_id)
        self._parts.ledger.sent(candidate_id, receipt, self._parts.oin)


def nothing_outstanding(parts: Parts, awaited: Sequence[str]) -> Callable[[], bool]:
    """Whether no claim is open, and none of these rounds waits for its publication or for a claim."""

    def settled() -> bool:
        counts = parts.ledger.counts()
        if any(counts.get(state) for state in OUTSTANDING):
            return False
        rounds = (parts.store.round(round_id) for round_id in awaited)
        return all(own is None or parts.ledger.is_complete(own) for own in rounds)

    return settled
