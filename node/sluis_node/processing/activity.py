"""What a node processes personal data for: the activities that its register (AVG, article 30) describes."""

from __future__ import annotations

from enum import StrEnum


class Activity(StrEnum):
    """A processing activity; the value is the last part of its address in the register."""

    TAKE_PART = "take-part"  # a caseload is checked, tagged and handed in
    CONFIRM = "confirm"  # a claim is examined and answered, a match is kept
    SHOW = "show"  # a match, a case or an approach is looked at
    REVIEW = "review"  # somebody decides about a match
    CONTACTS = "contacts"  # contact cards cross
    APPROACH = "approach"  # a joint approach is drafted, signed, ended
    INFORM = "inform"  # the family is informed, or that is postponed
    RIGHTS = "rights"  # somebody uses a right
    TOTALS = "totals"  # cases are counted for the national picture
    RETENTION = "retention"  # what is past its term is deleted


def activity_uri(activity: Activity, *, oin: str, register: str) -> str:
    """`dpl.core.processing_activity_id`: in the register that is configured, or a URN of the municipality's own."""
    return register.rstrip("/") + "/" + activity if register else f"urn:nld:oin:{oin}:verwerking:sluis-{activity}"
