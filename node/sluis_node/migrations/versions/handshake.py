"""What follows a match: handshakes, opinions, steps, papers, entries of the coordinator's chain, mail to send."""

import sqlalchemy as sa
from alembic import op

revision = "0004_handshake"
down_revision = "0003_processing"


def _handshake() -> tuple[sa.Column[bytes], sa.ForeignKeyConstraint]:
    return (
        sa.Column("handshake", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["handshake"], ["handshakes.id"]),
    )


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "handshakes",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("match", sa.String(length=32), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("counterpart", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("head_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_handshakes_match"), "handshakes", ["match"], unique=False)
    op.create_index(op.f("ix_handshakes_state"), "handshakes", ["state"], unique=False)
    op.create_table(
        "opinions",
        *_handshake(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("eye", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handshake", "attempt", "eye"),
        sa.UniqueConstraint("handshake", "attempt", "reviewer"),
    )
    op.create_table(
        "steps",
        sa.Column("number", sa.Integer(), nullable=False),
        *_handshake(),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_steps_handshake", "steps", ["handshake", "number"], unique=False)
    op.create_table(
        "papers",
        *_handshake(),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handshake", "name"),
    )
    op.create_table(
        "entries",
        *_handshake(),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("handshake", "sequence"),
    )
    op.create_table(
        "letters",
        *_handshake(),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("handshake", "number"),
    )
    op.create_table(
        "handshake_mail",
        sa.Column("number", sa.Integer(), nullable=False),
        *_handshake(),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("progress", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_handshake_mail_progress"), "handshake_mail", ["progress"], unique=False)
    op.create_index("ix_handshake_mail_handshake", "handshake_mail", ["handshake", "number"], unique=False)


def downgrade() -> None:
    """Drop them."""
    for table in ("handshake_mail", "letters", "entries", "papers", "steps", "opinions", "handshakes"):
        op.drop_table(table)
