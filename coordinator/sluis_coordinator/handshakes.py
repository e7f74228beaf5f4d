"""From a match to a joint approach: the coordinator puts both sides' moves in order (protocol.md, 7).

It applies the protocol's state machine, signs an entry for each step and puts it in both outboxes, all in one
transaction. A side's yes is held back until the other's is in; until then there is no entry, no event and no mail, so
that neither the counterpart nor the record tells. What the sides seal to each other it can't read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sluis_protocol import chain
from sluis_protocol.chain import NO_HEAD, Handshake, Made, event_of, open_letter, open_move, require_ground
from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import HandshakeError, MalformedMessage, Overtaken, Replayed, WrongClock
from sluis_protocol.handshake import Act, Active, Agreed, Deciding, Drafting, State, advance
from sluis_protocol.messages import Entry, Opening
from sluis_protocol.signed import Envelope, Kind, SignedMessage
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger
from sqlalchemy import Connection

from . import events, outbox
from . import handshake_store as store
from .coordinator import Coordinator

MOST_LETTERS = 1_000  # of one side in one handshake
_NAME = re.compile(r"[0-9a-f]{32}")

log = logger("handshakes")


def begin(coordinator: Coordinator, connection: Connection, handshake_id: bytes, opening: Opening) -> None:
    """Open the handshake of a candidate that both sides confirmed, within the caller's transaction."""
    at = _now(coordinator)
    entry = _sign(coordinator, Entry(handshake_id, 0, NO_HEAD, opening), at)
    new = chain.begin(entry, handshake_id, opening, at, coordinator.covenant.terms.handshake)
    store.add(connection, new, entry)


def move(coordinator: Coordinator, oin: str, message: SignedMessage) -> Sequence[str]:
    """Take one side's move. Returns whom there is mail for now.

    1. its handshake exists, and the caller is one of its two sides;
    2. the very same move was not taken before: then nothing changes;
    3. it verifies under the covenant in force, by the caller's key, and is not dated in the future; it may have waited;
    4. where it leads towards an approach, both are members and the purpose is in force today;
    5. it follows the newest entry (Overtaken otherwise), and the state machine allows it (HandshakeError).
    """
    with transaction(coordinator.engine) as connection:
        handshake = _find(connection, message.envelope, oin)
        if store.was_taken(connection, handshake, oin, message):
            return ()
        made = open_move(message, coordinator.covenant, handshake=handshake.name, now=None, caller=oin)
        at = max(_now(coordinator), handshake.at)
        _require_past(coordinator, made.envelope, at)
        require_ground(handshake, coordinator.covenant, made.move.act, at)
        if made.move.follows != handshake.head:
            raise Overtaken(
                "the other side acted first", do="receive the mail, look, and decide again", handshake=handshake.name
            )
        told = _move(coordinator, connection, handshake, made, at)
        store.take(connection, handshake, oin, message)
        return told


def _move(
    coordinator: Coordinator, connection: Connection, handshake: Handshake, made: Made, at: datetime
) -> Sequence[str]:
    sender, terms = made.envelope.sender, coordinator.covenant.terms.handshake
    if not isinstance(handshake.state, Deciding):
        state = chain.apply(handshake, [(sender, made.move)], at, terms)
        return _step(coordinator, connection, handshake, state, (made.message,), at)
    state = advance(handshake.state, event_of(made.move, handshake.side(sender)), at, terms)
    if isinstance(state, Agreed):
        both = {**store.held(connection, handshake), sender: made.message}
        return _step(coordinator, connection, handshake, state, tuple(both[oin] for oin in handshake.oins), at)
    store.change(connection, handshake, state)
    if made.move.act is Act.ACCEPT:
        store.hold(connection, handshake, sender, made.message)
    else:
        store.release(connection, handshake, sender)
    return ()


def _step(
    coordinator: Coordinator,
    connection: Connection,
    handshake: Handshake,
    state: State,
    moves: tuple[SignedMessage, ...],
    at: datetime,
) -> Sequence[str]:
    content = Entry(handshake.id, handshake.sequence + 1, handshake.head, moves=moves)
    keep = timedelta(days=coordinator.covenant.terms.handshake.keep_days)
    store.step(connection, handshake, state, _sign(coordinator, content, at), at, keep)
    log.info("handshake", handshake=handshake.name, state=state.name)
    return handshake.oins


def write(coordinator: Coordinator, oin: str, message: SignedMessage) -> tuple[SignedMessage, Sequence[str]]:
    """Pass on a letter, once. The receipt, and whom there is mail for now.

    1. and 2. as for a move; 3. it verifies under the covenant in force, by the caller's key; 4. both sides have
    accepted, and nothing has ended; 5. it is the next of that side's letters (Replayed otherwise).
    """
    with transaction(coordinator.engine) as connection:
        told = _write(coordinator, connection, oin, message)
    return coordinator.receipt(events.Happened.LETTER, message), told


def _write(coordinator: Coordinator, connection: Connection, oin: str, message: SignedMessage) -> Sequence[str]:
    handshake = _find(connection, message.envelope, oin)
    if store.was_taken(connection, handshake, oin, message):
        return ()
    letter = open_letter(message, coordinator.covenant, handshake=handshake.name, now=None, caller=oin)
    at = max(_now(coordinator), handshake.at)
    _require_past(coordinator, message.envelope, at)
    state = handshake.state
    if not isinstance(state, Agreed | Drafting | Active) or at >= state.deadline:
        raise HandshakeError(f"a handshake that is {state.name} carries no letters", handshake=handshake.name)
    last = store.last_letter(connection, handshake, oin)
    if letter.number != last + 1:
        raise Replayed(f"this is letter {letter.number}, and {last + 1} is next", handshake=handshake.name)
    if letter.number > MOST_LETTERS:
        raise HandshakeError(f"a handshake carries {MOST_LETTERS} letters a side", handshake=handshake.name)
    store.take(connection, handshake, oin, message, letter.number)
    recipient = handshake.counterpart(oin)
    outbox.put(connection, recipient, handshake.name, message)
    events.record(connection, events.Happened.LETTER, at, message.digest, round_id=handshake.name)
    return (recipient,)


def lapse(coordinator: Coordinator, handshake: Handshake) -> None:
    """End a handshake whose deadline has passed; raise Overtaken or HandshakeError if that isn't so any more."""
    at = max(_now(coordinator), handshake.at)
    state = chain.apply(handshake, (), at, coordinator.covenant.terms.handshake)
    with transaction(coordinator.engine) as connection:
        _step(coordinator, connection, handshake, state, (), at)


def _find(connection: Connection, claimed: Envelope, oin: str) -> Handshake:
    """The handshake that a message names; to a third party there is none."""
    if not _NAME.fullmatch(claimed.round_id):
        raise MalformedMessage("the message names no handshake", party=oin)
    found = store.find(connection, bytes.fromhex(claimed.round_id))
    if oin not in found.oins:
        raise HandshakeError("there is no such handshake of this node", do="look at the newest mail")
    return found


def _require_past(coordinator: Coordinator, envelope: Envelope, at: datetime) -> None:
    """What is dated in the future, the other side would not believe."""
    tolerance = timedelta(seconds=coordinator.covenant.terms.limits.clock_tolerance_seconds)
    if envelope.sent_at > at + tolerance:
        raise WrongClock("the message is dated in the future", do="check the clock (NTP)", party=envelope.sender)


def _now(coordinator: Coordinator) -> datetime:
    """Now, as exactly as it is signed."""
    return moment(millis(coordinator.clock()))


def _sign(coordinator: Coordinator, entry: Entry, at: datetime) -> SignedMessage:
    name = entry.handshake_id.hex()
    return coordinator.sign(Kind.ENTRY, entry, name, coordinator.covenant.hash, at=at)
