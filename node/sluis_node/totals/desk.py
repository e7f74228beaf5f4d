"""What people see of the totals, and the one thing that they do: approve the figures of a period, before they go."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sluis_protocol import totals as protocol
from sluis_protocol.encoding import domain
from sluis_protocol.errors import Overtaken, TooLate
from sluis_protocol.indicators import Cell
from sluis_protocol.masks import SECRET_BYTES
from sluis_protocol.periods import days_of
from sluis_protocol.signed import Kind
from sqlalchemy import Connection

from ..handshake.casebook import Casebook
from ..handshake.review import check_reviewer
from ..parts import Parts
from ..processing.activity import Activity
from .counting import Counted, Counting
from .periods import OwnPeriod, Periods, Progress


@dataclass(frozen=True, slots=True)
class PeriodView:
    """A period as people see it: exactly the figures that go, or went. `seen` goes back with an approval."""

    id: str
    purpose: str
    label: str
    progress: Progress
    until: datetime
    figures: Mapping[Cell, int] | None = field(repr=False)
    approved_by: str = field(repr=False)
    seen: str = ""

    @property
    def may_approve(self) -> bool:
        """Whether it waits for somebody."""
        return self.progress is Progress.OPEN and bool(self.seen)


class TotalsDesk:
    """Made by `Node.totals`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._periods = Periods(parts.store.vault)

    def waiting(self) -> datetime | None:
        """Until when figures can be approved that wait for somebody; None if none wait. Counts nothing."""
        with self._parts.store.transaction() as connection:
            found = [one.until for one in self._periods.all(connection) if one.progress is Progress.OPEN]
        return min((until for until in found if self._parts.now() < until), default=None)

    def periods(self, *, by: str = "") -> list[PeriodView]:
        """All periods that this node knows, the newest first, with their figures."""
        with self._parts.store.transaction() as connection:
            return [self._view(connection, one, by) for one in self._periods.all(connection)]

    def period(self, period_id: str, *, by: str = "") -> PeriodView:
        """One of them."""
        with self._parts.store.transaction() as connection:
            return self._view(connection, self._periods.required(connection, period_id), by)

    def approve(self, period_id: str, *, by: str, seen: str) -> PeriodView:
        """Approve the figures that were `seen`; from then on the node takes part with exactly these.

        1. Somebody is named (rule 11). 2. The figures are still the ones that were seen. 3. It is in time. 4. Every
        figure is in range. The same again changes nothing.
        """
        check_reviewer(by)
        parts = self._parts
        with parts.store.transaction() as connection:
            found = self._periods.required(connection, period_id)
            if found.progress is not Progress.OPEN:
                if found.figures is not None and _digest(found.id, found.figures) == seen:
                    return self._view(connection, found, by)
                raise Overtaken("somebody else approved this period, or it is over", do="look at it again")
            if parts.now() >= found.until:
                raise TooLate(
                    f"figures could be approved until {found.until:%Y-%m-%d %H:%M} UTC", do="wait for the next"
                )
            counted = self._count(connection, found)
            if _digest(found.id, counted.figures) != seen:
                raise Overtaken("the figures changed since you looked", do="look at them again, then approve")
            covenant = parts.covenant_on_file(connection, found.covenant_hash)
            period = protocol.read_period(found.opening, covenant)
            prepared = protocol.enrol(period, parts.oin, counted.figures, parts.random)
            enrolment = parts.signer.sign(
                Kind.ENROLMENT, prepared.enrolment, covenant_hash=covenant.hash, round_id=period.id
            )
            self._periods.approve(
                connection,
                found,
                counted.figures,
                by,
                packed=prepared.packed,
                mask=parts.random(SECRET_BYTES),
                enrolment=enrolment,
                proof=prepared.proof,
            )
            parts.processing.record(
                connection, Activity.TOTALS, "approve totals", actor=by, persons=counted.persons, reference=found.id
            )
            return self._view(connection, self._periods.required(connection, period_id), by)

    def _view(self, connection: Connection, found: OwnPeriod, by: str) -> PeriodView:
        figures, seen = found.figures, ""
        if found.progress is Progress.OPEN and self._parts.now() < found.until:
            counted = self._count(connection, found)
            figures, seen = counted.figures, _digest(found.id, counted.figures)
            self._parts.processing.record(
                connection, Activity.TOTALS, "count for totals", actor=by, persons=counted.persons, reference=found.id
            )
        return PeriodView(
            found.id, found.purpose, found.label, found.progress, found.until, figures, found.approved_by, seen
        )

    def _count(self, connection: Connection, found: OwnPeriod) -> Counted:
        """The figures now; or those that went before, where the period came to nothing and is opened again.

        They are the same then, whatever changed: two sums that differ in one figure would tell that one.
        """
        counted = self._count_now(connection, found)
        went = {cell: value for one in self._periods.earlier(connection, found) for cell, value in one.went.items()}
        return Counted({cell: went.get(cell, value) for cell, value in counted.figures.items()}, counted.persons)

    def _count_now(self, connection: Connection, found: OwnPeriod) -> Counted:
        parts = self._parts
        covenant = parts.covenant_on_file(connection, found.covenant_hash)
        return Counting(
            parts.oin,
            parts.ledger,
            Casebook(parts.store.vault),
            found.purpose,
            days_of(found.label),
            covenant.totals.cells,
        ).count(connection)


def _digest(period_id: str, figures: Mapping[Cell, int]) -> str:
    """Names a set of figures, for one period."""
    parts = [f"{cell}={value}" for cell, value in sorted(figures.items())]
    return hashlib.sha256(domain("totals figures", period_id, *parts)).hexdigest()[:16]
