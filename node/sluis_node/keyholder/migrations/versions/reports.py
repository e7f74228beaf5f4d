"""Final counts of rounds, as they were signed; requests a day."""

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, String

revision = "0002_reports"
down_revision = "0001"


def upgrade() -> None:
    """Make them. Rounds from before are never reported on: nobody noted under which covenant they were."""
    op.add_column("rounds", Column("covenant_hash", LargeBinary))
    op.add_column("rounds", Column("report", LargeBinary))
    op.add_column("rounds", Column("taken", Integer, nullable=False, server_default="0"))
    op.create_table(
        "days",
        Column("day", String(10), primary_key=True),
        Column("member", String(20), primary_key=True),
        Column("requests", Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("days")
    for column in ("taken", "report", "covenant_hash"):
        op.drop_column("rounds", column)
