"""Commitments to the values of a contribution, with a proof that each is in range (protocol.md, 9).

Pedersen commitments in ristretto255: cell k has a generator G_k of its own, blindings stand on the base point H, which
is the fastest to multiply. A value is committed bit by bit, B = β·G_k + s·H, with a proof that every β is 0 or 1
(Cramer, Damgård, Schoenmakers 1994, under one challenge by Fiat and Shamir). So V, the sum over cells and bits of
2^j·B_{k,j}, which is Σ x_k·G_k + s·H, commits to all cells at once and hides them perfectly; V's add up over
contributors, and whoever knows the sums of the x_k and of the s can check that they open the sum of the V's. No I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from . import group
from .encoding import domain, lp_all
from .errors import BadElement, ContributionRefused, TotalSpoilt
from .group import ELEMENT_BYTES, IDENTITY, ORDER, SCALAR_BYTES, Random
from .packing import Layout

BIT_BYTES = ELEMENT_BYTES + 3 * SCALAR_BYTES  # B, c_0, z_0, z_1; before all of them the challenge c
_DST = b"sluis-v1 totals generator"
_REFUSED = "a value is not proven to be in range"
_DO = "nothing of it counts: correct the program that made it"


@dataclass(frozen=True, slots=True)
class Committed:
    """A contribution's commitment V (32 bytes), its proof, and the blinding that opens it."""

    commitment: bytes
    proof: bytes
    blinding: int = field(repr=False)


def proof_bytes(layout: Layout) -> int:
    """How long a proof is."""
    return SCALAR_BYTES + layout.cells * layout.value_bits * BIT_BYTES


@lru_cache(maxsize=8)
def generators(names: tuple[str, ...]) -> bytes:
    """G_k for each cell by its name: nobody knows a relation between them and the base point."""
    return group.hash_to_group([name.encode() for name in names], _DST)


def commit(
    layout: Layout, names: tuple[str, ...], values: Sequence[int], random: Random, *context: bytes | str
) -> Committed:
    """Commit to the values of cells with these names; `context` (who, for what) is bound to the proof.

    Raises InputError for a value out of range.
    """
    layout.check(values)
    bits = [value >> j & 1 for value in values for j in range(layout.value_bits)]
    of_cells = generators(names)
    one, minus_one = _over_bits(layout, of_cells), _over_bits(layout, _negated(of_cells))
    blindings = group.random_scalars(len(bits), random)
    hidden = _split(group.base_multiply(blindings))  # s·H
    with_one = _split(group.add(b"".join(hidden), one))
    without = _split(group.add(b"".join(hidden), minus_one))
    commitments = b"".join(with_one[i] if bit else hidden[i] for i, bit in enumerate(bits))
    # Of the true side, A = w·H. Of the false one, challenge c' and answer z' are drawn and A = z'·H − c'·(B − β'·G),
    # where B − β'·G is s·H + G for a bit that is 1, and s·H − G for one that is 0.
    nonces, drawn, answers = (group.random_scalars(len(bits), random) for _ in range(3))
    statements = b"".join(with_one[i] if bit else without[i] for i, bit in enumerate(bits))
    true_side = _split(group.base_multiply(nonces))
    false_side = _split(group.add(group.base_multiply(answers), group.multiply(_minus(drawn), statements)))
    zeros = b"".join(false_side[i] if bit else true_side[i] for i, bit in enumerate(bits))
    ones = b"".join(true_side[i] if bit else false_side[i] for i, bit in enumerate(bits))
    commitment = _weigh(layout, commitments)
    challenge = _challenge(names, layout, commitment, commitments, zeros, ones, context)
    own = group.subtract_scalars(challenge * len(bits), drawn)  # the true side's challenge: both add up to c
    opened = group.add_scalars(nonces, group.multiply_scalars(own, blindings))
    sides = zip(
        bits, *map(_split, (commitments, drawn, own, answers, opened)), strict=True
    )  # the same choices, whichever the bit is
    proof = b"".join(b + (c + z + t if bit else o + t + z) for bit, b, c, o, z, t in sides)
    weighted = group.multiply_scalars(blindings, _powers(layout))
    blinding = sum(int.from_bytes(part, "little") for part in _split(weighted)) % ORDER
    return Committed(commitment, challenge + proof, blinding)


def check_range(layout: Layout, names: tuple[str, ...], commitment: bytes, proof: bytes, *context: bytes | str) -> None:
    """Refuse (ContributionRefused) a commitment whose values aren't all proven to be 0 to `layout.largest`.

    1. The proof has its length, canonical elements and scalars; 2. the bits add up to the commitment; 3. both sides of
    every bit lead to the challenge that is the hash of all of them.
    """
    count = layout.cells * layout.value_bits
    if len(proof) != proof_bytes(layout):
        raise ContributionRefused(f"the proof of range has {len(proof)} bytes, not {proof_bytes(layout)}", do=_DO)
    challenge, rest = proof[:SCALAR_BYTES], proof[SCALAR_BYTES:]
    commitments, first, z_0, z_1 = (
        b"".join(rest[start + at : start + at + 32] for start in range(0, len(rest), BIT_BYTES))
        for at in (0, 32, 64, 96)
    )
    if not all(map(group.is_scalar, _split(challenge + first + z_0 + z_1))):
        raise ContributionRefused(_REFUSED, do=_DO)
    second = group.subtract_scalars(challenge * count, first)
    try:
        group.screen_elements(commitments, count)
        zeros = group.add(group.base_multiply(z_0), group.multiply(_minus(first), commitments))
        without = group.add(commitments, _over_bits(layout, _negated(generators(names))))
        ones = group.add(group.base_multiply(z_1), group.multiply(_minus(second), without))
        total = _weigh(layout, commitments)
    except BadElement as error:
        raise ContributionRefused(_REFUSED, do=_DO) from error
    if total != commitment or _challenge(names, layout, total, commitments, zeros, ones, context) != challenge:
        raise ContributionRefused(_REFUSED, do=_DO)


def check_total(names: tuple[str, ...], commitments: Iterable[bytes], sums: Sequence[int], blinding: int) -> None:
    """Refuse (TotalSpoilt) sums that don't open the sum of the commitments."""
    total = IDENTITY
    for one in commitments:
        total = group.add(total, one)
    opened = group.base_multiply((blinding % ORDER).to_bytes(SCALAR_BYTES, "little"))
    packed = generators(names)
    opened = group.add(opened, group.weighted_sum(lambda k: (sums[k] % ORDER,), packed))
    if opened != total:
        raise TotalSpoilt(
            "the total is not the sum of what its contributors committed to: one of them, or the operator, altered it",
            do="use none of it; tell the operator and the members of this period, and count the next one",
        )


def _challenge(
    names: tuple[str, ...],
    layout: Layout,
    commitment: bytes,
    commitments: bytes,
    zeros: bytes,
    ones: bytes,
    context: Sequence[bytes | str],
) -> bytes:
    start = domain("totals range", str(layout.value_bits), lp_all(names), commitment, *context)
    return group.reduce_scalars(hashlib.sha512(start + commitments + zeros + ones).digest())


def _weigh(layout: Layout, commitments: bytes) -> bytes:
    """Σ 2^j·B over all bits, by doubling: from the highest bit of every cell downwards."""
    bits, parts = layout.value_bits, _split(commitments)
    total = IDENTITY
    for j in reversed(range(bits)):
        total = group.add(total, total)
        for cell in range(layout.cells):
            total = group.add(total, parts[cell * bits + j])
    return total


def _powers(layout: Layout) -> bytes:
    return b"".join((1 << j).to_bytes(SCALAR_BYTES, "little") for j in range(layout.value_bits)) * layout.cells


def _over_bits(layout: Layout, of_cells: bytes) -> bytes:
    """Each cell's generator once for every bit."""
    return b"".join(one * layout.value_bits for one in _split(of_cells))


def _negated(elements: bytes) -> bytes:
    return group.multiply((ORDER - 1).to_bytes(SCALAR_BYTES, "little"), elements)


def _minus(scalars: bytes) -> bytes:
    return group.subtract_scalars(bytes(len(scalars)), scalars)


def _split(packed: bytes) -> list[bytes]:
    return [packed[at : at + 32] for at in range(0, len(packed), 32)]
