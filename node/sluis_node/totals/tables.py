"""The table of the totals. A column marked *sealed* holds what `vault` encrypted. Times are milliseconds since 1970."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from ..tables import metadata

totals_periods = Table(
    "totals_periods",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("purpose", String(64), nullable=False),
    Column("label", String(16), nullable=False),
    Column("covenant_hash", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False, index=True),  # see periods.Progress
    Column("until", BigInteger, nullable=False),  # when approving ends
    Column("opening", LargeBinary, nullable=False),  # signed messages: signature and body
    Column("content", LargeBinary),  # sealed: the figures, and who approved them
    Column("secret", LargeBinary),  # sealed: what the contribution is made of; goes at the end
    Column("enrolment", LargeBinary),
    Column("proof", LargeBinary),
    Column("roster", LargeBinary),
    Column("contribution", LargeBinary),
    Column("contributors", LargeBinary),  # the list for which the last word was said
    Column("unmasking", LargeBinary),
)
