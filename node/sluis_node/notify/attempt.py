"""How one attempt to deliver a notice ends."""

from __future__ import annotations

from datetime import timedelta


class Failed(Exception):
    """It was not delivered. Not for people directly: the outbox keeps `what`, which names no address.

    `final`: trying again can't help. `pause`: what the receiver asked us to wait.
    """

    def __init__(self, what: str, *, final: bool, pause: timedelta | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.final = final
        self.pause = pause
