"""Signed messages: every message that matters is signed by its sender over the exact serialised bytes.

The body carries what the payload must not be able to contradict: its kind, the sender, the covenant, the round and
the time. TLS ends at the coordinator; these signatures go from party to party (protocol.md, 0).

No I/O; the time of checking is an argument.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .covenant import Covenant
from .encoding import domain, lp_all, millis, moment
from .errors import BadSignature, MalformedMessage, NotAMember, Replayed, WrongClock, WrongCovenant, WrongSender
from .note import SIGNATURE_BYTES

_SENDER = re.compile(rb"[0-9]{20}")
_ROUND = re.compile(rb"[a-z0-9-]{1,64}")


class Kind(StrEnum):
    """What a signed message says; part of what is signed, so none can pass for another."""

    ANNOUNCEMENT = "round announcement"
    EVALUATION_REQUEST = "evaluation request"
    EVALUATION_ANSWER = "evaluation answer"
    MANIFEST = "submission manifest"
    RECEIPT = "receipt"
    PUBLICATION = "round publication"
    CLAIM = "candidate claim"
    CONFIRMATION = "confirmation"
    UNCONFIRMED = "unconfirmed candidate"
    MOVE = "handshake move"
    LETTER = "handshake letter"
    ENTRY = "handshake entry"
    PERIOD = "totals period"
    ENROLMENT = "totals enrolment"
    ROSTER = "totals roster"
    CONTRIBUTION = "totals contribution"
    CONTRIBUTORS = "totals contributors"
    UNMASKING = "totals unmasking"
    RELEASE = "totals release"
    LOG_CHECKPOINT = "log checkpoint"
    LOG_CONSISTENCY = "log consistency"
    LOG_INCLUSION = "log inclusion"
    USAGE = "usage"
    DEAL = "ceremony deal"
    VERDICT = "ceremony verdict"
    REPLY = "ceremony reply"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a signature covers: header and payload (the serialised message of that kind)."""

    kind: Kind
    sender: str
    covenant_hash: bytes
    round_id: str
    sent_at: datetime
    payload: bytes = field(repr=False)

    def serialise(self) -> bytes:
        """Length-prefixed header fields (time: 8 bytes, milliseconds since 1970), then the payload."""
        sent_at = millis(self.sent_at).to_bytes(8, "big")
        return lp_all((self.kind, self.sender, self.covenant_hash, self.round_id, sent_at)) + self.payload

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a body; raise MalformedMessage if a header field is missing or out of range.

        Nothing is verified yet, and errors name sender and round: so here they can only be an OIN and an id.
        """
        fields, at = [], 0
        for _ in range(5):
            size = int.from_bytes(body[at : at + 2], "big")
            fields.append(body[at + 2 : at + 2 + size])
            at += 2 + size
            if at > len(body):
                raise MalformedMessage("a signed message ends within its header")
        kind, sender, covenant_hash, round_id, time = fields
        try:
            if len(covenant_hash) != 32 or len(time) != 8:
                raise ValueError("wrong length")
            if not _SENDER.fullmatch(sender) or not _ROUND.fullmatch(round_id):
                raise ValueError("no OIN, or no round id")
            sent_at = moment(int.from_bytes(time, "big"))
            return cls(Kind(kind.decode()), sender.decode(), covenant_hash, round_id.decode(), sent_at, body[at:])
        except (ValueError, OverflowError) as error:
            raise MalformedMessage("a signed message has an unreadable header") from error


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """An envelope's exact bytes and its sender's Ed25519 signature."""

    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def envelope(self) -> Envelope:
        """What the message *claims*: unverified. `open_signed` is the way in."""
        return Envelope.parse(self.body)

    @property
    def digest(self) -> bytes:
        """SHA-256 over the body: by this other messages, the log and the databases name it."""
        return hashlib.sha256(self.body).digest()

    @property
    def packed(self) -> bytes:
        """Signature and body in a row, for one column of a database."""
        return self.signature + self.body

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        """What `packed` made."""
        return cls(raw[SIGNATURE_BYTES:], raw[:SIGNATURE_BYTES])


def sign(envelope: Envelope, key: Ed25519PrivateKey) -> SignedMessage:
    """Sign an envelope; the signature covers a domain separator and the exact bytes."""
    body = envelope.serialise()
    return SignedMessage(body, key.sign(domain("signed") + body))


def open_signed(
    message: SignedMessage,
    covenant: Covenant,
    kind: Kind,
    *,
    round_id: str,
    now: datetime | None,
    caller: str | None = None,
) -> Envelope:
    """Verify a signed message and return its envelope.

    1. the body is well formed and of the expected kind;
    2. it belongs to this covenant version and this round;
    3. its sender is the caller (the OIN of the TLS certificate), where there is one;
    4. its sender is in the covenant, not revoked, and in a role that may send this kind;
    5. the signature verifies under the key that the covenant names;
    6. it is not older or newer than the covenant's clock tolerance (skipped where `now` is None: mail that waited).

    Left to the caller: what the payload means, and that it wasn't used before.
    """
    envelope = Envelope.parse(message.body)
    if envelope.kind is not kind:
        raise MalformedMessage(f"expected a {kind}, got a {envelope.kind}", party=envelope.sender)
    if envelope.covenant_hash != covenant.hash:
        raise WrongCovenant(
            "the message was made under another covenant version",
            do="fetch the covenant in force (sluis-node covenant fetch) and try again",
            party=envelope.sender,
            theirs=envelope.covenant_hash.hex()[:12],
            ours=covenant.hash.hex()[:12],
        )
    if envelope.round_id != round_id:
        raise Replayed("the message belongs to another round", party=envelope.sender, round=round_id)
    if caller is not None and envelope.sender != caller:
        raise WrongSender("the certificate's OIN differs from the signer's", caller=caller, signer=envelope.sender)
    key = signing_key(covenant, envelope.sender, kind)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(message.signature, domain("signed") + message.body)
    except InvalidSignature as error:
        raise BadSignature(f"the signature under a {kind} does not verify", party=envelope.sender) from error
    if now is not None:
        tolerance = timedelta(seconds=covenant.terms.limits.clock_tolerance_seconds)
        if abs(now - envelope.sent_at) > tolerance:
            raise WrongClock(
                f"the message is dated {(envelope.sent_at - now).total_seconds():+.0f} s from our clock",
                do=f"check the clocks (NTP) of both sides: {tolerance.total_seconds():.0f} s are tolerated",
                party=envelope.sender,
            )
    return envelope


def signing_key(covenant: Covenant, oin: str, kind: Kind) -> bytes:
    """The Ed25519 key (32 bytes) of a party that may send this kind of message; raise NotAMember otherwise."""
    match kind:
        case (
            Kind.EVALUATION_REQUEST
            | Kind.MANIFEST
            | Kind.CONFIRMATION
            | Kind.MOVE
            | Kind.LETTER
            | Kind.ENROLMENT
            | Kind.CONTRIBUTION
            | Kind.UNMASKING
        ):
            key = covenant.member(oin).signing_key
        case Kind.EVALUATION_ANSWER | Kind.USAGE | Kind.DEAL | Kind.VERDICT | Kind.REPLY:
            key = covenant.holder_by_oin(oin).signing_key
        case _:
            coordinator = covenant.terms.coordinator
            if coordinator is None or coordinator.oin != oin:
                raise NotAMember(f"only the coordinator sends a {kind}", party=oin)
            key = coordinator.signing_key
    return base64.b64decode(key)
