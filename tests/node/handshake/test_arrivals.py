"""Entries and letters that nobody honest would send: refused, noted with the proof, and without effect."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node.handshake.model import Phase, What
from sluis_node.round.mail import Mail
from sluis_protocol.content import LETTER, ContactCard, seal_content
from sluis_protocol.covenant import Covenant
from sluis_protocol.messages import Delivery, Letter, Move, Opening
from sluis_protocol.signed import Kind, SignedMessage, sign
from sluis_protocol.wire import decode

from ...world import AUTHORITY, PURPOSE, member_oin
from ..desk import CASELOADS, ID
from .played import NAME, Played
from .rig import CARD, FIRST

ONE, TWO, THREE = member_oin(1), member_oin(2), member_oin(3)


def unmoved(played: Played, number: int, message: SignedMessage, *, what: str = "", name: str = NAME) -> None:
    """A node notes this message once, keeps it, and nothing else changes."""
    before = played.case(number)
    noted = played.anomalies(number)
    assert played.deliver(number, message, name=name)
    after = played.case(number)
    assert (after.state, after.history, after.drafts) == (before.state, before.history, before.drafts)
    assert after.revision == before.revision
    (new,) = played.anomalies(number)[len(noted) :]
    assert what in new
    evidence = played.round.nodes[number - 1].parts.anomalies.evidence(NAME)
    assert any(message.body in one for one in evidence)


# The opening.


def test_an_opening_by_somebody_else_than_the_coordinator(played: Played) -> None:
    unmoved(played, 1, played.entry(sender=TWO), what="only the coordinator")


def test_an_opening_with_a_forged_signature(played: Played) -> None:
    entry = played.entry()
    unmoved(played, 1, SignedMessage(entry.body, os.urandom(64)), what="does not verify")


@pytest.mark.parametrize(
    "opening", [Opening(PURPOSE, (ONE, THREE)), Opening("other-purpose", (ONE, TWO)), Opening(PURPOSE, (TWO, THREE))]
)
def test_an_opening_for_another_pair_or_purpose(played: Played, opening: Opening) -> None:
    unmoved(played, 1, played.entry(opening=opening), what="another pair or purpose")


def test_an_opening_of_a_handshake_that_is_not_ours_says_nothing(played: Played) -> None:
    name = os.urandom(16)
    entry = played.entry(handshake_id=name)
    assert played.deliver(1, entry, name=name.hex())
    assert not played.anomalies(1)
    assert played.case().phase is Phase.UNOPENED


def test_an_entry_that_names_two_handshakes(played: Played) -> None:
    unmoved(played, 1, played.entry(handshake_id=os.urandom(16)), what="names two handshakes")


def test_an_entry_under_another_delivery(played: Played) -> None:
    """The coordinator can't pass off one handshake's mail as another's."""
    name = os.urandom(16).hex()
    assert played.deliver(1, played.entry(), name=name)
    assert played.case().phase is Phase.UNOPENED


def test_an_entry_of_the_future(played: Played) -> None:
    unmoved(played, 1, played.entry(at=played.now + timedelta(days=2)), what="in the future")


async def test_the_opening_may_come_before_the_match_is_proven(tmp_path: Path) -> None:
    played = Played(tmp_path, CASELOADS)
    async with played.round as round_:
        round_.claim_both()
        answers = [round_.answer(number, ID) for number in (1, 2)]
        entry = played.entry()
        played.deliver(1, entry)
        assert not played.desk(1).cases(by=FIRST)
        round_.pass_on(1, answers[1])
        assert played.case(1).phase is Phase.REVIEWING
        assert not played.anomalies(1)


# The chain.


def test_a_replayed_entry_changes_nothing(played: Played) -> None:
    played.agree()
    before = played.case(1)
    for entry in played.chain:
        played.deliver(1, entry)
    assert played.case(1) == before
    assert not played.anomalies(1)


def test_reordered_entries(played: Played) -> None:
    played.enter()
    played.say(1)
    played.say(2)
    agreed = played.entry([played.take(1), played.take(2)])
    played.chain.append(agreed)
    played.deliver(2, agreed)
    played.desk(2).propose(played.match(2), by=FIRST, plan=played.plan())
    proposed = played.entry([played.take(2)])
    unmoved(played, 1, proposed, what="missing before this one")
    played.deliver(1, agreed)
    played.deliver(1, proposed)
    assert played.case(1).phase is Phase.DRAFTING


def test_a_fork(played: Played) -> None:
    played.agree()
    other = played.entry(sequence=1, previous=played.chain[0].digest)
    unmoved(played, 1, other, what="in two ways")
    played.later(seconds=1)
    second_opening = played.entry(sequence=0, previous=bytes(32), opening=Opening(PURPOSE, (ONE, TWO)))
    unmoved(played, 1, second_opening, what="in two ways")


def test_a_lapse_before_the_deadline(played: Played) -> None:
    played.enter()
    unmoved(played, 1, played.entry(), what="has not passed")


def test_one_sides_yes_alone_is_never_told(played: Played) -> None:
    """Rule 12: a coordinator that tells one side of the other's yes is caught."""
    played.enter()
    played.say(2)
    unmoved(played, 1, played.entry([played.take(2)]), what="can't be")


def test_a_move_that_its_side_never_made(played: Played) -> None:
    played.enter()
    played.say(2)
    accept = played.take(2)
    move = decode(Move, accept.envelope.payload)
    for sender in (THREE, ONE):
        forged = played.sign(Kind.MOVE, move, sender=sender)
        played_by = played.entry(sorted([forged, accept], key=lambda one: one.envelope.sender))
        noted = played.anomalies(1)
        played.deliver(1, played_by)
        (new,) = played.anomalies(1)[len(noted) :]
        assert "no part" in new if sender == THREE else "this node didn't make" in new
    assert played.case(1).phase is Phase.REVIEWING


def test_a_move_with_a_forged_signature(played: Played) -> None:
    played.agree()
    played.desk(2).propose(played.match(2), by=FIRST, plan=played.plan())
    move = played.take(2)
    unmoved(played, 1, played.entry([SignedMessage(move.body, os.urandom(64))]), what="does not verify")


def test_a_move_from_another_place_in_the_chain(played: Played) -> None:
    played.agree()
    played.desk(2).propose(played.match(2), by=FIRST, plan=played.plan())
    stale = played.take(2)
    played.propose(1)
    unmoved(played, 1, played.entry([stale]), what="two histories")


def test_a_yes_that_was_taken_back_is_not_entered(played: Played) -> None:
    played.enter()
    played.say(1)
    taken_back = played.take(1)
    played.desk(1).reconsider(played.match(1), by=FIRST)
    played.take(1)
    played.say(2)
    unmoved(played, 1, played.entry([taken_back, played.take(2)]), what="taken back")
    assert played.case(1).phase is Phase.REVIEWING


def test_a_yes_that_was_taken_back_too_late_counts(played: Played) -> None:
    """The other side's yes was in before our second thoughts: both agreed, and can still withdraw."""
    played.enter()
    played.say(1)
    accept = played.take(1)
    played.say(2)
    played.desk(1).reconsider(played.match(1), by=FIRST)
    played.enter([accept, played.take(2)])
    case = played.case(1)
    assert case.phase is Phase.AGREED
    assert not case.sending
    assert not played.outgoing(1)
    assert [step.what for step in case.history[-2:]] == [What.REFUSED, What.AGREED]
    assert not played.anomalies(1)


def test_who_is_overtaken_reads_so(played: Played) -> None:
    played.agree()
    for number in (1, 2):
        played.desk(number).propose(played.match(number), by=FIRST, plan=played.plan())
    played.enter([played.take(2)])
    case = played.case(1)
    assert not case.sending
    assert [(step.what, dict(step.details)) for step in case.history[-2:]] == [
        (What.REFUSED, {"act": "propose", "why": "overtaken"}),
        (What.PROPOSED, {"version": "1"}),
    ]
    draft = case.draft
    assert draft
    assert draft.proposed_by is not case.side
    assert not draft.fault


# Letters.


def letter(
    played: Played, number: int = 1, *, sender: str = TWO, to: str = ONE, card: ContactCard = CARD, name: bytes = ID
) -> SignedMessage:
    sealed = seal_content(card, played.world.covenant, handshake_id=name, sender=sender, recipient=to, use=LETTER)
    return played.sign(Kind.LETTER, Letter(name, number, sealed), sender=sender)


def test_a_card_is_kept_and_a_newer_one_replaces_it(played: Played) -> None:
    played.agree()
    played.deliver(1, letter(played))
    assert played.case(1).their_card == CARD
    newer = CARD.model_copy(update={"person": "Kees"})
    played.deliver(1, letter(played, 2, card=newer))
    assert played.case(1).their_card == newer
    assert not played.anomalies(1)


def test_a_card_before_both_agree(played: Played) -> None:
    """Rule 8: nothing of the other side is shown before."""
    played.enter()
    unmoved(played, 1, letter(played), what="before both have agreed")
    assert played.case(1).their_card is None


FORGED: dict[str, Callable[[Played], SignedMessage]] = {
    "a third party's": lambda played: letter(played, sender=THREE),
    "our own": lambda played: letter(played, sender=ONE, to=ONE),
    "two handshakes": lambda played: letter(played, name=os.urandom(16)),
    "forged": lambda played: SignedMessage(letter(played).body, os.urandom(64)),
}


@pytest.mark.parametrize("kind", FORGED)
def test_letters_of_others(played: Played, kind: str) -> None:
    played.agree()
    unmoved(played, 1, FORGED[kind](played))
    assert played.case(1).their_card is None


def test_a_letter_in_two_ways(played: Played) -> None:
    played.agree()
    played.deliver(1, letter(played))
    unmoved(played, 1, letter(played), what="in two ways")


def test_a_letter_that_can_not_be_opened(played: Played) -> None:
    played.agree()
    played.deliver(1, letter(played, to=THREE))
    assert played.case(1).their_card is None
    assert len(played.anomalies(1)) == 1


def test_a_letter_that_was_withheld(played: Played) -> None:
    played.agree()
    late = letter(played, 1, card=CARD.model_copy(update={"person": "Kees"}))
    played.deliver(1, letter(played, 2))
    assert played.anomalies(1) == ["a letter before this one never came"]
    played.deliver(1, late)
    assert played.case(1).their_card == CARD


@pytest.mark.parametrize("kind", [Kind.CLAIM, Kind.PUBLICATION, Kind.MOVE])
def test_other_mail_under_a_handshakes_name(played: Played, kind: Kind) -> None:
    played.enter()
    unmoved(played, 1, played.sign(kind, Letter(ID, 1, b"x"), sender=ONE), what="no mail of a handshake")


# Covenants.


def test_what_is_under_a_newer_covenant_waits_for_it(played: Played) -> None:
    played.enter()
    played.say(1)
    played.say(2)
    moves = [played.take(1), played.take(2)]
    terms = played.world.covenant.terms.model_copy(update={"version": 2})
    newer = Covenant.sign(terms, AUTHORITY, played.world.authority_key)
    signed = played.entry(moves)
    envelope = signed.envelope
    entry = sign(replace(envelope, covenant_hash=newer.hash), played.world.signing[envelope.sender])
    parts = played.round.nodes[0].parts
    mail, delivery = Mail(parts), Delivery(7_000, NAME, entry)
    after = Delivery(7_001, NAME, letter(played))
    assert mail.handle([delivery, after]) == set()
    assert played.case(1).phase is Phase.ACCEPTED
    parts.store.accept_covenant(newer)
    assert mail.handle([delivery]) == {7_000}
    assert mail.handle([after]) == {7_001}
    assert played.case(1).phase is Phase.AGREED
    assert played.case(1).their_card == CARD
    assert not played.anomalies(1)
