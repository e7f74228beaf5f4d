"""What the coordinator's signature promises about its log (protocol.md, 8).

What it signs for the parties is an event of its log as well, and what it takes from a node as an event it answers with
a receipt. So whoever holds its signature can prove to others what the log lacks: as a certificate's log is held to its
signed timestamps (RFC 9162, 4.8). Nothing is asked or kept here.
"""

from __future__ import annotations

from datetime import timedelta

from . import wire
from .covenant import Covenant
from .errors import LogError, MalformedMessage
from .log_messages import Receipt
from .signed import Kind, SignedMessage, open_signed

MERGE_DELAY = timedelta(seconds=60)
"""So long after it signed for something the coordinator may take to have it in the log."""

# The leaf of what the coordinator signs, or the first word of the leaf's kind. Its digest is the message's. A claim is
# not among them: evidence is for others, and a claim has tags of persons, and says who shares them with whom.
_LEAVES = {
    Kind.ANNOUNCEMENT: "announcement",
    Kind.PUBLICATION: "publication",
    Kind.UNCONFIRMED: "outcome",
    Kind.ENTRY: "handshake",
    Kind.PERIOD: "totals enrolling",
    Kind.ROSTER: "totals contributing",
    Kind.CONTRIBUTORS: "totals closing",
}


def promised(message: SignedMessage) -> tuple[str, bytes]:
    """The kind (or its first word) and digest of the leaf that this message promises; LogError if it promises none.

    That the coordinator signed it is the caller's to know.
    """
    envelope = message.envelope
    if envelope.kind is Kind.RECEIPT:
        receipt = wire.decode(Receipt, envelope.payload)
        return receipt.kind, receipt.digest
    if envelope.kind not in _LEAVES:
        raise LogError(f"a {envelope.kind} promises nothing about the log")
    return _LEAVES[envelope.kind], message.digest


def check_receipt(receipt: SignedMessage, covenant: Covenant, kind: str, digest: bytes, round_id: str) -> None:
    """That the coordinator promises a leaf of that kind with that digest, for what was sent in that round.

    It may have been given earlier, when the same came for the first time. Raises MalformedMessage, or what didn't
    verify.
    """
    envelope = open_signed(receipt, covenant, Kind.RECEIPT, round_id=round_id, now=None)
    if wire.decode(Receipt, envelope.payload) != Receipt(kind, digest):
        raise MalformedMessage(
            f"the coordinator signed for something else than our {kind}",
            do="report it to the operator of the coordinator",
            round=round_id,
        )
