"""The log's tree in the database: appended to in the transaction of the event, read for roots and proofs.

Everything here works in the caller's transaction, so tree and events agree whenever a program is killed. SQLite lets
one writer in at a time; so the size that is read is the size that is appended to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sluis_protocol import merkle
from sluis_protocol.errors import LogError
from sluis_protocol.merkle import Node, position
from sqlalchemy import Connection, func, insert, select

from .schema import log_hashes


def reader(connection: Connection) -> Callable[[Sequence[Node]], list[bytes]]:
    """Looks up hashes of perfect subtrees, all at once; raises LogError if one is lost."""

    def read(nodes: Sequence[Node]) -> list[bytes]:
        wanted = [position(node) for node in nodes]
        table = log_hashes.c
        rows = connection.execute(select(table.position, table.hash).where(table.position.in_(wanted)))
        found = {row.position: row.hash for row in rows}
        if len(found) != len(wanted):
            raise LogError("the tree lacks hashes", do="the operator of the coordinator must run: log verify")
        return [found[at] for at in wanted]

    return read


def append(connection: Connection, size: int, leaves: Sequence[bytes]) -> None:
    """Add the hashes of leaves to the tree of `size` leaves."""
    peaks = reader(connection)(merkle.peaks(size))
    added = merkle.append(size, peaks, leaves)
    connection.execute(insert(log_hashes), [{"position": position(node), "hash": value} for node, value in added.nodes])


def count_hashes(connection: Connection) -> int:
    """How many hashes are stored."""
    return connection.execute(select(func.count()).select_from(log_hashes)).scalar_one()


def root(connection: Connection, size: int) -> bytes:
    """The root hash of the first `size` leaves."""
    return merkle.root(size, reader(connection))
