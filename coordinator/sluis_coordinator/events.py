"""The record of what happened: append-only, hashes and ids only, written in the transaction that it tells of.

Every entry has the digest of the signed message that caused it, so whoever has the message can find its entry. Each is
a leaf of the transparency log, event n being leaf n − 1 (protocol.md, 8).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.leaves import KINDS, SALT_BYTES, Leaf
from sluis_protocol.merkle import leaf_hash
from sqlalchemy import Connection, RowMapping, func, insert, select

from . import log_store
from .schema import events


class Happened(StrEnum):
    """What an entry is about."""

    COVENANT = "covenant"
    ANNOUNCEMENT = "announcement"
    TRANSITION = "transition"  # the new state is in the kind: "transition joining"
    EVALUATION = "evaluation"
    USAGE = "usage"
    COMMITMENT = "commitment"
    PUBLICATION = "publication"
    CLAIM = "claim"
    CONFIRMATION = "confirmation"
    OUTCOME = "outcome"
    HANDSHAKE = "handshake"  # the new state is in the kind: "handshake agreed"
    LETTER = "handshake letter"
    PURGE = "handshake purged"
    PERIOD = "totals"  # the new state is in the kind: "totals released"; its digest is of what was signed for it
    ENROLMENT = "totals enrolment"
    CONTRIBUTION = "totals contribution"
    UNMASKING = "totals unmasking"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `digest` is a SHA-256, `count` whatever was counted (elements, persons, claims)."""

    what: str
    at: datetime
    digest: bytes
    round_id: str = ""
    party: str = ""
    count: int = 0


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
    """Add one entry."""
    record_all(connection, [Entry(what, at, digest, round_id, party, count)])


def record_all(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add entries in this order, and their leaves to the log's tree."""
    before, rows, leaves = size(connection), [], []
    for number, one in enumerate(entries, start=before + 1):
        row: dict[str, Any] = {
            "id": number,
            "at": moment(millis(one.at)),  # as exactly as it is kept
            "kind": one.what,
            "round_id": one.round_id,
            "party": one.party,
            "count": one.count,
            "digest": one.digest,
            "salt": os.urandom(SALT_BYTES) if KINDS[one.what].sealed else b"",
        }
        rows.append(row)
        leaves.append(leaf_hash(leaf_of(row).public.text.encode()))
    if rows:
        connection.execute(insert(events), rows)
        log_store.append(connection, before, leaves)


def size(connection: Connection) -> int:
    """How many entries there are: the log's size."""
    return connection.execute(select(func.max(events.c.id))).scalar_one() or 0


def leaf_of(row: RowMapping | Mapping[str, Any]) -> Leaf:
    """An entry's leaf; of a sealed one, what only those concerned may read."""
    return Leaf.of(
        row["kind"],
        row["at"],
        row["digest"],
        round_id=row["round_id"],
        party=row["party"],
        count=row["count"],
        salt=row["salt"],
    )


def counts(connection: Connection, round_id: str, what: str) -> dict[str, int]:
    """The sum of one kind of entry in a round, by party."""
    query = (
        select(events.c.party, func.sum(events.c.count))
        .where(events.c.round_id == round_id, events.c.kind == what)
        .group_by(events.c.party)
        .order_by(events.c.party)
    )
    return {party: int(total) for party, total in connection.execute(query)}
