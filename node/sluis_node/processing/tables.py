"""The tables of the processing log, of the rights that people used, and of what was deleted.

Persons stand in them as keyed hashes only. The log is append-only: triggers refuse every change, and every deletion of
what is younger than the retention's last cut (migration 0003).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from ..tables import metadata

processing_log = Table(
    "processing_log",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("trace_id", LargeBinary(16), nullable=False, index=True),
    Column("span_id", LargeBinary(8), nullable=False, unique=True),
    Column("parent_span_id", LargeBinary(8)),  # of an outcome: what it is the outcome of
    Column("status", Integer, nullable=False),  # see log.Status
    Column("name", String(64), nullable=False),
    Column("activity", String(64), nullable=False),  # see activity.Activity
    Column("actor", String(255), nullable=False),  # who did it: a reviewer's id, "" for the node itself
    Column("reference", String(64), nullable=False),  # a match or round id, or ""
    Column("started_at", BigInteger, nullable=False, index=True),
    Column("ended_at", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the entry and the digest before it
)

processing_subjects = Table(
    "processing_subjects",
    metadata,
    Column("number", Integer, ForeignKey("processing_log.number"), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),  # look-up value of a person id
    Index("ix_processing_subjects_subject", "subject"),
)

# One row: until when the log may be deleted, number and digest of what was deleted last, and how far the file is.
processing_cut = Table(
    "processing_cut",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("before", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("exported", Integer, nullable=False),
)
