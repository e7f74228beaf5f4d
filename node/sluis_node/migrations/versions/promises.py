"""What the coordinator's log owes, with its promises; until now that was put together from other tables at each look.

What was not looked for until now is not looked for any more: the log only grew since the last look.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_promises"
down_revision = "0006_log"


def upgrade() -> None:
    """Make the table, and drop what it replaces."""
    op.create_table(
        "log_owed",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=20), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=True),
        sa.Column("promise", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("kind", "digest"),
    )
    op.create_index("ix_log_owed_at", "log_owed", ["at"])
    op.drop_table("log_found")
    op.drop_column("rounds", "receipt")


def downgrade() -> None:
    """Put them back, empty."""
    op.add_column("rounds", sa.Column("receipt", sa.LargeBinary(), nullable=True))
    op.create_table(
        "log_found",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "digest"),
    )
    op.drop_table("log_owed")
