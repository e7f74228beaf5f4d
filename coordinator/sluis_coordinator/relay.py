"""The relay between nodes and key holders: holders dial out, and are served over the connections that they opened.

The relay checks what it can see (who asks, which round, how much) and passes signed bytes on unread. It can't make or
check an answer: nodes verify every proof, holders every request. It keeps nothing but the count of what was asked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from itertools import count

from sluis_protocol import wire
from sluis_protocol.errors import HolderUnavailable, MalformedMessage, Replayed, RoundError, SluisError
from sluis_protocol.group import ELEMENT_BYTES
from sluis_protocol.messages import EvaluationRequest, HolderAnswer, HolderResult, HolderTask, Refusal
from sluis_protocol.rounds import Collecting
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed
from sluis_protocol.threshold import check_quorum
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger
from sluis_runtime.trace import header

from . import events, store
from .coordinator import Coordinator

MOST_WAITING = 1_024  # tasks that one holder has not answered; more are refused at once
MOST_BYTES = 33_554_432  # of these tasks together: 127 batches of the covenant's usual limit
MOST_OF_ONE = 8  # of these, one member's: a node asks three at a time, and none may take another's place
_READY = 0
_READY_SECONDS = 30.0

log = logger("relay")
Outcome = SignedMessage | Refusal


@dataclass(slots=True)
class _Link:
    """One key holder's open connection: what is to be sent, and who waits for which answer."""

    index: int
    unsent: dict[int, HolderTask] = field(default_factory=dict)
    waiting: dict[int, asyncio.Future[Outcome]] = field(default_factory=dict)
    members: Counter[str] = field(default_factory=Counter)  # how many tasks of each are waiting
    bytes: int = 0  # of all that are waiting
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    open: bool = True

    async def ask(self, task: HolderTask, member: str) -> Outcome:
        """The holder's outcome, however long it takes; cancelled before it was sent, a task is never sent."""
        answer = self.waiting[task.task_id] = asyncio.get_running_loop().create_future()
        self.members[member] += 1
        self.bytes += len(task.request.body)
        self.unsent[task.task_id] = task
        self.changed.set()
        try:
            outcome: Outcome = await answer
            return outcome
        finally:
            self.unsent.pop(task.task_id, None)
            del self.waiting[task.task_id]
            self.members[member] -= 1
            self.bytes -= len(task.request.body)

    async def next_task(self) -> HolderTask | None:
        """The oldest task that somebody still waits for; None when the stream ends."""
        while self.open:
            if self.unsent:
                return self.unsent.pop(next(iter(self.unsent)))
            self.changed.clear()
            await self.changed.wait()
        return None

    def close(self, why: str) -> None:
        """End the stream, and answer everybody who waits."""
        self.open = False
        self.changed.set()
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_result(_unavailable(self.index, why))


class Relay:
    """Knows which holders are connected and brings requests to them."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._links: dict[int, _Link] = {}
        self._ids = count(1)

    @property
    def connected(self) -> list[int]:
        """The indices of the holders that are ready."""
        return sorted(self._links)

    async def serve(self, oin: str, results: AsyncIterator[HolderResult]) -> AsyncGenerator[HolderTask, None]:
        """A key holder's stream: it says that it is ready, gets tasks, gives results. A newer stream replaces it."""
        index = self._coordinator.covenant.holder_by_oin(oin).index
        first = await _first(results)
        if first is None or first.task_id != _READY or not _says_ready(first.outcome):
            raise MalformedMessage("a key holder's first result says that it is ready (task 0, code 0)", party=oin)
        link = _Link(index)
        if older := self._links.get(index):
            older.close("it connected anew")
        self._links[index] = link
        log.info("holder connected", oin=oin, index=index)
        reader = asyncio.create_task(_read(link, results))
        try:
            while (task := await link.next_task()) is not None:
                yield task
            if reader.done():
                reader.result()
        finally:
            reader.cancel()
            if self._links.get(index) is link:
                del self._links[index]
            link.close("it went away")
            log.info("holder disconnected", oin=oin, index=index)

    async def evaluate(self, oin: str, message: SignedMessage) -> AsyncGenerator[HolderAnswer, None]:
        """The receipt, then each quorum member's outcome as soon as it is there: a signed answer, or why there is none.

        1. a member signed it, now, for this covenant, and is the caller; 2. the round collects, and is of that
        purpose, which is in force; 3. the batch is within the covenant's limit; 4. the quorum is t known holders.
        """
        coordinator = self._coordinator
        covenant, now = coordinator.covenant, coordinator.clock()
        envelope = open_signed(
            message,
            covenant,
            Kind.EVALUATION_REQUEST,
            round_id=message.envelope.round_id,
            now=now,
            caller=oin,
        )
        request = wire.decode(EvaluationRequest, envelope.payload)
        elements = len(request.elements) // ELEMENT_BYTES
        if elements > covenant.terms.limits.batch_elements:
            raise MalformedMessage(
                f"{elements} elements exceed the covenant's {covenant.terms.limits.batch_elements} a batch", party=oin
            )
        covenant.purpose(request.purpose, now.date())
        check_quorum(covenant.joint_key, request.quorum)
        receipt = await asyncio.to_thread(self._count, envelope, request.purpose, message, elements)
        log.info("asked", oin=oin, round=envelope.round_id, quorum=list(request.quorum))
        yield HolderAnswer(0, receipt)
        seconds = covenant.terms.limits.evaluation_seconds
        asking = [asyncio.create_task(self._ask(index, message, oin, seconds)) for index in request.quorum]
        try:
            for answered in asyncio.as_completed(asking):
                yield await answered
        finally:
            for task in asking:
                task.cancel()

    def _count(self, envelope: Envelope, purpose: str, message: SignedMessage, elements: int) -> SignedMessage:
        """Check the round and note how much was asked, before anybody answers; the receipt for it."""
        digest = message.digest  # of a whole batch, so once
        with transaction(self._coordinator.engine) as connection:
            found = store.find_round(connection, envelope.round_id)
            if found.purpose != purpose:
                raise Replayed("the request is for another purpose than its round", round=found.id)
            if found.state != Collecting():
                raise RoundError(
                    f"the round is {found.state.name}, not collecting",
                    do="take part in the next round",
                    round=found.id,
                )
            events.record(
                connection,
                events.Happened.EVALUATION,
                self._coordinator.clock(),
                digest,
                round_id=found.id,
                party=envelope.sender,
                count=elements,
            )
        return self._coordinator.receipt(events.Happened.EVALUATION, message, digest=digest)

    async def _ask(self, index: int, message: SignedMessage, member: str, seconds: float) -> HolderAnswer:
        link = self._links.get(index)
        if link is None or not link.open:
            return HolderAnswer(index, _unavailable(index, "it is not connected"))
        if len(link.waiting) >= MOST_WAITING or link.bytes + len(message.body) > MOST_BYTES:
            return HolderAnswer(index, _unavailable(index, "it has too much to do"))
        if link.members[member] >= MOST_OF_ONE:
            return HolderAnswer(index, _unavailable(index, f"it has not answered {MOST_OF_ONE} requests of this node"))
        try:
            async with asyncio.timeout(seconds):
                task = HolderTask(next(self._ids), message, header())
                return HolderAnswer(index, await link.ask(task, member))
        except TimeoutError:
            log.warning("holder too slow", index=index, seconds=seconds)
            return HolderAnswer(index, _unavailable(index, f"it did not answer within {seconds:.0f} s"))


async def _first(results: AsyncIterator[HolderResult]) -> HolderResult | None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            return await anext(results, None)
    except TimeoutError:
        return None


async def _read(link: _Link, results: AsyncIterator[HolderResult]) -> None:
    """Hand each result to who waits for it; one that comes too late is nobody's any more."""
    try:
        async for result in results:
            answer = link.waiting.get(result.task_id)
            if answer is not None and not answer.done():
                answer.set_result(result.outcome)
    finally:
        link.close("it went away")


def _says_ready(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.code == _READY


def _unavailable(index: int, why: str) -> Refusal:
    error: SluisError = HolderUnavailable(
        f"key holder {index} can't evaluate: {why}", do="ask another quorum", holder=index
    )
    return Refusal(error.code, str(error), error.do)
