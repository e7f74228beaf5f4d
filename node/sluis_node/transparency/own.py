"""Which events of our own must be in the coordinator's log: all that it told us it took, and all that it signed for us.

Read from what the node keeps anyway; so what is forgotten at the end of its term is not looked for any more. It asks
nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sluis_protocol.content import LETTER
from sluis_protocol.leaves import Leaf
from sluis_protocol.signed import SignedMessage
from sqlalchemy import Connection, select

from ..handshake.moves import Progress as Sent
from ..handshake.tables import entries, handshake_mail
from ..round.ledger import ClaimState
from ..tables import claims, rounds
from ..totals.periods import Progress
from ..totals.tables import totals_periods
from .tables import log_found

# A contribution that is on the list which our last word is about was taken, and so was a last word that led to a sum.
_STEPS = {
    "enrolment": (Progress.ENROLLED, Progress.CONTRIBUTED, Progress.UNMASKED, Progress.RELEASED),
    "contribution": (Progress.UNMASKED, Progress.RELEASED),
    "unmasking": (Progress.RELEASED,),
}
_ANSWERED = (ClaimState.SENT, ClaimState.MATCHED, ClaimState.UNCONFIRMED, ClaimState.ANOMALOUS)


@dataclass(frozen=True, slots=True)
class Owed:
    """An event that the log owes us: its leaf's kind (or the first word of it), digest, and what else it must say.

    `party` and `count` are "" and None where any will do; `promise` is what the coordinator signed for it, if it did.
    """

    kind: str
    digest: bytes
    at: datetime
    round_id: str = ""
    party: str = ""
    count: int | None = None
    promise: SignedMessage | None = None

    def fits(self, leaf: Leaf) -> bool:
        """Whether a leaf is of this event, and says the right things of it."""
        return (
            (leaf.kind == self.kind or leaf.kind.startswith(f"{self.kind} "))
            and leaf.digest == self.digest
            and leaf.round_id == self.round_id
            and leaf.party == self.party
            and self.count in (None, leaf.count)
        )


def owed(connection: Connection, oin: str) -> list[Owed]:
    """All of it, the covenant apart."""
    return [*_commitments(connection, oin), *_confirmations(connection, oin), *_handshakes(connection),
            *_totals(connection, oin)]  # fmt: skip


def not_found_yet(connection: Connection, events: list[Owed]) -> list[Owed]:
    """Those that were not seen in the log before."""
    known = {tuple(row) for row in connection.execute(select(log_found.c.kind, log_found.c.digest))}
    return [one for one in events if (one.kind, one.digest) not in known]


def _commitments(connection: Connection, oin: str) -> Iterator[Owed]:
    query = select(rounds.c.round_id, rounds.c.commitment, rounds.c.persons, rounds.c.receipt)
    for row in connection.execute(query.where(rounds.c.receipt.is_not(None), rounds.c.commitment.is_not(None))):
        receipt = SignedMessage.unpack(row.receipt)
        at = receipt.envelope.sent_at
        yield Owed("commitment", row.commitment, at, row.round_id, oin, row.persons, receipt)


def _confirmations(connection: Connection, oin: str) -> Iterator[Owed]:
    query = select(claims.c.round_id, claims.c.answer, claims.c.signature)
    for row in connection.execute(query.where(claims.c.state.in_(_ANSWERED))):
        yield _sent("confirmation", SignedMessage(row.answer, row.signature), row.round_id, oin)


def _handshakes(connection: Connection) -> Iterator[Owed]:
    for row in connection.execute(select(entries)):
        entry = SignedMessage(row.body, row.signature)
        at, name = entry.envelope.sent_at, entry.envelope.round_id
        yield Owed("handshake", row.digest, at, name, count=row.sequence, promise=entry)
    letters = select(handshake_mail).where(handshake_mail.c.act == LETTER, handshake_mail.c.progress == Sent.ENTERED)
    for row in connection.execute(letters):
        letter = SignedMessage(row.body, row.signature)
        yield _sent("handshake letter", letter, letter.envelope.round_id, "")


def _totals(connection: Connection, oin: str) -> Iterator[Owed]:
    for row in connection.execute(select(totals_periods)).mappings():
        for step, progress in _STEPS.items():
            if row[step] is not None and row["state"] in progress:
                message = SignedMessage.unpack(row[step])
                yield _sent(f"totals {step}", message, row["id"], oin)


def _sent(kind: str, message: SignedMessage, round_id: str, party: str) -> Owed:
    return Owed(kind, message.digest, message.envelope.sent_at, round_id, party)
