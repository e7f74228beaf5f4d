"""The processing log, which can only grow; rights; deletions; and since when nobody needs a family reference."""

import sqlalchemy as sa
from alembic import op

revision = "0003_processing"
down_revision = "0002_notify"

_TRIGGERS = (
    """CREATE TRIGGER processing_log_stays BEFORE UPDATE ON processing_log
    BEGIN SELECT RAISE(ABORT, 'the processing log is append-only'); END""",
    """CREATE TRIGGER processing_subjects_stay BEFORE UPDATE ON processing_subjects
    BEGIN SELECT RAISE(ABORT, 'the processing log is append-only'); END""",
    """CREATE TRIGGER processing_log_is_kept BEFORE DELETE ON processing_log
    WHEN NOT EXISTS (SELECT 1 FROM processing_cut WHERE OLD.started_at < processing_cut.before)
    BEGIN SELECT RAISE(ABORT, 'the processing log is kept until its term is over'); END""",
    """CREATE TRIGGER processing_subjects_are_kept BEFORE DELETE ON processing_subjects
    WHEN NOT EXISTS (SELECT 1 FROM processing_log, processing_cut
      WHERE processing_log.number = OLD.number AND processing_log.started_at < processing_cut.before)
    BEGIN SELECT RAISE(ABORT, 'the processing log is kept until its term is over'); END""",
)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "processing_log",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("span_id", sa.LargeBinary(length=8), nullable=False),
        sa.Column("parent_span_id", sa.LargeBinary(length=8), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("activity", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("span_id"),
    )
    op.create_index(op.f("ix_processing_log_trace_id"), "processing_log", ["trace_id"])
    op.create_index(op.f("ix_processing_log_started_at"), "processing_log", ["started_at"])
    op.create_table(
        "processing_subjects",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["processing_log.number"]),
        sa.PrimaryKeyConstraint("number", "subject"),
    )
    op.create_index("ix_processing_subjects_subject", "processing_subjects", ["subject"])
    op.create_table(
        "processing_cut",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("exported", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO processing_cut VALUES (1, 0, 0, zeroblob(32), 0)")
    for trigger in _TRIGGERS:
        op.execute(trigger)
    op.create_table(
        "rights_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("right", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_rights_requests_subject"), "rights_requests", ["subject"])
    op.create_table(
        "deletions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("family_references", sa.Column("unneeded_since", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("family_references", "unneeded_since")
    op.drop_table("deletions")
    op.drop_table("rights_requests")
    op.drop_table("processing_cut")
    op.drop_table("processing_subjects")
    op.drop_table("processing_log")
