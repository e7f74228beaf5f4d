"""What the key holders put on the ceremony's board: an opening, and signed messages (protocol.md, 3).

    opening -> deals -> verdicts -> (replies to complaints)

A deal has each share sealed to its recipient. A verdict accepts the deals, by the hash of all of them, or names the
dealers whose share doesn't fit. A reply answers complaints, with those shares in the open. Here is how these are made
and read; `board` judges what they come to, and `ceremony` has the mathematics. No I/O, no clock.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError

from . import ceremony as feldman
from .ceremony import Deal
from .covenant import Covenant, Digest, Holder, Key32, Signature, Strict, Terms, problems
from .encoding import domain
from .errors import CeremonyFault, InputError, SluisError
from .group import ELEMENT_BYTES, Random
from .sealed import seal
from .signed import Envelope, Kind, SignedMessage, open_signed, sign
from .threshold import JointKey

P = TypeVar("P", bound=Strict)
AFRESH = "open a new ceremony on an empty board"
_FILES = {Kind.DEAL: "deal", Kind.VERDICT: "verdict", Kind.REPLY: "reply"}


class Opening(Strict):
    """ceremony.json: the draft that the key is made for, and a nonce, so that no two ceremonies can be mixed."""

    format: Literal["sluis-ceremony/1"] = "sluis-ceremony/1"
    nonce: Digest
    terms: Terms

    def serialise(self) -> str:
        """The JSON text of ceremony.json."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ceremony.json; raise InputError naming each field that is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(f"this is not a ceremony's opening: {problems(error)}", do=AFRESH) from error


class _DealPayload(Strict):
    """A deal; `shares` has what is sealed to recipients 1, 2, 3, …"""

    threshold: int
    count: int
    commitments: tuple[Key32, ...]
    proof: Signature
    shares: tuple[Annotated[str, Field(max_length=4_096)], ...]


class _VerdictPayload(Strict):
    """Which deals were judged, and the dealers complained about: none, and the holder accepts."""

    transcript: Digest
    complaints: tuple[int, ...]


class _OpenShare(Strict):
    recipient: int
    share: Key32


class _ReplyPayload(Strict):
    """A dealer's answers to all complaints about it."""

    transcript: Digest
    shares: tuple[_OpenShare, ...]


@dataclass(frozen=True)
class Ceremony:
    """One ceremony: the draft without keys, and the nonce of its opening."""

    draft: Covenant
    nonce: bytes

    @classmethod
    def of(cls, opening: Opening) -> Self:
        """The ceremony of an opening; raise CeremonyFault if there are too few holders for the threshold."""
        terms = without_keys(opening.terms)
        if len(terms.holders) < terms.threshold:
            raise CeremonyFault(
                f"{len(terms.holders)} key holders where {terms.threshold} are needed", do="add the others first"
            )
        return cls(Covenant.draft(terms), bytes.fromhex(opening.nonce))

    @cached_property
    def id(self) -> bytes:
        """What every proof, seal and signature of this ceremony is bound to."""
        return hashlib.sha256(domain("ceremony id", self.nonce, self.draft.hash)).digest()

    @property
    def round_id(self) -> str:
        """Stands where a round's messages have the round id."""
        return f"ceremony-{self.id.hex()[:32]}"

    @property
    def threshold(self) -> int:
        """The t of t of n."""
        return self.draft.terms.threshold

    @property
    def holders(self) -> Mapping[int, Holder]:
        """The key holders, by index."""
        return self.draft.holders

    def seal_context(self, dealer: int, recipient: int) -> tuple[bytes | str, ...]:
        """What a sealed share is bound to."""
        return "ceremony share", self.id, bytes((dealer, recipient))

    def check_same_key(self, terms: Terms) -> None:
        """Raise CeremonyFault if terms have other holders or another threshold than this ceremony was opened for."""
        ours, theirs = self.draft.terms, without_keys(terms)
        for what, one, other in (
            ("covenant id", ours.id, theirs.id),
            ("threshold", ours.threshold, theirs.threshold),
            ("list of key holders", ours.holders, theirs.holders),
        ):
            if one != other:
                raise CeremonyFault(
                    f"the draft has another {what} than this ceremony was opened for",
                    do=f"use the draft that it was opened for, or {AFRESH}",
                )


def without_keys(terms: Terms) -> Terms:
    """The terms as they were before any ceremony."""
    holders = tuple(holder.model_copy(update={"public_share": None}) for holder in terms.holders)
    return terms.model_copy(update={"joint_key": None, "ceremony": None, "holders": holders})


def with_keys(terms: Terms, transcript: bytes, joint: JointKey) -> Terms:
    """The terms with K, every K_i and the ceremony's transcript hash."""
    holders = tuple(
        holder.model_copy(update={"public_share": _text(joint.shares[holder.index])}) for holder in terms.holders
    )
    return terms.model_copy(update={"joint_key": _text(joint.public), "ceremony": transcript.hex(), "holders": holders})


def file_name(kind: Kind, index: int) -> str:
    """Where a holder's message lies on the board."""
    return f"{_FILES[kind]}-{index}.msg"


# What a holder says.


def make_deal(
    ceremony: Ceremony, index: int, key: Ed25519PrivateKey, random: Random, now: datetime
) -> tuple[SignedMessage, Mapping[int, bytes]]:
    """A holder's deal, and the shares in it by recipient: secret, and kept for answers to complaints."""
    dealing = feldman.deal(index, ceremony.threshold, len(ceremony.holders), ceremony.id, random)
    commitments = dealing.deal.commitments
    payload = _DealPayload(
        threshold=dealing.deal.threshold,
        count=dealing.deal.count,
        commitments=tuple(
            _text(commitments[at : at + ELEMENT_BYTES]) for at in range(0, len(commitments), ELEMENT_BYTES)
        ),
        proof=_text(dealing.deal.proof),
        shares=tuple(
            _text(seal(dealing.shares[i], base64.b64decode(holder.sealing_key), *ceremony.seal_context(index, i)))
            for i, holder in sorted(ceremony.holders.items())
        ),
    )
    return _signed(ceremony, Kind.DEAL, index, payload, key, now), dealing.shares


def make_verdict(
    ceremony: Ceremony, index: int, transcript: bytes, complaints: Iterable[int], key: Ed25519PrivateKey, now: datetime
) -> SignedMessage:
    """Accept the deals that have this transcript hash, or complain about these dealers."""
    payload = _VerdictPayload(transcript=transcript.hex(), complaints=tuple(sorted(complaints)))
    return _signed(ceremony, Kind.VERDICT, index, payload, key, now)


def make_reply(
    ceremony: Ceremony,
    index: int,
    transcript: bytes,
    shares: Mapping[int, bytes],
    key: Ed25519PrivateKey,
    now: datetime,
) -> SignedMessage:
    """Open the shares that were complained about, by recipient; from then on they are secrets no more."""
    opened = tuple(_OpenShare(recipient=recipient, share=_text(shares[recipient])) for recipient in sorted(shares))
    payload = _ReplyPayload(transcript=transcript.hex(), shares=opened)
    return _signed(ceremony, Kind.REPLY, index, payload, key, now)


# Reading.


class Unusable(Exception):
    """A signed message that can't be meant: its signer is at fault, and everybody sees it. Never leaves `board`."""


def _signed(
    ceremony: Ceremony, kind: Kind, index: int, payload: Strict, key: Ed25519PrivateKey, now: datetime
) -> SignedMessage:
    sender = ceremony.holders[index].oin
    content = payload.model_dump_json().encode()
    return sign(Envelope(kind, sender, ceremony.draft.hash, ceremony.round_id, now, content), key)


@contextmanager
def _named(kind: Kind, index: int) -> Iterator[None]:
    """Errors inside say which file of the board they are about."""
    try:
        yield
    except SluisError as error:
        error.where.setdefault("file", file_name(kind, index))
        raise


def open_message(ceremony: Ceremony, kind: Kind, index: int, message: SignedMessage) -> Envelope:
    """The envelope of a message that holder `index` signed for this ceremony; errors name the file on the board."""
    with _named(kind, index):
        caller = ceremony.holders[index].oin
        return open_signed(message, ceremony.draft, kind, round_id=ceremony.round_id, now=None, caller=caller)


def _payload(kind: type[P], envelope: Envelope) -> P:
    try:
        return kind.model_validate_json(envelope.payload)
    except ValidationError as error:
        raise Unusable("it is not well formed") from error


def read_deal(ceremony: Ceremony, index: int, envelope: Envelope) -> tuple[Deal, tuple[bytes, ...]]:
    """A deal that was checked, and what is sealed to recipients 1, 2, 3, … Raises Unusable, CeremonyFault."""
    payload = _payload(_DealPayload, envelope)
    if len(payload.shares) != len(ceremony.holders):
        raise Unusable("it has not one sealed share for each holder")
    sealed = tuple(_bytes(share) for share in payload.shares)
    commitments = b"".join(map(_bytes, payload.commitments))
    deal = Deal(index, payload.threshold, payload.count, commitments, _bytes(payload.proof))
    feldman.check_deal(deal, ceremony.threshold, len(ceremony.holders), ceremony.id)
    return deal, sealed


def read_verdict(ceremony: Ceremony, index: int, envelope: Envelope, transcript: bytes) -> tuple[int, ...]:
    """The dealers complained about; none if the holder accepts. Raises Unusable, CeremonyFault."""
    payload = _payload(_VerdictPayload, envelope)
    _check_transcript(Kind.VERDICT, index, payload.transcript, transcript)
    dealers = payload.complaints
    if list(dealers) != sorted(set(dealers)) or not set(dealers) <= set(ceremony.holders) - {index}:
        raise Unusable("it names no proper list of dealers")
    return dealers


def read_reply(ceremony: Ceremony, index: int, envelope: Envelope, transcript: bytes) -> dict[int, bytes]:
    """The shares that a dealer opened, by recipient. Raises Unusable, CeremonyFault."""
    payload = _payload(_ReplyPayload, envelope)
    _check_transcript(Kind.REPLY, index, payload.transcript, transcript)
    opened = {one.recipient: _bytes(one.share) for one in payload.shares}
    if len(opened) != len(payload.shares) or not set(opened) <= set(ceremony.holders):
        raise Unusable("it names no proper list of recipients")
    return opened


def _check_transcript(kind: Kind, index: int, theirs: str, ours: bytes) -> None:
    if theirs != ours.hex():
        raise CeremonyFault(
            f"holder {index} saw other deals than those on this board",
            do="compare the deal files of all holders: one was exchanged since, or its dealer made two",
            file=file_name(kind, index),
        )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Unusable("it is not base64") from error
