"""The tables of the watch over the log. Hashes, ids and the coordinator's signed answers. Times: milliseconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from ..tables import metadata

# The last checkpoint that was found good: nothing that contradicts it is believed any more.
log_seen = Table(
    "log_seen",
    metadata,
    Column("id", Integer, primary_key=True),  # 1
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the coordinator's signed answer …
    Column("signature", LargeBinary, nullable=False),
    Column("covenant", Text, nullable=False),  # … and the covenant's note that it was given under
    Column("at", BigInteger, nullable=False),
    Column("cosigned", Integer, nullable=False),  # 1: the coordinator has our cosignature
)

# Events that must be in the log: see `owed.Owed`. Once found, one is in it for ever, because the log only grows.
log_owed = Table(
    "log_owed",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("round_id", String(64), nullable=False),
    Column("party", String(20), nullable=False),
    Column("count", BigInteger),
    Column("promise", LargeBinary),  # signature and body of what the coordinator signed; goes when it is found
    Column("leaf", BigInteger),  # its index
    Column("lost", Integer, nullable=False, server_default="0"),  # 1: somebody answers for it (`log resume`)
    UniqueConstraint("kind", "digest"),
)

log_alarms = Table(
    "log_alarms",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("charge", String(16), nullable=False),  # see sluis_protocol.evidence.Charge
    Column("what", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # the file for third parties
    Column("noted_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger, index=True),  # none: this node takes part in nothing
    Column("settled_by", String(200)),
    Column("why", Text),
)
