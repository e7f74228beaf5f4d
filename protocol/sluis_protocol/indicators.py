"""What is counted for the national picture: a closed list of indicators and their cells (protocol.md, 9).

Which municipality counts what, so that nothing counts twice: its own decision or escalation is counted by itself; a
match, and that both want an approach, by the one side that `counts_match` names; an approach from its start on by the
leading municipality. All are events within a period, so periods add up. No I/O, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from .encoding import domain
from .outcomes import Outcome

MOST_CHILDREN = 12  # counted of one approach: so one family's part in a total is bounded
# Whole days from a match until both municipalities want it and have one another's cards: up to and including these.
DAY_LIMITS = (2, 7, 14, 28, 56, 84)
DAY_BUCKETS = (*(f"up-to-{days}" for days in DAY_LIMITS), "longer")
# How an approach ended: closed with an outcome, by its end date, or by a withdrawal.
EXPIRED, WITHDRAWN = "expired", "withdrawn"
ENDINGS = (*(str(outcome) for outcome in Outcome), EXPIRED, WITHDRAWN)


class Indicator(StrEnum):
    """An indicator; the covenant lists those that are counted."""

    PROVEN = "matches-proven"
    FOLLOWED_UP = "matches-followed-up"
    ALREADY_KNOWN = "matches-already-known"
    WRONG = "matches-wrong"
    AGREED = "approaches-agreed"
    ACTIVE = "approaches-active"
    ENDED = "approaches-ended"
    CHILDREN = "children"
    DAYS = "days-to-contact"
    OUTREACH = "outreach-requested"
    DILEMMAS = "dilemmas-escalated"


PARTS = {Indicator.ENDED: ENDINGS, Indicator.CHILDREN: ENDINGS, Indicator.DAYS: DAY_BUCKETS}

# How much one match of two municipalities can change all cells of an indicator in one period, added up.
SENSITIVITY = dict.fromkeys(Indicator, 1) | {Indicator.CHILDREN: MOST_CHILDREN}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One number: an indicator, and where that has parts, which of them."""

    indicator: Indicator
    part: str = ""

    def __str__(self) -> str:
        return f"{self.indicator}:{self.part}" if self.part else str(self.indicator)

    @classmethod
    def parse(cls, text: str) -> Cell:
        """What `str` wrote; ValueError if it is no cell."""
        name, _, part = text.partition(":")
        cell = cls(Indicator(name), part)
        if part not in PARTS.get(cell.indicator, ("",)):
            raise ValueError("no such cell")
        return cell


def cells_of(indicators: Iterable[Indicator]) -> tuple[Cell, ...]:
    """All cells of these indicators, in the one order that everybody packs them in."""
    wanted = set(indicators)
    return tuple(Cell(one, part) for one in Indicator if one in wanted for part in PARTS.get(one, ("",)))


def equations(cells: Sequence[Cell]) -> list[tuple[Cell, tuple[Cell, ...]]]:
    """(whole, parts): cells that add up to another one, if everybody counts right."""
    whole, parts = Cell(Indicator.AGREED), tuple(Cell(Indicator.DAYS, bucket) for bucket in DAY_BUCKETS)
    return [(whole, parts)] if {whole, *parts} <= set(cells) else []


def bucket_of(span: timedelta) -> str:
    """The bucket of the days from a match to contact."""
    days = max(0, span.days)
    return next((name for limit, name in zip(DAY_LIMITS, DAY_BUCKETS, strict=False) if days <= limit), DAY_BUCKETS[-1])


def counts_match(handshake_id: bytes, oins: tuple[str, str]) -> str:
    """Which of the two counts a match: half of all matches each, and both know which half."""
    return sorted(oins)[hashlib.sha256(domain("totals counts", handshake_id)).digest()[0] & 1]
