"""The contract: canonical, signed by both, verified offline, and refused where the covenant or a ground is missing."""

from __future__ import annotations

import base64
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sluis_protocol.approach import (
    MOST_PARTNERS,
    Approach,
    Criteria,
    Partner,
    SignedApproach,
    check_approach,
    check_fits,
    check_signature,
    sign_approach,
    verify_approach,
)
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    ApproachError,
    BadSignature,
    LegalGroundMissing,
    NotAMember,
    SluisError,
    WrongCovenant,
)

from ..world import AUTHORITY, PURPOSE, World, make_world
from .talks import A, B, C, an_approach

SCHOOL = Partner(role="school", basis="demo-grondslag", since=date(2026, 6, 1))
HOUSE = Partner(role="zorg-en-veiligheidshuis", basis="justice-basis", since=date(2026, 6, 1))
POLICE = Partner(role="politie", basis="justice-basis", since=date(2026, 6, 1), organisation="Politie, eenheid Oost")
WHY = "Neither youth care nor probation can act alone here."
CRITERIA = Criteria(several_areas=True, crime_or_nuisance=True, several_chains=True, why=WHY)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def with_justice(world: World) -> Covenant:
    """The covenant with a legal basis for partners of criminal justice."""
    [purpose] = world.covenant.terms.purposes
    purposes = (purpose.model_copy(update={"criminal_justice_bases": ("justice-basis",)}),)
    return Covenant.sign(
        world.covenant.terms.model_copy(update={"purposes": purposes, "version": 2}), AUTHORITY, world.authority_key
    )


def signed(approach: Approach, world: World) -> SignedApproach:
    first, second = (sign_approach(approach, world.signing[oin]) for oin in approach.parties)
    return SignedApproach.of(approach, (first, second))


def test_a_contract_that_both_signed_is_verified_offline(world: World) -> None:
    approach = an_approach(world.covenant)
    file = signed(approach, world).serialise()
    verified = verify_approach(file, world.covenant)
    assert verified.approach == approach
    assert [step.split(";")[0] for step in verified.steps] == [
        "the contract is well formed",
        "it keeps to the covenant test-covenant v1",
        f"it is signed by Municipality GM0001 ({A})",
        f"it is signed by Municipality GM0002 ({B})",
    ]
    assert approach.digest.hex() in verified.steps[0]
    assert approach.until == datetime(2027, 1, 1, tzinfo=UTC)
    assert Approach.parse(approach.serialise()) == approach


def test_no_byte_of_the_file_can_be_another(world: World) -> None:
    file = signed(an_approach(world.covenant), world).serialise().encode()
    verify_approach(file.decode(), world.covenant)
    for at in range(len(file)):
        for flip in (1, 0x20):
            altered = bytearray(file)
            altered[at] ^= flip
            with pytest.raises(SluisError):
                verify_approach(altered.decode("utf-8", "surrogateescape"), world.covenant)
    for altered_text in (file.decode()[:-1], file.decode() + "\n", " " + file.decode(), file.decode() + "{}", ""):
        with pytest.raises(ApproachError):
            verify_approach(altered_text, world.covenant)


def test_signatures(world: World, with_justice: Covenant) -> None:
    approach = an_approach(world.covenant)
    one, two = (sign_approach(approach, world.signing[oin]) for oin in (A, B))
    check_signature(approach, world.covenant, A, one)
    third = sign_approach(approach, world.signing[C])
    for pair in ((two, one), (one, one), (one, third), (bytes(64), two)):
        with pytest.raises(BadSignature, match="under the contract"):
            verify_approach(SignedApproach.of(approach, pair).serialise(), world.covenant)
    with pytest.raises(BadSignature):
        check_signature(approach, world.covenant, A, b"short")
    with pytest.raises(WrongCovenant, match="another covenant version"):
        verify_approach(signed(approach, world).serialise(), with_justice)
    plain = world.signing[A].sign(approach.serialise().encode())  # without the domain, it could be anything
    with pytest.raises(BadSignature):
        check_signature(approach, world.covenant, A, plain)


def test_two_contracts_of_the_same_content_have_different_digests(world: World) -> None:
    """The coordinator sees the digest, and can't try out what it is of."""
    assert an_approach(world.covenant).digest != an_approach(world.covenant).digest


def test_nothing_of_the_family_is_in_it(world: World) -> None:
    assert set(Approach.model_fields) == {
        "format", "handshake", "nonce", "covenant", "purpose", "parties", "lead", "partners", "start", "end", "criteria"
    }  # fmt: skip
    assert set(Partner.model_fields) == {"role", "basis", "since", "organisation"}
    with pytest.raises(ApproachError, match="case"):
        Approach.parse(an_approach(world.covenant).serialise().replace("{", '{\n  "case": "Z1",', 1))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"parties": (B, A)}, "lower OIN first"),
        ({"parties": (A, A)}, "lower OIN first"),
        ({"lead": C}, "one of the two parties leads"),
        ({"end": date(2026, 5, 31)}, "ends before it starts"),
        ({"end": date(9_999, 12, 31)}, "ends after"),
        ({"nonce": "00"}, "nonce"),
        ({"handshake": "0" * 31}, "handshake"),
        ({"partners": (SCHOOL,) * (MOST_PARTNERS + 1)}, "at most 40"),
    ],
)
def test_contracts_that_contradict_themselves(world: World, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        an_approach(world.covenant, **changed)


@pytest.mark.parametrize(
    ("changed", "kind", "why"),
    [
        ({"covenant": "0" * 64}, WrongCovenant, "another covenant version"),
        ({"parties": (A, "00000099000000009999"), "lead": A}, NotAMember, "not a member"),
        ({"purpose": "another"}, LegalGroundMissing, "no such purpose"),
        ({"start": date(2025, 12, 31)}, LegalGroundMissing, "in force from"),
        ({"end": date(2027, 6, 2)}, ApproachError, "365 days at most"),
        ({"partners": (SCHOOL.model_copy(update={"role": "buurman"}),)}, ApproachError, "no such role"),
        ({"partners": (SCHOOL.model_copy(update={"basis": "none"}),)}, LegalGroundMissing, "needs a legal basis"),
        ({"partners": (SCHOOL.model_copy(update={"since": date(2026, 5, 31)}),)}, ApproachError, "outside the dates"),
        ({"partners": (SCHOOL.model_copy(update={"since": date(2027, 1, 1)}),)}, ApproachError, "outside the dates"),
        ({"criteria": CRITERIA}, ApproachError, "no partner that needs them"),
    ],
)
def test_contracts_that_the_covenant_does_not_allow(
    world: World, changed: dict[str, Any], kind: type[SluisError], why: str
) -> None:
    approach = an_approach(world.covenant, **changed)
    with pytest.raises(kind, match=why):
        check_approach(approach, world.covenant)
    with pytest.raises(SluisError):
        verify_approach(SignedApproach.of(approach, (bytes(64), bytes(64))).serialise(), world.covenant)


def test_rule_13_no_partner_without_a_ground() -> None:
    for missing in ("role", "basis", "since"):
        values = {"role": "school", "basis": "demo-grondslag", "since": date(2026, 6, 1)}
        del values[missing]
        with pytest.raises(ValidationError, match=missing):
            Partner.model_validate(values)
    with pytest.raises(ValidationError, match="basis"):
        Partner(role="school", basis="", since=date(2026, 6, 1))


def test_rule_13_criminal_justice_only_where_the_covenant_has_a_basis(world: World, with_justice: Covenant) -> None:
    with pytest.raises(LegalGroundMissing, match="no legal basis for partners of criminal justice"):
        check_approach(an_approach(world.covenant, partners=(SCHOOL, POLICE)), world.covenant)
    check_approach(an_approach(with_justice, partners=(SCHOOL, POLICE)), with_justice)
    by_another = POLICE.model_copy(update={"basis": "demo-grondslag"})
    with pytest.raises(LegalGroundMissing, match="needs a legal basis"):
        check_approach(an_approach(with_justice, partners=(by_another,)), with_justice)
    borrowed = SCHOOL.model_copy(update={"basis": "justice-basis"})
    with pytest.raises(LegalGroundMissing, match="needs a legal basis"):
        check_approach(an_approach(with_justice, partners=(borrowed,)), with_justice)


def test_a_zorg_en_veiligheidshuis_only_by_its_criteria(world: World, with_justice: Covenant) -> None:
    def check(criteria: Criteria | None) -> None:
        check_approach(an_approach(with_justice, partners=(SCHOOL, HOUSE), criteria=criteria), with_justice)

    check(CRITERIA)
    for criterion in ("several_areas", "crime_or_nuisance", "several_chains"):
        with pytest.raises(ApproachError, match="only when its criteria hold"):
            check(CRITERIA.model_copy(update={criterion: False}))
        with pytest.raises(ValidationError, match=criterion):
            Criteria.model_validate({**CRITERIA.model_dump(exclude={criterion})})
    with pytest.raises(ApproachError, match="only when its criteria hold"):
        check(None)
    for why in ("", "too short", "x" * 1001):
        with pytest.raises(ValidationError, match="why"):
            Criteria(several_areas=True, crime_or_nuisance=True, several_chains=True, why=why)
    without_a_basis = an_approach(world.covenant, partners=(HOUSE,), criteria=CRITERIA)
    with pytest.raises(LegalGroundMissing):
        check_approach(without_a_basis, world.covenant)


def test_it_fits_its_handshake(world: World) -> None:
    handshake_id = os.urandom(16)
    approach = an_approach(world.covenant, handshake_id)
    check_fits(approach, handshake_id, PURPOSE, (A, B))
    for other in ((bytes(16), PURPOSE, (A, B)), (handshake_id, "x", (A, B)), (handshake_id, PURPOSE, (A, C))):
        with pytest.raises(ApproachError, match="another handshake"):
            check_fits(approach, *other)


def test_the_longest_approach_is_as_long_as_the_state_machine_lets_it(world: World) -> None:
    start = date(2026, 6, 1)
    longest = an_approach(world.covenant, start=start, end=start + timedelta(days=365))
    check_approach(longest, world.covenant)
    assert longest.until == datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=366)


def test_a_file_of_another_form(world: World) -> None:
    text = signed(an_approach(world.covenant), world).serialise()
    third = base64.b64encode(bytes(64)).decode()
    for altered, field in (
        (text.replace('"signatures": [', f'"signatures": [\n    "{third}",'), "signatures"),
        (text.replace("sluis-approach/1", "sluis-approach/2"), "format"),
        (text.replace(f'"lead": "{B}",', f'"lead": "{B}",\n    "lead": "{A}",'), "canonical"),
        (text.replace('"since": "2026-06-01"', '"since": "2026-06-01T00:00:00"'), "since|canonical"),
    ):
        assert altered != text
        with pytest.raises(ApproachError, match=field):
            SignedApproach.parse(altered)
