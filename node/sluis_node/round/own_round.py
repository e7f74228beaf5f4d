"""A round as a node knows it, and how far the node is with it. Data only; `store` keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sluis_protocol.signed import SignedMessage


class RoundState(StrEnum):
    """How far a node is with a round."""

    JOINED = "joined"  # its announcement is known and the blinds are fixed; tagging goes on or starts again
    READY = "ready"  # the submission is stored; it may or may not have arrived
    SUBMITTED = "submitted"  # the coordinator has signed for it
    PUBLISHED = "published"  # claims come in and are answered
    FINISHED = "finished"  # nothing of it is left but its id and its counts


@dataclass(frozen=True, slots=True)
class OwnRound:
    """A round as this node knows it; sizes are as submitted, dummies included."""

    round_id: str
    covenant_hash: bytes
    purpose: str
    announcement: bytes
    closes_at: datetime
    confirm_until: datetime
    state: RoundState
    families: int
    persons: int
    slots: int
    commitment: bytes | None
    participants: int
    claims: int
    abandoned: str


@dataclass(frozen=True, slots=True)
class NewRound:
    """A round that this node is about to join, by the coordinator's signed announcement."""

    round_id: str
    purpose: str
    announcement: SignedMessage
    closes_at: datetime
    confirm_until: datetime


@dataclass(frozen=True, slots=True)
class Submitted:
    """The sizes and the commitment of a stored submission."""

    families: int
    persons: int
    slots: int
    commitment: bytes
