"""The log at 10 million leaves against 10 thousand: appending an event, and proving, in the coordinator's own storage.

    python -m benchmarks.log [--large 10000000] [--small 10000] [--times 300]

One SQLite database grows from the small size to the large one (hashes of made-up leaves, in bulk); at both sizes it
measures the median of one recorded event in a transaction of its own, of an inclusion proof of a random leaf, and of a
consistency proof from a random size, each read from the database. All grow with the logarithm: 24 levels, not 14.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sluis_coordinator import events, log_store
from sluis_coordinator.coordinator import MIGRATIONS
from sluis_coordinator.schema import events as event_table
from sluis_protocol import merkle
from sluis_protocol.merkle import position
from sluis_runtime.database import open_database, transaction
from sqlalchemy import Engine, insert

_BULK = 250_000
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


def median(work: Callable[[], object], times: int) -> float:
    """Of so many times, in milliseconds; the first few don't count."""
    spent = []
    for number in range(times + 10):
        began = time.perf_counter()
        work()
        if number >= 10:
            spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def measure(engine: Engine, times: int, chance: random.Random) -> dict[str, float]:
    """Milliseconds, by what was done."""
    with transaction(engine) as connection:
        size = events.size(connection)

    def append() -> None:
        with transaction(engine) as connection:
            events.record(connection, "covenant", datetime.now(UTC), _DIGEST, count=1)

    def include() -> None:
        with transaction(engine) as connection:
            merkle.inclusion_proof(chance.randrange(size), size, log_store.reader(connection))

    def consist() -> None:
        with transaction(engine) as connection:
            merkle.consistency_proof(chance.randrange(1, size), size, log_store.reader(connection))

    work = {"append one event": append, "prove inclusion": include, "prove consistency": consist}
    return {name: median(one, times) for name, one in work.items()}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluis-log-") as folder:
        path = Path(folder) / "log.sqlite"
        engine = open_database(f"sqlite:///{path}", MIGRATIONS)
        chance = random.Random(1)
        grow(engine, 0, options.small)
        small = measure(engine, options.times, chance)
        with transaction(engine) as connection:
            size = events.size(connection)
        began = time.perf_counter()
        grow(engine, size, options.large)
        filled = time.perf_counter() - began
        large = measure(engine, options.times, chance)
        print(f"{'median ms':24}{options.small:>14,}{options.large:>14,}{'ratio':>8}")
        for name, before in small.items():
            print(f"{name:24}{before:14.3f}{large[name]:14.3f}{large[name] / before:8.2f}")
        print(f"filled in bulk: {(options.large - size) / filled:,.0f} leaves a second")
        print(f"database: {path.stat().st_size / options.large:.0f} bytes a leaf")
        engine.dispose()


if __name__ == "__main__":
    main()
