"""The tables of notifications. What a notice says of whom stands in none of them: it says that there is something."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ..tables import metadata

notices = Table(
    "notices",
    metadata,
    Column("id", String(36), primary_key=True),  # a random UUID, the same in every attempt
    Column("kind", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("about", LargeBinary, nullable=False, unique=True),  # look-up value of what happened: told once
    Column("text", LargeBinary),  # sealed: a question to the platform or the board
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("notice", String(36), ForeignKey("notices.id"), nullable=False),
    Column("channel", String(8), nullable=False),  # see outbox.Channel
    Column("target", String(64), nullable=False),  # a name in the configuration, never an address
    Column("state", String(10), nullable=False),  # see outbox.DeliveryState
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("failure", Text, nullable=False),
    UniqueConstraint("notice", "channel", "target"),
    Index("ix_deliveries_due", "state", "next_at"),
)
