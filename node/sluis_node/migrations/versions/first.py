"""The first tables: covenants, rounds, own families, claims, references, matches, anomalies."""

from alembic import op

from sluis_node.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop all tables."""
    metadata.drop_all(op.get_bind())
