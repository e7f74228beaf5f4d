"""The card of a party: what it hands to the covenant authority to be taken into the covenant (protocol.md, 0).

JSON that people can read, signed by the party itself: whoever sends a card holds its signing key, and nobody altered
it on the way. No I/O. Not checked here: that the OIN and the name are truly the sender's. That is for the authority,
who compares the fingerprint with the party by another way (by telephone, say).
"""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum
from typing import Annotated, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError, model_validator

from .covenant import Key32, MunicipalityCode, Name, Oin, SealingPublicKey, Signature, Strict, problems
from .encoding import domain
from .errors import BadSignature, InputError
from .sealed import seal

_AGAIN = "ask the party for its card again"


class Role(StrEnum):
    """What a party is in the covenant."""

    MEMBER = "member"
    HOLDER = "holder"
    COORDINATOR = "coordinator"


class Card(Strict):
    """A party's public keys under its own signature. Read one with `Card.parse`, make one with `make_card`."""

    format: Literal["sluis-card/1"] = "sluis-card/1"
    # Strict mode takes no text for an enumeration; JSON has nothing else.
    role: Annotated[Role, Field(strict=False)]
    oin: Oin
    name: Name
    municipality: MunicipalityCode | None = None
    signing_key: Key32
    sealing_key: SealingPublicKey | None = None
    signature: Signature

    @model_validator(mode="after")
    def _fits_the_role(self) -> Self:
        if (self.municipality is not None) != (self.role is Role.MEMBER):
            raise ValueError("a member has a municipality code, and nobody else has one")
        if (self.sealing_key is not None) != (self.role is not Role.COORDINATOR):
            raise ValueError("members and holders have a sealing key, the coordinator has none")
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a card and check it.

        1. it is well formed, and has what its role needs;
        2. the signature is made with the card's own signing key;
        3. mail can be sealed to its sealing key.

        Raises InputError naming each field that is wrong, BadSignature, or KeyFileError.
        """
        try:
            card = cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(f"the card is not well formed: {problems(error)}", do=_AGAIN) from error
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(card.signing_key))
        try:
            key.verify(base64.b64decode(card.signature), card._signed_bytes())
        except InvalidSignature as error:
            raise BadSignature("the card was altered: its own signature does not verify", do=_AGAIN) from error
        if card.sealing_key is not None:
            seal(b"", base64.b64decode(card.sealing_key), "card")
        return card

    def serialise(self) -> str:
        """The JSON text of the card file."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what the signature covers, in groups of four digits, to be read out by telephone."""
        digest = hashlib.sha256(self._signed_bytes()).hexdigest()[:32]
        return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))

    def _signed_bytes(self) -> bytes:
        return _signed_bytes(self.role, self.oin, self.name, self.municipality, self.signing_key, self.sealing_key)


def make_card(
    role: Role,
    oin: str,
    name: str,
    key: Ed25519PrivateKey,
    *,
    municipality: str | None = None,
    sealing_key: bytes | None = None,
) -> Card:
    """A party's own card; `sealing_key` is the public one. Raises InputError naming each field that is wrong."""
    signing = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    sealing = base64.b64encode(sealing_key).decode() if sealing_key is not None else None
    signature = key.sign(_signed_bytes(role, oin, name, municipality, signing, sealing))
    try:
        return Card(
            role=role,
            oin=oin,
            name=name,
            municipality=municipality,
            signing_key=signing,
            sealing_key=sealing,
            signature=base64.b64encode(signature).decode(),
        )
    except ValidationError as error:
        raise InputError(f"no card can be made: {problems(error)}", do="correct these options") from error


def _signed_bytes(
    role: Role, oin: str, name: str, municipality: str | None, signing_key: str, sealing_key: str | None
) -> bytes:
    """lp("sluis-v1 card") and each field; what the role doesn't have is empty."""
    keys = (base64.b64decode(signing_key), base64.b64decode(sealing_key or ""))
    return domain("card", role, oin, name, municipality or "", *keys)
