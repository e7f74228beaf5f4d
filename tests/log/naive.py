"""RFC 9162's definitions word for word, by recursion over all leaves: slow, and plainly right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sluis_protocol.merkle import Node, position


def split(size: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """2.1.1: the Merkle Tree Hash of a list of leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """2.1.3.1: PATH(m, D_n)."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """2.1.4.1: PROOF(m, D_n)."""
    return subproof(m, leaves, complete=True)


def subproof(m: int, leaves: Sequence[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b)."""
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], complete=complete), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], complete=False), mth(leaves[:k])]


class Stored:
    """A tree's hashes in a list, as a program would store them; counts what is read."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.reads = 0

    def read(self, nodes: Sequence[Node]) -> list[bytes]:
        """Look them up."""
        self.reads += len(nodes)
        return [self.hashes[position(node)] for node in nodes]
