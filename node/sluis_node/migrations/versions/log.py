"""The watch over the coordinator's log, and the receipts that it rests on."""

import sqlalchemy as sa
from alembic import op

revision = "0006_log"
down_revision = "0005_totals"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("rounds", sa.Column("receipt", sa.LargeBinary(), nullable=True))
    op.create_table(
        "log_seen",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("covenant", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cosigned", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_found",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "digest"),
    )
    op.create_table(
        "log_alarms",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("charge", sa.String(length=16), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_log_alarms_settled_at", "log_alarms", ["settled_at"])


def downgrade() -> None:
    """Drop them."""
    for table in ("log_alarms", "log_found", "log_seen"):
        op.drop_table(table)
    op.drop_column("rounds", "receipt")
