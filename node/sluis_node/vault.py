"""The vault: what a node's database holds encrypted, and how it is found again without being read.

AES-256-GCM under a key derived from the storage key. The table, the column and the row are associated data, so a field
that somebody moves elsewhere doesn't open. Values are looked up by an HMAC under another derived key.
What it does not do: it stores nothing itself, and it hides neither how many rows there are nor how long a field is.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sluis_protocol.encoding import domain, lp_all
from sluis_protocol.errors import KeyFileError, StorageError
from sluis_protocol.group import Random
from sluis_runtime.keyfiles import STORAGE_KEY_BYTES

NONCE_BYTES = 12
LOOKUP_BYTES = 32


@dataclass(frozen=True, slots=True)
class Vault:
    """Encrypts fields, and makes look-up values."""

    _cipher: AESGCM = field(repr=False)
    _lookup_key: bytes = field(repr=False)
    _random: Random = field(repr=False)

    @classmethod
    def of(cls, storage_key: bytes, random: Random) -> Self:
        """The vault under a storage key of 32 bytes; `random` gives the nonces."""
        if len(storage_key) != STORAGE_KEY_BYTES:
            raise KeyFileError(f"a storage key has {STORAGE_KEY_BYTES} bytes")
        return cls(AESGCM(_derive(storage_key, "vault field")), _derive(storage_key, "vault lookup"), random)

    def seal(self, plaintext: bytes, *, table: str, column: str, row: str | bytes) -> bytes:
        """The field encrypted for this very place: nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, lp_all((table, column, row)))

    def open(self, sealed: bytes, *, table: str, column: str, row: str | bytes) -> bytes:
        """The field in the clear; StorageError if it was altered, moved or sealed under another key."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], lp_all((table, column, row)))
        except (InvalidTag, ValueError) as error:
            raise StorageError(
                "an encrypted field can't be opened",
                do="check storage_key in the configuration; if it is right, restore the database from a backup",
                table=table,
                column=column,
            ) from error

    def lookup(self, label: str, *parts: str | bytes) -> bytes:
        """HMAC-SHA256 (32 bytes): the same for the same parts, and tells nobody what they are."""
        return hmac.digest(self._lookup_key, domain(label, *parts), "sha256")

    def look_up_name(self, word: str) -> bytes:
        """The look-up value of one folded word of a name: whether a text has it, without keeping the name."""
        return self.lookup("name", word)


def _derive(storage_key: bytes, label: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=domain(label)).derive(storage_key)
