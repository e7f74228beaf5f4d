"""How long work tells how far it is. Shows nothing itself: the command line draws bars, others what they like."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    """A part of taking part in a round that can take a while."""

    PREPARE = "prepare"
    WAIT = "wait for the round"
    TAG = "tag"
    SUBMIT = "submit"
    PUBLISH = "wait for publication"
    CONFIRM = "confirm"


class Progress(Protocol):
    """Called on the event loop, often; must return at once."""

    def __call__(self, step: Step, done: int, total: int) -> None:
        """`done` of `total` units; a total of 0: nobody can tell how long it takes."""


def silent(step: Step, done: int, total: int) -> None:
    """Progress for nobody."""
