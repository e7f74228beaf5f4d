"""Who is still alive: what a test of leaving nothing behind asks, by process group."""

from __future__ import annotations

import time
from pathlib import Path


def alive(group: int) -> list[int]:
    """The processes of a group that have not ended (a zombie has: only its entry waits to be read)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def gone(group: int, *, within: float = 5) -> bool:
    """Whether nothing of a group is alive, once the system has had a moment to end what was killed."""
    deadline = time.monotonic() + within
    while alive(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def mentioning(text: str) -> list[int]:
    """The processes whose command line has this text in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text.encode() in command:
            found.append(int(path.parent.name))
    return found
