"""The coordinator, as a node reaches it: tries again with back-off while nobody answers, up to a limit.

Everything that a node asks may be asked twice (protocol.md, 4 and 6), so everything is retried here. What the
coordinator itself refuses is not: it would refuse it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sluis_protocol.errors import Unreachable
from sluis_protocol.group import Random
from sluis_protocol.wire.methods import Method
from sluis_runtime.logs import logger

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]
CALL_SECONDS = 15.0
PATIENCE_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
log = logger("coordinator")


class Wire(Protocol):
    """What a node needs of `sluis_runtime.channel.Channel`; tests and other programs may bring their own."""

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        """One request, one response."""
        ...

    def stream(self, method: Method, request: object, response: type[T], *, timeout: float | None) -> AsyncIterator[T]:
        """One request, many responses."""
        ...

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        """Many requests, one response."""
        ...


@dataclass(frozen=True, slots=True)
class Coordinator:
    """The wire to it, with patience (seconds); `random` gives the jitter, `sleep` waits."""

    wire: Wire
    address: str
    random: Random = field(repr=False)
    sleep: Sleep = field(default=asyncio.sleep, repr=False)
    patience: float = PATIENCE_SECONDS
    guard: Callable[[], object] = field(default=lambda: None, repr=False)
    """Called in a thread before anything is asked; what it raises stops the asking."""

    async def check(self) -> None:
        """Raise LogAlarm if this node has stopped."""
        await asyncio.to_thread(self.guard)

    async def call(self, method: Method, request: object, response: type[T]) -> T:
        """One request, one response, with a deadline; raise Unreachable once patience is over."""
        return await self.persist(lambda: self.wire.call(method, request, response, timeout=CALL_SECONDS))

    async def persist(self, attempt: Callable[[], Awaitable[T]], *, guarded: bool = True) -> T:
        """The result of `attempt`, which may be made many times."""
        if guarded:
            await self.check()
        left, tried = self.patience, 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                return await attempt()
            except Unreachable as error:
                tried += 1
                pause = self.pause(tried)
                left -= loop.time() - started + pause
                if left < 0:
                    raise Unreachable(
                        f"{error.what}; tried {tried} times in {self.patience:.0f} s",
                        do="check the address in the configuration, the network and the coordinator; then start again: "
                        "nothing is lost",
                        coordinator=self.address,
                    ) from error
                log.info("coordinator unreachable, trying again", tried=tried, pause=round(pause, 2))
            await self.sleep(pause)

    def pause(self, tried: int) -> float:
        """Seconds before the next try: doubled each time up to 10, of which a random half to whole."""
        longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(tried - 1, 10))
        return longest * (1 + int.from_bytes(self.random(4), "big") / 2**32) / 2
