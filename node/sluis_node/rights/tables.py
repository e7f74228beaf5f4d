"""The table of rights: who used which, when, and what became of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from ..tables import metadata

rights_requests = Table(
    "rights_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", LargeBinary(16), nullable=False, index=True),  # look-up value of a person id
    Column("right", String(16), nullable=False),  # see requests.Right
    Column("state", String(16), nullable=False),  # see requests.RequestState
    Column("recorded_at", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed: the person id and the note
    Column("ended_at", BigInteger),
)
