"""Signed notes: text that people can read, with Ed25519 signatures under it.

The format is the one that transparency logs use (C2SP signed-note): the text, an empty line, and a line
`— name base64(key id ‖ signature)` for each signature. A public key travels as `name+keyid+base64(0x01 ‖ key)`.
The covenant is such a note, so that it can be read, printed, compared and verified with others' tools.

This module makes and checks notes; it decides nothing about whose key is trusted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import BadSignature, KeyFileError

SIGNATURE_BYTES = 64
_ED25519 = b"\x01"
_SIGNATURE_LINE = "— "


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named Ed25519 public key, written as `name+keyid+base64`."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ newline ‖ 0x01 ‖ key) (C2SP signed-note)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+keyid+base64`; raise KeyFileError if it isn't that, or if its key id is wrong."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise KeyFileError(
                "this is not a verifier key (name+keyid+base64)", do="copy the whole line that the authority published"
            ) from error
        verifier = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(raw) != 33 or verifier.key_id.hex() != key_id or not _good_name(name):
            raise KeyFileError(
                "this verifier key contradicts itself", do="copy the whole line that the authority published"
            )
        return verifier

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> Self:
        """The public half of a signer's key, under the signer's name."""
        if not _good_name(name):
            raise KeyFileError("a signer's name has no spaces and no plus signs", name=name)
        return cls(name, key.public_key().public_bytes_raw())

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"


def _good_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note of a text that ends with a newline, signed once."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends with a newline")
    signature = Verifier.of(name, key).key_id + key.sign(text.encode())
    return f"{text}\n{_SIGNATURE_LINE}{name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a note that this verifier signed; raise BadSignature otherwise.

    Signatures by others are passed over, as the format asks.
    """
    text, separator, signatures = note.rpartition("\n\n" + _SIGNATURE_LINE)
    if not separator:
        raise BadSignature("this is not a signed note", do="use the file as the authority published it")
    text += "\n"
    for line in (_SIGNATURE_LINE + signatures).splitlines():
        name, _, encoded = line.removeprefix(_SIGNATURE_LINE).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            continue
        if name != verifier.name or raw[:4] != verifier.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.key).verify(raw[4:], text.encode())
        except InvalidSignature:
            break
        return text
    raise BadSignature(
        f"no valid signature by {verifier.name}",
        do="the file was altered, or the pinned authority key is another one: ask the authority for both again",
    )
