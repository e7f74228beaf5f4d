"""Submit: what a node hands in, and how little it shows (protocol.md, 4).

Every person has exactly M tags, one per slot of the rule set: where a key is missing, a random tag stands in its slot
with the same points. So all persons look alike but for the one bit that says whether a BSN is known. Dummy persons and
families pad the numbers to a bucket. No I/O; randomness is an argument.

A packed row, big-endian: family handle 8 bytes, person handle 8, flags 1 (1 = BSN known), points M, tags 16·M.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .encoding import domain
from .errors import MalformedMessage
from .group import Random
from .join import TaggedPerson
from .rules import RuleSet
from .tag import TAG_BYTES, OwnPerson, TaggedKey

HANDLE_BYTES = 8
_FIXED = 2 * HANDLE_BYTES + 1
_SMALLEST_BUCKET = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnFamily:
    """A family of one's own, as the coordinator's handles name it: what a node needs to understand a claim."""

    family_id: str = field(repr=False)
    members: dict[int, OwnPerson]


@dataclass(frozen=True, slots=True)
class Submission:
    """What is handed in (rows), and what the node keeps to itself (its families by handle)."""

    rows: tuple[TaggedPerson, ...]
    own: dict[int, OwnFamily]

    @property
    def families(self) -> int:
        """How many families the submission shows, dummies included."""
        return len({row.family for row in self.rows})


def assemble(persons: Sequence[OwnPerson], rules: RuleSet, random: Random) -> Submission:
    """Give everybody random handles and M tags, pad to a bucket, and shuffle."""
    handles: dict[str, int] = {}
    own: dict[int, OwnFamily] = {}
    rows: list[TaggedPerson] = []
    for person in persons:
        family = handles.setdefault(person.family_id, _handle(random))
        row = _row(family, _handle(random), person.has_bsn, person.keys, rules, random)
        own.setdefault(family, OwnFamily(person.family_id, {})).members[row.person] = person
        rows.append(row)
    rows.extend(_dummies(rows, rules, random))
    return Submission(tuple(_shuffled(rows, random)), own)


def bucket(count: int) -> int:
    """The padded size: the next of 64, 96, 128, 192, 256, 384, … so padding adds at most half."""
    size = _SMALLEST_BUCKET
    while size < count:
        size += size // 2 if size & (size - 1) == 0 else size // 3
    return size


def pack(rows: Sequence[TaggedPerson]) -> bytes:
    """The rows, one after the other (format in the module's docstring)."""
    return b"".join(
        row.family.to_bytes(HANDLE_BYTES, "big")
        + row.person.to_bytes(HANDLE_BYTES, "big")
        + bytes([row.has_bsn])
        + bytes(row.points)
        + b"".join(row.tags)
        for row in rows
    )


def row_bytes(slots: int) -> int:
    """The size of a packed row with that many tags."""
    return _FIXED + slots * (1 + TAG_BYTES)


def unpack(data: bytes, slots: int) -> Iterator[TaggedPerson]:
    """The rows of packed bytes; raise MalformedMessage if they aren't whole rows or a flag is unknown."""
    size = row_bytes(slots)
    if len(data) % size:
        raise MalformedMessage(f"{len(data)} bytes are not whole rows of {size}", field="rows")
    for start in range(0, len(data), size):
        row = data[start : start + size]
        if row[_FIXED - 1] > 1:
            raise MalformedMessage("a row has an unknown flag", field="rows")
        tags = row[_FIXED + slots :]
        yield TaggedPerson(
            int.from_bytes(row[:HANDLE_BYTES], "big"),
            int.from_bytes(row[HANDLE_BYTES : 2 * HANDLE_BYTES], "big"),
            bool(row[_FIXED - 1]),
            tuple(tags[i : i + TAG_BYTES] for i in range(0, len(tags), TAG_BYTES)),
            tuple(row[_FIXED : _FIXED + slots]),
        )


def commitment_hash(round_id: str, oin: str, slots: int) -> hashlib._Hash:
    """A SHA-256 that is ready for the packed rows: its digest is the commitment that the node signs."""
    return hashlib.sha256(domain("submission", round_id, oin, slots.to_bytes(2, "big")))


def commit(round_id: str, oin: str, slots: int, packed: bytes) -> bytes:
    """The commitment to a whole submission."""
    digest = commitment_hash(round_id, oin, slots)
    digest.update(packed)
    return digest.digest()


def _handle(random: Random) -> int:
    return int.from_bytes(random(HANDLE_BYTES), "big")


def _row(
    family: int, person: int, has_bsn: bool, keys: Sequence[TaggedKey], rules: RuleSet, random: Random
) -> TaggedPerson:
    slots: list[tuple[bytes, int]] = []
    for kind in rules.kinds.values():
        tags = [key.tag for key in keys if key.kind == kind.name][: kind.slots]
        tags += [random(TAG_BYTES) for _ in range(kind.slots - len(tags))]
        slots += [(tag, kind.points) for tag in tags]
    slots = _shuffled(slots, random)
    return TaggedPerson(family, person, has_bsn, tuple(tag for tag, _ in slots), tuple(points for _, points in slots))


def _dummies(real: Sequence[TaggedPerson], rules: RuleSet, random: Random) -> Iterator[TaggedPerson]:
    """Dummy persons up to the bucket: one for each dummy family first, the others into families at random.

    They join real families too, so that neither a family's size nor its being real can be told. Their BSN bits are
    drawn from the real ones.
    """
    families = list({row.family for row in real})
    new = [_handle(random) for _ in range(bucket(len(families)) - len(families))]
    rest = bucket(len(real) + len(new)) - len(real) - len(new)
    for family in new + [_choice(families + new, random) for _ in range(rest)]:
        has_bsn = _choice(real, random).has_bsn if real else True
        yield _row(family, _handle(random), has_bsn, (), rules, random)


def _choice(items: Sequence[T], random: Random) -> T:
    return items[int.from_bytes(random(8), "big") % len(items)]


def _shuffled(items: Sequence[T], random: Random) -> list[T]:
    """A uniformly random order: sorted by 128 random bits each, so that no two are ever equal in practice."""
    return [item for _, item in sorted(((random(16), item) for item in items), key=lambda pair: pair[0])]
