"""What proves that a coordinator's log is not what it should be, as a file that anybody can judge offline.

A node keeps the coordinator's own signed answers; two of them that no honest log can give together are a proof. Whoever
has the covenant authority's public key judges it: neither the node nor the coordinator is believed. Nothing here talks
to anybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from . import wire
from .checkpoint import Checkpoint, log_verifier, open_checkpoint
from .covenant import Covenant
from .errors import InputError, LogError, SluisError, WrongCovenant
from .log_messages import ABOUT_LOG, LogCheckpoint, LogConsistency, LogInclusion
from .merkle import verify_consistency
from .messages import Entry, Receipt
from .note import Verifier
from .signed import Envelope, Kind, SignedMessage, open_signed

FORMAT = "sluis-log-evidence/1"
MERGE_DELAY = timedelta(seconds=60)
"""So long after it signed for something the coordinator may take to have it in the log."""

T = TypeVar("T")


class Charge(StrEnum):
    """What the evidence is to show."""

    SPLIT = "two checkpoints of one size"
    FORK = "a history that doesn't go on from the one before"
    ROLLBACK = "a log that became smaller"
    MISSING = "an event that the coordinator signed for is not in the log"
    REFUSED = "a proof that the coordinator did not give"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The coordinator's signed answers and the covenants that they were given under.

    SPLIT: two checkpoints. ROLLBACK: the larger, then the smaller one. FORK: the older and the newer checkpoint and the
    consistency answer. MISSING: what it signed for (a receipt or an entry), a checkpoint, and the inclusion answer.
    REFUSED: the checkpoints that there are; nothing that others could check.
    """

    charge: Charge
    what: str
    noted_at: datetime
    covenants: tuple[str, ...]
    messages: tuple[SignedMessage, ...]

    def serialise(self) -> str:
        """The file."""
        content = {
            "format": FORMAT,
            "charge": self.charge.name.lower(),
            "what": self.what,
            "noted_at": self.noted_at.isoformat(),
            "covenants": list(self.covenants),
            "messages": [{"body": _text(one.body), "signature": _text(one.signature)} for one in self.messages],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read the file; raise InputError if it isn't one."""
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ValueError("another format")
            return cls(
                Charge[str(content["charge"]).upper()],
                str(content["what"]),
                datetime.fromisoformat(content["noted_at"]),
                tuple(str(note) for note in content["covenants"]),
                tuple(SignedMessage(_raw(one["body"]), _raw(one["signature"])) for one in content["messages"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise InputError(
                "this is not evidence about a log", do="use the file that `sluis-node log evidence` wrote"
            ) from error


@dataclass(frozen=True, slots=True)
class _Seen:
    """A checkpoint and when the coordinator gave it."""

    checkpoint: Checkpoint
    at: datetime


def judge(evidence: Evidence, authority: Verifier) -> list[str]:
    """What was checked, line by line, where it proves the charge; raise LogError (or what didn't verify) otherwise.

    1. The covenants are signed by the authority, and of one covenant. 2. Every answer is signed by the coordinator
    that the covenant names. 3. The answers contradict each other, as the charge says.
    """
    covenants = {found.hash: found for found in (Covenant.verify(note, authority) for note in evidence.covenants)}
    if len({found.terms.id for found in covenants.values()}) != 1:
        raise LogError("the evidence is not about one covenant")
    terms = next(iter(covenants.values())).terms
    said = [
        f"covenant {terms.id}: {len(covenants)} version(s), signed by {authority.name}",
        f"charge: {evidence.charge}",
    ]
    match evidence.charge:
        case Charge.SPLIT:
            one, two = (_checkpoint(message, covenants, said) for message in _exactly(evidence.messages, 2))
            if one.checkpoint.size != two.checkpoint.size or one.checkpoint.root == two.checkpoint.root:
                raise LogError("these two checkpoints don't contradict each other")
            said.append("proven: one size has two roots, so two histories were shown")
        case Charge.ROLLBACK:
            one, two = (_checkpoint(message, covenants, said) for message in _exactly(evidence.messages, 2))
            if two.checkpoint.size >= one.checkpoint.size or two.at <= one.at:
                raise LogError("the later checkpoint is not the smaller one")
            said.append("proven: the log became smaller, so events were taken out")
        case Charge.FORK:
            messages = _exactly(evidence.messages, 3)
            one, two = (_checkpoint(message, covenants, said) for message in messages[:2])
            answer = _open(messages[2], Kind.LOG_CONSISTENCY, LogConsistency, covenants)[1]
            if (answer.old, answer.new) != (one.checkpoint.size, two.checkpoint.size):
                raise LogError("the consistency answer is about other sizes")
            said.append(
                f"consistency answer of {len(answer.proof)} hashes between these two, signed by the coordinator"
            )
            if not _contradicts(one.checkpoint, two.checkpoint, answer):
                raise LogError("the proof verifies: the log only grew")
            said.append(
                "proven: the coordinator's own proof doesn't lead from the one to the other, so history changed"
            )
        case Charge.MISSING:
            _judge_missing(evidence, covenants, said)
        case Charge.REFUSED:
            raise LogError(
                "a proof that was not given leaves nothing to check: this is one node's word",
                do="let another node ask for the same proof, and ask the operator of the coordinator why",
            )
    return said


def _judge_missing(evidence: Evidence, covenants: dict[bytes, Covenant], said: list[str]) -> None:
    signed_for, shown, answered = _exactly(evidence.messages, 3)
    envelope, kind, digest = promised(signed_for, covenants)
    said.append(f"the coordinator signed a {envelope.kind} at {envelope.sent_at:%Y-%m-%d %H:%M:%S} UTC")
    seen = _checkpoint(shown, covenants, said)
    if seen.at < envelope.sent_at + MERGE_DELAY:
        raise LogError(f"the checkpoint is not {MERGE_DELAY.total_seconds():.0f} s younger than what was signed for")
    answer = _open(answered, Kind.LOG_INCLUSION, LogInclusion, covenants)[1]
    if (answer.kind, answer.digest) != (kind, digest):
        raise LogError("the inclusion answer is about another event")
    if answer.size < seen.checkpoint.size or answer.leaf:
        raise LogError("the inclusion answer is about an older tree, or has the leaf")
    said.append("proven: by the coordinator's own word the log of that size lacks the event")


def promised(message: SignedMessage, covenants: dict[bytes, Covenant]) -> tuple[Envelope, str, bytes]:
    """What the coordinator owes the log since it signed this: the envelope, and the leaf's kind and digest."""
    kind = message.envelope.kind
    if kind is Kind.RECEIPT:
        envelope, receipt = _open(message, kind, Receipt, covenants)
        return envelope, "commitment", receipt.commitment
    if kind is Kind.ENTRY:
        envelope, _ = _open(message, kind, Entry, covenants)
        return envelope, "handshake", hashlib.sha256(message.body).digest()
    raise LogError(f"a {kind} promises nothing about the log")


def _contradicts(one: Checkpoint, two: Checkpoint, answer: LogConsistency) -> bool:
    try:
        verify_consistency(one.size, two.size, one.root, two.root, answer.proof)
    except LogError:
        return True
    return False


def _checkpoint(message: SignedMessage, covenants: dict[bytes, Covenant], said: list[str]) -> _Seen:
    envelope, shown = _open(message, Kind.LOG_CHECKPOINT, LogCheckpoint, covenants)
    found = open_checkpoint(shown.note, log_verifier(covenants[envelope.covenant_hash]))
    said.append(
        f"checkpoint of {found.size} leaves, root {found.root.hex()[:16]}…, given by the coordinator at "
        f"{envelope.sent_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    return _Seen(found, envelope.sent_at)


def _open(message: SignedMessage, kind: Kind, payload: type[T], covenants: dict[bytes, Covenant]) -> tuple[Envelope, T]:
    claimed = message.envelope
    covenant = covenants.get(claimed.covenant_hash)
    if covenant is None:
        raise WrongCovenant("the evidence lacks the covenant that an answer was given under")
    about = ABOUT_LOG if kind.startswith("log ") else claimed.round_id
    envelope = open_signed(message, covenant, kind, round_id=about, now=None)
    return envelope, wire.decode(payload, envelope.payload)


def _exactly(messages: Sequence[SignedMessage], count: int) -> Sequence[SignedMessage]:
    if len(messages) != count:
        raise LogError(f"the evidence has {len(messages)} messages instead of {count}")
    return messages


def holds(evidence: Evidence, authority: Verifier) -> bool:
    """Whether the evidence proves its charge."""
    try:
        judge(evidence, authority)
    except SluisError:
        return False
    return True


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: object) -> bytes:
    return base64.b64decode(str(text), validate=True)
