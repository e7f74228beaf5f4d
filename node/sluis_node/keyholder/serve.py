"""Serve: dial out to the coordinator, take tasks, give answers or refusals, for as long as nobody says stop.

A lost connection is made again, with growing pauses. On SIGTERM the running tasks are finished and sent first. The
checks are in `answer`, the counts in `quota`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sluis_protocol.covenant import Covenant, Limits
from sluis_protocol.errors import HolderUnavailable, SluisError
from sluis_protocol.group import Random
from sluis_protocol.messages import (
    CovenantNote,
    Empty,
    HolderResult,
    HolderTask,
    Refusal,
    RoundList,
    RoundQuery,
    RoundStatus,
)
from sluis_protocol.wire.methods import GET_COVENANT, LIST_ROUNDS, SERVE
from sluis_runtime import logs
from sluis_runtime.channel import Channel
from sluis_runtime.files import sole_user, write_atomically
from sluis_runtime.program import on_stop_signal
from sluis_runtime.trace import parse, within

from .answer import Answerer
from .config import KeyHolderSettings
from .reports import Reports
from .rounds import ListRounds, RoundBook
from .store import KeyHolder, check_covenant, open_holder, read_covenant, see_covenant

log = logs.logger("keyholder")

READY = HolderResult(0, Refusal(0, "ready", ""))
_CALL_SECONDS = 30.0
_DRAIN_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
_LEAVING = Refusal(HolderUnavailable.code, "this key holder is being stopped", "ask another quorum")
_AT_ONCE = 8  # tasks taken before one is answered; more wait in the connection


async def serve_until_stopped(settings: KeyHolderSettings, *, clock: Callable[[], datetime], random: Random) -> None:
    """Serve until SIGTERM or SIGINT. Raises what can't get better by waiting: keys, configuration, covenant."""
    stop = asyncio.Event()
    on_stop_signal(stop.set)
    with sole_user(settings.database):
        holder = await asyncio.to_thread(open_holder, settings)
        server = Server(settings, holder, clock, random, stop)
        try:
            await server.run()
        finally:
            holder.close()


@dataclass
class Server:
    """One key holder's service."""

    settings: KeyHolderSettings
    holder: KeyHolder
    clock: Callable[[], datetime]
    random: Random
    stop: asyncio.Event
    _covenant: Covenant | None = field(default=None, init=False)

    async def run(self) -> None:
        """Connect and serve, again and again, until `stop` is set."""
        if self.settings.covenant.exists():
            await self._adopt(await asyncio.to_thread(read_covenant, self.holder, self.settings))
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while not self.stop.is_set():
            began = loop.time()
            try:
                served = await self._connect()
                log.info("the connection ended", tasks=served)
            except SluisError as error:
                log.warning("not connected", code=error.code, what=str(error))
            if loop.time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE  # it went well for a while
            try:
                await asyncio.wait_for(self.stop.wait(), pause)
            except TimeoutError:
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> int:
        limits = self._covenant.terms.limits if self._covenant else Limits()
        async with Channel(self.settings.coordinator, self.settings.tls, message_bytes=limits.message_bytes) as channel:
            answerer = await self._prepare(channel)
            log.info("serving", coordinator=self.settings.coordinator)
            reporting = asyncio.create_task(self._reports(channel, answerer).run(channel))
            try:
                return await self._serve(channel, answerer)
            finally:
                reporting.cancel()
                await asyncio.gather(reporting, return_exceptions=True)

    def _reports(self, channel: Channel, answerer: Answerer) -> Reports:
        holder, limits = self.holder, answerer.covenant.terms.limits
        tolerance = timedelta(seconds=limits.clock_tolerance_seconds)
        return Reports(holder.oin, holder.signing_key, holder.quota, _lister(channel), self.clock, tolerance)

    async def _prepare(self, channel: Channel) -> Answerer:
        """The newest covenant that the authority signed, and what answers under it."""
        await self._update_covenant(channel)
        covenant = self._covenant
        if covenant is None:
            raise HolderUnavailable("there is no covenant to serve under yet", do="wait, or put it in its place")
        share = await asyncio.to_thread(self.holder.shares.of_covenant, covenant, self.holder.oin)
        rounds = RoundBook(covenant, self.holder.quota, _lister(channel))
        holder = self.holder
        return Answerer(covenant, holder.oin, share, holder.signing_key, holder.quota, rounds, self.clock, self.random)

    async def _update_covenant(self, channel: Channel) -> None:
        """Take over a newer version from the coordinator, if the authority signed it. Keep ours otherwise."""
        offered = await channel.call(GET_COVENANT, Empty(), CovenantNote, timeout=_CALL_SECONDS)
        ours = self._covenant
        if ours is not None and offered.note == ours.note:
            return
        try:
            covenant = Covenant.verify(offered.note, self.settings.verifier())
            await asyncio.to_thread(check_covenant, self.holder.engine, covenant)
        except SluisError as error:
            if ours is None:
                raise
            log.warning("the coordinator's covenant was not taken over", code=error.code, what=str(error))
            return
        # The file first: with a version that is noted but in no file, this holder couldn't start again.
        await asyncio.to_thread(write_atomically, self.settings.covenant, covenant.note)
        await asyncio.to_thread(see_covenant, self.holder.engine, covenant)
        await self._adopt(covenant)

    async def _adopt(self, covenant: Covenant) -> None:
        await asyncio.to_thread(self.holder.shares.of_covenant, covenant, self.holder.oin)
        self._covenant = covenant
        log.info("covenant", id=covenant.terms.id, version=covenant.terms.version)

    async def _serve(self, channel: Channel, answerer: Answerer) -> int:
        """Answer tasks over one connection; how many. Raises SluisError when the connection is lost.

        On `stop`, running tasks are finished, later ones are refused, and the coordinator is told that no more comes.
        """
        # Bounded, as are the tasks taken: a coordinator that doesn't read what it asked for gets no more.
        results: asyncio.Queue[HolderResult | None] = asyncio.Queue(_AT_ONCE)
        results.put_nowait(READY)
        slots = asyncio.Semaphore(_AT_ONCE)
        served = 0
        lost: SluisError | None = None

        async def work(task: HolderTask) -> None:
            try:
                await results.put(await _result(answerer, task))
            finally:
                slots.release()

        async def drain(limit: asyncio.Timeout) -> None:
            await self.stop.wait()
            limit.reschedule(asyncio.get_running_loop().time() + _DRAIN_SECONDS)
            for _ in range(_AT_ONCE):  # with all slots taken, nothing runs any more
                await slots.acquire()
            await results.put(None)

        try:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as workers:
                draining = asyncio.create_task(drain(limit))
                try:
                    async with aclosing(channel.converse(SERVE, _until_none(results), HolderTask)) as tasks:
                        async for task in tasks:
                            served += 1
                            if self.stop.is_set():
                                await results.put(HolderResult(task.task_id, _LEAVING))
                                continue
                            await slots.acquire()
                            workers.create_task(work(task))
                except SluisError as error:
                    lost = error
                finally:
                    draining.cancel()
        except TimeoutError:
            log.warning("the coordinator did not end the connection", waited=_DRAIN_SECONDS)
        if lost:
            raise lost
        return served


def _lister(channel: Channel) -> ListRounds:
    async def list_rounds(purpose: str) -> Sequence[RoundStatus]:
        found = await channel.call(LIST_ROUNDS, RoundQuery(purpose), RoundList, timeout=_CALL_SECONDS)
        return found.rounds

    return list_rounds


async def _result(answerer: Answerer, task: HolderTask) -> HolderResult:
    """A task's answer, or the refusal that tells its sender why there is none. Log lines have the node's trace id."""
    with within(parse(task.traceparent)):
        try:
            answer = await answerer.answer(task.request)
        except SluisError as error:
            log.info("refused", code=error.code, what=str(error))
            return HolderResult(task.task_id, Refusal(error.code, str(error), error.do))
        log.info("answered", member=task.request.envelope.sender, round=task.request.envelope.round_id)
        return HolderResult(task.task_id, answer)


async def _until_none(results: asyncio.Queue[HolderResult | None]) -> AsyncIterator[HolderResult]:
    while (result := await results.get()) is not None:
        yield result
