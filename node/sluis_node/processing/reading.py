"""Reading the processing log: entries with their outcomes, for a privacy officer and for the person they are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_runtime.database import transaction
from sqlalchemy import Engine, Row, func, select

from .activity import Activity
from .entry import Status
from .tables import processing_log, processing_subjects


class Outcome(StrEnum):
    """How a processing ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # it began, and nothing says how it ended: it runs, or the program stopped


@dataclass(frozen=True, slots=True)
class Entry:
    """A processing as people read it; `persons` counts them, and who they are stays a hash."""

    number: int
    trace_id: str
    span_id: str
    name: str
    activity: Activity
    actor: str
    reference: str
    outcome: Outcome
    started_at: datetime
    ended_at: datetime | None
    persons: int = field(default=0)

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node processing show --json`."""
        return {
            "number": self.number,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "name": self.name,
            "activity": str(self.activity),
            "actor": self.actor,
            "reference": self.reference,
            "outcome": str(self.outcome),
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "persons": self.persons,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: all of these conditions that are given. `before`: entries with a smaller number, for paging."""

    since: datetime | None = None
    until: datetime | None = None
    activity: Activity | None = None
    actor: str | None = None
    subject: bytes | None = field(default=None, repr=False)
    reference: str | None = None
    before: int | None = None
    most: int = 200


def read(engine: Engine, wanted: Wanted) -> list[Entry]:
    """The entries, the newest first."""
    log = processing_log
    ended = log.alias("ended")
    persons = (
        select(func.count())
        .select_from(processing_subjects)
        .where(processing_subjects.c.number == log.c.number)
        .scalar_subquery()
    )
    query = (
        select(log, ended.c.status.label("end_status"), ended.c.ended_at.label("end_at"), persons.label("persons"))
        .outerjoin(ended, ended.c.parent_span_id == log.c.span_id)
        .where(log.c.parent_span_id.is_(None))
        .order_by(log.c.number.desc())
        .limit(wanted.most)
    )
    if wanted.since is not None:
        query = query.where(log.c.started_at >= millis(wanted.since))
    if wanted.until is not None:
        query = query.where(log.c.started_at < millis(wanted.until))
    if wanted.before is not None:
        query = query.where(log.c.number < wanted.before)
    for column, value in ((log.c.activity, wanted.activity), (log.c.actor, wanted.actor)):
        if value is not None:
            query = query.where(column == value)
    if wanted.reference is not None:
        query = query.where(log.c.reference == wanted.reference)
    if wanted.subject is not None:
        about = select(processing_subjects.c.number).where(processing_subjects.c.subject == wanted.subject)
        query = query.where(log.c.number.in_(about))
    with transaction(engine) as connection:
        return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    status = row.end_status if row.end_status is not None else row.status
    outcomes = {Status.OK: Outcome.DONE, Status.ERROR: Outcome.FAILED, Status.UNSET: Outcome.REFUSED}
    is_open = row.end_status is None and row.status == Status.UNSET
    return Entry(
        row.number,
        row.trace_id.hex(),
        row.span_id.hex(),
        row.name,
        Activity(row.activity),
        row.actor,
        row.reference,
        Outcome.INTERRUPTED if is_open else outcomes[Status(status)],
        moment(row.started_at),
        None if is_open else moment(row.end_at if row.end_at is not None else row.ended_at),
        row.persons,
    )
