"""The coordinator's tables. Times are UTC.

What a row may say of persons: nothing but the tags in `outbox` (inside signed claims), which go with their round, and
what the two sides of a handshake sealed to each other.
The migrations make these tables; a test compares the two.
"""

from __future__ import annotations

from datetime import datetime

from sluis_protocol.encoding import millis, moment
from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """A timezone-aware time, kept as milliseconds since 1970, as on the wire."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (SQLAlchemy's)
        """To the database."""
        return None if value is None else millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else moment(value)


metadata = MetaData()

# SQLite gives an id only to an INTEGER primary key; elsewhere 64 bits are wanted.
_Id = BigInteger().with_variant(Integer, "sqlite")

covenants = Table(
    "covenants",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", String, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", String, primary_key=True),
    Column("purpose", String, nullable=False),
    Column("covenant_hash", LargeBinary, ForeignKey("covenants.hash"), nullable=False),
    Column("state", String, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the signed announcement
    Column("signature", LargeBinary, nullable=False),
    Column("opens_at", Moment, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("confirm_until", Moment, nullable=False),
    Column("candidates", Integer, nullable=False, default=0),
    Column("abandoned", String, nullable=False, default=""),  # why, where it was
    Column("clean", Integer, nullable=False, default=0),  # 1: nothing is left that must be deleted
)

submissions = Table(
    "submissions",
    metadata,
    Column("round_id", String, ForeignKey("rounds.id"), primary_key=True),
    Column("oin", String, primary_key=True),
    Column("commitment", LargeBinary, nullable=False),
    Column("families", Integer, nullable=False),
    Column("persons", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the signed receipt
    Column("signature", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("round_id", String, ForeignKey("rounds.id"), nullable=False, index=True),
    Column("oin_a", String, nullable=False),
    Column("oin_b", String, nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    Column("candidate_id", LargeBinary, ForeignKey("candidates.id"), primary_key=True),
    Column("oin", String, primary_key=True),
    Column("refused", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # the node's signed confirmation
    Column("signature", LargeBinary, nullable=False),
)

handshakes = Table(
    "handshakes",
    metadata,
    Column("id", LargeBinary, primary_key=True),  # the candidate's, which is deleted earlier
    Column("purpose", String, nullable=False),
    Column("oin_a", String, nullable=False),
    Column("oin_b", String, nullable=False),
    Column("state", String, nullable=False),
    Column("details", String, nullable=False),  # the state's fields: `sluis_protocol.stored`
    Column("sequence", Integer, nullable=False),  # of the newest entry
    Column("head", LargeBinary, nullable=False),  # its digest
    Column("at", Moment, nullable=False),
    Column("deadline", Moment, nullable=True, index=True),  # none: it has ended
    Column("purge_at", Moment, nullable=True, index=True),
)

handshake_entries = Table(
    "handshake_entries",
    metadata,
    Column("handshake_id", LargeBinary, ForeignKey("handshakes.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# What was taken from a side, so that the same bytes change nothing when they come again.
handshake_taken = Table(
    "handshake_taken",
    metadata,
    Column("handshake_id", LargeBinary, ForeignKey("handshakes.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("oin", String, nullable=False),
    Column("letter", Integer, nullable=False),  # its number; 0: a move
)

# A side's yes, held back until the other's is in.
handshake_held = Table(
    "handshake_held",
    metadata,
    Column("handshake_id", LargeBinary, ForeignKey("handshakes.id"), primary_key=True),
    Column("oin", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("recipient", String, nullable=False),
    Column("round_id", String, nullable=False, index=True),  # or a handshake's id in hex
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Index("outbox_by_recipient", "recipient", "id"),
    sqlite_autoincrement=True,  # an id never returns, so a late acknowledgement can't hit another item
)

totals_periods = Table(
    "totals_periods",
    metadata,
    Column("id", String, primary_key=True),
    Column("purpose", String, nullable=False),
    Column("label", String, nullable=False),
    Column("covenant_hash", LargeBinary, ForeignKey("covenants.hash"), nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),  # the signed opening
    Column("signature", LargeBinary, nullable=False),
    Column("enrol_until", Moment, nullable=False),
    Column("contribute_until", Moment, nullable=False),
    Column("unmask_until", Moment, nullable=False),
    Column("abandoned", String, nullable=False, default=""),  # why, where it was
)

# What the coordinator signed for a period: roster, contributors, release.
totals_signed = Table(
    "totals_signed",
    metadata,
    Column("period_id", String, ForeignKey("totals_periods.id"), primary_key=True),
    Column("what", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# What single nodes sent, one of each step; it goes when there is a sum, or when there will be none.
totals_taken = Table(
    "totals_taken",
    metadata,
    Column("period_id", String, ForeignKey("totals_periods.id"), primary_key=True),
    Column("step", String, primary_key=True),
    Column("oin", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# The shares of contributors' masks, by whom each is for; they go with what single nodes sent.
totals_shares = Table(
    "totals_shares",
    metadata,
    Column("period_id", String, ForeignKey("totals_periods.id"), primary_key=True),
    Column("recipient", String, primary_key=True),
    Column("sender", String, primary_key=True),
    Column("share", LargeBinary, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("round_id", String, nullable=False),  # or a handshake's id in hex; empty: the covenant's own events
    Column("party", String, nullable=False),  # empty: the coordinator itself
    Column("count", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, index=True),
    Column("salt", LargeBinary, nullable=False, default=b""),  # of a sealed leaf: `sluis_protocol.leaves`
    Index("events_by_round", "round_id", "kind"),
    sqlite_autoincrement=True,
)

# The log's tree: event n is leaf n - 1, and its perfect subtrees stand where `merkle.position` says.
log_hashes = Table(
    "log_hashes",
    metadata,
    Column("position", _Id, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

# Checkpoints as they were signed: the newest ones, and those that some node cosigned last.
log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", String, nullable=False),
    Column("at", Moment, nullable=False),  # when it was last given to somebody
)

# Each node's newest cosignature.
log_cosignatures = Table(
    "log_cosignatures",
    metadata,
    Column("oin", String, primary_key=True),
    Column("size", BigInteger, ForeignKey("log_checkpoints.size"), nullable=False),
    Column("line", String, nullable=False),
)

# What key holders counted in a round, as they signed it.
usages = Table(
    "usages",
    metadata,
    Column("round_id", String, ForeignKey("rounds.id"), primary_key=True),
    Column("oin", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
