"""The log's Merkle tree: hashes, and proofs that a leaf is in it and that it only grew (RFC 9162, 2.1).

A tree is stored as the hashes of its *perfect* subtrees, each of which never changes once it is complete: `Node(level,
place)` covers the leaves place·2^level up to (place+1)·2^level. `append` says which new ones a leaf completes, and a
proof names those that it needs, so both touch O(log n) of them. Where they are kept is the caller's business; here is
no I/O. Sizes and indices count leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .errors import LogError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A perfect subtree: its height, and its place among those of that height."""

    level: int
    place: int


# Looks up stored hashes, in the order asked for.
Read = Callable[[Sequence[Node]], Sequence[bytes]]
_Range = tuple[int, int]  # leaves from … up to


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def position(node: Node) -> int:
    """Where a subtree's hash stands if all are written one after the other, each as soon as it is complete.

    So storage is append-only, and a tree's hashes stand at 0, 1, 2, … without gaps.
    """
    at = node.place
    for _ in range(node.level):
        at = 2 * at + 1
    before = 0
    while at:
        before += at
        at >>= 1
    return before + node.level


def peaks(size: int, *, start: int = 0) -> list[Node]:
    """The perfect subtrees that the leaves from `start` up to `size` are made of, from left to right.

    `start` is 0, or the left end of a subtree in the sense of RFC 9162.
    """
    found, at = [], start
    while at < size:
        level = (size - at).bit_length() - 1
        found.append(Node(level, at >> level))
        at += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of `peaks`, in their order."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


@dataclass(frozen=True, slots=True)
class Appended:
    """What leaves add to a tree: the subtrees that became complete, in the order of `position`, and the new peaks."""

    nodes: tuple[tuple[Node, bytes], ...]
    size: int
    peaks: tuple[bytes, ...]

    @property
    def root(self) -> bytes:
        """The root hash of the grown tree."""
        return fold(self.peaks)


def append(size: int, peak_hashes: Sequence[bytes], leaves: Iterable[bytes]) -> Appended:
    """Add the hashes of leaves to a tree of `size` leaves, of which only the hashes of its peaks are needed."""
    stack, nodes = list(peak_hashes), []
    if len(stack) != size.bit_count():
        raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks")
    for one in leaves:
        node, value = Node(0, size), one
        nodes.append((node, value))
        while node.place & 1:
            value = node_hash(stack.pop(), value)
            node = Node(node.level + 1, node.place >> 1)
            nodes.append((node, value))
        stack.append(value)
        size += 1
    return Appended(tuple(nodes), size, tuple(stack))


def root(size: int, read: Read) -> bytes:
    """The root hash of the first `size` leaves."""
    return fold(read(peaks(size)))


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The path from leaf `index` to the root of the first `size` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise LogError(f"a tree of {size} leaves has no leaf {index}")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _hashes(reversed(ranges), read)


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """That the first `old` of `new` leaves are those of the older tree (RFC 9162, 2.1.4.1)."""
    if not 0 < old <= new:
        raise LogError(f"there is no proof between trees of {old} and {new} leaves")
    start, end, ranges = 0, new, []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the whole old tree is a subtree of the new one, and its root is known
        ranges.append((start, end))
    return _hashes(reversed(ranges), read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with this hash stands at `index` (RFC 9162, 2.1.3.2); raise LogError otherwise."""
    if not 0 <= index < size:
        raise LogError(f"a tree of {size} leaves has no leaf {index}")
    at, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise LogError("the inclusion proof is too long")
        if at & 1 or at == last:
            value = node_hash(sibling, value)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise LogError("the inclusion proof is too short")
    if value != root:
        raise LogError("the inclusion proof doesn't lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that one tree only grew into the other (RFC 9162, 2.1.4.2); raise LogError otherwise.

    Every tree is consistent with the empty one, so nothing is proved there, and it is refused.
    """
    if not 0 <= old <= new or (old == 0 and new):
        raise LogError(f"there is no proof between trees of {old} and {new} leaves")
    if old == new:
        if proof or old_root != new_root:
            raise LogError("two trees of the same size differ" if not proof else "the consistency proof is too long")
        return
    path = list(proof)
    if not old & (old - 1):  # a power of two: the old root itself comes first
        path.insert(0, old_root)
    if not path:
        raise LogError("the consistency proof is too short")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogError("the consistency proof is too long")
        if at & 1 or at == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise LogError("the consistency proof is too short")
    if older != old_root or newer != new_root:
        raise LogError("the consistency proof doesn't lead to both roots")


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _hashes(ranges: Iterable[_Range], read: Read) -> list[bytes]:
    """The hash of each range of leaves; at most one of them isn't perfect, so O(log n) are read, all at once."""
    parts = [peaks(end, start=start) for start, end in ranges]
    found = iter(read([node for part in parts for node in part]))
    return [fold([next(found) for _ in part]) for part in parts]
