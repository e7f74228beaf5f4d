"""How long what is kept: `[retention]` in node.toml, in days. Defaults, and ceilings that no configuration may pass."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field
from sluis_runtime.config import Section


class Category(StrEnum):
    """What goes by itself; see `RetentionSettings`."""

    REPEATS = "repeats"
    LAPSED = "lapsed"
    ENDED = "ended"
    MATCHES = "matches"
    REFERENCES = "references"
    TOTALS = "totals"
    NOTICES = "notices"
    ANOMALIES = "anomalies"
    REQUESTS = "requests"
    PROMISES = "promises"
    PROCESSING = "processing"
    PROOFS = "proofs"


CEILINGS = {
    Category.REPEATS: 30,
    Category.LAPSED: 180,
    Category.ENDED: 730,
    Category.MATCHES: 365,
    Category.REFERENCES: 730,
    Category.TOTALS: 1_826,
    Category.NOTICES: 90,
    Category.ANOMALIES: 1_095,
    Category.REQUESTS: 1_826,
    Category.PROMISES: 1_826,
    Category.PROCESSING: 1_826,
    Category.PROOFS: 1_826,
}


def _days(category: Category) -> object:
    return Field(ge=1, le=CEILINGS[category])


class RetentionSettings(Section):
    """`[retention]`: days that each category is kept.

    repeats: another handshake of a pair that was known, which nobody took up; from its end. lapsed: a handshake
    that came to nothing; from its end. ended: an approach that was closed or withdrawn; from its end. matches: from
    the last round that found it, and as long as a handshake of it is kept. references: of a family that no match
    needs any more. totals: figures of a period, from when they could be approved. notices: from when they were
    written. anomalies: from when they were noted. requests: of persons concerned, from when they were done or
    lifted. promises: hashes of what was found in the coordinator's log, from when that happened. processing: the
    processing log. proofs: of deletions.
    """

    repeats: Annotated[int, _days(Category.REPEATS)] = 14
    # A quarter, until its figures are counted.
    lapsed: Annotated[int, _days(Category.LAPSED)] = 125
    ended: Annotated[int, _days(Category.ENDED)] = 365
    matches: Annotated[int, _days(Category.MATCHES)] = 180
    references: Annotated[int, _days(Category.REFERENCES)] = 365
    # No shorter than a period takes from its last day to its sum: older ones are refused.
    totals: Annotated[int, Field(ge=180, le=CEILINGS[Category.TOTALS])] = 730
    notices: Annotated[int, _days(Category.NOTICES)] = 30
    anomalies: Annotated[int, _days(Category.ANOMALIES)] = 365
    requests: Annotated[int, _days(Category.REQUESTS)] = 1_095
    promises: Annotated[int, _days(Category.PROMISES)] = 365
    processing: Annotated[int, _days(Category.PROCESSING)] = 1_095
    proofs: Annotated[int, _days(Category.PROOFS)] = 1_826

    def days(self, category: Category) -> int:
        """How long a category is kept."""
        found: int = getattr(self, category)
        return found
