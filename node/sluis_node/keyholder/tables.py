"""The key holder's tables. A column marked *sealed* holds what the vault encrypted. Times: milliseconds since 1970."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

# The newest version of each covenant that was seen: nothing older is accepted again.
covenants = Table(
    "covenants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# What this holder said in a ceremony, as it was signed, so that it never says anything else in it.
dealings = Table(
    "dealings",
    metadata,
    Column("ceremony", LargeBinary, primary_key=True),
    Column("deal", LargeBinary, nullable=False),
    Column("shares", LargeBinary),  # sealed: what was dealt, in the order of recipients, until all have accepted
    Column("verdict", LargeBinary),
    Column("reply", LargeBinary),
)

shares = Table(
    "shares",
    metadata,
    Column("transcript", LargeBinary, primary_key=True),  # as the covenant's `ceremony` names it
    Column("holder", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed
)

rounds = Table(
    "rounds",
    metadata,
    Column("round_id", String(64), primary_key=True),
    Column("purpose", String(64), nullable=False),
    Column("announcement", LargeBinary, nullable=False),  # SHA-256 of what the coordinator signed
    Column("closes_at", BigInteger, nullable=False, index=True),
    Column("covenant_hash", LargeBinary),
    Column("report", LargeBinary),  # our final counts: signature and body; from then on nothing more is evaluated
    Column("taken", Integer, nullable=False, default=0),  # 1: the coordinator has the report
)

usage = Table(
    "usage",
    metadata,
    Column("round_id", String(64), ForeignKey("rounds.round_id"), primary_key=True),
    Column("member", String(20), primary_key=True),
    Column("elements", BigInteger, nullable=False),
    Column("batches", Integer, nullable=False),
)

# Batches that were counted, so that the same one under another quorum isn't counted again. Gone when the round is over.
batches = Table(
    "batches",
    metadata,
    Column("round_id", String(64), ForeignKey("rounds.round_id"), primary_key=True),
    Column("member", String(20), primary_key=True),
    Column("batch", LargeBinary, primary_key=True),  # SHA-256 of the elements
)

# How many different batches a member asked for on a day (UTC), in all rounds together.
days = Table(
    "days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("member", String(20), primary_key=True),
    Column("requests", Integer, nullable=False),
)
