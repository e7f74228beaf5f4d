"""Handshakes, their entries, what was taken for them; the outbox holds their mail, too, so no round is its parent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _signed() -> tuple[sa.Column[bytes], sa.Column[bytes]]:
    return (
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )


def _handshake() -> sa.Column[bytes]:
    return sa.Column("handshake_id", sa.LargeBinary, sa.ForeignKey("handshakes.id"), primary_key=True)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "handshakes",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("oin_a", sa.String, nullable=False),
        sa.Column("oin_b", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("details", sa.String, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=True),
        sa.Column("purge_at", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_handshakes_deadline", "handshakes", ["deadline"])
    op.create_index("ix_handshakes_purge_at", "handshakes", ["purge_at"])
    op.create_table("handshake_entries", _handshake(), sa.Column("sequence", sa.Integer, primary_key=True), *_signed())
    op.create_table(
        "handshake_taken",
        _handshake(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("oin", sa.String, nullable=False),
        sa.Column("letter", sa.Integer, nullable=False),
    )
    op.create_table("handshake_held", _handshake(), sa.Column("oin", sa.String, primary_key=True), *_signed())
    _free_the_outbox()


def _free_the_outbox() -> None:
    """Make the outbox again without its foreign key (SQLite can't drop one), and let its ids go on where they were."""
    for index in ("ix_outbox_round_id", "outbox_by_recipient"):
        op.drop_index(index, "outbox")
    op.rename_table("outbox", "outbox_before")
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("round_id", sa.String, nullable=False),
        *_signed(),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO outbox SELECT id, recipient, round_id, body, signature FROM outbox_before")
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', seq FROM sqlite_sequence WHERE name = 'outbox_before'"
    )
    op.drop_table("outbox_before")
    op.create_index("ix_outbox_round_id", "outbox", ["round_id"])
    op.create_index("outbox_by_recipient", "outbox", ["recipient", "id"])
