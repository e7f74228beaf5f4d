"""The states of a period of the totals, and the one table of what may follow what (protocol.md, 9).

No I/O, no clock: a state says who must act next, and `advance` answers what an event leads to. The coordinator stores
the result by compare-and-set.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from .errors import InputError, TotalsError

_PERIOD_ID = re.compile(r"t([0-9]{4}-(?:q[1-4]|m[01][0-9]))-[0-9a-f]{16}")
_LABEL = re.compile(r"([0-9]{4})-(?:q([1-4])|m(0[1-9]|1[0-2]))")


class Event(StrEnum):
    """What can happen to a period."""

    ROSTER = "roster"
    CLOSE = "close"
    RELEASE = "release"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Municipalities commit to their figures."""

    name: ClassVar[str] = "enrolling"
    next_actor: ClassVar[str] = "the municipalities: a professional approves the figures"


@dataclass(frozen=True, slots=True)
class Contributing:
    """The roster is fixed; nodes send their masked ciphertexts."""

    name: ClassVar[str] = "contributing"
    next_actor: ClassVar[str] = "the nodes on the roster"


@dataclass(frozen=True, slots=True)
class Closing:
    """The list of contributors is fixed; nodes send what takes the masks from the sum over exactly these."""

    name: ClassVar[str] = "closing"
    next_actor: ClassVar[str] = "the nodes that contributed: as many as three quarters of the roster"


@dataclass(frozen=True, slots=True)
class Released:
    """There is one sum, for the board; what single nodes sent is deleted."""

    name: ClassVar[str] = "released"
    next_actor: ClassVar[str] = "the board: it opens the sum"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """There is no sum; what single nodes sent is deleted."""

    name: ClassVar[str] = "abandoned"
    next_actor: ClassVar[str] = "nobody"


State = Enrolling | Contributing | Closing | Released | Abandoned
STATES: dict[str, State] = {s.name: s for s in (Enrolling(), Contributing(), Closing(), Released(), Abandoned())}

TRANSITIONS: dict[tuple[str, Event], str] = {
    ("enrolling", Event.ROSTER): "contributing",
    ("enrolling", Event.ABANDON): "abandoned",
    ("contributing", Event.CLOSE): "closing",
    ("contributing", Event.ABANDON): "abandoned",
    ("closing", Event.RELEASE): "released",
    ("closing", Event.ABANDON): "abandoned",
}


def advance(state: State, event: Event) -> State:
    """The state that an event leads to; raise TotalsError if the event can't happen in this state."""
    try:
        return STATES[TRANSITIONS[state.name, event]]
    except KeyError:
        do = f"next to act: {state.next_actor}"
        raise TotalsError(f"a period that is {state.name} can't {event}", do=do) from None


def new_period_id(label: str, random: Callable[[int], bytes]) -> str:
    """An id that names the period and never returns: masks are derived from it."""
    return f"t{label}-{random(8).hex()}"


def is_period_id(text: str, label: str) -> bool:
    """Whether this is a well-formed id of the period with that label."""
    found = _PERIOD_ID.fullmatch(text)
    return found is not None and found[1] == label


def days_of(label: str) -> tuple[date, date]:
    """The first day of a period, and the first day after it: of a quarter `2026-q3` or a month `2026-m07`."""
    found = _LABEL.fullmatch(label)
    if found is None:
        raise InputError("this is no period", do="write it as 2026-q3, or 2026-m07", period=label)
    year, quarter, month = int(found[1]), found[2], found[3]
    first, months = (3 * int(quarter) - 2, 3) if quarter else (int(month), 1)
    after = first + months
    return date(year, first, 1), date(year + (after > 12), (after - 1) % 12 + 1, 1)


def label_of(day: date, length: str) -> str:
    """The label of the period (`quarter` or `month`) that a day lies in."""
    return f"{day.year}-q{(day.month + 2) // 3}" if length == "quarter" else f"{day.year}-m{day.month:02}"


def newest_over(day: date, length: str) -> str:
    """The label of the newest period (`quarter` or `month`) that is over on a day."""
    return label_of(days_of(label_of(day, length))[0] - timedelta(days=1), length)


def diagram() -> str:
    """The transition table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", "    [*] --> enrolling"]
    lines += [f"    {state} --> {following}: {event}" for (state, event), following in TRANSITIONS.items()]
    return "\n".join([*lines, "    released --> [*]", "    abandoned --> [*]"]) + "\n"
