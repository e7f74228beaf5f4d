"""The join over a round's files, in DuckDB: the same person pairs as `sluis_protocol.join.person_pairs`, out of core.

Only tags that two nodes share leave the first pass, so memory goes with the number of tags (about 50 bytes each) and
spills to the given folder beyond its limit. What families make of the pairs is the protocol's `family_pairs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
from sluis_protocol.errors import StorageError
from sluis_protocol.join import Candidate, PairInFamilies, PersonPair, family_pairs
from sluis_protocol.rules import Thresholds

_FETCH = 10_000

# A tag that only one node has is nobody's match: most are.
_SHARED = """
    CREATE TEMP TABLE shared AS
    SELECT hi, lo
    FROM read_parquet($files, filename = true) JOIN nodes USING (filename)
    GROUP BY hi, lo
    HAVING min(node) <> max(node)
"""
_HITS = """
    CREATE TEMP TABLE hits AS
    SELECT node, family, person, has_bsn, hi, lo, points
    FROM read_parquet($files, filename = true) JOIN nodes USING (filename) SEMI JOIN shared USING (hi, lo)
"""
# The numbers are the rules of `person_pairs`.
_PAIRS = """
    WITH once AS (  -- 1
        SELECT node, hi, lo, any_value(family) AS family, any_value(person) AS person,
            any_value(has_bsn) AS has_bsn, any_value(points) AS points
        FROM hits
        GROUP BY node, hi, lo
        HAVING count(*) = 1
    ),
    pairs AS (
        SELECT a.node AS node_a, b.node AS node_b, a.family AS family_a, b.family AS family_b,
            a.person AS person_a, b.person AS person_b, any_value(a.has_bsn AND b.has_bsn) AS both_bsn,
            list(a.hi) AS hi, list(a.lo) AS lo,
            sum(least(a.points, b.points))::INTEGER AS score, max(least(a.points, b.points)) AS best  -- 2
        FROM once AS a JOIN once AS b ON a.hi = b.hi AND a.lo = b.lo AND a.node < b.node
        GROUP BY ALL
    )
    SELECT node_a, node_b, family_a, family_b, person_a, person_b, hi, lo, score
    FROM pairs
    WHERE CASE WHEN both_bsn THEN best >= $certain ELSE score >= $person END  -- 3, 4
"""


def join_files(
    files: Mapping[str, Path], thresholds: Thresholds, *, memory: str = "1GB", spill: Path
) -> list[Candidate]:
    """The candidates of a round, from the file of each OIN. Raises StorageError if disk and memory don't suffice."""
    return family_pairs(person_pairs(files, thresholds, memory=memory, spill=spill), thresholds)


def person_pairs(
    files: Mapping[str, Path], thresholds: Thresholds, *, memory: str = "1GB", spill: Path
) -> Iterator[PairInFamilies]:
    """Every two persons of different nodes that share enough, in no order.

    What exceeds `memory` goes to the folder `spill` for a while. Person handles are unique
    within a file (`submissions.py` checks it), so a handle stands for its row.
    """
    oins = sorted(files)
    if len(oins) < 2:
        return
    names = [str(files[oin]) for oin in oins]
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        # Everything needed is built in; nothing is fetched.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(config=config) as connection:
            connection.execute("CREATE TEMP TABLE nodes (node USMALLINT, filename VARCHAR)")
            connection.execute(
                "INSERT INTO nodes SELECT unnest($nodes), unnest($files)",
                {"nodes": list(range(len(names))), "files": names},
            )
            connection.execute(_SHARED, {"files": names})
            connection.execute(_HITS, {"files": names})
            result = connection.execute(_PAIRS, {"certain": thresholds.certain, "person": thresholds.person})
            while found := result.fetchmany(_FETCH):
                for node_a, node_b, family_a, family_b, person_a, person_b, hi, lo, score in found:
                    tags = sorted(
                        high.to_bytes(8, "big") + low.to_bytes(8, "big") for high, low in zip(hi, lo, strict=True)
                    )
                    pair = PersonPair(person_a, person_b, tuple(tags), score)
                    yield PairInFamilies(oins[node_a], oins[node_b], family_a, family_b, pair)
    except duckdb.Error as error:  # its text may quote a file's content
        raise StorageError(
            f"the join could not go on: {type(error).__name__}",
            do="free disk space or memory (join_memory in the configuration): it is tried again; if a file is damaged, "
            "abandon the round",
        ) from None
