"""Where the CPU time of running processes goes: sampled with Linux' perf, sorted by what the code is for.

Only used where a benchmark is asked for `--profile`. Needs the command `perf` (on Debian: apt install linux-perf) and
the right to look at processes (root, or kernel.perf_event_paranoid of 1 or less).
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_HERTZ = 997  # no divisor of what programs do regularly
_READY_SECONDS = 2.0
_LINE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(\S+)")
# What a shared object is for; the first that fits.
KINDS = (
    ("group arithmetic in C", r"_native\."),
    ("libsodium", r"libsodium"),
    ("signatures, SHA-2 of messages", r"_rust\.|libcrypto|_hashlib|_ssl"),
    ("gRPC and TLS", r"cygrpc|libstdc"),
    ("protobuf", r"_message\.|google"),
    ("SQLite", r"libsqlite|_sqlite"),
    ("kernel: network, disk, threads", r"kernel|\.ko|bpf"),
    ("C library: copies, memory", r"libc\.|ld-linux|vdso"),
    ("Python", r""),
)


@dataclass(slots=True)
class Profile:
    """Of one process: the share (0 to 1) of each kind, and of each function of the group arithmetic."""

    kinds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    functions: dict[str, float] = field(default_factory=lambda: defaultdict(float))


@contextmanager
def sampled(pids: Mapping[str, int], folder: Path) -> Iterator[dict[str, Profile]]:
    """Samples these processes inside the block; the profiles are there after it."""
    if shutil.which("perf") is None:
        raise SystemExit("a profile needs perf: on Debian, apt install linux-perf")
    profiles: dict[str, Profile] = {}
    running = []
    for pid in pids.values():
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(_HERTZ), "-p", str(pid), "-o", f"{pid}.data"]
        running.append(subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL))
    time.sleep(_READY_SECONDS)  # perf doesn't say when it has begun
    try:
        yield profiles
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            process.wait()
    for who, pid in pids.items():
        profiles[who] = _read(folder / f"{pid}.data")


def _read(data: Path) -> Profile:
    command = ["perf", "report", "-i", str(data), "--sort", "dso,symbol", "--stdio", "-g", "none"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    profile = Profile()
    for line in said.splitlines():
        if not (found := _LINE.match(line)):
            continue
        share, place, name = float(found[1]) / 100, found[2], found[4].split(".")[0]
        kind = next(kind for kind, pattern in KINDS if re.search(pattern, place))
        profile.kinds[kind] += share
        if kind == KINDS[0][0]:
            profile.functions[name] += share
    return profile


def show(profiles: Mapping[str, Profile], cost: Mapping[str, float]) -> None:
    """The tables: µs a key by role and kind (`cost` has µs a key of each role), then the functions in C."""
    for title, most in (("kinds", len(KINDS)), ("functions", 8)):
        total: defaultdict[str, float] = defaultdict(float)
        for who, profile in profiles.items():
            for what, share in getattr(profile, title).items():
                total[what] += share * cost[who]
        print(f"\n{'µs a key' if title == 'kinds' else 'of which in C':34}" + "".join(f"{who:>14}" for who in profiles))
        for what in sorted(total, key=lambda what: -total[what])[:most]:
            cells = (getattr(profile, title)[what] * cost[who] for who, profile in profiles.items())
            print(f"{what:34}" + "".join(f"{cell:14.2f}" for cell in cells))
