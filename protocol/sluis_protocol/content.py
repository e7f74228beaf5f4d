"""What crosses sealed between the two sides of a handshake, and its form (protocol.md, 7).

JSON, padded to a size bucket so that its length says little, and sealed to the counterpart. The coordinator carries
it and can't read it. No I/O, no clock. Nothing of the family is in any of these.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from .approach import Approach
from .covenant import Covenant, Name, Signature, Strict, problems
from .errors import MalformedMessage
from .handshake import Act
from .outcomes import Outcome as Outcome
from .sealed import SealingKey, seal

LETTER = "letter"
# The largest fits with its seal and signatures into the smallest message that a covenant may set.
BUCKETS = (1_024, 4_096, 16_384, 49_152)
_LENGTH_BYTES = 4


class WithdrawalReason(StrEnum):
    """Why a side withdraws."""

    NOT_THE_SAME_FAMILY = "not-the-same-family"
    NO_GROUND = "no-ground"
    CASE_CLOSED = "case-closed"
    OBJECTION = "objection"
    NO_AGREEMENT = "no-agreement"
    OTHER = "other"


class Right(StrEnum):
    """What a person asked for that the other side of an approach must know (rule 15)."""

    CORRECTION = "correction"
    OBJECTION = "objection"
    ERASURE = "erasure"


class Acceptance(Strict):
    """With `accept`: whether people verified that it is the same family, which a match by name asks for (rule 9)."""

    kind: Literal["acceptance"] = "acceptance"
    identity_verified: bool


class Draft(Strict):
    """With `propose` and `amend`: the whole contract."""

    kind: Literal["draft"] = "draft"
    approach: Approach


class Signed(Strict):
    """With `sign`: the signature over the contract."""

    kind: Literal["signature"] = "signature"
    signature: Signature


class Closing(Strict):
    """With `close`: the outcome."""

    kind: Literal["closing"] = "closing"
    outcome: Annotated[Outcome, Field(strict=False)]


class Withdrawal(Strict):
    """With `withdraw`: the reason, from a closed list."""

    kind: Literal["withdrawal"] = "withdrawal"
    reason: Annotated[WithdrawalReason, Field(strict=False)]


class ContactCard(Strict):
    """A letter: whom to call. A role with a shared mailbox and number; a person only by choice."""

    kind: Literal["card"] = "card"
    role: Name
    mailbox: Annotated[str, Field(max_length=200, pattern=r"^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$")]
    telephone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()-]{4,28}[0-9]$")]
    person: Name | None = None


class RightsNotice(Strict):
    """A letter: somebody of the family used a right, so look at what you hold."""

    kind: Literal["rights"] = "rights"
    right: Annotated[Right, Field(strict=False)]


Content = Acceptance | Draft | Signed | Closing | Withdrawal | ContactCard | RightsNotice
_ADAPTER: TypeAdapter[Content] = TypeAdapter(Annotated[Content, Field(discriminator="kind")])
# What may travel with what: the act of a move, or a letter.
FITTING: dict[str, tuple[type[Content], ...]] = {
    Act.ACCEPT: (Acceptance,),
    Act.PROPOSE: (Draft,),
    Act.AMEND: (Draft,),
    Act.SIGN: (Signed,),
    Act.CLOSE: (Closing,),
    Act.WITHDRAW: (Withdrawal,),
    LETTER: (ContactCard, RightsNotice),
}


def seal_content(
    content: Content, covenant: Covenant, *, handshake_id: bytes, sender: str, recipient: str, use: str
) -> bytes:
    """Content sealed to the recipient's key in the covenant; `use` is the act that it travels with, or LETTER.

    Raises NotAMember if the recipient is none, and MalformedMessage if the content is too large or doesn't fit `use`.
    """
    if not isinstance(content, FITTING[use]):
        raise MalformedMessage(f"a {content.kind} doesn't travel with this: {use}", field="sealed")
    key = base64.b64decode(covenant.member(recipient).sealing_key)
    return seal(_pad(content.model_dump_json().encode()), key, *_context(handshake_id, sender, recipient, use))


def open_content(
    sealed: bytes, key: SealingKey, *, handshake_id: bytes, sender: str, recipient: str, use: str
) -> Content:
    """What was sealed to us; raise BadSeal, or MalformedMessage if it isn't well formed or doesn't fit `use`."""
    raw = _unpad(key.open(sealed, *_context(handshake_id, sender, recipient, use)))
    try:
        content = _ADAPTER.validate_json(raw)
    except ValidationError as error:
        raise MalformedMessage(f"sealed content is not well formed: {problems(error)}", field="sealed") from error
    if not isinstance(content, FITTING[use]):
        raise MalformedMessage(f"a {content.kind} doesn't travel with this: {use}", field="sealed")
    return content


def _context(handshake_id: bytes, sender: str, recipient: str, use: str) -> tuple[str | bytes, ...]:
    return ("handshake", handshake_id, sender, recipient, use)


def _pad(raw: bytes) -> bytes:
    """The length in four bytes, the content, and zeros up to the next bucket."""
    size = _LENGTH_BYTES + len(raw)
    for bucket in BUCKETS:
        if size <= bucket:
            return len(raw).to_bytes(_LENGTH_BYTES, "big") + raw + bytes(bucket - size)
    raise MalformedMessage(f"sealed content has {len(raw)} bytes: at most {BUCKETS[-1] - _LENGTH_BYTES} fit")


def _unpad(padded: bytes) -> bytes:
    size = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    raw = padded[_LENGTH_BYTES : _LENGTH_BYTES + size]
    if len(padded) not in BUCKETS or len(raw) != size or any(padded[_LENGTH_BYTES + size :]):
        raise MalformedMessage("sealed content is not padded as it should be", field="sealed")
    return raw
