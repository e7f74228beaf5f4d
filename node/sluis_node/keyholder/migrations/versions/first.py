"""The first tables: covenants, dealings, shares, rounds, usage, batches."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "covenants",
        Column("id", String(64), primary_key=True),
        Column("version", Integer, nullable=False),
        Column("hash", LargeBinary, nullable=False),
    )
    op.create_table(
        "dealings",
        Column("ceremony", LargeBinary, primary_key=True),
        Column("deal", LargeBinary, nullable=False),
        Column("shares", LargeBinary),
        Column("verdict", LargeBinary),
        Column("reply", LargeBinary),
    )
    op.create_table(
        "shares",
        Column("transcript", LargeBinary, primary_key=True),
        Column("holder", Integer, nullable=False),
        Column("secret", LargeBinary, nullable=False),
    )
    op.create_table(
        "rounds",
        Column("round_id", String(64), primary_key=True),
        Column("purpose", String(64), nullable=False),
        Column("announcement", LargeBinary, nullable=False),
        Column("closes_at", BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "usage",
        Column("round_id", String(64), ForeignKey("rounds.round_id"), primary_key=True),
        Column("member", String(20), primary_key=True),
        Column("elements", BigInteger, nullable=False),
        Column("batches", Integer, nullable=False),
    )
    op.create_table(
        "batches",
        Column("round_id", String(64), ForeignKey("rounds.round_id"), primary_key=True),
        Column("member", String(20), primary_key=True),
        Column("batch", LargeBinary, primary_key=True),
    )


def downgrade() -> None:
    """Drop all tables."""
    for table in ("batches", "usage", "rounds", "shares", "dealings", "covenants"):
        op.drop_table(table)
