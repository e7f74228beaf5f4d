"""Mail that no honest party sends: noted, and never a match. The coordinator learns nothing from what it makes up."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sluis_node.anomalies import MOST_IN_A_ROUND
from sluis_node.round.ledger import ClaimState
from sluis_node.round.own_round import RoundState
from sluis_protocol.confirm import CANDIDATE_BYTES, MAC_BYTES, SEALED_REFERENCE_BYTES
from sluis_protocol.covenant import Covenant
from sluis_protocol.messages import Claim, Confirmation, PersonClaim, Publication, Unconfirmed
from sluis_protocol.signed import Envelope, Kind, SignedMessage

from ..world import AUTHORITY, COORDINATOR
from .desk import CASELOADS, FIRST, ID, ROUND, RULES, SECOND, THIRD, Desk

# Claims that no honest coordinator makes.


def _dummy(desk: Desk, claim: Claim) -> Claim:
    own = desk.nodes[0].submission.own
    return replace(claim, family=next(row.family for row in desk.nodes[0].submission.rows if row.family not in own))


def _made_up(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, family=claim.family ^ 1)


def _other_family(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, family=next(f for f in desk.nodes[0].submission.own if f != claim.family))


def _dummy_tag(desk: Desk, claim: Claim) -> Claim:
    """A random tag that fills a slot of that very person."""
    person = claim.persons[0]
    real = {key.tag for key in desk.nodes[0].submission.own[claim.family].members[person.person].keys}
    row = next(row for row in desk.nodes[0].submission.rows if row.person == person.person)
    dummy = next(tag for tag in row.tags if tag not in real)
    return replace(claim, persons=(PersonClaim(person.person, (*person.tags, dummy)), *claim.persons[1:]))


def _unknown_tag(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, persons=(PersonClaim(claim.persons[0].person, (os.urandom(16),)),))


def _tag_twice(desk: Desk, claim: Claim) -> Claim:
    person = claim.persons[0]
    return replace(claim, persons=(PersonClaim(person.person, (*person.tags, person.tags[0])),))


def _other_person(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, persons=(PersonClaim(claim.persons[0].person ^ 1, claim.persons[0].tags),))


def _ourselves(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, counterpart=FIRST)


def _stranger(desk: Desk, claim: Claim) -> Claim:
    return replace(claim, counterpart="00000099000000009999")


@pytest.mark.parametrize(
    "forge",
    [
        _dummy,
        _made_up,
        _other_family,
        _dummy_tag,
        _unknown_tag,
        _tag_twice,
        _other_person,
        _ourselves,
        _stranger,
    ],
)
async def test_a_forged_claim_is_an_anomaly(desk: Desk, forge: Callable[[Desk, Claim], Claim]) -> None:
    desk.deliver(1, Kind.CLAIM, forge(desk, desk.claim(1)))
    assert len(desk.anomalies(1)) == 1
    assert desk.nodes[0].parts.anomalies.evidence()
    assert not desk.nodes[0].node.matches()


def _too_weak(desk: Desk, claim: Claim) -> Claim:
    """True, and the rules don't make it a match: that is no anomaly."""
    members = desk.nodes[0].submission.own[claim.family].members
    handle, person = next(iter(members.items()))
    weak = next(key.tag for key in person.keys if RULES.kinds[key.kind].points < RULES.thresholds.person)
    return replace(claim, persons=(PersonClaim(handle, (weak,)),))


@pytest.mark.parametrize("forge", [_dummy, _made_up, _other_family, _dummy_tag, _unknown_tag, _other_person, _too_weak])
async def test_a_false_claim_tells_the_coordinator_nothing(desk: Desk, forge: Callable[[Desk, Claim], Claim]) -> None:
    """The answer looks like any confirmation: neither dummies nor kinds of keys can be told by claiming them."""
    desk.deliver(1, Kind.CLAIM, forge(desk, desk.claim(1)))
    desk.deliver(2, Kind.CLAIM, desk.claim(2))
    false, true = desk.said(1, ID), desk.said(2, ID)
    assert (len(false.mac), len(false.sealed_reference)) == (MAC_BYTES, SEALED_REFERENCE_BYTES)
    assert len(desk.answer(1, ID).body) == len(desk.answer(2, ID).body)
    assert len(set(false.mac)) > 1
    desk.pass_on(2, desk.answer(1, ID))
    desk.deliver(1, Kind.CONFIRMATION, true, sender=SECOND)
    assert desk.counts(1) == {ClaimState.UNCONFIRMED: 1}
    assert desk.counts(2) == {ClaimState.ANOMALOUS: 1}
    assert not desk.nodes[0].node.matches()
    assert not desk.nodes[1].node.matches()


async def test_a_candidate_that_is_too_weak_for_both_is_no_anomaly(desk: Desk) -> None:
    """Both sides come to the same answer, so nobody is suspected."""
    kind, persons = None, {}
    for number in (1, 2):
        claim = desk.claim(number)
        members = desk.nodes[number - 1].submission.own[claim.family].members
        shared = {tag for one in claim.persons for tag in one.tags}
        persons[number] = {
            key.kind: PersonClaim(handle, (key.tag,))
            for handle, person in members.items()
            for key in person.keys
            if key.tag in shared and RULES.kinds[key.kind].points < RULES.thresholds.person
        }
        kind = min(persons[number])
    assert kind
    for number in (1, 2):
        desk.deliver(number, Kind.CLAIM, replace(desk.claim(number), persons=(persons[number][kind],)))
    answers = desk.answer(1, ID), desk.answer(2, ID)
    desk.pass_on(1, answers[1])
    desk.pass_on(2, answers[0])
    for number in (1, 2):
        assert desk.counts(number) == {ClaimState.UNCONFIRMED: 1}
        assert not desk.anomalies(number)


async def test_a_candidate_is_not_claimed_in_two_ways(desk: Desk) -> None:
    claim = desk.claim(1)
    desk.deliver(1, Kind.CLAIM, claim)
    first = desk.answer(1, ID)
    desk.deliver(1, Kind.CLAIM, replace(claim, persons=claim.persons[:1]))
    assert desk.answer(1, ID) == first
    assert desk.anomalies(1) == ["a candidate is claimed in two ways"]


async def test_more_claims_than_were_published(desk: Desk) -> None:
    """The openings went with the last claim that was announced."""
    desk.publish(1, 1)
    claim = desk.claim(1)
    desk.deliver(1, Kind.CLAIM, claim)
    another = os.urandom(CANDIDATE_BYTES)
    desk.deliver(1, Kind.CLAIM, replace(claim, candidate_id=another))
    assert desk.said(1, another).mac
    assert len(desk.anomalies(1)) == 1


# Confirmations that are not what they should be.


async def test_a_claim_about_different_families_gives_no_match(desk: Desk) -> None:
    """The coordinator tells the two sides of different families, which each side really has."""
    a4, b5 = (
        next((handle, own) for handle, own in desk.nodes[n].submission.own.items() if own.family_id == ("A4", "B5")[n])
        for n in (0, 1)
    )
    for number, (handle, own), counterpart in ((1, a4, SECOND), (2, b5, FIRST)):
        persons = tuple(PersonClaim(h, tuple(k.tag for k in p.keys)) for h, p in own.members.items())
        desk.deliver(number, Kind.CLAIM, Claim(ID, counterpart, handle, persons))
    assert not desk.said(1, ID).refused
    desk.pass_on(1, desk.answer(2, ID))
    assert not desk.nodes[0].node.matches()
    assert desk.counts(1) == {ClaimState.ANOMALOUS: 1}
    assert "wrong code" in desk.anomalies(1)[0]
    assert desk.nodes[0].parts.anomalies.all()[0].party == SECOND


async def test_a_forged_code(desk: Desk) -> None:
    desk.claim_both()
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(MAC_BYTES), bytes(SEALED_REFERENCE_BYTES)), sender=SECOND)
    assert not desk.nodes[0].node.matches()
    assert desk.counts(1) == {ClaimState.ANOMALOUS: 1}
    # The true one comes too late.
    desk.pass_on(1, desk.answer(2, ID))
    assert not desk.nodes[0].node.matches()


async def test_an_altered_reference(desk: Desk) -> None:
    desk.claim_both()
    true = desk.said(2, ID)
    sealed = true.sealed_reference[:-1] + bytes([true.sealed_reference[-1] ^ 1])
    desk.deliver(1, Kind.CONFIRMATION, replace(true, sealed_reference=sealed), sender=SECOND)
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a family reference can't be opened"]


async def test_our_own_answer_reflected(desk: Desk) -> None:
    desk.claim_both()
    desk.pass_on(1, desk.answer(1, ID))
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a confirmation comes from a third party"]


async def test_the_right_code_from_a_third_party(desk: Desk) -> None:
    desk.claim_both()
    desk.deliver(1, Kind.CONFIRMATION, desk.said(2, ID), sender=THIRD)
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a confirmation comes from a third party"]


async def test_a_confirmation_of_nothing(desk: Desk) -> None:
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(32), bytes(32)), sender=SECOND)
    assert desk.anomalies(1) == ["a confirmation of a candidate that was never claimed"]


# Mail that doesn't verify.


@pytest.mark.parametrize("sender", [SECOND, FIRST])
async def test_only_the_coordinator_claims(desk: Desk, sender: str) -> None:
    desk.deliver(1, Kind.CLAIM, desk.claim(1), sender=sender)
    assert not desk.nodes[0].parts.ledger.to_send()
    assert "only the coordinator" in desk.anomalies(1)[0]


async def test_mail_of_another_round(desk: Desk) -> None:
    other = ROUND[:-1] + "f"
    desk.deliver(1, Kind.CLAIM, desk.claim(1), round_id=other)
    assert desk.anomalies(1) == ["mail of a round that this node takes no part in"]


async def test_a_message_that_is_put_into_another_round(desk: Desk) -> None:
    other = ROUND[:-1] + "f"
    desk.hand_in(1, CASELOADS[0], other)
    message = desk.deliver(1, Kind.PUBLICATION, Publication(bytes(16), 2, 0))
    desk.pass_on(1, message, round_id=other)
    assert desk.anomalies(1) == ["the message belongs to another round"]


async def test_mail_that_is_altered(desk: Desk) -> None:
    desk.pass_on(1, SignedMessage(b"nonsense", bytes(64)))
    message = desk.deliver(2, Kind.PUBLICATION, Publication(bytes(16), 2, 0))
    desk.pass_on(1, replace(message, signature=bytes(64)))
    assert len(desk.anomalies(1)) == 2


async def test_nobody_is_blamed_for_what_he_did_not_sign(desk: Desk) -> None:
    """A message in a member's name, signed by nobody, is laid to who passed it on."""
    payload = Confirmation(ID, bytes(MAC_BYTES), bytes(SEALED_REFERENCE_BYTES))
    true = desk.deliver(2, Kind.CONFIRMATION, payload, sender=SECOND)
    desk.pass_on(1, replace(true, signature=bytes(64)))
    named = Envelope(Kind.DEAL, SECOND, desk.world.covenant.hash, ROUND, desk.now, b"")
    desk.pass_on(1, SignedMessage(named.serialise(), bytes(64)))
    assert [anomaly.party for anomaly in desk.nodes[0].parts.anomalies.all()] == [COORDINATOR, COORDINATOR]


async def test_mail_of_other_rounds_is_noted_once_and_not_kept(desk: Desk) -> None:
    """It may be somebody else's; and it must not fill the disk."""
    for number in range(3):
        desk.deliver(1, Kind.PUBLICATION, Publication(bytes(16), 2, number), round_id=f"{ROUND[:-1]}{number + 1}")
    (anomaly,) = desk.nodes[0].parts.anomalies.all()
    assert (anomaly.round_id, anomaly.has_evidence) == ("", False)


async def test_a_flood_of_bad_mail_is_noted_up_to_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluis_node.anomalies.MOST_IN_A_ROUND", 3)
    for number in range(5):
        desk.pass_on(1, SignedMessage(b"nonsense %d" % number, bytes(64)))
    assert len(desk.anomalies(1)) == 3
    assert MOST_IN_A_ROUND > 3


@pytest.mark.parametrize("participants", [0, 1, 4])
async def test_a_publication_with_impossible_numbers(desk: Desk, participants: int) -> None:
    """Fewer than the covenant's minimum publish nothing; more than its members there can't be."""
    desk.deliver(1, Kind.PUBLICATION, Publication(bytes(16), participants, 1))
    found = desk.nodes[0].parts.store.round(ROUND)
    assert found
    assert found.state is RoundState.SUBMITTED
    assert "participants" in desk.anomalies(1)[0]


async def test_an_outcome_of_nothing(desk: Desk) -> None:
    other, claim = ROUND[:-1] + "f", desk.claim(1)
    desk.hand_in(1, CASELOADS[0], other)
    desk.deliver(1, Kind.CLAIM, claim, round_id=other)
    desk.deliver(1, Kind.UNCONFIRMED, Unconfirmed(ID))
    assert ClaimState.UNCONFIRMED not in desk.counts(1)
    assert "a candidate that was never claimed is unconfirmed" in desk.anomalies(1)


# What the law or the partners ended meanwhile.


def _newer(desk: Desk, **changes: Any) -> None:
    terms = desk.world.covenant.terms.model_copy(update={"version": 2, **changes})
    desk.nodes[0].parts.store.accept_covenant(Covenant.sign(terms, AUTHORITY, desk.world.authority_key))


async def test_nothing_is_confirmed_to_a_member_that_was_revoked(desk: Desk) -> None:
    members = tuple(m.model_copy(update={"revoked": m.oin == SECOND}) for m in desk.world.covenant.terms.members)
    _newer(desk, members=members)
    desk.deliver(1, Kind.CLAIM, desk.claim(1))
    assert desk.said(1, ID).refused
    assert not desk.anomalies(1)


async def test_nothing_is_confirmed_once_the_legal_basis_has_ended(desk: Desk) -> None:
    """Rule 20, for a round that began before."""
    (purpose,) = desk.world.covenant.terms.purposes
    _newer(desk, purposes=(purpose.model_copy(update={"valid_until": desk.now.date() - timedelta(days=1)}),))
    desk.deliver(1, Kind.CLAIM, desk.claim(1))
    assert desk.said(1, ID).refused
    assert not desk.anomalies(1)
