"""The first tables: covenants, rounds, submissions, candidates, confirmations, outbox, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _signed() -> tuple[sa.Column[bytes], sa.Column[bytes]]:
    return (
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )


def _round() -> sa.Column[str]:
    return sa.Column("round_id", sa.String, sa.ForeignKey("rounds.id"), nullable=False)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "covenants",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("covenant_hash", sa.LargeBinary, sa.ForeignKey("covenants.hash"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        *_signed(),
        sa.Column("opens_at", sa.BigInteger, nullable=False),
        sa.Column("closes_at", sa.BigInteger, nullable=False),
        sa.Column("confirm_until", sa.BigInteger, nullable=False),
        sa.Column("candidates", sa.Integer, nullable=False),
        sa.Column("abandoned", sa.String, nullable=False),
        sa.Column("clean", sa.Integer, nullable=False),
    )
    op.create_table(
        "submissions",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.id"), primary_key=True),
        sa.Column("oin", sa.String, primary_key=True),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("families", sa.Integer, nullable=False),
        sa.Column("persons", sa.Integer, nullable=False),
        *_signed(),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        _round(),
        sa.Column("oin_a", sa.String, nullable=False),
        sa.Column("oin_b", sa.String, nullable=False),
    )
    op.create_index("ix_candidates_round_id", "candidates", ["round_id"])
    op.create_table(
        "confirmations",
        sa.Column("candidate_id", sa.LargeBinary, sa.ForeignKey("candidates.id"), primary_key=True),
        sa.Column("oin", sa.String, primary_key=True),
        sa.Column("refused", sa.Integer, nullable=False),
        *_signed(),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("recipient", sa.String, nullable=False),
        _round(),
        *_signed(),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_round_id", "outbox", ["round_id"])
    op.create_index("outbox_by_recipient", "outbox", ["recipient", "id"])
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("round_id", sa.String, nullable=False),
        sa.Column("party", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_round", "events", ["round_id", "kind"])
