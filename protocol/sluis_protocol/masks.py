"""Masks, so that no single contribution can be opened, and any three quarters of a roster can take them from one sum.

Each node draws a polynomial over Z_N. Its value at 0 is the mask of the contribution; its value at k is the share of
the k-th of the roster, enciphered with a pad from the secret that the two have by their sealing keys (X25519, without a
message). Shares add up as masks do: what a node says at the end is one number, the sum of its shares of exactly those
on the list of contributors. A quorum of such numbers gives the sum of their masks and nothing else; so who falls silent
is not needed. A node says it for one list. No I/O; no randomness. (Shamir 1979, as sums; adr/0034.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .encoding import domain
from .errors import MalformedMessage, TotalsError
from .paillier import BoardKey
from .sealed import SealingKey

SECRET_BYTES = 32


def quorum(roster: int) -> int:
    """How many of a roster must say the last word: three quarters."""
    return (3 * roster + 3) // 4


@dataclass(frozen=True)
class Masks:
    """One node's part in one period: its polynomial, and a pad with each of the others in each direction.

    `oins` is the roster, by ascending OIN; the k-th of it, from 1, is at point k.
    """

    key: BoardKey
    oin: str
    oins: tuple[str, ...]
    coefficients: tuple[int, ...] = field(repr=False)
    pads: Mapping[str, tuple[int, int]] = field(repr=False)  # OIN → on what goes there, on what comes from there

    @property
    def own(self) -> int:
        """What the node adds to its contribution."""
        return self.coefficients[0]

    @cached_property
    def shares(self) -> tuple[int, ...]:
        """For each of the roster in order its share, enciphered; zero at the node's own place."""
        return tuple(
            0 if oin == self.oin else (self._value(point) + self.pads[oin][0]) % self.key.modulus
            for point, oin in enumerate(self.oins, start=1)
        )

    def answer(self, shares: Mapping[str, int]) -> int:
        """The sum of this node's shares of the masks of exactly these contributors, itself among them or not.

        `shares`: OIN → what that one enciphered for this node. To be called for one list only.
        """
        total = 0
        for oin, share in shares.items():
            if oin == self.oin:
                total += self._value(self.oins.index(oin) + 1)
            else:
                total += share - self.pads[oin][1]
        return total % self.key.modulus

    def _value(self, point: int) -> int:
        found = 0  # (the point is small: reducing once is faster)
        for coefficient in reversed(self.coefficients):
            found = found * point + coefficient
        return found % self.key.modulus


def make_masks(
    key: BoardKey, sealing: SealingKey, oin: str, roster: Mapping[str, bytes], secret: bytes, *context: bytes | str
) -> Masks:
    """The masks of a node on a roster (OIN → public sealing key, the own one too).

    `secret`: 32 random bytes for the polynomial, kept until the end. `context` names covenant, period and roster, and
    must never return with other values to mask.
    """
    if len(secret) != SECRET_BYTES or oin not in roster:
        raise ValueError("the own polynomial needs 32 bytes, and a place on the roster")
    oins = tuple(sorted(roster))
    pads = {}
    for other in oins:
        if other != oin:
            shared = sealing.agree(roster[other], "totals mask", *sorted((oin, other)))
            there, back = (stretch(key, shared, "totals share", *way, *context) for way in ((oin, other), (other, oin)))
            pads[other] = there, back
    coefficients = tuple(stretch(key, secret, "totals own", oin, str(at), *context) for at in range(quorum(len(oins))))
    return Masks(key, oin, oins, coefficients, pads)


def stretch(key: BoardKey, secret: bytes, label: str, *context: bytes | str) -> int:
    """SHAKE256 of a secret as an integer modulo N; its bias is below 2^-128."""
    stream = hashlib.shake_256(domain(label, secret, key.fingerprint, *context)).digest(key.size + 16)
    return int.from_bytes(stream, "big") % key.modulus


def recover(key: BoardKey, oins: Sequence[str], answers: Mapping[str, int]) -> int:
    """The sum of the masks over the list that these answers are for; TotalsError if they are fewer than a quorum.

    `oins`: the roster, by ascending OIN. With wrong answers among them the result is wrong; the board sees that.
    """
    needed = quorum(len(oins))
    if len(answers) < needed:
        raise TotalsError(f"{len(answers)} said their last word, and {needed} are needed", do="wait for the others")
    points = [(oins.index(oin) + 1, answers[oin]) for oin in sorted(answers)[:needed]]
    total = 0
    for point, answer in points:
        top = bottom = 1
        for other, _ in points:
            if other != point:
                top, bottom = top * other, bottom * (other - point)
        total += answer * top * pow(bottom, -1, key.modulus)
    return total % key.modulus


def write_shares(key: BoardKey, shares: Sequence[int]) -> bytes:
    """One after the other, each as long as the modulus."""
    return b"".join(one.to_bytes(key.size, "big") for one in shares)


def read_shares(key: BoardKey, raw: bytes, oins: Collection[str]) -> dict[str, int]:
    """As many as there are names, each below the modulus; MalformedMessage otherwise."""
    if len(raw) != len(oins) * key.size:
        raise MalformedMessage(f"the shares have {len(raw)} bytes, not {len(oins) * key.size}", field="shares")
    numbers = [int.from_bytes(raw[at : at + key.size], "big") for at in range(0, len(raw), key.size)]
    if any(one >= key.modulus for one in numbers):
        raise MalformedMessage("a share is no integer below the board's modulus", field="shares")
    return dict(zip(oins, numbers, strict=True))
