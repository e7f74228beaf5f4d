"""What a node says: payloads in signed envelopes, dated by its own clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import wire
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Signer:
    """An OIN with its signing key and its clock (timezone-aware UTC)."""

    oin: str
    key: Ed25519PrivateKey = field(repr=False)
    clock: Clock = field(repr=False)

    def sign(self, kind: Kind, payload: object, *, covenant_hash: bytes, round_id: str) -> SignedMessage:
        """A message of that kind, signed now."""
        return sign(Envelope(kind, self.oin, covenant_hash, round_id, self.clock(), wire.encode(payload)), self.key)
