"""The contract: what may stand in a draft, who signs what, and what a forged one comes to (rules 13, 14)."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_node.handshake.model import Informing, Phase, Plan, Postponement, What
from sluis_protocol.approach import Approach, Criteria, Partner, sign_approach, verify_approach
from sluis_protocol.content import Closing, Draft, Outcome, Signed, WithdrawalReason, seal_content
from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.errors import (
    ApproachError,
    DecisionRefused,
    HandshakeError,
    LegalGroundMissing,
    NotFound,
    Overtaken,
    SluisError,
    TooLate,
)
from sluis_protocol.handshake import Act, Active, Drafting
from sluis_protocol.messages import Move
from sluis_protocol.signed import Kind, SignedMessage

from ...world import AUTHORITY, PURPOSE, World, make_world, member_oin
from ..desk import CASELOADS, ID
from .played import Played
from .rig import FIRST, SECOND

ONE, TWO, THREE = member_oin(1), member_oin(2), member_oin(3)
BASIS = "demo-grondslag"
HOLD = Criteria(several_areas=True, crime_or_nuisance=True, several_chains=True, why="De wijkteams komen niet verder.")


@pytest.fixture
def agreed(played: Played) -> Played:
    played.agree()
    return played


def propose(played: Played, plan: Plan, number: int = 1) -> None:
    played.desk(number).propose(played.match(number), by=FIRST, plan=plan)


def partner(role: str, basis: str = BASIS, since: date | None = None, *, played: Played) -> Partner:
    return Partner(role=role, basis=basis, since=since or played.now.date())


def refused(played: Played, plan: Plan, error: type[SluisError], match: str = "") -> None:
    with pytest.raises(error, match=match):
        propose(played, plan)
    assert not played.outgoing(1)
    assert played.case().phase is Phase.AGREED


# What may stand in it.


def test_a_partner_without_a_ground(agreed: Played) -> None:
    """Rule 13."""
    wrong = (partner("school", "something else", played=agreed),)
    refused(agreed, agreed.plan(partners=wrong), LegalGroundMissing, "needs a legal basis")


@pytest.mark.parametrize("role", ["politie", "openbaar-ministerie", "riec"])
def test_criminal_justice_is_off(agreed: Played, role: str) -> None:
    """Rule 13: the covenant's purpose has no basis for it."""
    refused(agreed, agreed.plan(partners=(partner(role, played=agreed),)), LegalGroundMissing, "criminal justice")


def test_a_role_that_does_not_exist(agreed: Played) -> None:
    refused(agreed, agreed.plan(partners=(partner("buurman", played=agreed),)), ApproachError, "no such role")


def test_others_can_not_lead(agreed: Played) -> None:
    refused(agreed, agreed.plan(lead=THREE), ApproachError, "one of the two parties leads")


def test_it_ends_in_time(agreed: Played) -> None:
    today = agreed.now.date()
    refused(agreed, agreed.plan(end=today + timedelta(days=500)), HandshakeError, "within 365 days")
    refused(agreed, agreed.plan(start=today, end=today - timedelta(days=1)), ApproachError, "before it starts")


def with_criminal_justice(world: World) -> World:
    """The same covenant, whose purpose has a basis for criminal justice."""
    (purpose,) = world.covenant.terms.purposes
    changed: Purpose = purpose.model_copy(update={"criminal_justice_bases": ("strafrecht-grondslag",)})
    terms = world.covenant.terms.model_copy(update={"purposes": (changed,)})
    return replace(world, covenant=Covenant.sign(terms, AUTHORITY, world.authority_key))


async def test_a_zorg_en_veiligheidshuis_asks_for_its_criteria(tmp_path: Path) -> None:
    async with Played(tmp_path, CASELOADS, with_criminal_justice(make_world())) as played:
        played.agree()
        house = (partner("zorg-en-veiligheidshuis", "strafrecht-grondslag", played=played),)
        refused(played, played.plan(partners=house), ApproachError, "criteria")
        lacking = HOLD.model_copy(update={"several_chains": False})
        refused(played, played.plan(partners=house, criteria=lacking), ApproachError, "criteria")
        refused(played, played.plan(criteria=HOLD), ApproachError, "no partner that needs them")
        propose(played, played.plan(partners=house, criteria=HOLD))
        played.enter([played.take(1)])
        draft = played.case(2).draft
        assert draft
        assert draft.approach.criteria == HOLD
        assert not draft.fault


def test_nothing_of_the_family_stands_in_a_contract(agreed: Played) -> None:
    agreed.propose()
    draft = agreed.case(2).draft
    assert draft
    text = draft.approach.serialise()
    for number in (1, 2):
        match = agreed.case(number).match
        for own in (match.match, match.family, *match.cases, *match.persons):
            assert own not in text


# Signing.


def test_the_family_is_informed_before_anybody_signs(agreed: Played) -> None:
    """Rule 14."""
    agreed.propose()
    with pytest.raises(DecisionRefused, match="rule 14"):
        agreed.desk().sign(agreed.match(), by=FIRST)
    until = agreed.now.date() + timedelta(days=30)
    informing = Informing(postponed=Postponement.CHILDS_SAFETY, until=until)
    agreed.desk().inform(agreed.match(), by=FIRST, informing=informing)
    agreed.desk().sign(agreed.match(), by=FIRST)
    assert len(agreed.outgoing(1)) == 1


def test_a_postponement_that_ended_does_not_count(agreed: Played) -> None:
    """Rule 14."""
    agreed.propose()
    until = agreed.now.date() + timedelta(days=2)
    informing = Informing(postponed=Postponement.UNREACHABLE, until=until)
    agreed.desk().inform(agreed.match(), by=FIRST, informing=informing)
    agreed.later(days=3)
    with pytest.raises(DecisionRefused, match="rule 14"):
        agreed.desk().sign(agreed.match(), by=FIRST)


def test_an_amended_draft_is_signed_anew(agreed: Played) -> None:
    agreed.propose(1)
    agreed.sign_draft(1)
    agreed.inform(2)
    seen = agreed.case(2)
    agreed.desk(1).amend(agreed.match(1), by=FIRST, plan=agreed.plan(lead=TWO))
    agreed.enter([agreed.take(1)])
    state = agreed.case(2).state
    assert isinstance(state, Drafting)
    assert (state.version, state.signed) == (2, frozenset())
    with pytest.raises(Overtaken):
        agreed.desk(2).sign(agreed.match(2), by=FIRST, version=1)
    with pytest.raises(Overtaken):
        agreed.desk(2).sign(agreed.match(2), by=FIRST, seen=seen.revision)
    agreed.desk(2).sign(agreed.match(2), by=FIRST, version=2)
    agreed.enter([agreed.take(2)])
    agreed.sign_draft(1)
    for number in (1, 2):
        assert agreed.case(number).phase is Phase.ACTIVE
        assert [draft.version for draft in agreed.case(number).drafts] == [1, 2]


def test_the_file_is_verified_offline_and_a_byte_can_not_change(agreed: Played) -> None:
    agreed.propose()
    with pytest.raises(NotFound):
        agreed.desk().export(agreed.match(), by=FIRST)
    agreed.sign_draft(1)
    with pytest.raises(NotFound):
        agreed.desk().export(agreed.match(), by=FIRST)
    agreed.sign_draft(2)
    text = agreed.desk(1).export(agreed.match(1), by=FIRST)
    assert text == agreed.desk(2).export(agreed.match(2), by=SECOND)
    assert len(verify_approach(text, agreed.world.covenant).steps) == 4
    for at in range(0, len(text), 7):
        altered = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        with pytest.raises(SluisError):
            verify_approach(altered, agreed.world.covenant)


def test_the_deadline_of_drafting(agreed: Played) -> None:
    agreed.propose()
    agreed.inform(1)
    agreed.later(days=30)
    with pytest.raises(TooLate):
        agreed.desk().sign(agreed.match(), by=FIRST)
    agreed.enter()
    assert agreed.case().phase is Phase.LAPSED


# The end.


def test_only_the_leading_municipality_closes(agreed: Played) -> None:
    agreed.propose(lead=TWO)
    agreed.sign_draft(1)
    agreed.sign_draft(2)
    with pytest.raises(DecisionRefused, match="leading municipality closes"):
        agreed.desk(1).close(agreed.match(1), by=FIRST, outcome=Outcome.GOALS_REACHED)
    agreed.desk(2).close(agreed.match(2), by=FIRST, outcome=Outcome.GOALS_REACHED)
    agreed.enter([agreed.take(2)])
    assert agreed.case(1).phase is Phase.CLOSED
    assert not agreed.anomalies(1)
    with pytest.raises(TooLate):
        agreed.desk(1).withdraw(agreed.match(1), by=FIRST, reason=WithdrawalReason.OTHER)


def test_an_approach_ends_by_itself(agreed: Played) -> None:
    agreed.propose()
    agreed.sign_draft(1)
    agreed.sign_draft(2)
    agreed.later(days=92)
    agreed.enter()
    for number in (1, 2):
        assert agreed.case(number).phase is Phase.CLOSED
        assert agreed.case(number).history[-1].what is What.CLOSED


# What a dishonest counterpart seals, the coordinator can't see: the node does.


def their_move(
    played: Played, act: Act, content: Closing | Draft | Signed, approach: Approach | None = None, **changes: Any
) -> SignedMessage:
    """A move of the second municipality, as its own node would not have made it; of `approach`, if there is one."""
    sealed = seal_content(content, played.world.covenant, handshake_id=ID, sender=TWO, recipient=ONE, use=act)
    move = Move(ID, act, played.chain[-1].digest, sealed=sealed)
    state = played.case(1).state
    if approach:
        move = replace(move, version=1, digest=approach.digest, until=approach.until)
    elif act is Act.SIGN and isinstance(state, Drafting):
        move = replace(move, digest=state.digest)
    return played.sign(Kind.MOVE, replace(move, **changes), sender=TWO)


def contract(played: Played, **changes: Any) -> Approach:
    today = played.now.date()
    approach = Approach(
        handshake=ID.hex(),
        nonce="11" * 32,
        covenant=played.world.covenant.hash.hex(),
        purpose=PURPOSE,
        parties=(ONE, TWO),
        lead=TWO,
        start=today,
        end=today + timedelta(days=30),
    )
    return approach.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"handshake": "22" * 16}, "another handshake"),
        ({"purpose": "other"}, "another handshake"),
        ({"partners": (Partner(role="politie", basis=BASIS, since=date(2026, 1, 1)),)}, "criminal justice"),
        ({"partners": (Partner(role="school", basis="none", since=date(2026, 1, 1)),)}, "legal basis"),
    ],
)
def test_a_draft_that_can_not_be_is_not_signed(agreed: Played, changes: dict[str, Any], fault: str) -> None:
    approach = contract(agreed, **changes)
    move = their_move(agreed, Act.PROPOSE, Draft(approach=approach), approach)
    agreed.enter([move])
    draft = agreed.case(1).draft
    assert draft
    assert fault in draft.fault
    assert len(agreed.anomalies(1)) == 1
    agreed.inform(1)
    with pytest.raises(ApproachError, match="can't be signed"):
        agreed.desk(1).sign(agreed.match(1), by=FIRST)
    # It can be put right.
    agreed.desk(1).amend(agreed.match(1), by=FIRST, plan=agreed.plan())
    agreed.enter([agreed.take(1)])
    agreed.sign_draft(1)


def test_another_contract_than_was_announced(agreed: Played) -> None:
    approach = contract(agreed)
    move = their_move(agreed, Act.PROPOSE, Draft(approach=approach), approach, digest=bytes(32))
    agreed.enter([move])
    case = agreed.case(1)
    assert "another contract" in case.drafts[0].fault
    assert case.draft is None
    with pytest.raises(NotFound):
        agreed.desk(1).sign(agreed.match(1), by=FIRST)


def test_a_draft_that_can_not_be_read(agreed: Played) -> None:
    approach = contract(agreed)
    move = their_move(agreed, Act.PROPOSE, Draft(approach=approach), approach, sealed=b"nothing")
    agreed.enter([move])
    assert agreed.case(1).draft is None
    assert len(agreed.anomalies(1)) == 1
    agreed.inform(1)
    with pytest.raises(NotFound):
        agreed.desk(1).sign(agreed.match(1), by=FIRST)


def test_a_signature_under_something_else(agreed: Played) -> None:
    agreed.propose(1)
    agreed.sign_draft(1)
    wrong = sign_approach(contract(agreed), agreed.world.signing[TWO])
    move = their_move(agreed, Act.SIGN, Signed(signature=base64.b64encode(wrong).decode()))
    agreed.enter([move])
    case = agreed.case(1)
    assert isinstance(case.state, Active)
    assert case.draft
    assert "does not verify" in case.draft.fault
    assert len(agreed.anomalies(1)) == 1
    with pytest.raises(NotFound):
        agreed.desk(1).export(agreed.match(1), by=FIRST)
    agreed.desk(1).withdraw(agreed.match(1), by=FIRST, reason=WithdrawalReason.OTHER)


def test_who_does_not_lead_closes(agreed: Played) -> None:
    agreed.propose(1)
    agreed.sign_draft(1)
    agreed.sign_draft(2)
    agreed.enter([their_move(agreed, Act.CLOSE, Closing(outcome=Outcome.GOALS_REACHED))])
    assert agreed.anomalies(1) == ["the other side closed an approach that it doesn't lead"]
    assert agreed.case(1).phase is Phase.CLOSED
