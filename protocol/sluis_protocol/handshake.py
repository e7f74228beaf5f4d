"""The states of a handshake between two municipalities, and the one table of what may follow what (protocol.md, 7).

No I/O, no clock, no keys: a state holds its own data and its deadline, and says who must act next; `advance` answers
what an event leads to. The coordinator and both nodes apply the same events to copies of their own. Not here: who
signed an event (`chain.py`), and what the two agree on (`approach.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from .confirm import CANDIDATE_BYTES
from .covenant import HandshakeTerms
from .errors import HandshakeError

HANDSHAKE_BYTES = CANDIDATE_BYTES  # a handshake has the id of the candidate that both sides confirmed


class Side(StrEnum):
    """The two municipalities of a handshake: A has the lower OIN."""

    A = "a"
    B = "b"

    @property
    def other(self) -> Side:
        """The counterpart."""
        return Side.B if self is Side.A else Side.A


BOTH = frozenset(Side)
NOBODY = frozenset[Side]()


class Act(StrEnum):
    """What can happen. All but a lapse are acts of one side, signed by it."""

    ACCEPT = "accept"
    PROPOSE = "propose"
    AMEND = "amend"
    SIGN = "sign"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


# What leads towards an approach, and so needs a purpose in force (rule 20). What ends one doesn't.
GROUNDED = frozenset({Act.ACCEPT, Act.PROPOSE, Act.AMEND, Act.SIGN})

# --- events


@dataclass(frozen=True, slots=True)
class Accept:
    """A side wants a joint approach. There is no event for a refusal: it is a silence."""

    act: ClassVar[Act] = Act.ACCEPT
    side: Side


@dataclass(frozen=True, slots=True)
class Propose:
    """A side proposes the first draft: the SHA-256 of the contract, and when the approach would end."""

    act: ClassVar[Act] = Act.PROPOSE
    side: Side
    version: int
    digest: bytes
    until: datetime


@dataclass(frozen=True, slots=True)
class Amend:
    """A side replaces the draft by the next version; signatures under the last one are gone."""

    act: ClassVar[Act] = Act.AMEND
    side: Side
    version: int
    digest: bytes
    until: datetime


@dataclass(frozen=True, slots=True)
class Sign:
    """A side signs the draft with that digest."""

    act: ClassVar[Act] = Act.SIGN
    side: Side
    digest: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The leading side ends an active approach. Who leads is in the sealed contract: the nodes check it."""

    act: ClassVar[Act] = Act.CLOSE
    side: Side


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A side ends it, whatever the other wants. While deciding it takes back its own yes, which nobody learns."""

    act: ClassVar[Act] = Act.WITHDRAW
    side: Side


@dataclass(frozen=True, slots=True)
class Lapse:
    """The deadline has passed."""

    act: ClassVar[Act] = Act.LAPSE


Event = Accept | Propose | Amend | Sign | Close | Withdraw | Lapse

# --- states


@dataclass(frozen=True, slots=True)
class Deciding:
    """Each side decides for itself. What the other decided, a node learns only once both have accepted."""

    name: ClassVar[str] = "deciding"
    next_actor: ClassVar[str] = "each municipality that has not accepted: two of its people decide"
    deadline: datetime
    accepted: frozenset[Side] = NOBODY

    @property
    def awaits(self) -> frozenset[Side]:
        """Whose turn it is."""
        return BOTH - self.accepted


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both want a joint approach. Contact cards cross."""

    name: ClassVar[str] = "agreed"
    next_actor: ClassVar[str] = "either municipality: one proposes a draft"
    deadline: datetime

    @property
    def awaits(self) -> frozenset[Side]:
        """Whose turn it is."""
        return BOTH


@dataclass(frozen=True, slots=True)
class Drafting:
    """A draft lies there: its version, SHA-256 and end, who made it, and who has signed it."""

    name: ClassVar[str] = "drafting"
    next_actor: ClassVar[str] = "each municipality that has not signed: it signs, or amends the draft"
    deadline: datetime
    version: int
    proposed_by: Side
    digest: bytes
    until: datetime
    signed: frozenset[Side] = NOBODY

    @property
    def awaits(self) -> frozenset[Side]:
        """Whose turn it is."""
        return BOTH - self.signed


@dataclass(frozen=True, slots=True)
class Active:
    """Both have signed the contract with that digest; it holds until its end."""

    name: ClassVar[str] = "active"
    next_actor: ClassVar[str] = "both municipalities work together; the leading one closes"
    digest: bytes
    until: datetime

    @property
    def deadline(self) -> datetime:
        """When the approach ends by itself."""
        return self.until

    @property
    def awaits(self) -> frozenset[Side]:
        """Whose turn it is."""
        return BOTH


@dataclass(frozen=True, slots=True)
class Closed:
    """An approach that was active has ended: closed by a side, or (None) at its end date."""

    name: ClassVar[str] = "closed"
    next_actor: ClassVar[str] = "nobody"
    deadline: ClassVar[None] = None
    awaits: ClassVar[frozenset[Side]] = NOBODY
    by: Side | None


@dataclass(frozen=True, slots=True)
class Lapsed:
    """No approach came about in time. A refusal and a silence look the same."""

    name: ClassVar[str] = "lapsed"
    next_actor: ClassVar[str] = "nobody"
    deadline: ClassVar[None] = None
    awaits: ClassVar[frozenset[Side]] = NOBODY


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A side ended it."""

    name: ClassVar[str] = "withdrawn"
    next_actor: ClassVar[str] = "nobody"
    deadline: ClassVar[None] = None
    awaits: ClassVar[frozenset[Side]] = NOBODY
    by: Side


State = Deciding | Agreed | Drafting | Active | Closed | Lapsed | Withdrawn
Final = Closed | Lapsed | Withdrawn
STATES: tuple[type[State], ...] = (Deciding, Agreed, Drafting, Active, Closed, Lapsed, Withdrawn)

# Where there are two, the first is for as long as the other side has not done the same.
TRANSITIONS: dict[tuple[str, Act], tuple[str, ...]] = {
    ("deciding", Act.ACCEPT): ("deciding", "agreed"),
    ("deciding", Act.WITHDRAW): ("deciding",),
    ("deciding", Act.LAPSE): ("lapsed",),
    ("agreed", Act.PROPOSE): ("drafting",),
    ("agreed", Act.WITHDRAW): ("withdrawn",),
    ("agreed", Act.LAPSE): ("lapsed",),
    ("drafting", Act.AMEND): ("drafting",),
    ("drafting", Act.SIGN): ("drafting", "active"),
    ("drafting", Act.WITHDRAW): ("withdrawn",),
    ("drafting", Act.LAPSE): ("lapsed",),
    ("active", Act.CLOSE): ("closed",),
    ("active", Act.WITHDRAW): ("withdrawn",),
    ("active", Act.LAPSE): ("closed",),
}


def open_handshake(at: datetime, terms: HandshakeTerms) -> Deciding:
    """The first state: from now on people decide, for so long as the covenant gives them."""
    return Deciding(at + timedelta(days=terms.decision_days))


def advance(state: State, event: Event, at: datetime, terms: HandshakeTerms) -> State:
    """The state that an event at that time leads to; raise HandshakeError if it can't happen.

    1. the table has the event in this state;
    2. the deadline has not passed, or, for a lapse, it has;
    3. the event fits the state's data: who acted already, which draft, when it would end.
    """
    if (state.name, event.act) not in TRANSITIONS:
        raise HandshakeError(
            f"there is nothing to {event.act} in a handshake that is {state.name}",
            do=f"next to act: {state.next_actor}",
        )
    deadline = state.deadline
    if deadline is not None and isinstance(event, Lapse) != (at >= deadline):
        passed = "has not passed yet" if isinstance(event, Lapse) else "has passed"
        raise HandshakeError(f"the deadline of a handshake that is {state.name} {passed}", deadline=deadline)
    following = _following(state, event, at, terms)
    if following.name not in TRANSITIONS[state.name, event.act]:
        raise HandshakeError(f"a handshake can't go from {state.name} to {following.name}")
    return following


def _following(state: State, event: Event, at: datetime, terms: HandshakeTerms) -> State:
    match event:
        case Accept(side):
            return _accept(state, side, at, terms)
        case Propose() | Amend():
            return _draft(state, event, at, terms)
        case Sign():
            return _sign(state, event)
        case Close(side):
            return Closed(side)
        case Withdraw(side):
            if not isinstance(state, Deciding):
                return Withdrawn(side)
            if side not in state.accepted:
                raise HandshakeError("there is no yes to take back", do="say nothing: a silence is a no")
            return Deciding(state.deadline, state.accepted - {side})
        case Lapse():
            return Closed(None) if isinstance(state, Active) else Lapsed()
    assert_never(event)


def _accept(state: State, side: Side, at: datetime, terms: HandshakeTerms) -> State:
    if not isinstance(state, Deciding) or side in state.accepted:
        raise HandshakeError("this side has accepted already", do="wait for the other side, or for the deadline")
    if (accepted := state.accepted | {side}) != BOTH:
        return Deciding(state.deadline, accepted)
    return Agreed(at + timedelta(days=terms.drafting_days))


def _draft(state: State, draft: Propose | Amend, at: datetime, terms: HandshakeTerms) -> State:
    if not isinstance(state, Agreed | Drafting):
        raise HandshakeError("there is nothing to draft")
    version = state.version + 1 if isinstance(state, Drafting) else 1
    if draft.version != version:
        raise HandshakeError(f"this is draft {draft.version}, and draft {version} is next", do="look at the newest one")
    if isinstance(state, Drafting) and draft.digest == state.digest:
        raise HandshakeError("the amended draft is the same as the last one", do="sign it, or change it")
    if not at < draft.until <= at + timedelta(days=terms.longest_days + 1):
        raise HandshakeError(
            f"an approach ends in the future, and within {terms.longest_days} days", do="choose another end date"
        )
    return Drafting(state.deadline, version, draft.side, draft.digest, draft.until)


def _sign(state: State, event: Sign) -> State:
    if not isinstance(state, Drafting) or event.digest != state.digest:
        raise HandshakeError("this signature is under another draft than the newest", do="read and sign the newest one")
    if event.side in state.signed:
        raise HandshakeError("this side has signed already", do="wait for the other side, or amend the draft")
    if (signed := state.signed | {event.side}) != BOTH:
        return Drafting(state.deadline, state.version, state.proposed_by, state.digest, state.until, signed)
    return Active(state.digest, state.until)


def diagram() -> str:
    """The transition table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", "    [*] --> deciding: both confirmed the match"]
    for (state, act), following in TRANSITIONS.items():
        if len(following) == 1:
            lines.append(f"    {state} --> {following[0]}: {act}")
        else:
            lines += [f"    {state} --> {name}: {act} ({who})" for name, who in zip(following, _WHO, strict=True)]
    return "\n".join([*lines, *(f"    {kind.name} --> [*]" for kind in (Closed, Lapsed, Withdrawn))]) + "\n"


_WHO = ("one side", "both sides")
