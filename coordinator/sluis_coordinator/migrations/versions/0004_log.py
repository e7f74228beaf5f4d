"""The log: events get an unbroken numbering and salts, and all that ever happened becomes a leaf of its tree."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sluis_protocol.leaves import KINDS, SALT_BYTES, Leaf
from sluis_protocol.merkle import append, leaf_hash, position

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_AT_ONCE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Make the tables and fill the tree."""
    op.add_column("events", sa.Column("salt", sa.LargeBinary, nullable=False, server_default=sa.text("x''")))
    op.create_index("ix_events_digest", "events", ["digest"])
    op.create_table(
        "log_hashes",
        sa.Column("position", _ID, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("oin", sa.String, primary_key=True),
        sa.Column("size", sa.BigInteger, sa.ForeignKey("log_checkpoints.size"), nullable=False),
        sa.Column("line", sa.String, nullable=False),
    )
    op.create_table(
        "usages",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.id"), primary_key=True),
        sa.Column("oin", sa.String, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """Number the events from 1 without gaps, salt the sealed ones, and store the tree over them all."""
    ids = connection.execute(sa.text("SELECT id FROM events ORDER BY id")).scalars().all()
    for number, old in enumerate(ids, start=1):
        if old != number:  # ids only become smaller, in order, so none is ever taken
            connection.execute(sa.text("UPDATE events SET id = :new WHERE id = :old"), {"new": number, "old": old})
    size, peaks = 0, tuple[bytes, ...]()
    while size < len(ids):
        rows = (
            connection.execute(
                sa.text("SELECT * FROM events WHERE id > :size ORDER BY id LIMIT :most"),
                {"size": size, "most": _AT_ONCE},
            )
            .mappings()
            .all()
        )
        salts = {row["id"]: os.urandom(SALT_BYTES) if KINDS[row["kind"]].sealed else b"" for row in rows}
        for number, salt in salts.items():
            if salt:
                connection.execute(
                    sa.text("UPDATE events SET salt = :salt WHERE id = :id"), {"salt": salt, "id": number}
                )
        leaves = [
            Leaf.of(
                row["kind"],
                _EPOCH + timedelta(milliseconds=row["at"]),
                row["digest"],
                round_id=row["round_id"],
                party=row["party"],
                count=row["count"],
                salt=salts[row["id"]],
            )
            for row in rows
        ]
        added = append(size, peaks, [leaf_hash(leaf.public.text.encode()) for leaf in leaves])
        connection.execute(
            sa.text("INSERT INTO log_hashes (position, hash) VALUES (:position, :hash)"),
            [{"position": position(node), "hash": value} for node, value in added.nodes],
        )
        size, peaks = added.size, added.peaks
