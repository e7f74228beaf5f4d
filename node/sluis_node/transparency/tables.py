"""The tables of the watch over the log. Hashes, ids and the coordinator's signed answers. Times: milliseconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

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

# Events of our own that were found in the log once. It only grew since, so they are in it still.
log_found = Table(
    "log_found",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("leaf", BigInteger),  # its index; none: it is not there, and somebody answers for that (`log resume`)
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
