"""The tables of what follows a match.

A column marked *sealed* holds what `vault` encrypted; nothing personal stands in any other. Times are milliseconds
since 1970.
"""

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


def _handshake(*, primary_key: bool = False) -> Column[bytes]:
    return Column("handshake", LargeBinary(16), ForeignKey("handshakes.id"), primary_key=primary_key, nullable=False)


handshakes = Table(
    "handshakes",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # the candidate's id, the same at both nodes and the coordinator
    Column("match", String(32), nullable=False, index=True),  # "" until the match is proven here
    Column("known", Integer, nullable=False),  # 1: the pair was known from an earlier round; nobody is notified
    Column("purpose", String(64), nullable=False),
    Column("counterpart", String(20), nullable=False),
    Column("state", String(16), nullable=False, index=True),  # see sluis_protocol.handshake; "" until it is opened
    Column("details", Text, nullable=False),  # the state's own fields: times, sides and hashes
    Column("sequence", Integer, nullable=False),  # of the newest entry of its chain; -1 until it is opened
    Column("head", LargeBinary, nullable=False),  # SHA-256 of that entry's body
    Column("head_at", BigInteger, nullable=False),  # its time
    Column("attempt", Integer, nullable=False),  # of our people's review: the one that counts, from 0
    Column("revision", Integer, nullable=False),  # changes of any kind, so that people act on what they saw
    Column("made_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

opinions = Table(
    "opinions",
    metadata,
    _handshake(primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("eye", Integer, primary_key=True),
    Column("reviewer", LargeBinary, nullable=False),  # look-up value: nobody is both eyes
    Column("content", LargeBinary, nullable=False),  # sealed: who, what and why
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("handshake", "attempt", "reviewer"),
)

steps = Table(
    "steps",
    metadata,
    Column("number", Integer, primary_key=True),
    _handshake(),
    Column("digest", LargeBinary, nullable=False, unique=True),  # look-up value of who did what: done once
    Column("what", String(32), nullable=False),  # see steps.What
    Column("content", LargeBinary, nullable=False),  # sealed: by whom, and the particulars
    Column("at", BigInteger, nullable=False),
    Index("ix_steps_handshake", "handshake", "number"),
)

papers = Table(
    "papers",
    metadata,
    _handshake(primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # sealed: contact cards; drafts, with their signatures
    Column("at", BigInteger, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    _handshake(primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the body
    Column("body", LargeBinary, nullable=False),  # as the coordinator signed it
    Column("signature", LargeBinary, nullable=False),
)

letters = Table(
    "letters",
    metadata,
    _handshake(primary_key=True),
    Column("number", Integer, primary_key=True),  # of the counterpart's letters
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the body
)

handshake_mail = Table(
    "handshake_mail",
    metadata,
    Column("number", Integer, primary_key=True),
    _handshake(),
    Column("act", String(16), nullable=False),  # of a move; of a letter "letter"
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the body
    Column("body", LargeBinary, nullable=False),  # as we signed it; its content is sealed to the counterpart
    Column("signature", LargeBinary, nullable=False),
    Column("progress", String(16), nullable=False, index=True),  # see moves.Progress
    Column("at", BigInteger, nullable=False),
    Index("ix_handshake_mail_handshake", "handshake", "number"),
)
