"""Bytes that mean one thing only: length prefixes and domain separation.

No I/O, no clock, no randomness. Every hash, signature, MAC and derived key of the protocol takes its input from
`lp` or `domain`, so no two of them can be confused (protocol.md, 3 and 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

VERSION = b"sluis-v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lp(data: bytes | str) -> bytes:
    """Length-prefixed: two bytes, big-endian, then the bytes (text as UTF-8)."""
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > 0xFFFF:
        raise ValueError(f"{len(raw)} bytes don't fit a two-byte length")
    return len(raw).to_bytes(2, "big") + raw


def lp_all(parts: Iterable[bytes | str]) -> bytes:
    """The length-prefixed parts, one after the other."""
    return b"".join(map(lp, parts))


def domain(label: str, *parts: bytes | str) -> bytes:
    """lp("sluis-v1 <label>") and the length-prefixed parts: the one domain separator of the protocol."""
    return lp(VERSION + b" " + label.encode()) + lp_all(parts)


def millis(at: datetime) -> int:
    """A time (timezone-aware) as whole milliseconds since 1970; it never rounds up into the next second."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(since_1970: int) -> datetime:
    """The time that many milliseconds after 1970, exactly; raise OverflowError if no calendar has it."""
    return _EPOCH + timedelta(milliseconds=since_1970)
