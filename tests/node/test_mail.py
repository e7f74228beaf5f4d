"""Mail becomes a match only when both sides truly have the same identifiers; all else is noted, and shows nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node.ledger import ClaimState
from sluis_node.states import RoundState
from sluis_protocol.confirm import CANDIDATE_BYTES, MAC_BYTES, SEALED_REFERENCE_BYTES
from sluis_protocol.join import Candidate
from sluis_protocol.messages import Claim, Confirmation, PersonClaim, Publication, Unconfirmed
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import pack

from ..world import member_oin
from .desk import ROUND, RULES, Desk, claim_for
from .people import family

ID = os.urandom(CANDIDATE_BYTES)
FIRST, SECOND, THIRD = member_oin(1), member_oin(2), member_oin(3)
CASELOADS = [[family("A1", 1), family("A4", 4)], [family("B1", 1), family("B5", 5)]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(tmp_path, CASELOADS) as desk:
        yield desk


def only(desk: Desk) -> Candidate:
    (candidate,) = desk.candidates()
    return candidate


def claim_both(desk: Desk, candidate_id: bytes = ID, round_id: str = ROUND) -> None:
    for number, oin in ((1, FIRST), (2, SECOND)):
        desk.deliver(number, Kind.CLAIM, claim_for(only(desk), candidate_id, oin), round_id=round_id)


def counts(desk: Desk, number: int) -> dict[ClaimState, int]:
    return desk.nodes[number - 1].ledger.counts()


async def test_both_confirm_and_see_the_match(desk: Desk) -> None:
    desk.publish(1, 1)
    claim_both(desk)
    answers = desk.answer(1, ID), desk.answer(2, ID)
    assert not desk.nodes[0].node.matches()
    desk.pass_on(2, answers[0])
    desk.pass_on(1, answers[1])
    (one,), (other,) = desk.nodes[0].node.matches(), desk.nodes[1].node.matches()
    assert (one.family, one.counterpart.oin, one.counterpart.municipality) == ("A1", SECOND, "GM0002")
    assert (other.family, other.counterpart.oin) == ("B1", FIRST)
    assert one.cases == ("ZAAK-A1",)
    assert one.persons == ("A1-0", "A1-1")
    assert one.new
    assert str(one.grade) == "bsn"
    assert not one.hint
    assert counts(desk, 1) == {ClaimState.MATCHED: 1}
    assert not desk.anomalies(1)
    assert not desk.anomalies(2)


async def test_a_pair_that_is_known_is_not_new(desk: Desk) -> None:
    later = ROUND[:-1] + "1"
    for round_id in (ROUND, later):
        if round_id == later:
            for number in (1, 2):
                desk.hand_in(number, CASELOADS[number - 1], later)
        candidate_id = os.urandom(CANDIDATE_BYTES)
        claim_both(desk, candidate_id, round_id)
        answers = desk.answer(1, candidate_id), desk.answer(2, candidate_id)
        desk.pass_on(1, answers[1], round_id=round_id)
        desk.pass_on(2, answers[0], round_id=round_id)
    for number in (1, 2):
        (match,) = desk.nodes[number - 1].node.matches()
        assert not match.new
        assert match.round_id == ROUND


async def test_the_name_grade_asks_for_verification(tmp_path: Path) -> None:
    caseloads = [[family("A1", 1, members=3)], [family("B1", 1, members=3, bsn=False)]]
    async with Desk(tmp_path, caseloads) as desk:
        claim_both(desk)
        desk.pass_on(1, desk.answer(2, ID))
        (match,) = desk.nodes[0].node.matches()
        assert str(match.grade) == "name"
        assert "before any contact" in match.hint
        assert "hint" in match.as_json()
        assert "score" not in str(match.as_json())


# Claims that no honest coordinator makes: noted, refused, and never a match.


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
    desk.deliver(1, Kind.CLAIM, forge(desk, claim_for(only(desk), ID, FIRST)))
    assert desk.said(1, ID).refused
    assert len(desk.anomalies(1)) == 1
    (row,) = desk.nodes[0].office.store.anomalies()
    assert desk.nodes[0].office.store.evidence(row)
    assert not desk.nodes[0].node.matches()


async def test_a_claim_that_is_too_weak_is_refused_without_fuss(desk: Desk) -> None:
    claim = claim_for(only(desk), ID, FIRST)
    members = desk.nodes[0].submission.own[claim.family].members
    handle, person = next(iter(members.items()))
    weak = next(key.tag for key in person.keys if RULES.kinds[key.kind].points < RULES.thresholds.person)
    desk.deliver(1, Kind.CLAIM, replace(claim, persons=(PersonClaim(handle, (weak,)),)))
    assert desk.said(1, ID).refused
    assert not desk.anomalies(1)


async def test_a_candidate_is_not_claimed_in_two_ways(desk: Desk) -> None:
    claim = claim_for(only(desk), ID, FIRST)
    desk.deliver(1, Kind.CLAIM, claim)
    first = desk.answer(1, ID)
    desk.deliver(1, Kind.CLAIM, replace(claim, persons=claim.persons[:1]))
    assert desk.answer(1, ID) == first
    assert desk.anomalies(1) == ["a candidate is claimed in two ways"]


async def test_more_claims_than_were_published(desk: Desk) -> None:
    """The openings went with the last claim that was announced."""
    desk.publish(1, 1)
    claim = claim_for(only(desk), ID, FIRST)
    desk.deliver(1, Kind.CLAIM, claim)
    another = os.urandom(CANDIDATE_BYTES)
    desk.deliver(1, Kind.CLAIM, replace(claim, candidate_id=another))
    assert desk.said(1, another).refused
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
    assert counts(desk, 1) == {ClaimState.ANOMALOUS: 1}
    assert "wrong code" in desk.anomalies(1)[0]
    assert desk.nodes[0].office.store.anomalies()[0]["party"] == SECOND


async def test_a_forged_code(desk: Desk) -> None:
    claim_both(desk)
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(MAC_BYTES), bytes(SEALED_REFERENCE_BYTES)), sender=SECOND)
    assert not desk.nodes[0].node.matches()
    assert counts(desk, 1) == {ClaimState.ANOMALOUS: 1}
    # The true one comes too late.
    desk.pass_on(1, desk.answer(2, ID))
    assert not desk.nodes[0].node.matches()


async def test_an_altered_reference(desk: Desk) -> None:
    claim_both(desk)
    true = desk.said(2, ID)
    sealed = true.sealed_reference[:-1] + bytes([true.sealed_reference[-1] ^ 1])
    desk.deliver(1, Kind.CONFIRMATION, replace(true, sealed_reference=sealed), sender=SECOND)
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a family reference can't be opened"]


async def test_our_own_answer_reflected(desk: Desk) -> None:
    claim_both(desk)
    desk.pass_on(1, desk.answer(1, ID))
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a confirmation comes from a third party"]


async def test_the_right_code_from_a_third_party(desk: Desk) -> None:
    claim_both(desk)
    desk.deliver(1, Kind.CONFIRMATION, desk.said(2, ID), sender=THIRD)
    assert not desk.nodes[0].node.matches()
    assert desk.anomalies(1) == ["a confirmation comes from a third party"]


async def test_a_confirmation_of_nothing(desk: Desk) -> None:
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(32), bytes(32)), sender=SECOND)
    assert desk.anomalies(1) == ["a confirmation of a candidate that was never claimed"]


async def test_a_refusal_and_an_unconfirmed_candidate(desk: Desk) -> None:
    claim_both(desk)
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, b"", b""), sender=SECOND)
    desk.deliver(2, Kind.UNCONFIRMED, Unconfirmed(ID))
    for number in (1, 2):
        assert counts(desk, number) == {ClaimState.UNCONFIRMED: 1}
        assert not desk.anomalies(number)
        assert not desk.nodes[number - 1].node.matches()


# Publications, and mail that doesn't verify.


async def test_a_round_that_was_abandoned(desk: Desk) -> None:
    desk.deliver(1, Kind.PUBLICATION, Publication(1, 0, "too few took part"))
    found = desk.nodes[0].office.store.round(ROUND)
    assert found
    assert found.state is RoundState.FINISHED
    assert found.abandoned == "too few took part"
    assert not desk.anomalies(1)


async def test_a_round_is_published_once(desk: Desk) -> None:
    desk.publish(1, 1)
    desk.publish(1, 2)
    assert desk.anomalies(1) == ["a round is published in two ways"]
    found = desk.nodes[0].office.store.round(ROUND)
    assert found
    assert found.claims == 1


@pytest.mark.parametrize("sender", [SECOND, FIRST])
async def test_only_the_coordinator_claims(desk: Desk, sender: str) -> None:
    desk.deliver(1, Kind.CLAIM, claim_for(only(desk), ID, FIRST), sender=sender)
    assert not desk.nodes[0].ledger.to_send()
    assert "only the coordinator" in desk.anomalies(1)[0]


async def test_mail_of_another_round(desk: Desk) -> None:
    other = ROUND[:-1] + "f"
    desk.deliver(1, Kind.CLAIM, claim_for(only(desk), ID, FIRST), round_id=other)
    assert desk.anomalies(1) == ["mail of a round that this node takes no part in"]


async def test_a_message_that_is_put_into_another_round(desk: Desk) -> None:
    other = ROUND[:-1] + "f"
    desk.hand_in(1, CASELOADS[0], other)
    message = desk.deliver(1, Kind.PUBLICATION, Publication(2, 0))
    desk.pass_on(1, message, round_id=other)
    assert desk.anomalies(1) == ["the message belongs to another round"]


async def test_mail_that_is_altered(desk: Desk) -> None:
    desk.pass_on(1, SignedMessage(b"nonsense", bytes(64)))
    message = desk.deliver(2, Kind.PUBLICATION, Publication(2, 0))
    desk.pass_on(1, replace(message, signature=bytes(64)))
    assert len(desk.anomalies(1)) == 2


# What is kept, and for how long.


async def test_nothing_personal_stands_in_the_database(desk: Desk) -> None:
    desk.publish(1, 2)
    claim_both(desk)
    desk.pass_on(1, desk.answer(2, ID))
    assert desk.nodes[0].node.matches()
    content = _files(desk.folder / "node-1")
    handed = desk.nodes[0].submission
    keys = [key for own in handed.own.values() for person in own.members.values() for key in person.keys]
    record = CASELOADS[0][0].members[0]
    assert record.person.bsn
    for secret in (
        *(text.encode() for text in ("A1-0", "ZAAK-A1", "Jansen", record.person.surname, record.person.bsn)),
        *(key.opening for key in keys),
        *(key.tag for key in keys),
        pack(handed.rows)[:64],
    ):
        assert secret not in content
    assert SECOND.encode() in content  # the search does find what is there


async def test_openings_go_with_the_last_claim_and_everything_with_the_window(desk: Desk) -> None:
    store = desk.nodes[0].office.store
    desk.publish(1, 2)
    assert store.packed_rows(ROUND) is None
    claim = claim_for(only(desk), ID, FIRST)
    desk.deliver(1, Kind.CLAIM, claim)
    with store.transaction() as connection:
        assert store.family(connection, ROUND, claim.family)
    desk.deliver(1, Kind.CLAIM, replace(claim, candidate_id=os.urandom(CANDIDATE_BYTES)))
    with store.transaction() as connection:
        assert not store.family(connection, ROUND, claim.family)
    assert not store.tidy(desk.now)
    assert store.tidy(desk.now + timedelta(hours=1)) == [ROUND]
    found = store.round(ROUND)
    assert found
    assert found.state is RoundState.FINISHED
    assert not counts(desk, 1)
    assert not desk.nodes[0].ledger.to_send()
    # Late mail changes nothing more.
    desk.deliver(1, Kind.CLAIM, claim)
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(32), bytes(32)), sender=SECOND)
    assert not counts(desk, 1)


async def test_openings_of_a_node_that_is_away_go_at_the_end_of_the_window(desk: Desk) -> None:
    store, claim = desk.nodes[0].office.store, claim_for(only(desk), ID, FIRST)
    desk.deliver(1, Kind.CLAIM, claim)
    with store.engine.connect() as connection:
        sealed = connection.exec_driver_sql("SELECT content FROM own_families").scalars().first()
    assert sealed
    assert sealed[:40] in _files(desk.folder / "node-1")
    store.tidy(desk.now + timedelta(hours=1))
    assert sealed[:40] not in _files(desk.folder / "node-1")
    assert store.packed_rows(ROUND) is None


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("node.sqlite*")))
