"""The covenant: complete, consistent, signed, and strict about who may do what, and when."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol.covenant import Assessment, Covenant, Schedule, Terms, round_window
from sluis_protocol.errors import BadSignature, CovenantError, LegalGroundMissing, NotAMember
from sluis_protocol.group import IDENTITY
from sluis_protocol.note import Verifier, sign_note

from tests.world import AUTHORITY, COORDINATOR, PURPOSE, holder_oin, make_world, member_oin

WORLD = make_world()
TERMS = WORLD.covenant.terms
OTHER = make_world().covenant.terms


def changed(**changes: object) -> Terms:
    return TERMS.model_copy(update=changes)


def edited(edit: Any) -> str:
    content = json.loads(TERMS.serialise())
    edit(content)
    return json.dumps(content)


def sign(terms: Terms) -> Covenant:
    return Covenant.sign(terms, AUTHORITY, WORLD.authority_key)


def test_a_signed_covenant_verifies_and_hashes_the_same_everywhere() -> None:
    covenant = Covenant.verify(WORLD.covenant.note, WORLD.authority)
    assert covenant.terms == TERMS
    assert covenant.hash == WORLD.covenant.hash == Covenant.draft(TERMS).hash
    assert Terms.parse(TERMS.serialise()) == TERMS


def test_another_authority_or_an_altered_note_is_refused() -> None:
    with pytest.raises(BadSignature):
        Covenant.verify(WORLD.covenant.note, Verifier.of(AUTHORITY, Ed25519PrivateKey.generate()))
    with pytest.raises(BadSignature):
        Covenant.verify(WORLD.covenant.note.replace('"quota": 100000', '"quota": 100001'), WORLD.authority)
    with pytest.raises(BadSignature):
        Covenant.verify(TERMS.serialise(), WORLD.authority)


@pytest.mark.parametrize(
    ("lacking", "what"),
    [
        (changed(coordinator=None), "coordinator"),
        (changed(members=TERMS.members[:1]), "at least 2 members"),
        (changed(members=tuple(m.model_copy(update={"revoked": True}) for m in TERMS.members)), "there are 0"),
        (changed(holders=TERMS.holders[:1], joint_key=None), "at least 2 key holders"),
        (changed(purposes=()), "purpose"),
        (changed(joint_key=None), "joint key"),
        (changed(ceremony=None), "joint key"),
        (
            changed(holders=(TERMS.holders[0].model_copy(update={"public_share": None}), *TERMS.holders[1:])),
            "joint key",
        ),
        (changed(mode="production"), "impact assessment"),
        (changed(mode="production"), "real OINs"),
        (
            changed(members=(TERMS.members[0].model_copy(update={"oin": "0" * 20}), *TERMS.members[1:])),
            "test OINs",
        ),
        (
            changed(coordinator=TERMS.coordinator and TERMS.coordinator.model_copy(update={"oin": "1" * 20})),
            "test OINs",
        ),
    ],
)
def test_an_incomplete_covenant_is_neither_signed_nor_accepted(lacking: Terms, what: str) -> None:
    with pytest.raises(CovenantError, match=what):
        sign(lacking)
    with pytest.raises(CovenantError, match=what):
        Covenant.verify(sign_note(lacking.serialise(), AUTHORITY, WORLD.authority_key), WORLD.authority)


def test_production_needs_real_identities_and_an_assessment() -> None:
    parties = {
        "members": tuple(m.model_copy(update={"oin": f"{n:020}"}) for n, m in enumerate(TERMS.members, 1)),
        "holders": tuple(h.model_copy(update={"oin": f"{n:020}"}) for n, h in enumerate(TERMS.holders, 11)),
        "coordinator": TERMS.coordinator and TERMS.coordinator.model_copy(update={"oin": "9" * 20}),
    }
    assessment = Assessment(reference="DPIA-1", approved_on=date(2026, 1, 1))
    assert sign(changed(mode="production", assessment=assessment, **parties)).terms.mode == "production"


@pytest.mark.parametrize(
    "joint",
    [
        {"joint_key": OTHER.joint_key},
        {"joint_key": base64.b64encode(IDENTITY).decode()},
        {"joint_key": base64.b64encode(b"\xff" * 32).decode()},
        {"holders": (*TERMS.holders[:2], TERMS.holders[2].model_copy(update={"public_share": TERMS.joint_key}))},
        {"threshold": 1},
        {"threshold": 3},  # though two of them could evaluate
    ],
)
def test_a_key_that_does_not_belong_to_the_shares_is_refused(joint: dict[str, Any]) -> None:
    with pytest.raises(CovenantError):
        sign(changed(**joint))
    note = sign_note(changed(**joint).serialise(), AUTHORITY, WORLD.authority_key)
    with pytest.raises(CovenantError):
        Covenant.verify(note, WORLD.authority)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c.update(format="sluis-covenant/2"), "format"),
        (lambda c: c.update(id="Not A Slug"), "id"),
        (lambda c: c.update(version=0), "version"),
        (lambda c: c.update(version="1"), "version"),
        (lambda c: c.update(valid_until="2020-01-01"), "valid_until"),
        (lambda c: c.update(threshold=0), "threshold"),
        (lambda c: c["members"][0].update(oin="1"), r"members\.0\.oin"),
        (lambda c: c["members"][0].update(oin=c["members"][1]["oin"]), "OIN"),
        (lambda c: c["members"][0].update(oin=c["holders"][1]["oin"]), "OIN"),
        (lambda c: c["members"][0].update(signing_key=c["members"][1]["signing_key"]), "signing key"),
        (lambda c: c["members"][0].update(municipality="GM0002"), "municipality"),
        (lambda c: c["members"][0].update(municipality="0001"), "municipality"),
        (lambda c: c["members"][0].update(nationality="x"), "nationality"),
        (lambda c: c["members"][0].update(sealing_key="AAAA"), "sealing_key"),
        (lambda c: c["members"][0].update(signing_key=c["members"][0]["signing_key"][:-2] + "=="), "signing_key"),
        (lambda c: c["members"][0].update(quota=0), "quota"),
        (lambda c: c["holders"].reverse(), "numbered"),
        (lambda c: c["purposes"].append(c["purposes"][0]), "purpose"),
        (lambda c: c["purposes"][0].update(legal_bases=[]), "legal_bases"),
        (lambda c: c["rule_set"].update(sha256="00"), "sha256"),
        (lambda c: c["schedule"].update(minimum_participants=1), "minimum_participants"),
        (lambda c: c["limits"].update(batch_elements=0), "batch_elements"),
        (lambda c: c["limits"].update(message_bytes=2**40), "message_bytes"),
        (lambda c: c["limits"].update(message_bytes=65_536), "a batch doesn't fit"),
        (lambda c: c.pop("rule_set"), "rule_set"),
    ],
)
def test_terms_are_strict_and_errors_name_the_field(edit: Any, field: str) -> None:
    with pytest.raises(CovenantError, match=field):
        Terms.parse(edited(edit))


def test_a_key_has_one_spelling() -> None:
    key = TERMS.members[0].signing_key
    raw = base64.b64decode(key)
    spellings = [
        key[:-2] + letter + "=" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    ]
    same = [spelling for spelling in spellings if base64.b64decode(spelling) == raw]
    assert len(same) > 1
    for spelling in same:
        if spelling != key:
            with pytest.raises(CovenantError, match="canonical"):
                Terms.parse(edited(lambda c, other=spelling: c["members"][0].update(signing_key=other)))


def test_a_revoked_member_is_told_so() -> None:
    members = (TERMS.members[0].model_copy(update={"revoked": True}), *TERMS.members[1:])
    covenant = sign(changed(members=members))
    with pytest.raises(NotAMember, match="revoked"):
        covenant.member(member_oin(1))
    with pytest.raises(NotAMember, match="not a member"):
        covenant.member(COORDINATOR)
    assert covenant.member(member_oin(2)).municipality == "GM0002"
    assert set(covenant.members) == {member_oin(2), member_oin(3)}


def test_holders_are_found_by_oin() -> None:
    assert WORLD.covenant.holder_by_oin(holder_oin(3)).index == 3
    with pytest.raises(NotAMember):
        WORLD.covenant.holder_by_oin(member_oin(1))


def test_a_draft_without_a_key_says_so() -> None:
    with pytest.raises(CovenantError, match="joint key"):
        Covenant.draft(changed(joint_key=None)).joint_key  # noqa: B018


@pytest.mark.parametrize("today", [date(2025, 12, 31), date(2100, 1, 1)])
def test_a_purpose_out_of_its_time_stops_matching(today: date) -> None:
    with pytest.raises(LegalGroundMissing, match="in force"):
        WORLD.covenant.purpose(PURPOSE, today)


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2099, 12, 31)])
def test_a_purpose_is_in_force_on_its_first_and_last_day(today: date) -> None:
    assert WORLD.covenant.purpose(PURPOSE, today).id == PURPOSE


def test_a_purpose_does_not_outlive_the_covenant() -> None:
    covenant = sign(changed(valid_from=date(2026, 6, 1), valid_until=date(2026, 6, 30)))
    for today in (date(2026, 5, 31), date(2026, 7, 1)):
        with pytest.raises(LegalGroundMissing):
            covenant.purpose(PURPOSE, today)


def test_there_are_no_other_purposes() -> None:
    with pytest.raises(LegalGroundMissing, match="no such purpose") as raised:
        WORLD.covenant.purpose("other", date(2026, 6, 1))
    assert PURPOSE in raised.value.do


def test_a_round_follows_the_schedule() -> None:
    opens = datetime(2026, 5, 1, tzinfo=UTC)
    closes, until = round_window(opens, Schedule(collecting_minutes=30, confirmation_hours=2))
    assert (closes - opens, until - closes) == (timedelta(minutes=30), timedelta(hours=2))


def test_the_repr_does_not_print_the_note() -> None:
    assert WORLD.covenant.note[-80:] not in repr(WORLD.covenant)
