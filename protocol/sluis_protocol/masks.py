"""Masks that cancel in the sum, so that no single contribution can be opened (protocol.md, 9).

Each two nodes of a roster share a secret (X25519 of their sealing keys, without a message) and stretch it to an integer
modulo N that the one adds and the other subtracts. On top each node adds a mask of its own. What it says at the end is
one number for one list of contributors: its own mask, and what is left of its pairs with those who dropped out. It says
that once in a period. So no two sums of a period can be compared, and who is said to have dropped out although it
contributed is still masked by its own mask. No I/O; no randomness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .encoding import domain
from .paillier import BoardKey
from .sealed import SealingKey

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Masks:
    """One node's masks in one period: integers modulo N, with each of the others and its own."""

    key: BoardKey
    own: int = field(repr=False)
    pairs: Mapping[str, int] = field(repr=False)

    def applied(self) -> int:
        """What the node adds to its contribution."""
        return (self.own + sum(self.pairs.values())) % self.key.modulus

    def closing(self, contributors: Collection[str]) -> int:
        """What must be taken from the sum over exactly these: the own mask, and pairs with all who aren't among them.

        To be called for one list only: two answers would tell what lies between.
        """
        left = sum(mask for oin, mask in self.pairs.items() if oin not in contributors)
        return (self.own + left) % self.key.modulus


def make_masks(
    key: BoardKey, sealing: SealingKey, own_oin: str, others: Mapping[str, bytes], secret: bytes, *context: bytes | str
) -> Masks:
    """The masks of a node among `others` (OIN → public sealing key).

    `secret`: 32 random bytes for the own mask, kept until the end. `context` names covenant, purpose and period, and
    must never return with other values to mask.
    """
    if len(secret) != SECRET_BYTES or own_oin in others:
        raise ValueError("the own mask needs 32 bytes, and nobody shares a mask with itself")
    pairs = {}
    for oin, public in others.items():
        lower, higher = sorted((own_oin, oin))
        shared = sealing.agree(public, "totals mask", lower, higher)
        mask = stretch(key, shared, "totals pair", lower, higher, *context)
        pairs[oin] = mask if own_oin == lower else key.modulus - mask
    return Masks(key, stretch(key, secret, "totals own", own_oin, *context), pairs)


def stretch(key: BoardKey, secret: bytes, label: str, *context: bytes | str) -> int:
    """SHAKE256 of a secret as an integer modulo N; its bias is below 2^-128."""
    stream = hashlib.shake_256(domain(label, secret, key.fingerprint, *context)).digest(key.size + 16)
    return int.from_bytes(stream, "big") % key.modulus


def unmask(key: BoardKey, ciphertexts: Iterable[int], closings: Iterable[int]) -> int:
    """An encryption of the sum without masks; not fresh."""
    return key.add(ciphertexts, -sum(closings))
