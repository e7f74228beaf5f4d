"""A national round's join, beside the least that any join must do: `python -m benchmarks.join`.

Writes the files of all nodes as the coordinator does (rows made at random, a few planted pairs), joins them in a
process of its own, and compares with DuckDB counting the distinct tags of the same files with the same settings.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
from sluis_coordinator.join import join_files
from sluis_coordinator.tagfile import Rows, TagFileWriter, file_name, parse_rows
from sluis_protocol.rules import load_rules
from sluis_protocol.submission import row_bytes

RULES = load_rules()
POINTS = [kind.points for kind in RULES.kinds.values() for _ in range(kind.slots)]
FAMILY_SIZE = 4
PLANTED = 10  # families that each node shares with the next
MOST_MEGABYTES = 1_500  # what the project asks for
COUNT = "SELECT count(*) FROM (SELECT DISTINCT hi, lo FROM read_parquet($files))"


def submission(persons: int, shared: Rows | None, generator: np.random.Generator) -> Rows:
    """Random rows with the points of the rule set; the first families have the tags of the last ones of `shared`."""
    rows = parse_rows(generator.bytes(persons * row_bytes(RULES.slots)), RULES.slots).copy()
    rows["flags"] = generator.integers(0, 2, persons)
    rows["points"] = POINTS
    rows["family"] = np.repeat(rows["family"][::FAMILY_SIZE], FAMILY_SIZE)[:persons]
    if shared is not None:
        rows["tags"][: PLANTED * FAMILY_SIZE] = shared["tags"][-PLANTED * FAMILY_SIZE :]
    return rows


def write(folder: Path, nodes: int, tags: int) -> dict[str, Path]:
    """The files of a round: each node has tags / nodes tags, rounded up to whole families."""
    generator = np.random.default_rng()
    persons = max(math.ceil(tags / nodes / RULES.slots / FAMILY_SIZE), 2 * PLANTED) * FAMILY_SIZE
    files: dict[str, Path] = {}
    rows = None
    for node in range(nodes):
        oin = f"00000099{node:012d}"
        rows = submission(persons, rows, generator)
        files[oin] = folder / file_name(oin, os.urandom(32))
        with TagFileWriter(files[oin], oin) as writer:
            writer.write(rows)
            writer.finish()
    return files


def join(files: dict[str, Path], memory: str, spill: Path) -> int:
    """How many candidates the coordinator finds."""
    return len(join_files(files, RULES.thresholds, memory=memory, spill=spill))


def count(files: dict[str, Path], memory: str, spill: Path) -> int:
    """How many distinct tags there are: whatever joins must group them all."""
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": str(spill)}) as connection:
        row = connection.execute(COUNT, {"files": [str(path) for path in files.values()]}).fetchone()
    return int(row[0]) if row else 0


def alone(
    work: Callable[[dict[str, Path], str, Path], int], files: dict[str, Path], memory: str, spill: Path
) -> tuple[int, float, float]:
    """The result of `work` in a fresh process, its seconds and that process's peak memory in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, files, memory, spill))


def _measured(
    work: Callable[[dict[str, Path], str, Path], int], files: dict[str, Path], memory: str, spill: Path
) -> tuple[int, float, float]:
    start = time.perf_counter()
    result = work(files, memory, spill)
    seconds = time.perf_counter() - start
    return result, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measures, prints; exit status 1 if pairs are missing or memory is above what the project asks for."""
    parser = argparse.ArgumentParser(description="The join of a national round in DuckDB.")
    parser.add_argument("--nodes", type=int, default=342, help="how many nodes submit (default: 342)")
    parser.add_argument("--tags", type=int, default=5_500_000, help="tags of all nodes together (default: 5500000)")
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit, as join_memory in the configuration")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluis-join-") as name:
        folder = Path(name)
        start = time.perf_counter()
        files = write(folder, options.nodes, options.tags)
        wrote = time.perf_counter() - start
        megabytes = sum(path.stat().st_size for path in files.values()) / 1e6
        distinct, least, least_memory = alone(count, files, options.memory, folder / "spill")
        candidates, seconds, memory = alone(join, files, options.memory, folder / "spill")
    planted = PLANTED * (options.nodes - 1)
    total = distinct + planted * FAMILY_SIZE * RULES.slots
    print(
        f"{options.nodes} nodes, {total:,} tags ({distinct:,} distinct), {megabytes:.0f} MB of files, "
        f"{os.cpu_count()} cores"
    )
    print(f"writing        {wrote:6.2f} s")
    print(f"counting tags  {least:6.2f} s  {least_memory:6.0f} MB peak")
    print(f"joining        {seconds:6.2f} s  {memory:6.0f} MB peak (at most {MOST_MEGABYTES})")
    print(f"joining / counting: {seconds / least:.2f}")
    print(f"candidates: {candidates} of {planted} planted")
    return 0 if candidates == planted and memory < MOST_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
