"""The chain of a handshake's entries: what happened, in which order, the same for both nodes (protocol.md, 7).

The coordinator puts both sides' signed moves in order, by an entry of its own for each step, which names the one
before. A move names the entry that it follows, so a coordinator that tells the two sides different histories is caught
with the next move. Everybody applies the same `advance`. No I/O; covenants and the time are arguments. What the moves
contain is sealed, and not looked at here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from . import handshake as states
from .covenant import Covenant, HandshakeTerms
from .errors import Anomaly, HandshakeError, LegalGroundMissing, MalformedMessage, NotAMember
from .handshake import GROUNDED, Act, Agreed, Deciding, Event, Side, State
from .messages import Entry, Letter, Move, Opening
from .signed import Envelope, Kind, SignedMessage, open_signed
from .wire import decode

NO_HEAD = bytes(32)
_REPORT = "keep it, and report it to the covenant authority"


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake as it stands: its two sides, its state, and the newest entry (number, SHA-256, time)."""

    id: bytes
    purpose: str
    oins: tuple[str, str]
    state: State
    sequence: int
    head: bytes
    at: datetime

    @property
    def name(self) -> str:
        """The id in hex: the round id of its messages."""
        return self.id.hex()

    def side(self, oin: str) -> Side:
        """Which side a party is; raise NotAMember if it is neither."""
        if oin not in self.oins:
            raise NotAMember("this party has no part in the handshake", party=oin, handshake=self.name)
        return Side.A if oin == self.oins[0] else Side.B

    def oin(self, side: Side) -> str:
        """The OIN of a side."""
        return self.oins[0] if side is Side.A else self.oins[1]

    def counterpart(self, oin: str) -> str:
        """The OIN of the other side; raise NotAMember if this is neither."""
        return self.oin(self.side(oin).other)


@dataclass(frozen=True, slots=True)
class Made:
    """A move whose signature was verified."""

    message: SignedMessage = field(repr=False)
    envelope: Envelope
    move: Move


@dataclass(frozen=True, slots=True)
class Step:
    """An entry that was verified, its moves, and the handshake after it."""

    entry: Entry
    moves: tuple[Made, ...]
    handshake: Handshake

    @property
    def is_lapse(self) -> bool:
        """Whether nobody moved: a deadline passed."""
        return not self.moves and self.entry.opening is None


def event_of(move: Move, side: Side) -> Event:
    """A move as an event of the state machine."""
    match move.act:
        case Act.ACCEPT:
            return states.Accept(side)
        case Act.PROPOSE | Act.AMEND:
            if move.until is None:
                raise MalformedMessage("a draft has an end", field="until")
            kind = states.Propose if move.act is Act.PROPOSE else states.Amend
            return kind(side, move.version, move.digest, move.until)
        case Act.SIGN:
            return states.Sign(side, move.digest)
        case Act.CLOSE:
            return states.Close(side)
        case Act.WITHDRAW:
            return states.Withdraw(side)
    raise MalformedMessage(f"nobody moves by {move.act}", field="act")


def open_move(
    message: SignedMessage, covenant: Covenant, *, handshake: str, now: datetime | None, caller: str | None = None
) -> Made:
    """Verify a move as any signed message (`open_signed`), and that its payload names the same handshake (hex)."""
    envelope = open_signed(message, covenant, Kind.MOVE, round_id=handshake, now=now, caller=caller)
    move = decode(Move, envelope.payload)
    if move.handshake_id.hex() != handshake:
        raise MalformedMessage("a move names two handshakes", party=envelope.sender)
    return Made(message, envelope, move)


def open_letter(
    message: SignedMessage, covenant: Covenant, *, handshake: str, now: datetime | None, caller: str | None = None
) -> Letter:
    """Verify a letter as any signed message (`open_signed`), and that its payload names the same handshake (hex).

    Left to the caller: that the sender is one of the two sides, and that the number is the next of its letters.
    """
    envelope = open_signed(message, covenant, Kind.LETTER, round_id=handshake, now=now, caller=caller)
    letter = decode(Letter, envelope.payload)
    if letter.handshake_id.hex() != handshake:
        raise MalformedMessage("a letter names two handshakes", party=envelope.sender)
    return letter


def begin(
    entry: SignedMessage, handshake_id: bytes, opening: Opening, at: datetime, terms: HandshakeTerms
) -> Handshake:
    """The handshake that an opening entry begins."""
    state = states.open_handshake(at, terms)
    return Handshake(handshake_id, opening.purpose, opening.oins, state, 0, entry.digest, at)


def apply(handshake: Handshake, moves: Sequence[tuple[str, Move]], at: datetime, terms: HandshakeTerms) -> State:
    """The state after one step: both sides' accepts, one move (sender's OIN, move), or none, which is a lapse.

    While deciding, no move is told alone, so that nobody learns the other's yes. Raises HandshakeError.
    """
    state = handshake.state
    for sender, move in moves:
        state = states.advance(state, event_of(move, handshake.side(sender)), at, terms)
    if not moves:
        return states.advance(state, states.Lapse(), at, terms)
    if len(moves) != (2 if isinstance(handshake.state, Deciding) else 1):
        raise HandshakeError("a step has one move, and the first one has both sides' accepts")
    if isinstance(handshake.state, Deciding) and not isinstance(state, Agreed):
        raise HandshakeError("the first step is that both accept")
    return state


def require_ground(handshake: Handshake, covenant: Covenant, act: Act, at: datetime) -> None:
    """Raise NotAMember or LegalGroundMissing if this act may not be done under this covenant (rule 20).

    What leads towards an approach needs two members and a purpose in force; what ends one is always allowed.
    """
    if act in GROUNDED:
        for oin in handshake.oins:
            covenant.member(oin)
        covenant.purpose(handshake.purpose, at.date())


def extend(handshake: Handshake, entry: SignedMessage, state: State, at: datetime) -> Handshake:
    """The handshake with one more entry."""
    return replace(handshake, state=state, sequence=handshake.sequence + 1, head=entry.digest, at=at)


def open_step(
    message: SignedMessage,
    handshake: Handshake | None,
    covenant_of: Callable[[bytes], Covenant],
    *,
    now: datetime,
) -> Step:
    """Verify the next entry of a handshake (None: of one that begins) and apply it.

    1. the coordinator signed it, under a covenant version known here (`covenant_of` raises WrongCovenant otherwise),
       for the handshake that it names;
    2. it is an opening where there is no handshake yet, and else the entry right after the newest: Anomaly for a gap,
       a replay or a fork;
    3. its time is not before that of the entry before, and not after now (but for the covenant's clock tolerance);
    4. each of its moves is signed by one of the two sides, follows the same entry, and is not dated after it;
    5. the covenant has a ground for it (`require_ground`), and the state machine allows it: a lapse only after the
       deadline, everything else only before it.

    Left to the caller: an entry that it has already (the same bytes: a delivery that came again); that an opening names
    itself, and a match with that counterpart; that its own moves are ones that it made and did not take back; and what
    the sealed contents are.
    """
    claimed = message.envelope
    covenant = covenant_of(claimed.covenant_hash)
    envelope = open_signed(message, covenant, Kind.ENTRY, round_id=claimed.round_id, now=None)
    entry, at, terms = decode(Entry, envelope.payload), envelope.sent_at, covenant.terms.handshake
    if entry.handshake_id.hex() != envelope.round_id:
        raise _wrong("an entry names two handshakes", envelope)
    tolerance = timedelta(seconds=covenant.terms.limits.clock_tolerance_seconds)
    if at > now + tolerance:
        raise _wrong("an entry is dated in the future", envelope)
    if handshake is None:
        if entry.opening is None:
            raise _wrong("a handshake begins without an opening", envelope)
        return Step(entry, (), begin(message, entry.handshake_id, entry.opening, at, terms))
    if entry.handshake_id != handshake.id:
        raise _wrong("an entry is of another handshake", envelope)
    if (entry.sequence, entry.previous) != (handshake.sequence + 1, handshake.head):
        what = "is missing before this one" if entry.sequence > handshake.sequence + 1 else "is there in two ways"
        raise _wrong(f"an entry of a handshake {what}", envelope)
    if at < handshake.at:
        raise _wrong("an entry is dated before the one before it", envelope)
    moves = tuple(_open_own(each, handshake, covenant_of, at + tolerance) for each in entry.moves)
    try:
        for made in moves:
            require_ground(handshake, covenant, made.move.act, at)
        state = apply(handshake, [(made.envelope.sender, made.move) for made in moves], at, terms)
    except (HandshakeError, LegalGroundMissing, NotAMember) as error:
        raise _wrong(f"the coordinator let through what can't be: {error.what}", envelope) from error
    return Step(entry, moves, extend(handshake, message, state, at))


def _open_own(
    message: SignedMessage, handshake: Handshake, covenant_of: Callable[[bytes], Covenant], latest: datetime
) -> Made:
    covenant = covenant_of(message.envelope.covenant_hash)
    made = open_move(message, covenant, handshake=handshake.name, now=None)
    handshake.side(made.envelope.sender)
    if made.move.follows != handshake.head:
        raise _wrong("a move follows another entry than the newest: there are two histories", made.envelope)
    if made.envelope.sent_at > latest:
        raise _wrong("a move is dated after the entry that has it", made.envelope)
    return made


def _wrong(what: str, envelope: Envelope) -> Anomaly:
    return Anomaly(what, do=_REPORT, party=envelope.sender, handshake=envelope.round_id)
