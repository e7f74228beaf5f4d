"""The log at 10 million leaves against 10 thousand: appending an event, and proving, in the coordinator's own storage.

    python -m benchmarks.log [--large 10000000] [--small 10000] [--times 300]

Two SQLite databases are filled in bulk with hashes of made-up leaves. Then, in turn at both, so that a busy machine
slows both alike: one event is recorded in a transaction of its own; an inclusion proof of a random leaf and a
consistency proof from a random size are read. The table has medians, and how many stored hashes a proof reads: that is
what grows with the logarithm; the rest of the time is SQLite's, which finds each in 850 MB instead of 1 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sluis_coordinator import events, log_store
from sluis_coordinator.coordinator import MIGRATIONS
from sluis_coordinator.schema import events as event_table
from sluis_protocol import merkle
from sluis_protocol.merkle import position
from sluis_runtime.database import open_database, transaction
from sqlalchemy import Connection, Engine, insert

_BULK = 250_000
_WARM = 50
_DIGEST = hashlib.sha256(b"an event").digest()


def grow(engine: Engine, size: int, wanted: int) -> None:
    """Fill the tree up to `wanted` leaves; of the events only the last one is there, which says how many there are."""
    while size < wanted:
        count = min(_BULK, wanted - size)
        with transaction(engine) as connection:
            peaks = log_store.reader(connection)(merkle.peaks(size))
            leaves = (merkle.leaf_hash(number.to_bytes(8, "big")) for number in range(size, size + count))
            added = merkle.append(size, peaks, leaves)
            raw = connection.connection.driver_connection
            if raw is None:
                raise SystemExit("no database")
            rows = ((position(node), value) for node, value in added.nodes)
            raw.executemany("INSERT INTO log_hashes (position, hash) VALUES (?, ?)", rows)
            size += count
            last = {"id": size, "kind": "covenant", "round_id": "", "party": "", "count": 1, "digest": _DIGEST}
            connection.execute(insert(event_table).values(at=datetime.now(UTC), salt=b"", **last))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{size} leaves ")


class Log:
    """A filled log, and what is measured of it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.engine = open_database(f"sqlite:///{path}", MIGRATIONS)
        began = time.perf_counter()
        grow(self.engine, 0, size)
        self.filling = time.perf_counter() - began
        self.size = size
        self.reads = 0

    def append(self, _chance: random.Random) -> None:
        """One event, durably."""
        with transaction(self.engine) as connection:
            events.record(connection, "covenant", datetime.now(UTC), _DIGEST, count=1)

    def include(self, chance: random.Random) -> None:
        """Where a random leaf is."""
        with transaction(self.engine) as connection:
            merkle.inclusion_proof(chance.randrange(self.size), self.size, self._reader(connection))

    def consist(self, chance: random.Random) -> None:
        """That it grew from a random size."""
        with transaction(self.engine) as connection:
            merkle.consistency_proof(chance.randrange(1, self.size), self.size, self._reader(connection))

    def _reader(self, connection: Connection) -> merkle.Read:
        read = log_store.reader(connection)

        def counted(nodes: Sequence[merkle.Node]) -> Sequence[bytes]:
            self.reads += len(nodes)
            return read(nodes)

        return counted


def compare(logs: Sequence[Log], times: int) -> dict[str, list[tuple[float, float]]]:
    """For each thing done and each log: the median in milliseconds, and the hashes that were read for it."""
    found = {}
    for name, work in (
        ("append one event", Log.append),
        ("prove inclusion", Log.include),
        ("prove consistency", Log.consist),
    ):
        spent: list[list[float]] = [[] for _ in logs]
        for number in range(-_WARM, times):
            for log, mine in zip(logs, spent, strict=True):
                if number <= 0:  # the first ones fill SQLite's cache, and don't count
                    log.reads = 0
                    mine.clear()
                chance = random.Random(number)
                began = time.perf_counter()
                work(log, chance)
                mine.append(time.perf_counter() - began)
        found[name] = [
            (statistics.median(mine) * 1000, log.reads / times) for log, mine in zip(logs, spent, strict=True)
        ]
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluis-log-") as folder:
        large = Log(Path(folder) / "large.sqlite", options.large)
        small = Log(Path(folder) / "small.sqlite", options.small)
        print(f"{'median ms (hashes read)':24}{options.small:>18,}{options.large:>18,}{'ratio':>8}")
        for name, (before, after) in compare([small, large], options.times).items():
            told = "".join(f"{spent:10.3f} ({reads:5.1f})" for spent, reads in (before, after))
            print(f"{name:24}{told}{after[0] / before[0]:8.2f}")
        print(f"filled in bulk: {options.large / large.filling:,.0f} leaves a second")
        print(f"database: {large.path.stat().st_size / options.large:.0f} bytes a leaf")
        for one in (small, large):
            one.engine.dispose()


if __name__ == "__main__":
    main()
