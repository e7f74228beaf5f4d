"""Handshakes in the database: every change is a compare-and-set, and noted as an event with the entry that tells of it.

Each function works in the caller's transaction. Who may do what, and when, is the callers' business.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sluis_protocol.chain import Handshake, extend
from sluis_protocol.errors import HandshakeError, Overtaken
from sluis_protocol.handshake import State
from sluis_protocol.signed import SignedMessage
from sluis_protocol.stored import read_state, write_state
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from . import events, outbox
from .schema import handshake_entries, handshake_held, handshake_taken, handshakes


def add(connection: Connection, new: Handshake, entry: SignedMessage) -> None:
    """Keep a handshake that begins, and tell both sides."""
    connection.execute(
        insert(handshakes).values(
            id=new.id,
            purpose=new.purpose,
            oin_a=new.oins[0],
            oin_b=new.oins[1],
            sequence=new.sequence,
            head=new.head,
            at=new.at,
            deadline=new.state.deadline,
            **write_state(new.state),
        )
    )
    _tell(connection, new, entry)


def find(connection: Connection, handshake_id: bytes) -> Handshake:
    """The handshake with that id; raise HandshakeError if there is none (any more)."""
    row = connection.execute(select(handshakes).where(handshakes.c.id == handshake_id)).one_or_none()
    if row is None:
        raise HandshakeError("there is no such handshake of this node", do="look at the newest mail")
    return _handshake(row)


def due(connection: Connection, now: datetime) -> list[Handshake]:
    """Handshakes whose deadline has passed, the oldest first."""
    query = select(handshakes).where(handshakes.c.deadline <= now).order_by(handshakes.c.deadline, handshakes.c.id)
    return [_handshake(row) for row in connection.execute(query)]


def over(connection: Connection, now: datetime) -> list[bytes]:
    """The ids of handshakes that are to be purged."""
    return list(connection.execute(select(handshakes.c.id).where(handshakes.c.purge_at <= now)).scalars())


def step(
    connection: Connection, old: Handshake, state: State, entry: SignedMessage, at: datetime, keep: timedelta
) -> Handshake:
    """Take a handshake from where it was read to the next state, and tell both sides; raise Overtaken if it moved."""
    new = extend(old, entry, state, at)
    over = {"purge_at": at + keep} if state.deadline is None else {}
    values = {"sequence": new.sequence, "head": new.head, "at": at, "deadline": state.deadline, **over}
    _set(connection, old, {**values, **write_state(state)})
    connection.execute(delete(handshake_held).where(handshake_held.c.handshake_id == old.id))
    _tell(connection, new, entry)
    return new


def change(connection: Connection, old: Handshake, state: State) -> None:
    """Note what neither side may know yet: the state, without an entry; raise Overtaken if the handshake moved."""
    _set(connection, old, dict(write_state(state)))


def _set(connection: Connection, old: Handshake, values: dict[str, object]) -> None:
    as_read = (handshakes.c.head == old.head, handshakes.c.details == write_state(old.state)["details"])
    changed = connection.execute(update(handshakes).where(handshakes.c.id == old.id, *as_read).values(values))
    if changed.rowcount != 1:
        raise Overtaken("somebody else acted on this handshake", do="look at it again", handshake=old.name)


def _tell(connection: Connection, new: Handshake, entry: SignedMessage) -> None:
    """Keep the entry, queue it for both sides, and note it: one event for each step of a handshake."""
    connection.execute(
        insert(handshake_entries).values(
            handshake_id=new.id, sequence=new.sequence, body=entry.body, signature=entry.signature
        )
    )
    for oin in new.oins:
        outbox.put(connection, oin, new.name, entry)
    what = f"{events.Happened.HANDSHAKE} {new.state.name}"
    events.record(connection, what, new.at, entry.digest, round_id=new.name, count=new.sequence)


def take(connection: Connection, handshake: Handshake, oin: str, message: SignedMessage, letter: int = 0) -> None:
    """Note that a message was taken, so that it changes nothing when it comes again."""
    connection.execute(
        insert(handshake_taken).values(handshake_id=handshake.id, digest=message.digest, oin=oin, letter=letter)
    )


def was_taken(connection: Connection, handshake: Handshake, oin: str, message: SignedMessage) -> bool:
    """Whether this side sent the very same before."""
    query = select(handshake_taken.c.oin).where(
        handshake_taken.c.handshake_id == handshake.id,
        handshake_taken.c.digest == message.digest,
        handshake_taken.c.oin == oin,
    )
    return connection.execute(query).one_or_none() is not None


def last_letter(connection: Connection, handshake: Handshake, oin: str) -> int:
    """The number of a side's newest letter, or 0."""
    query = select(func.max(handshake_taken.c.letter)).where(
        handshake_taken.c.handshake_id == handshake.id, handshake_taken.c.oin == oin
    )
    return connection.execute(query).scalar_one() or 0


def hold(connection: Connection, handshake: Handshake, oin: str, message: SignedMessage) -> None:
    """Keep a side's yes until the other's is in."""
    connection.execute(
        insert(handshake_held).values(
            handshake_id=handshake.id, oin=oin, body=message.body, signature=message.signature
        )
    )


def held(connection: Connection, handshake: Handshake) -> dict[str, SignedMessage]:
    """What is held, by OIN."""
    query = select(handshake_held).where(handshake_held.c.handshake_id == handshake.id)
    return {row.oin: SignedMessage(row.body, row.signature) for row in connection.execute(query)}


def release(connection: Connection, handshake: Handshake, oin: str) -> None:
    """Forget a yes that was taken back."""
    connection.execute(
        delete(handshake_held).where(handshake_held.c.handshake_id == handshake.id, handshake_held.c.oin == oin)
    )


def purge(connection: Connection, handshake_id: bytes, at: datetime) -> None:
    """Delete a handshake with its entries and its mail; its events stay, and one more says that it is gone."""
    head = connection.scalar(select(handshakes.c.head).where(handshakes.c.id == handshake_id))
    outbox.forget(connection, handshake_id.hex())
    for table in (handshake_held, handshake_taken, handshake_entries):
        connection.execute(delete(table).where(table.c.handshake_id == handshake_id))
    connection.execute(delete(handshakes).where(handshakes.c.id == handshake_id))
    if head is not None:
        events.record(connection, events.Happened.PURGE, at, head, round_id=handshake_id.hex())


def _handshake(row: Row[tuple[object, ...]]) -> Handshake:
    return Handshake(
        id=row.id,
        purpose=row.purpose,
        oins=(row.oin_a, row.oin_b),
        state=read_state(row.state, row.details),
        sequence=row.sequence,
        head=row.head,
        at=row.at,
    )
