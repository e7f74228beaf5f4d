"""A bell: whoever waits hears it ring, once, whether it rang before the wait began or during it."""

from __future__ import annotations

import asyncio


class Bell:
    """Wakes the streams of one event loop when there may be something new for them."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.silent_for_good = False

    def ring(self) -> None:
        """Wake everybody who holds a `listen()` from before."""
        self._rung.set()
        self._rung = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """Take this *before* looking for news, and wait on it if there were none: so no ring is missed."""
        return self._rung

    def close(self) -> None:
        """Wake everybody for the last time: the server is stopping."""
        self.silent_for_good = True
        self.ring()
