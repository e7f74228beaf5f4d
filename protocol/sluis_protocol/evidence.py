"""What proves that a coordinator's log is not what it should be, as a file that anybody can judge offline.

A node keeps the coordinator's own signed answers; two of them that no honest log can give together are a proof. Whoever
has the covenant authority's public key judges it: neither the node nor the coordinator is believed. Nothing here talks
to anybody.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from . import wire
from .checkpoint import Checkpoint, log_verifier, open_checkpoint
from .covenant import Covenant
from .errors import BadSignature, InputError, LogError, SluisError, WrongCovenant
from .log_messages import ABOUT_LOG, LogCheckpoint, LogConsistency, LogInclusion
from .merkle import verify_consistency
from .note import Verifier
from .promises import MERGE_DELAY, promised
from .signed import Envelope, Kind, SignedMessage, open_signed

FORMAT = "sluis-log-evidence/1"

T = TypeVar("T")


class Charge(StrEnum):
    """What the evidence is to show."""

    SPLIT = "two checkpoints of one size"
    FORK = "a history that doesn't go on from the one before"
    ROLLBACK = "a log that became smaller"
    MISSING = "an event that the coordinator signed for is not in the log"
    UNPROVEN = "something wrong with the log that only this node saw"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The coordinator's signed answers, signed checkpoints, and the covenants that they were given under.

    SPLIT: two checkpoints. ROLLBACK: two dated checkpoints. FORK: two checkpoints and the consistency answer between
    them. MISSING: what it signed (`promises`), a dated checkpoint, and the inclusion answer. UNPROVEN:
    what there is; others can't check it. A dated checkpoint is an answer to a node, any other one is a bare note, such
    as another node showed.
    """

    charge: Charge
    what: str
    noted_at: datetime
    covenants: tuple[str, ...]
    messages: tuple[SignedMessage, ...]
    notes: tuple[str, ...] = ()

    def serialise(self) -> str:
        """The file."""
        content = {
            "format": FORMAT,
            "charge": self.charge.name.lower(),
            "what": self.what,
            "noted_at": self.noted_at.isoformat(),
            "covenants": list(self.covenants),
            "messages": [{"body": _text(one.body), "signature": _text(one.signature)} for one in self.messages],
            "notes": list(self.notes),
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
                tuple(str(note) for note in content["notes"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise InputError(
                "this is not evidence about a log", do="use the file that `sluis-node log evidence` wrote"
            ) from error


@dataclass(frozen=True, slots=True)
class _Seen:
    """A checkpoint, and when the coordinator gave it, if that is known."""

    checkpoint: Checkpoint
    at: datetime | None


_Covenants = dict[bytes, Covenant]


def judge(evidence: Evidence, authority: Verifier) -> list[str]:
    """What was checked, line by line, where it proves the charge; raise LogError (or what didn't verify) otherwise.

    1. The covenants are signed by the authority, and versions of one. 2. Every answer and every checkpoint is signed by
    the coordinator that the covenant names. 3. They contradict each other, as the charge says.
    """
    covenants = {found.hash: found for found in (Covenant.verify(note, authority) for note in evidence.covenants)}
    if len({found.terms.id for found in covenants.values()}) != 1:
        raise LogError("the evidence is not about one covenant")
    terms = next(iter(covenants.values())).terms
    said = [
        f"covenant {terms.id}: {len(covenants)} version(s), signed by {authority.name}",
        f"charge: {evidence.charge}",
    ]
    seen = [_dated(one, covenants) for one in evidence.messages if one.envelope.kind is Kind.LOG_CHECKPOINT]
    seen += [_Seen(_of_the_log(note, covenants), None) for note in evidence.notes]
    said += [_describe(one) for one in seen]
    match evidence.charge:
        case Charge.SPLIT:
            one, two = _exactly(seen, 2)
            if one.checkpoint.size != two.checkpoint.size or one.checkpoint.root == two.checkpoint.root:
                raise LogError("these two checkpoints don't contradict each other")
            said.append("proven: one size has two roots, so two histories were shown")
        case Charge.ROLLBACK:
            one, two = _exactly(seen, 2)
            if one.at is None or two.at is None or two.at <= one.at or two.checkpoint.size >= one.checkpoint.size:
                raise LogError("the later checkpoint is not the smaller one")
            said.append("proven: the log became smaller, so events were taken out")
        case Charge.FORK:
            one, two = sorted(_exactly(seen, 2), key=lambda each: each.checkpoint.size)
            _judge_fork(one.checkpoint, two.checkpoint, evidence, covenants)
            said.append("proven: the coordinator's own signed proof doesn't lead from one to the other")
        case Charge.MISSING:
            _judge_missing(_exactly(seen, 1)[0], evidence, covenants, said)
        case Charge.UNPROVEN:
            raise LogError(
                f"nothing here can be checked by others; one node says: {evidence.what}",
                do="let another node look for the same, and ask the operator of the coordinator",
            )
    return said


def _judge_fork(one: Checkpoint, two: Checkpoint, evidence: Evidence, covenants: _Covenants) -> None:
    answer = _the(Kind.LOG_CONSISTENCY, LogConsistency, evidence, covenants)
    if (answer.old, answer.new) != (one.size, two.size):
        raise LogError("the consistency answer is about other sizes")
    try:
        verify_consistency(one.size, two.size, one.root, two.root, answer.proof)
    except LogError:
        return
    raise LogError("the proof verifies: the log only grew")


def _judge_missing(seen: _Seen, evidence: Evidence, covenants: _Covenants, said: list[str]) -> None:
    promises = [one for one in evidence.messages if not one.envelope.kind.startswith("log ")]
    [promise] = _exactly(promises, 1)
    envelope = _signed(promise, covenants)
    kind, digest = promised(promise)
    said.append(f"the coordinator signed a {envelope.kind} at {envelope.sent_at:%Y-%m-%d %H:%M:%S} UTC")
    if seen.at is None or seen.at < envelope.sent_at + MERGE_DELAY:
        raise LogError(f"the checkpoint is not {MERGE_DELAY.total_seconds():.0f} s younger than what was signed for")
    answer = _the(Kind.LOG_INCLUSION, LogInclusion, evidence, covenants)
    if (answer.kind, answer.digest) != (kind, digest):
        raise LogError("the inclusion answer is about another event")
    if answer.size < seen.checkpoint.size or answer.leaf:
        raise LogError("the inclusion answer is about an older tree, or has the leaf")
    said.append(f"proven: by the coordinator's own word the log of {answer.size} leaves lacks it")


def _dated(message: SignedMessage, covenants: _Covenants) -> _Seen:
    envelope, shown = _open(message, Kind.LOG_CHECKPOINT, LogCheckpoint, covenants)
    return _Seen(open_checkpoint(shown.note, log_verifier(covenants[envelope.covenant_hash])), envelope.sent_at)


def _of_the_log(note: str, covenants: _Covenants) -> Checkpoint:
    """A bare checkpoint, signed with the key of any of these versions."""
    error: SluisError = LogError("there is no covenant")
    for covenant in covenants.values():
        try:
            return open_checkpoint(note, log_verifier(covenant))
        except (BadSignature, LogError) as found:
            error = found
    raise error


def _describe(seen: _Seen) -> str:
    when = f"given at {seen.at:%Y-%m-%d %H:%M:%S} UTC" if seen.at else "shown by another node"
    root = seen.checkpoint.root.hex()[:16]
    return f"checkpoint of {seen.checkpoint.size} leaves, root {root}…, signed by the coordinator, {when}"


def _the(kind: Kind, payload: type[T], evidence: Evidence, covenants: _Covenants) -> T:
    """The one answer of that kind."""
    [message] = _exactly([one for one in evidence.messages if one.envelope.kind is kind], 1)
    return _open(message, kind, payload, covenants)[1]


def _open(message: SignedMessage, kind: Kind, payload: type[T], covenants: _Covenants) -> tuple[Envelope, T]:
    envelope = _signed(message, covenants)
    if envelope.kind is not kind:
        raise LogError(f"the evidence has a {envelope.kind} where a {kind} must be")
    return envelope, wire.decode(payload, envelope.payload)


def _signed(message: SignedMessage, covenants: _Covenants) -> Envelope:
    """What a message says, once it is found signed by whoever its kind requires."""
    claimed = message.envelope
    covenant = covenants.get(claimed.covenant_hash)
    if covenant is None:
        raise WrongCovenant("the evidence lacks the covenant that an answer was given under")
    about = ABOUT_LOG if claimed.kind.startswith("log ") else claimed.round_id
    return open_signed(message, covenant, claimed.kind, round_id=about, now=None)


def _exactly(found: Sequence[T], count: int) -> Sequence[T]:
    if len(found) != count:
        raise LogError(f"the evidence has {len(found)} of what there must be {count} of")
    return found


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
