"""The table of deletions: the proof that what was due is gone, without saying what it was."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from ..tables import metadata

deletions = Table(
    "deletions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),  # "" where it ran by itself
    Column("category", String(40), nullable=False),
    Column("days", Integer, nullable=False),  # the term that was applied
    Column("before", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the sorted look-up values of the deleted rows
)
