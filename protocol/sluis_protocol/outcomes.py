"""How a joint approach ended: a closed list. It is beside `content`, since the covenant's goals name outcomes, too."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How an approach ended."""

    GOALS_REACHED = "goals-reached"
    HANDED_OVER = "handed-over"
    ONE_SIDE_ENDED = "one-side-ended"
    FAMILY_LEFT = "family-left"
    WITHOUT_RESULT = "without-result"
