"""What people are told, and who: "there is something for you", its type, and where to look.

A notice names no family, no municipality, no case and no match (rule 17). What it is about only keeps it from being
told twice. The one exception in content, not in rule: a dilemma is a question that was written without personal data,
and goes to people who have no console.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from sluis_protocol.errors import InputError

MOST_TEXT = 4_000


class Audience(StrEnum):
    """Who a notice is for; the configuration says which mailboxes and webhooks that are."""

    COORDINATORS = "coordinators"  # process coordinators and second reviewers
    PRIVACY = "privacy"  # the privacy officer
    ADMINISTRATORS = "administrators"
    PLATFORM = "platform"  # the innovation platform
    BOARD = "board"  # the strategic board


class NoticeKind(StrEnum):
    """What there is to look at. The value is stable: it is part of an event's type."""

    MATCH_FOUND = "match-found"
    REVIEW_NEEDED = "review-needed"  # a second person has to look
    REVIEWS_DIFFER = "reviews-differ"
    DECISION_DUE = "decision-due"
    AGREED = "agreed"
    NO_JOINT_APPROACH = "no-joint-approach"
    CARD_RECEIVED = "card-received"
    SIGNATURE_NEEDED = "signature-needed"
    DRAFT_DUE = "draft-due"
    ACTIVE = "active"
    APPROACH_ENDS = "approach-ends"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    INFORMING_DUE = "informing-due"  # a postponement of informing the family ends
    RIGHT_USED = "right-used"  # the other side tells that a person used a right
    TOTALS_WAIT = "totals-wait"  # figures for the national totals wait for an approval
    ANOMALY = "anomaly"
    DILEMMA = "dilemma"
    DILEMMA_ESCALATED = "dilemma-escalated"

    @property
    def audience(self) -> Audience:
        """Who it is for."""
        return _AUDIENCES.get(self, Audience.COORDINATORS)

    @property
    def page(self) -> str | None:
        """The page of the console that it leads to, never a case's own; None where the reader has no console."""
        return _PAGES.get(self, "inbox")


_AUDIENCES = {
    NoticeKind.RIGHT_USED: Audience.PRIVACY,
    NoticeKind.ANOMALY: Audience.ADMINISTRATORS,
    NoticeKind.DILEMMA: Audience.PLATFORM,
    NoticeKind.DILEMMA_ESCALATED: Audience.BOARD,
}
_PAGES = {
    NoticeKind.TOTALS_WAIT: "totals",
    NoticeKind.RIGHT_USED: "rights",
    NoticeKind.ANOMALY: "anomalies",
    NoticeKind.DILEMMA: None,
    NoticeKind.DILEMMA_ESCALATED: None,
}
_WITH_TEXT = frozenset({NoticeKind.DILEMMA, NoticeKind.DILEMMA_ESCALATED})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell.

    `about` says what happened, such as a handshake's id and sequence number: the same kind is told of it once. It stays
    in the node, hashed. `text`: a dilemma's question, at most 4000 characters; empty for all other kinds. That no
    personal data are in it is for the caller to check.
    """

    kind: NoticeKind
    about: str
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if (self.kind in _WITH_TEXT) != bool(self.text.strip()):
            raise InputError(
                "only a dilemma is sent with a text, and never without", do="write the question", field="text"
            )
        if len(self.text) > MOST_TEXT:
            raise InputError(f"the text is longer than {MOST_TEXT} characters", do="shorten it", field="text")
        if _CONTROL.search(self.text):
            raise InputError("the text has control characters", do="type it anew", field="text")
