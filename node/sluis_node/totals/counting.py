"""From a municipality's own cases to its figures of a period (protocol.md, 9). Reads only, in the caller's transaction.

Each thing counts at one municipality: a match and an agreement at the side that `counts_match` names, an approach from
its start on at the leading one, one's own escalations at oneself. Only what happened within the period counts. What was
decided on a match counts once, in the period of the first decision and as it stood at the end of that one: a decision
that is taken anew later, or for the same pair found again, is none of a later period.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sluis_protocol.handshake import Closed, Withdrawn
from sluis_protocol.indicators import EXPIRED, MOST_CHILDREN, WITHDRAWN, Cell, Indicator, bucket_of, counts_match
from sqlalchemy import Connection

from ..handshake.casebook import Casebook, Handshake
from ..handshake.model import Happening, What, Whose
from ..handshake.papers import read_drafts
from ..handshake.review import Answer, Reason
from ..round.ledger import Ledger, StoredMatch

OUTREACH_ROLE = "steun-aan-professionals"
_REASONS = {Reason.ALREADY_IN_CONTACT: Indicator.ALREADY_KNOWN, Reason.NOT_SAME_FAMILY: Indicator.WRONG}


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures, and whom they are about, by our own person ids."""

    figures: Mapping[Cell, int]
    persons: frozenset[str] = field(repr=False)


class Counting:
    """Counts the cases of a purpose in a period, from its first day up to the day after its last."""

    def __init__(
        self,
        oin: str,
        ledger: Ledger,
        casebook: Casebook,
        purpose: str,
        days: tuple[date, date],
        cells: tuple[Cell, ...],
    ) -> None:
        self._oin = oin
        self._ledger = ledger
        self._casebook = casebook
        self._purpose = purpose
        self._first, self._after = days
        self._cells = cells

    def count(self, connection: Connection) -> Counted:
        """The figures of all cells that the covenant lists."""
        found: Counter[Cell] = Counter()
        persons: set[str] = set()
        for handshake in self._casebook.all(connection):
            stored = self._ledger.match(connection, handshake.match) if handshake.match else None
            if stored is None or handshake.purpose != self._purpose:
                continue
            of_case = self._case(connection, handshake, stored)
            found.update(of_case)
            if of_case:
                persons.update(stored.shown.persons)
        return Counted({cell: found[cell] for cell in self._cells}, frozenset(persons))

    def _within(self, at: datetime | None) -> bool:
        return at is not None and self._first <= at.date() < self._after

    def _case(self, connection: Connection, found: Handshake, stored: StoredMatch) -> Counter[Cell]:
        history = self._casebook.history(connection, found.id)
        counted: Counter[Cell] = Counter()
        if counts_match(found.id, (self._oin, found.counterpart)) == self._oin:
            self._count_agreement(counted, stored, history)
        if self._counts_pair(connection, found):
            self._count_pair(connection, counted, stored)
        if any(step.what is What.ESCALATED and step.whose is Whose.OURS and self._within(step.at) for step in history):
            counted[Cell(Indicator.DILEMMAS)] += 1
        drafts = read_drafts(self._casebook.papers(connection, found.id))
        active = next((step.at for step in history if step.what is What.ACTIVE), None)
        if active is None or not drafts or drafts[-1].approach.lead != self._oin:
            return counted
        if self._within(active):
            counted[Cell(Indicator.ACTIVE)] += 1
            counted[Cell(Indicator.OUTREACH)] += any(one.role == OUTREACH_ROLE for one in drafts[-1].approach.partners)
        if found.ended_at is not None and self._within(found.ended_at):
            ending = _ending(found, history)
            day = found.ended_at.date()
            children = sum(member.is_child(day) for member in stored.shown.members)
            counted[Cell(Indicator.ENDED, ending)] += 1
            counted[Cell(Indicator.CHILDREN, ending)] += min(children, MOST_CHILDREN)
        return +counted

    def _counts_pair(self, connection: Connection, found: Handshake) -> bool:
        """Whether this is the first handshake of its pair, and ours to count; those of a pair found again never are."""
        first = next((one for one in self._casebook.of_match(connection, found.match) if not one.known), None)
        if first is None or first.id != found.id:
            return False
        return counts_match(found.id, (self._oin, found.counterpart)) == self._oin

    def _count_pair(self, connection: Connection, counted: Counter[Cell], stored: StoredMatch) -> None:
        """A match, and what we decided on it, in whichever of its handshakes."""
        if self._within(stored.found_at):
            counted[Cell(Indicator.PROVEN)] += 1
        decided = sorted(
            (
                step
                for one in self._casebook.of_match(connection, stored.match)
                for step in self._casebook.history(connection, one.id)
                if step.what is What.DECIDED and step.at.date() < self._after
            ),
            key=lambda step: step.at,
        )
        if decided and self._within(decided[0].at):
            details = decided[-1].details
            if details["answer"] == Answer.YES:
                counted[Cell(Indicator.FOLLOWED_UP)] += 1
            elif indicator := _REASONS.get(Reason(details["reason"])):
                counted[Cell(indicator)] += 1

    def _count_agreement(self, counted: Counter[Cell], stored: StoredMatch, history: list[Happening]) -> None:
        for step in history:
            if step.what is What.AGREED and self._within(step.at):
                counted[Cell(Indicator.AGREED)] += 1
                counted[Cell(Indicator.DAYS, bucket_of(step.at - stored.found_at))] += 1


def _ending(found: Handshake, history: list[Happening]) -> str:
    if isinstance(found.state, Withdrawn):
        return WITHDRAWN
    outcomes = [step.details.get("outcome", "") for step in history if step.what is What.CLOSED]
    return outcomes[-1] if isinstance(found.state, Closed) and outcomes and outcomes[-1] else EXPIRED
