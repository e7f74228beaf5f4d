"""The record of what happened: append-only, hashes and ids only, written in the transaction that it tells of.

Every entry has the digest of the signed message that caused it, so whoever has the message can find its entry.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from sluis_protocol.signed import SignedMessage
from sqlalchemy import Connection, func, insert, select

from .schema import events


class Happened(StrEnum):
    """What an entry is about."""

    COVENANT = "covenant"
    ANNOUNCEMENT = "announcement"
    TRANSITION = "transition"  # the new state is in the kind: "transition joining"
    EVALUATION = "evaluation"
    COMMITMENT = "commitment"
    PUBLICATION = "publication"
    CLAIM = "claim"
    CONFIRMATION = "confirmation"
    OUTCOME = "outcome"
    HANDSHAKE = "handshake"  # the new state is in the kind: "handshake agreed"
    LETTER = "handshake letter"
    PERIOD = "totals"  # the new state is in the kind: "totals released"; its digest is of what was signed for it
    ENROLMENT = "totals enrolment"
    CONTRIBUTION = "totals contribution"
    UNMASKING = "totals unmasking"


def record(
    connection: Connection,
    what: str,
    at: datetime,
    digest: bytes,
    *,
    round_id: str = "",
    party: str = "",
    count: int = 0,
) -> None:
    """Add one entry; `digest` is a SHA-256, `count` whatever was counted (elements, persons, claims)."""
    connection.execute(
        insert(events).values(at=at, kind=what, round_id=round_id, party=party, count=count, digest=digest)
    )


def digest_of(message: SignedMessage) -> bytes:
    """SHA-256 over the signed body."""
    return hashlib.sha256(message.body).digest()


def counts(connection: Connection, round_id: str, what: str) -> dict[str, int]:
    """The sum of one kind of entry in a round, by party."""
    query = (
        select(events.c.party, func.sum(events.c.count))
        .where(events.c.round_id == round_id, events.c.kind == what)
        .group_by(events.c.party)
        .order_by(events.c.party)
    )
    return {party: int(total) for party, total in connection.execute(query)}
