"""A node that is killed at a chosen place."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest

from .rig import Country


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the programs catches it."""


DYING: ContextVar[bool] = ContextVar("dying", default=False)


async def die_in(country: Country, number: int, monkeypatch: pytest.MonkeyPatch, place: type, name: str) -> None:
    """Have one node (others run in this process, too) end where it calls `place.name`, before that does anything."""
    original = getattr(place, name)

    def die(*args: Any, **options: Any) -> Any:
        if DYING.get():
            raise Killed
        return original(*args, **options)

    token = DYING.set(True)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(place, name, die)
            with pytest.raises(Killed):
                await country.take_part(number)
    finally:
        DYING.reset(token)
