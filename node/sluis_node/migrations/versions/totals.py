"""Periods of the totals."""

import sqlalchemy as sa
from alembic import op

revision = "0005_totals"
down_revision = "0004_handshake"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "totals_periods",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("covenant_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("enrolment", sa.LargeBinary(), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("roster", sa.LargeBinary(), nullable=True),
        sa.Column("contribution", sa.LargeBinary(), nullable=True),
        sa.Column("contributors", sa.LargeBinary(), nullable=True),
        sa.Column("unmasking", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_totals_periods_state", "totals_periods", ["state"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("totals_periods")
