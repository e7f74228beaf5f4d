"""What the log owes this node: the events of its own, and all that the coordinator signed for it.

Noted in the transaction in which the node takes note of it, and looked for until it is found; with the coordinator's
promise, which convinces others if it isn't. It asks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sluis_protocol.encoding import millis, moment
from sluis_protocol.leaves import Leaf
from sluis_protocol.promises import promised
from sluis_protocol.signed import SignedMessage
from sqlalchemy import ColumnElement, Connection, RowMapping, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from .tables import log_owed


@dataclass(frozen=True, slots=True)
class Owed:
    """An event that the log owes us: its leaf's kind (or the first word of it), digest, and what else it must say.

    `count` is None where any will do; `promise` is what the coordinator signed for it, if it did.
    """

    kind: str
    digest: bytes
    at: datetime
    round_id: str = ""
    party: str = ""
    count: int | None = None
    promise: SignedMessage | None = None

    def __str__(self) -> str:
        article = "an" if self.kind[0] in "aeio" else "a"  # of these words, "usage" alone begins otherwise
        return f"{article} {self.kind} of {self.at:%Y-%m-%d %H:%M} UTC"

    def fits(self, leaf: Leaf) -> bool:
        """Whether a leaf is of this event, and says the right things of it."""
        return (
            (leaf.kind == self.kind or leaf.kind.startswith(f"{self.kind} "))
            and leaf.digest == self.digest
            and leaf.round_id == self.round_id
            and leaf.party == self.party
            and self.count in (None, leaf.count)
        )


def note_promise(connection: Connection, message: SignedMessage, *, party: str = "", count: int | None = None) -> None:
    """The coordinator signed this (verified by the caller): the log owes what it promises. Once; again is nothing new.

    `party` is the leaf's; count as for `Owed`.
    """
    kind, digest = promised(message)
    envelope = message.envelope
    note(connection, Owed(kind, digest, envelope.sent_at, envelope.round_id, party, count, message))


def note(connection: Connection, one: Owed) -> bool:
    """The log owes this, too; False if that was noted before."""
    values = {
        "kind": one.kind,
        "digest": one.digest,
        "at": millis(one.at),
        "round_id": one.round_id,
        "party": one.party,
        "count": one.count,
        "promise": one.promise.packed if one.promise else None,
    }
    return connection.execute(insert_or(log_owed).values(values).on_conflict_do_nothing()).rowcount == 1


def outstanding(connection: Connection, *, everything: bool = False) -> list[Owed]:
    """What is to be looked for: what was not found yet, or all but what is lost."""
    table = log_owed.c
    query = select(log_owed).where(table.lost == 0).order_by(table.number)
    rows = connection.execute(query if everything else query.where(table.leaf.is_(None))).mappings()
    return [_owed(row) for row in rows]


def found(connection: Connection, one: Owed, leaf: int) -> None:
    """It is in the log at that place. The log only grows from here, so the promise has done its work."""
    connection.execute(update(log_owed).where(*_is(one)).values(leaf=leaf, promise=None))


def lose(connection: Connection, one: Owed) -> None:
    """It is not in the log and needn't be any more: somebody answers for that (`log resume`)."""
    connection.execute(update(log_owed).where(*_is(one)).values(leaf=None, lost=1))


def look_anew(connection: Connection) -> None:
    """Look for everything again, in a log that starts anew."""
    connection.execute(update(log_owed).values(leaf=None))


def _is(one: Owed) -> tuple[ColumnElement[bool], ...]:
    return log_owed.c.kind == one.kind, log_owed.c.digest == one.digest


def _owed(row: RowMapping) -> Owed:
    promise = SignedMessage.unpack(row["promise"]) if row["promise"] else None
    return Owed(row["kind"], row["digest"], moment(row["at"]), row["round_id"], row["party"], row["count"], promise)
