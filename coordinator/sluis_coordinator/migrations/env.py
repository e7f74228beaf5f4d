"""Alembic's entry: the connection is handed over by `open_database`, which also opened the transaction."""

from __future__ import annotations

from alembic import context

from sluis_coordinator.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
