"""The node's tables. A column marked *sealed* holds what `vault` encrypted; nothing personal stands in any other.

Times are milliseconds since 1970. What a round leaves behind, and until when: docs/adr/0005.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

key_check = Table(
    "key_check",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # sealed: opens only with the storage key that all else has
)

covenants = Table(
    "covenants",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", Text, nullable=False),
)

rounds = Table(
    "rounds",
    metadata,
    Column("round_id", String(64), primary_key=True),
    Column("covenant_hash", LargeBinary, ForeignKey("covenants.hash"), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("announcement", LargeBinary, nullable=False),  # the payload, as it was signed
    Column("closes_at", BigInteger, nullable=False),
    Column("confirm_until", BigInteger, nullable=False, index=True),
    Column("state", String(16), nullable=False),  # see store.RoundState
    Column("seed", LargeBinary),  # sealed: the blinds of this round come of it
    Column("rows", LargeBinary),  # sealed: the submission, to send the same again
    Column("families", Integer, nullable=False, default=0),  # as submitted, dummies included
    Column("persons", Integer, nullable=False, default=0),
    Column("slots", Integer, nullable=False, default=0),
    Column("commitment", LargeBinary),
    Column("participants", Integer, nullable=False, default=0),
    Column("claims", Integer, nullable=False, default=0),  # as published
    Column("abandoned", Text, nullable=False, default=""),
)

own_families = Table(
    "own_families",
    metadata,
    Column("round_id", String(64), ForeignKey("rounds.round_id"), primary_key=True),
    Column("handle", LargeBinary(8), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # sealed: ids, cases, kinds, tags and openings
)

claims = Table(
    "claims",
    metadata,
    Column("candidate_id", LargeBinary(16), primary_key=True),
    Column("round_id", String(64), ForeignKey("rounds.round_id"), nullable=False, index=True),
    Column("counterpart", String(20), nullable=False),
    Column("said", LargeBinary, nullable=False),  # SHA-256 of the claim: the same candidate is never claimed otherwise
    Column("state", String(16), nullable=False),  # see store.ClaimState
    Column("grade", String(8), nullable=False),
    Column("answer", LargeBinary, nullable=False),  # our confirmation: body …
    Column("signature", LargeBinary, nullable=False),  # … and signature, as first sent
    Column("secret", LargeBinary),  # sealed: the confirm key
    Column("reference", LargeBinary),  # sealed: our family reference
    Column("content", LargeBinary),  # sealed: family, cases, persons
)

# `references` is a reserved word of SQL.
family_references = Table(
    "family_references",
    metadata,
    Column("family", LargeBinary, primary_key=True),  # look-up value of purpose, own family and counterpart
    Column("reference", LargeBinary, nullable=False),  # sealed
    Column("unneeded_since", BigInteger),  # no match needs it since a run of retention noted that
)

matches = Table(
    "matches",
    metadata,
    Column("match", String(32), primary_key=True),
    Column("round_id", String(64), nullable=False),
    Column("last_round", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("counterpart", String(20), nullable=False),
    Column("grade", String(8), nullable=False),
    Column("found_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed: family, cases, persons
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of what happened: noted once
    Column("round_id", String(64), nullable=False),
    Column("party", String(20), nullable=False),
    Column("code", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("do", Text, nullable=False),
    Column("evidence", LargeBinary),  # sealed: the signed message or messages
    Column("noted_at", BigInteger, nullable=False),
)
