"""Many small integers in one plaintext (protocol.md, 9).

From the lowest bit: the sum of the blindings (`BLINDING_BITS`), one slot a cell, and zeros up to N. A slot is as wide
as MOST_CONTRIBUTORS times the largest value needs, so a sum never runs over into its neighbour. Masks are no concern
here: they are added modulo N to the plaintext as a whole, and are gone from the sum as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import InputError, TotalSpoilt
from .group import ORDER

CONTRIBUTOR_BITS = 16
MOST_CONTRIBUTORS = 1 << CONTRIBUTOR_BITS
BLINDING_BITS = ORDER.bit_length() + CONTRIBUTOR_BITS
# At least so many bits above the last slot are zero in every right total, and random in one whose masks are left.
GUARD_BITS = 128
_AGAIN = "keep the release, ask the operator who contributed, and count the period again"


@dataclass(frozen=True, slots=True)
class Layout:
    """How many cells, and how many bits a single contribution's value has at most."""

    cells: int
    value_bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.value_bits <= 16 or self.cells < 1:
            raise ValueError("a value has 1 to 16 bits, and there is a cell")

    @property
    def largest(self) -> int:
        """The largest value of a cell in one contribution."""
        return (1 << self.value_bits) - 1

    @property
    def slot_bits(self) -> int:
        """The width of a cell's slot."""
        return self.value_bits + CONTRIBUTOR_BITS

    @property
    def bits(self) -> int:
        """Bits of a plaintext that aren't always zero in a right total."""
        return BLINDING_BITS + self.cells * self.slot_bits

    def fits(self, modulus: int) -> bool:
        """Whether a total and its guard stay below the modulus."""
        return self.bits + GUARD_BITS < modulus.bit_length()

    def check(self, values: Sequence[int]) -> None:
        """Refuse another number of values, or one that is out of range."""
        if len(values) != self.cells:
            raise InputError(f"{len(values)} values for {self.cells} cells")
        for at, value in enumerate(values):
            if not 0 <= value <= self.largest:
                raise InputError(f"a value is not 0 to {self.largest}", do="correct the count", cell=at)

    def pack(self, values: Sequence[int], blinding: int) -> int:
        """The plaintext of one contribution; `blinding` is a scalar of the group."""
        self.check(values)
        if not 0 <= blinding < ORDER:
            raise ValueError("a blinding is a scalar")
        packed = 0
        for value in reversed(values):
            packed = packed << self.slot_bits | value
        return packed << BLINDING_BITS | blinding

    def unpack(self, total: int, contributors: int) -> tuple[tuple[int, ...], int]:
        """The sums of the cells and of the blindings; TotalSpoilt if so many contributors can't add up to this."""
        blinding, rest = total & ((1 << BLINDING_BITS) - 1), total >> BLINDING_BITS
        sums = []
        for _ in range(self.cells):
            sums.append(rest & ((1 << self.slot_bits) - 1))
            rest >>= self.slot_bits
        if rest or blinding > contributors * (ORDER - 1) or any(one > contributors * self.largest for one in sums):
            raise TotalSpoilt("the total is none that these contributions can add up to", do=_AGAIN)
        return tuple(sums), blinding
