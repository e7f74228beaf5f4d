"""Trace context (W3C Trace Context, level 1): which action a call belongs to, over the border of programs.

A node's calls carry the trace and span id of the processing that they are part of, as the standard *Logboek
Dataverwerkingen* asks; the coordinator passes them on with what it relays to key holders. Log lines of all three have
the trace id (`logs`). Ids are random and say nothing of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

HEADER = "traceparent"
# 2.2.2: another version is read as far as version 00 goes, ff is none; ids of zeros are none. The rest is bounded.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.{0,200})?")
_SAMPLED = "01"  # nothing is left out of a processing log


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The ids of an action: 16 and 8 bytes."""

    trace_id: bytes
    span_id: bytes

    def header(self) -> str:
        """The value of `traceparent`."""
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-{_SAMPLED}"


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


def current() -> TraceContext | None:
    """The action that goes on, if one does."""
    return _current.get()


@contextmanager
def within(context: TraceContext | None) -> Iterator[None]:
    """Calls and log lines that are made meanwhile belong to this action, or to none that is known.

    It may end on another thread than it began.
    """
    before = _current.get()
    _current.set(context)
    try:
        yield
    finally:
        _current.set(before)


def parse(value: str) -> TraceContext | None:
    """What a `traceparent` says; None where it is malformed, which is then as if there were none (2.2.1)."""
    found = _FORM.fullmatch(value)
    if found is None or (found[1] == "00" and found[5]):
        return None
    return TraceContext(bytes.fromhex(found[2]), bytes.fromhex(found[3]))


def header() -> str:
    """The `traceparent` of the action that goes on, always of version 00; "" where none does."""
    found = current()
    return found.header() if found else ""


def metadata() -> tuple[tuple[str, str], ...]:
    """For a gRPC call: the header of the action that goes on, or nothing."""
    value = header()
    return ((HEADER, value),) if value else ()
