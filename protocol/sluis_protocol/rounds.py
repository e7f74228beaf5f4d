"""The states of a round, and the one table of what may follow what (protocol.md, 1).

No I/O, no clock: a state says when something is due and who must act next, and `advance` answers what an event
leads to. The coordinator stores the result by compare-and-set.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from .errors import MalformedMessage, RoundError

_ROUND_ID = re.compile(r"r([0-9]{8}t[0-9]{6})z-[0-9a-f]{16}")


class Event(StrEnum):
    """What can happen to a round."""

    OPEN = "open"
    CLOSE = "close"
    PUBLISH = "publish"
    ABANDON = "abandon"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Announced:
    """Everybody may know of it; nothing is accepted yet."""

    name: ClassVar[str] = "announced"
    next_actor: ClassVar[str] = "the coordinator, when the round opens"


@dataclass(frozen=True, slots=True)
class Collecting:
    """Key holders evaluate, nodes submit."""

    name: ClassVar[str] = "collecting"
    next_actor: ClassVar[str] = "the nodes, until the round closes"


@dataclass(frozen=True, slots=True)
class Joining:
    """No submission is accepted any more; the coordinator joins."""

    name: ClassVar[str] = "joining"
    next_actor: ClassVar[str] = "the coordinator"


@dataclass(frozen=True, slots=True)
class Published:
    """Tags are gone; candidates wait for both confirmations."""

    name: ClassVar[str] = "published"
    next_actor: ClassVar[str] = "the nodes with candidates, until the confirmation window ends"


@dataclass(frozen=True, slots=True)
class Purged:
    """Nothing of the round is left but its announcement, commitments and counts."""

    name: ClassVar[str] = "purged"
    next_actor: ClassVar[str] = "nobody"


State = Announced | Collecting | Joining | Published | Purged
STATES: dict[str, State] = {s.name: s for s in (Announced(), Collecting(), Joining(), Published(), Purged())}

# A round with too few participants is abandoned: it publishes nothing and what was collected is deleted.
TRANSITIONS: dict[tuple[str, Event], str] = {
    ("announced", Event.OPEN): "collecting",
    ("announced", Event.ABANDON): "purged",
    ("collecting", Event.CLOSE): "joining",
    ("collecting", Event.ABANDON): "purged",
    ("joining", Event.PUBLISH): "published",
    ("joining", Event.ABANDON): "purged",
    ("published", Event.PURGE): "purged",
}


def advance(state: State, event: Event) -> State:
    """The state that an event leads to; raise RoundError if the event can't happen in this state."""
    try:
        return STATES[TRANSITIONS[state.name, event]]
    except KeyError:
        raise RoundError(f"a round that is {state.name} can't {event}", do=f"next to act: {state.next_actor}") from None


def new_round_id(opens_at: datetime, random: Callable[[int], bytes]) -> str:
    """A round id that tells when it opens and can't be guessed: it is in every PRF input, so it never returns."""
    return f"r{opens_at.astimezone(UTC):%Y%m%dt%H%M%S}z-{random(8).hex()}"


def is_round_id(text: str) -> bool:
    """Whether this is a well-formed round id."""
    return _ROUND_ID.fullmatch(text) is not None


def check_round_id(round_id: str, opens_at: datetime) -> None:
    """Raise MalformedMessage unless the id is well formed and names this opening time."""
    found = _ROUND_ID.fullmatch(round_id)
    if not found or found[1] != f"{opens_at.astimezone(UTC):%Y%m%dt%H%M%S}":
        raise MalformedMessage("the round id doesn't fit the round's opening time", round=round_id)


def diagram() -> str:
    """The transition table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", "    [*] --> announced"]
    lines += [f"    {state} --> {following}: {event}" for (state, event), following in TRANSITIONS.items()]
    return "\n".join([*lines, "    purged --> [*]"]) + "\n"
