"""Periods of the totals, what was signed for them, and what single nodes sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _signed() -> tuple[sa.Column[bytes], sa.Column[bytes]]:
    return (
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )


def _period() -> sa.Column[str]:
    return sa.Column("period_id", sa.String, sa.ForeignKey("totals_periods.id"), primary_key=True)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "totals_periods",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("covenant_hash", sa.LargeBinary, sa.ForeignKey("covenants.hash"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        *_signed(),
        sa.Column("enrol_until", sa.BigInteger, nullable=False),
        sa.Column("contribute_until", sa.BigInteger, nullable=False),
        sa.Column("unmask_until", sa.BigInteger, nullable=False),
        sa.Column("abandoned", sa.String, nullable=False),
    )
    op.create_index("ix_totals_periods_state", "totals_periods", ["state"])
    op.create_table("totals_signed", _period(), sa.Column("what", sa.String, primary_key=True), *_signed())
    op.create_table(
        "totals_taken",
        _period(),
        sa.Column("step", sa.String, primary_key=True),
        sa.Column("oin", sa.String, primary_key=True),
        *_signed(),
    )
    op.create_table(
        "totals_shares",
        _period(),
        sa.Column("recipient", sa.String, primary_key=True),
        sa.Column("sender", sa.String, primary_key=True),
        sa.Column("share", sa.LargeBinary, nullable=False),
    )
