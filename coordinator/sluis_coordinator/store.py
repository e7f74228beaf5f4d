"""Rounds and submissions in the database: every change of state is a compare-and-set, and noted as an event with it.

Each function works in the caller's transaction. Files, messages and time are the callers' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sluis_protocol.errors import RoundError
from sluis_protocol.rounds import STATES, Announced, Event, State, advance
from sluis_protocol.signed import SignedMessage
from sqlalchemy import Connection, Row, func, insert, select, update

from . import events
from .schema import rounds, submissions


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it stands; `clean` says that nothing which must be deleted is left of it."""

    id: str
    purpose: str
    covenant_hash: bytes
    announcement: SignedMessage = field(repr=False)
    opens_at: datetime
    closes_at: datetime
    confirm_until: datetime
    state: State = Announced()  # noqa: RUF009 (frozen, and has no fields)
    candidates: int = 0
    abandoned: str = ""
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission that is complete: who, what it committed to, its size, and the receipt that was given for it."""

    round_id: str
    oin: str
    commitment: bytes
    families: int
    persons: int
    receipt: SignedMessage = field(repr=False)


def add_round(connection: Connection, new: Round, at: datetime) -> None:
    """Keep a round that was just announced."""
    connection.execute(
        insert(rounds).values(
            id=new.id,
            purpose=new.purpose,
            covenant_hash=new.covenant_hash,
            state=new.state.name,
            body=new.announcement.body,
            signature=new.announcement.signature,
            opens_at=new.opens_at,
            closes_at=new.closes_at,
            confirm_until=new.confirm_until,
        )
    )
    digest = new.announcement.digest
    events.record(connection, events.Happened.ANNOUNCEMENT, at, digest, round_id=new.id)


def find_round(connection: Connection, round_id: str) -> Round:
    """The round with that id; raise RoundError if there is none."""
    row = connection.execute(select(rounds).where(rounds.c.id == round_id)).one_or_none()
    if row is None:
        raise RoundError("there is no such round", do="ask for the list of rounds", round=round_id)
    return _round(row)


def find_rounds(connection: Connection, *, purpose: str = "", purged: bool = False, most: int = -1) -> list[Round]:
    """Rounds, the newest first: of one purpose or of all, with or without the purged ones."""
    query = select(rounds).order_by(rounds.c.opens_at.desc(), rounds.c.id.desc())
    if purpose:
        query = query.where(rounds.c.purpose == purpose)
    if not purged:
        query = query.where(rounds.c.state != "purged")
    if most >= 0:
        query = query.limit(most)
    return [_round(row) for row in connection.execute(query)]


def unclean_rounds(connection: Connection) -> list[Round]:
    """Rounds that something must still be done for, the oldest first."""
    query = select(rounds).where(rounds.c.clean == 0).order_by(rounds.c.opens_at, rounds.c.id)
    return [_round(row) for row in connection.execute(query)]


def move_round(
    connection: Connection, old: Round, event: Event, at: datetime, *, candidates: int = 0, abandoned: str = ""
) -> State:
    """Take a round from the state in which it was read to the next; raise RoundError if it isn't there any more."""
    state = advance(old.state, event)
    values: dict[str, object] = {"state": state.name}
    if event is Event.PUBLISH:
        values["candidates"] = candidates
    if event is Event.ABANDON:
        values["abandoned"] = abandoned
    changed = connection.execute(
        update(rounds).where(rounds.c.id == old.id, rounds.c.state == old.state.name).values(values)
    )
    if changed.rowcount != 1:
        raise RoundError(
            f"the round is no longer {old.state.name}: somebody else acted on it", do="look at it again", round=old.id
        )
    digest = old.announcement.digest
    events.record(connection, f"{events.Happened.TRANSITION} {state.name}", at, digest, round_id=old.id)
    return state


def mark_clean(connection: Connection, round_id: str) -> None:
    """Note that everything which must be deleted of a round is gone."""
    connection.execute(update(rounds).where(rounds.c.id == round_id).values(clean=1))


def add_submission(connection: Connection, new: Submitted, at: datetime) -> None:
    """Keep a submission's commitment and receipt."""
    connection.execute(
        insert(submissions).values(
            round_id=new.round_id,
            oin=new.oin,
            commitment=new.commitment,
            families=new.families,
            persons=new.persons,
            body=new.receipt.body,
            signature=new.receipt.signature,
            received_at=at,
        )
    )
    events.record(
        connection,
        events.Happened.COMMITMENT,
        at,
        new.commitment,
        round_id=new.round_id,
        party=new.oin,
        count=new.persons,
    )


def find_submission(connection: Connection, round_id: str, oin: str) -> Submitted | None:
    """What a node submitted in a round, if it did."""
    query = select(submissions).where(submissions.c.round_id == round_id, submissions.c.oin == oin)
    row = connection.execute(query).one_or_none()
    return _submitted(row) if row else None


def find_submissions(connection: Connection, round_id: str) -> list[Submitted]:
    """All submissions of a round, by OIN."""
    query = select(submissions).where(submissions.c.round_id == round_id).order_by(submissions.c.oin)
    return [_submitted(row) for row in connection.execute(query)]


def count_submissions(connection: Connection, round_ids: Sequence[str]) -> dict[str, int]:
    """How many submissions each of these rounds has."""
    query = (
        select(submissions.c.round_id, func.count())
        .where(submissions.c.round_id.in_(round_ids))
        .group_by(submissions.c.round_id)
    )
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return {round_id: counted.get(round_id, 0) for round_id in round_ids}


def _round(row: Row[tuple[object, ...]]) -> Round:
    return Round(
        id=row.id,
        purpose=row.purpose,
        covenant_hash=row.covenant_hash,
        announcement=SignedMessage(row.body, row.signature),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        confirm_until=row.confirm_until,
        state=STATES[row.state],
        candidates=row.candidates,
        abandoned=row.abandoned,
        clean=bool(row.clean),
    )


def _submitted(row: Row[tuple[object, ...]]) -> Submitted:
    return Submitted(
        round_id=row.round_id,
        oin=row.oin,
        commitment=row.commitment,
        families=row.families,
        persons=row.persons,
        receipt=SignedMessage(row.body, row.signature),
    )
