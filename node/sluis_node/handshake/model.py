"""What people see of a match and of what follows it: cases, whose turn it is, what was done. Data only.

Nothing of the other side is in it that the other side didn't hand over; in particular not what it decides (rule 8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from sluis_protocol.approach import Approach, Criteria, Partner
from sluis_protocol.content import ContactCard
from sluis_protocol.handshake import Active, Drafting, Side, State

from ..round.matches import FamilyMatch
from ..round.own_family import Member
from .review import Review


class Phase(StrEnum):
    """Where a case stands, as this municipality may know it."""

    UNOPENED = "unopened"  # proven, but the coordinator has not opened the handshake yet
    REVIEWING = "reviewing"  # two of our people decide
    DECLINED = "declined"  # they decided against; nobody else learns it
    ACCEPTED = "accepted"  # they decided for it; the other side is silent so far
    AGREED = "agreed"
    DRAFTING = "drafting"
    ACTIVE = "active"
    CLOSED = "closed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen."""
        return self in (Phase.CLOSED, Phase.LAPSED, Phase.WITHDRAWN)


class Todo(StrEnum):
    """What a case asks of people."""

    RECOMMEND = "recommend"  # the first of two
    DECIDE = "decide"  # the second, another person
    SEND_CARD = "send-card"
    PROPOSE = "propose"
    SIGN = "sign"  # read the newest draft: sign it, or amend it
    INFORM = "inform"  # the family, or say until when not (rule 14)


class Caution(StrEnum):
    """What a reviewer must know before anything else."""

    VERIFY_IDENTITY = "verify-identity"  # rule 9
    SECRECY = "secrecy"  # rule 18
    DOUBT = "doubt"  # rule 18
    OBJECTED = "objected"  # rule 15: somebody whom it is about objected, or was erased


class Whose(StrEnum):
    """Who did a step."""

    OURS = "ours"
    THEIRS = "theirs"
    NOBODYS = "nobodys"


class What(StrEnum):
    """What happened in a case."""

    FOUND = "found"
    OPENED = "opened"
    RECOMMENDED = "recommended"
    DECIDED = "decided"
    DIFFERED = "differed"
    RECONSIDERED = "reconsidered"
    TOOK_BACK = "took-back"
    AGREED = "agreed"
    CARD = "card"
    PROPOSED = "proposed"
    AMENDED = "amended"
    SIGNED = "signed"
    ACTIVE = "active"
    INFORMED = "informed"
    POSTPONED = "postponed"
    ASKED = "asked"
    ESCALATED = "escalated"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    REFUSED = "refused"  # a step of ours came too late, or another was first
    RIGHT_USED = "right-used"  # a person concerned used a right: the other side is told (rule 15)


class Postponement(StrEnum):
    """Why the family isn't informed yet: a closed list."""

    CHILDS_SAFETY = "childs-safety"
    ANOTHERS_SAFETY = "anothers-safety"
    INVESTIGATION = "investigation"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Informing:
    """Who was informed of the joint approach and when, or why not yet and until when (rule 14)."""

    parents: date | None = None
    young_persons: date | None = None
    postponed: Postponement | None = None
    until: date | None = None

    def holds(self, today: date, *, young: bool) -> bool:
        """Whether rule 14 is met today; `young`: there is a young person from 16."""
        if self.postponed is not None:
            return self.until is not None and today <= self.until
        return self.parents is not None and (self.young_persons is not None or not young)


@dataclass(frozen=True, slots=True)
class Happening:
    """One step in a case: what, by whom, when. `by` is one of our people, or ""."""

    what: What
    whose: Whose
    by: str = field(repr=False)
    at: datetime
    details: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What people put into a draft; the node adds the rest of the contract."""

    lead: str
    start: date
    end: date
    partners: tuple[Partner, ...] = ()
    criteria: Criteria | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of the contract, and whose signatures verify; the newest is what counts.

    `fault` says why it can't be signed, or is no contract though the other side signed it; "" if nothing is wrong.
    """

    version: int
    proposed_by: Side
    approach: Approach = field(repr=False)
    signatures: Mapping[Side, bytes] = field(repr=False, default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a case asks of people; `mine` says whether the person who looks may do it."""

    todo: Todo
    match: str
    family: str = field(repr=False)
    counterpart: str
    purpose: str
    deadline: datetime | None
    mine: bool = True


@dataclass(frozen=True, slots=True)
class Brief:
    """A case in a list."""

    match: FamilyMatch
    phase: Phase
    deadline: datetime | None
    overdue: bool
    tasks: tuple[Task, ...]
    revision: int
    known: bool
    """The pair was known from an earlier round, so nobody was notified."""


@dataclass(frozen=True, slots=True)
class Case:
    """A match with everything that came after it.

    `revision` goes back with what people do, so that they act on what they saw. `sending` are steps of ours that the
    coordinator doesn't have yet, or hasn't entered. `overdue`: the deadline passed by our clock.
    """

    match: FamilyMatch
    handshake: str
    known: bool
    side: Side
    phase: Phase
    state: State | None
    deadline: datetime | None
    overdue: bool
    next_actor: str
    revision: int
    cautions: tuple[Caution, ...]
    members: tuple[Member, ...] = field(repr=False)
    review: Review
    tasks: tuple[Task, ...]
    sending: tuple[str, ...]
    own_card: ContactCard | None = field(repr=False)
    their_card: ContactCard | None = field(repr=False)
    drafts: tuple[Draft, ...]
    informing: Informing | None
    young_persons: tuple[str, ...] = field(repr=False)
    history: tuple[Happening, ...] = field(repr=False)

    @property
    def draft(self) -> Draft | None:
        """The draft, or contract, that counts; None if there is none, or if it couldn't be read."""
        return counting(self.drafts, self.state)


def counting(drafts: Sequence[Draft], state: State | None) -> Draft | None:
    """The draft that a state is about; of a handshake that has ended, the newest."""
    if isinstance(state, Drafting | Active):
        return next((draft for draft in drafts if draft.approach.digest == state.digest), None)
    return drafts[-1] if drafts else None
