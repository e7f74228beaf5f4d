"""A bell: whoever waits hears it ring, once, whether it rang before the wait began or during it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Bell:
    """Wakes the streams of one event loop when there may be something new for them, by the OIN that each is for."""

    def __init__(self) -> None:
        self._rung: dict[str, asyncio.Event] = {}
        self._closed = asyncio.Event()

    @property
    def silent_for_good(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    def ring(self, oins: Iterable[str]) -> None:
        """Wake those of these who hold a `listen()` from before."""
        for oin in oins:
            if rung := self._rung.pop(oin, None):
                rung.set()

    def listen(self, oin: str) -> asyncio.Event:
        """Take this *before* looking for news, and wait on it if there were none: so no ring is missed."""
        return self._closed if self.silent_for_good else self._rung.setdefault(oin, asyncio.Event())

    def close(self) -> None:
        """Wake everybody for the last time: the server is stopping."""
        self._closed.set()
        self.ring(list(self._rung))

    async def wait_closed(self) -> None:
        """Return when it is closed."""
        await self._closed.wait()
