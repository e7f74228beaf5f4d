"""What we say in a handshake: signed moves and letters, kept until the coordinator has them, sent as often as it takes.

A move follows the newest entry that we have, so at most one of ours is on its way; only a yes may be taken back behind
it. Whether the coordinator enters it shows in an entry (`entries`), which is the same for both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sluis_protocol import wire
from sluis_protocol.content import LETTER, Content, Withdrawal, WithdrawalReason, seal_content
from sluis_protocol.covenant import Covenant
from sluis_protocol.encoding import millis
from sluis_protocol.errors import CovenantError, Overtaken
from sluis_protocol.handshake import Act
from sluis_protocol.messages import Letter, Move
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, func, insert, select, update

from ..signer import Signer
from .casebook import Handshake
from .tables import handshake_mail


class Progress(StrEnum):
    """How far something of ours is."""

    WAITING = "waiting"  # to be sent
    SENT = "sent"  # the coordinator has it
    ENTERED = "entered"  # it is in an entry; of a letter: the coordinator has it
    REFUSED = "refused"  # the coordinator will never enter it
    DROPPED = "dropped"  # a yes that was taken back, before we know whether in time
    TAKEN_BACK = "taken-back"  # the coordinator has taken it back: it must not be entered


ON_ITS_WAY = (Progress.WAITING, Progress.SENT)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something of ours that has to be sent."""

    number: int
    handshake: bytes
    act: str
    message: SignedMessage


class Moves:
    """Our moves and letters in the node's database."""

    def __init__(self, engine: Engine, signer: Signer) -> None:
        self._engine = engine
        self._signer = signer

    # Making.

    def make(
        self,
        connection: Connection,
        found: Handshake,
        act: Act,
        content: Content,
        covenant: Covenant,
        now: datetime,
        *,
        version: int = 0,
        digest: bytes = b"",
        until: datetime | None = None,
    ) -> None:
        """Sign a move after the newest entry and queue it; raise Overtaken while another of ours is on its way."""
        if self.on_its_way(connection, found.id):
            raise Overtaken("the last step is still on its way to the coordinator", do="try again in a moment")
        sealed = self._seal(found, act, content, covenant)
        move = Move(found.id, act, found.head, version, digest, until, sealed)
        self._queue(connection, found, act, Kind.MOVE, move, covenant, now)

    def write(
        self, connection: Connection, found: Handshake, content: Content, covenant: Covenant, now: datetime
    ) -> None:
        """Sign a letter and queue it."""
        query = select(func.count()).where(handshake_mail.c.handshake == found.id, handshake_mail.c.act == LETTER)
        number = connection.execute(query).scalar_one() + 1
        letter = Letter(found.id, number, self._seal(found, LETTER, content, covenant))
        self._queue(connection, found, LETTER, Kind.LETTER, letter, covenant, now)

    def _seal(self, found: Handshake, use: str, content: Content, covenant: Covenant) -> bytes:
        return seal_content(
            content,
            covenant,
            handshake_id=found.id,
            sender=self._signer.oin,
            recipient=found.counterpart,
            use=use,
        )

    def _queue(
        self,
        connection: Connection,
        found: Handshake,
        act: str,
        kind: Kind,
        payload: Move | Letter,
        covenant: Covenant,
        now: datetime,
    ) -> None:
        message = self._signer.sign(kind, payload, covenant_hash=covenant.hash, round_id=found.id.hex())
        connection.execute(
            insert(handshake_mail).values(
                handshake=found.id,
                act=act,
                digest=message.digest,
                body=message.body,
                signature=message.signature,
                progress=Progress.WAITING,
                at=millis(now),
            )
        )

    def drop(self, connection: Connection, handshake_id: bytes) -> bool:
        """Take back the yes that is on its way; False if there is none. A move must tell the coordinator."""
        changed = connection.execute(
            update(handshake_mail)
            .where(
                handshake_mail.c.handshake == handshake_id,
                handshake_mail.c.act == Act.ACCEPT,
                handshake_mail.c.progress.in_(ON_ITS_WAY),
            )
            .values(progress=Progress.DROPPED)
        )
        return changed.rowcount > 0

    # Looking.

    def on_its_way(self, connection: Connection, handshake_id: bytes) -> list[str]:
        """The acts of our moves that are neither entered nor refused."""
        query = select(handshake_mail.c.act).where(
            handshake_mail.c.handshake == handshake_id,
            handshake_mail.c.act != LETTER,
            handshake_mail.c.progress.in_(ON_ITS_WAY),
        )
        return list(connection.scalars(query.order_by(handshake_mail.c.number)))

    def progress(self, connection: Connection, digest: bytes) -> Progress | None:
        """How far a move of ours is, by the digest of its body; None if we never made it."""
        found = connection.scalar(select(handshake_mail.c.progress).where(handshake_mail.c.digest == digest))
        return None if found is None else Progress(found)

    def _progress(self, connection: Connection, number: int) -> Progress:
        query = select(handshake_mail.c.progress).where(handshake_mail.c.number == number)
        return Progress(connection.execute(query).scalar_one())

    # Sending and what comes of it.

    def to_send(self) -> list[Outgoing]:
        """What the coordinator doesn't have yet, in the order in which it was made."""
        query = select(handshake_mail).where(handshake_mail.c.progress == Progress.WAITING)
        with transaction(self._engine) as connection:
            return [
                Outgoing(row["number"], row["handshake"], row["act"], SignedMessage(row["body"], row["signature"]))
                for row in connection.execute(query.order_by(handshake_mail.c.number)).mappings()
            ]

    def sign_anew(self, connection: Connection, one: Outgoing, covenant: Covenant) -> Outgoing | None:
        """The same content under another covenant version; None if it is settled already."""
        envelope = one.message.envelope
        kind, decoded = (Kind.LETTER, Letter) if one.act == LETTER else (Kind.MOVE, Move)
        payload = wire.decode(decoded, envelope.payload)
        message = self._signer.sign(kind, payload, covenant_hash=covenant.hash, round_id=envelope.round_id)
        changed = connection.execute(
            update(handshake_mail)
            .where(handshake_mail.c.number == one.number, handshake_mail.c.progress == Progress.WAITING)
            .values(digest=message.digest, body=message.body, signature=message.signature)
        )
        return replace(one, message=message) if changed.rowcount else None

    def taken(self, connection: Connection, one: Outgoing, found: Handshake, covenant: Covenant, now: datetime) -> None:
        """The coordinator has it. With the withdrawal of a yes, that yes is taken back.

        A yes that arrived although it was taken back meanwhile, behind its withdrawal even, is withdrawn (again).
        """
        end = Progress.ENTERED if one.act == LETTER else Progress.SENT
        self._settle(connection, one.number, end)
        was_dropped = one.act == Act.ACCEPT and self._progress(connection, one.number) is Progress.DROPPED
        if was_dropped and not self.on_its_way(connection, found.id):
            content = Withdrawal(reason=WithdrawalReason.OTHER)
            self.make(connection, found, Act.WITHDRAW, content, covenant, now)
        if one.act == Act.WITHDRAW:
            dropped = update(handshake_mail).where(
                handshake_mail.c.handshake == one.handshake,
                handshake_mail.c.number < one.number,
                handshake_mail.c.progress == Progress.DROPPED,
            )
            if connection.execute(dropped.values(progress=Progress.TAKEN_BACK)).rowcount:
                # Nobody is told of a yes that was taken back: there will be no entry.
                self._settle(connection, one.number, Progress.ENTERED, start=Progress.SENT)

    def refused(self, connection: Connection, one: Outgoing) -> bool:
        """The coordinator will never take it; False if that is settled already."""
        return self._settle(connection, one.number, Progress.REFUSED)

    def entered(self, connection: Connection, digests: Sequence[bytes]) -> None:
        """These are in an entry."""
        connection.execute(
            update(handshake_mail).where(handshake_mail.c.digest.in_(list(digests))).values(progress=Progress.ENTERED)
        )

    def overtaken(self, connection: Connection, handshake_id: bytes) -> list[str]:
        """The moves on their way follow an entry that is no longer the newest: they will never be entered."""
        acts = self.on_its_way(connection, handshake_id)
        connection.execute(
            update(handshake_mail)
            .where(
                handshake_mail.c.handshake == handshake_id,
                handshake_mail.c.act != LETTER,
                handshake_mail.c.progress.in_(ON_ITS_WAY),
            )
            .values(progress=Progress.REFUSED)
        )
        return acts

    def _settle(
        self, connection: Connection, number: int, end: Progress, *, start: Progress = Progress.WAITING
    ) -> bool:
        changed = connection.execute(
            update(handshake_mail)
            .where(handshake_mail.c.number == number, handshake_mail.c.progress == start)
            .values(progress=end)
        )
        return changed.rowcount == 1


def newest(covenant: Covenant | None) -> Covenant:
    """The covenant to speak under; CovenantError if none was ever accepted."""
    if covenant is None:
        raise CovenantError("there is no covenant yet", do="fetch it: sluis-node covenant fetch")
    return covenant
