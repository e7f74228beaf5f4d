"""Periods of the totals in the database: every change of state is a compare-and-set, and noted as an event with it.

Each function works in the caller's transaction. What a message must be is the callers' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sluis_protocol.errors import ContributionRefused, TotalsError
from sluis_protocol.periods import STATES, Abandoned, Event, Released, State, advance
from sluis_protocol.signed import SignedMessage
from sluis_protocol.totals import Period
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from . import events
from .schema import totals_periods, totals_shares, totals_signed, totals_taken

_OVER = (Released.name, Abandoned.name)


class Step(StrEnum):
    """What a node sends."""

    ENROLMENT = "enrolment"
    CONTRIBUTION = "contribution"
    UNMASKING = "unmasking"


class Signed(StrEnum):
    """What the coordinator signs, besides the opening."""

    ROSTER = "roster"
    CONTRIBUTORS = "contributors"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class StoredPeriod:
    """A period as it stands."""

    id: str
    purpose: str
    label: str
    covenant_hash: bytes
    state: State
    opening: SignedMessage = field(repr=False)
    enrol_until: datetime
    contribute_until: datetime
    unmask_until: datetime
    abandoned: str


def add(connection: Connection, new: Period, opening: SignedMessage, at: datetime) -> None:
    """Keep a period that begins; TotalsError if that period of that purpose has begun before, and not in vain."""
    table = totals_periods
    query = select(table.c.id).where(
        table.c.purpose == new.content.purpose, table.c.label == new.content.label, table.c.state != Abandoned.name
    )
    if (there := connection.scalar(query)) is not None:
        raise TotalsError("this period was opened before", do="there is one sum of a period, ever", period=there)
    connection.execute(
        insert(table).values(
            id=new.id,
            purpose=new.content.purpose,
            label=new.content.label,
            covenant_hash=new.covenant.hash,
            state="enrolling",
            body=opening.body,
            signature=opening.signature,
            enrol_until=new.content.enrol_until,
            contribute_until=new.content.contribute_until,
            unmask_until=new.content.unmask_until,
        )
    )
    what = f"{events.Happened.PERIOD} enrolling"
    events.record(connection, what, at, opening.digest, round_id=new.id)


def find(connection: Connection, period_id: str) -> StoredPeriod:
    """The period with that id; raise TotalsError if there is none."""
    row = connection.execute(select(totals_periods).where(totals_periods.c.id == period_id)).one_or_none()
    if row is None:
        raise TotalsError("there is no such period", do="ask for the list of periods")
    return _period(row)


def find_all(connection: Connection, *, purpose: str = "", over: bool = True, most: int = -1) -> list[StoredPeriod]:
    """Periods, the newest first."""
    query = select(totals_periods).order_by(totals_periods.c.enrol_until.desc(), totals_periods.c.id)
    if purpose:
        query = query.where(totals_periods.c.purpose == purpose)
    if not over:
        query = query.where(totals_periods.c.state.not_in(_OVER))
    if most >= 0:
        query = query.limit(most)
    return [_period(row) for row in connection.execute(query)]


def move(
    connection: Connection,
    old: StoredPeriod,
    event: Event,
    at: datetime,
    digest: bytes,
    *,
    count: int = 0,
    abandoned: str = "",
) -> None:
    """Take a period from the state in which it was read to the next; raise TotalsError if it isn't there any more."""
    state = advance(old.state, event)
    values = {"state": state.name, "abandoned": abandoned}
    table = totals_periods
    changed = connection.execute(
        update(table).where(table.c.id == old.id, table.c.state == old.state.name).values(values)
    )
    if changed.rowcount != 1:
        raise TotalsError(f"the period is no longer {old.state.name}", do="look at it again", period=old.id)
    if state.name in _OVER:
        for table in (totals_taken, totals_shares):
            connection.execute(delete(table).where(table.c.period_id == old.id))
    what = f"{events.Happened.PERIOD} {state.name}"
    events.record(connection, what, at, digest, round_id=old.id, count=count)


def put_signed(connection: Connection, period_id: str, what: Signed, message: SignedMessage) -> None:
    """Keep what was signed."""
    connection.execute(
        insert(totals_signed).values(period_id=period_id, what=what, body=message.body, signature=message.signature)
    )


def signed(connection: Connection, period_id: str) -> dict[Signed, SignedMessage]:
    """What was signed for a period."""
    query = select(totals_signed).where(totals_signed.c.period_id == period_id)
    return {Signed(row.what): SignedMessage(row.body, row.signature) for row in connection.execute(query)}


def was_taken(connection: Connection, period_id: str, step: Step, oin: str, message: SignedMessage) -> bool:
    """Whether the very same is there; ContributionRefused if another one of this sender's is."""
    table = totals_taken
    found = connection.scalar(
        select(table.c.body).where(table.c.period_id == period_id, table.c.step == step, table.c.oin == oin)
    )
    if found is not None and found != message.body:
        raise ContributionRefused(f"there is another {step} of this member", do="the first one counts", party=oin)
    return found is not None


def take(
    connection: Connection,
    period_id: str,
    step: Step,
    oin: str,
    message: SignedMessage,
    at: datetime,
    shares: Mapping[str, bytes],
) -> None:
    """Keep what a node sent, with its enciphered shares for others (OIN → share), and note it."""
    connection.execute(
        insert(totals_taken).values(
            period_id=period_id, step=step, oin=oin, body=message.body, signature=message.signature
        )
    )
    rows = [{"period_id": period_id, "recipient": to, "sender": oin, "share": share} for to, share in shares.items()]
    if rows:
        connection.execute(insert(totals_shares), rows)
    events.record(connection, f"totals {step}", at, message.digest, round_id=period_id, party=oin)


def shares_for(connection: Connection, period_id: str, recipient: str) -> list[bytes]:
    """What each contributor enciphered for one of them, by ascending OIN of the contributors."""
    table = totals_shares
    query = select(table.c.share).where(table.c.period_id == period_id, table.c.recipient == recipient)
    return list(connection.scalars(query.order_by(table.c.sender)))


def taken(connection: Connection, period_id: str, step: Step) -> dict[str, SignedMessage]:
    """What nodes sent in a step, by ascending OIN."""
    query = select(totals_taken).where(totals_taken.c.period_id == period_id, totals_taken.c.step == step)
    return {
        row.oin: SignedMessage(row.body, row.signature)
        for row in connection.execute(query.order_by(totals_taken.c.oin))
    }


def forget(connection: Connection, before: datetime) -> None:
    """Delete what was signed for periods that were over by then."""
    over = select(totals_periods.c.id).where(totals_periods.c.state.in_(_OVER), totals_periods.c.unmask_until < before)
    connection.execute(delete(totals_signed).where(totals_signed.c.period_id.in_(over)))


def counts(connection: Connection, period_id: str) -> dict[str, int]:
    """How many have taken each step, while they are kept."""
    query = select(totals_taken.c.step, func.count()).where(totals_taken.c.period_id == period_id)
    found = {row[0]: row[1] for row in connection.execute(query.group_by(totals_taken.c.step))}
    return {str(step): found.get(step, 0) for step in Step}


def _period(row: Row[tuple[object, ...]]) -> StoredPeriod:
    return StoredPeriod(
        row.id,
        row.purpose,
        row.label,
        row.covenant_hash,
        STATES[row.state],
        SignedMessage(row.body, row.signature),
        row.enrol_until,
        row.contribute_until,
        row.unmask_until,
        row.abandoned,
    )
