"""Sealed mail: what only one party may read, though the coordinator carries it.

HPKE (RFC 9180), single shot, base mode, KEM ML-KEM-768 + X25519 (hybrid, so that a recorded message stays closed
to a later quantum computer), HKDF-SHA256, ChaCha20-Poly1305. `info` binds every seal to its use. The sender is not
authenticated here: sealed mail travels inside a signed message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .encoding import domain
from .errors import BadSeal, KeyFileError

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519 = 64, 1184, 32
PUBLIC_BYTES = _MLKEM_PUBLIC + _X25519


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A private sealing key: 64 bytes of ML-KEM-768 seed and 32 bytes of X25519."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _MLKEM_SEED + _X25519:
            raise KeyFileError("a sealing key has 96 bytes")

    @classmethod
    def generate(cls) -> Self:
        """A new key, from the operating system's randomness."""
        return cls(MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw())

    def _private(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self.secret[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(self.secret[_MLKEM_SEED:]),
        )

    def public(self) -> bytes:
        """The public key: 1,184 bytes of ML-KEM-768 and 32 of X25519."""
        lattice = MLKEM768PrivateKey.from_seed_bytes(self.secret[:_MLKEM_SEED]).public_key()
        curve = X25519PrivateKey.from_private_bytes(self.secret[_MLKEM_SEED:]).public_key()
        return lattice.public_bytes_raw() + curve.public_bytes_raw()

    def agree(self, public: bytes, *context: bytes | str) -> bytes:
        """A secret (32 bytes) that only this key and the other one can compute, without a message between them.

        X25519 of the two keys, and HKDF. Unlike a seal it isn't safe from a later quantum computer.
        """
        if len(public) != PUBLIC_BYTES:
            raise KeyFileError(f"a public sealing key has {PUBLIC_BYTES} bytes")
        own = X25519PrivateKey.from_private_bytes(self.secret[_MLKEM_SEED:])
        try:
            shared = own.exchange(X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]))
        except ValueError as error:
            raise KeyFileError("this is not a public sealing key", do="ask its owner for the card again") from error
        return HKDF(SHA256(), 32, salt=None, info=domain("agree", *context)).derive(shared)

    def open(self, sealed: bytes, *context: bytes | str) -> bytes:
        """What was sealed to this key for this context; raise BadSeal if it wasn't, or was altered."""
        try:
            return _SUITE.decrypt(sealed, self._private(), info=domain("seal", *context))
        except (InvalidTag, ValueError) as error:
            raise BadSeal("sealed mail can't be opened", do="it was altered, or sealed to another key") from error


def seal(plaintext: bytes, recipient: bytes, *context: bytes | str) -> bytes:
    """Encrypt to a public sealing key of PUBLIC_BYTES bytes; `context` must be the same on opening.

    Raises KeyFileError if this is no public key: of another length, not canonical, or of low order.
    """
    if len(recipient) != PUBLIC_BYTES:
        raise KeyFileError(f"a public sealing key has {PUBLIC_BYTES} bytes")
    try:
        public = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(recipient[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(recipient[_MLKEM_PUBLIC:]),
        )
        return bytes(_SUITE.encrypt(plaintext, public, info=domain("seal", *context)))
    except ValueError as error:
        raise KeyFileError("this is not a public sealing key", do="ask its owner for the card again") from error
