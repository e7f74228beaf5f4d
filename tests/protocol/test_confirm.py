"""Confirmations: only who holds the same openings can make or check one."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.confirm import (
    REFERENCE_BYTES,
    SEALED_REFERENCE_BYTES,
    ConfirmKey,
    confirm_key,
    examine,
    match_id,
)
from sluis_protocol.errors import Anomaly, BadSeal
from sluis_protocol.rules import Grade, load_rules
from sluis_protocol.submission import OwnFamily
from sluis_protocol.tag import OwnPerson, TaggedKey

RULES = load_rules()
A, B = "00000099000000001001", "00000099000000001002"
OPENINGS = {bytes([n]) * 16: bytes([n, 1]) * 16 for n in (3, 1, 2)}
CONTEXT = {"candidate_id": b"c" * 16, "covenant_hash": b"h" * 32, "round_id": "r1", "oins": (A, B)}


def key(openings: dict[bytes, bytes] | None = None, **changes: object) -> ConfirmKey:
    return confirm_key(openings or OPENINGS, **(CONTEXT | changes))  # type: ignore[arg-type] # by keyword


@given(st.permutations(sorted(OPENINGS)))
def test_both_sides_derive_the_same_whatever_the_order(order: list[bytes]) -> None:
    other = key({tag: OPENINGS[tag] for tag in order}, oins=(B, A))
    assert other == key()
    assert key().check(A, other.mac(A))
    assert not key().check(B, other.mac(A))


@pytest.mark.parametrize(
    "other",
    [
        key(candidate_id=b"d" * 16),
        key(covenant_hash=b"i" * 32),
        key(round_id="r2"),
        key(oins=(A, "00000099000000001003")),
        key(dict(list(OPENINGS.items())[:2])),
        key(OPENINGS | {bytes(16): bytes(32)}),
        key(OPENINGS | {bytes([1]) * 16: bytes(32)}),
    ],
)
def test_another_context_or_opening_is_another_key(other: ConfirmKey) -> None:
    assert not key().check(A, other.mac(A))
    with pytest.raises(BadSeal):
        key().open_reference(A, other.seal_reference(A, os.urandom(REFERENCE_BYTES)))


def test_a_code_is_checked_whole() -> None:
    mac = key().mac(A)
    assert not any(key().check(A, wrong) for wrong in (b"", mac[:-1], mac + b"\x00", bytes([mac[0] ^ 1]) + mac[1:]))


def test_without_openings_there_is_no_key() -> None:
    with pytest.raises(ValueError, match="opening"):
        confirm_key({}, candidate_id=bytes(16), covenant_hash=bytes(32), round_id="r1", oins=(A, B))


def test_a_reference_crosses_sealed_and_bound_to_its_side() -> None:
    reference = os.urandom(REFERENCE_BYTES)
    sealed = key().seal_reference(A, reference)
    assert len(sealed) == SEALED_REFERENCE_BYTES
    assert key().open_reference(A, sealed) == reference
    assert key().seal_reference(A, reference) == sealed  # so that what is sent again is identical
    assert key().seal_reference(B, reference) != sealed
    with pytest.raises(BadSeal):
        key().open_reference(B, sealed)
    for at in range(len(sealed)):
        with pytest.raises(BadSeal):
            key().open_reference(A, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])


def test_the_repr_shows_no_secret() -> None:
    assert key().secret.hex() not in repr(key())
    assert repr(key().secret) not in repr(key())


# A claim, seen from one's own side.

KINDS = sorted(RULES.kinds)
TAGS = {kind: bytes([at]) * 16 for at, kind in enumerate(KINDS)}
FAMILY = OwnFamily(
    "f",
    {7: OwnPerson("f", "p", True, tuple(TaggedKey(kind, TAGS[kind], TAGS[kind] * 2) for kind in KINDS))},
)


def test_a_true_claim_gives_its_grade_and_just_the_claimed_openings() -> None:
    evidence = examine(FAMILY, {7: [TAGS["bsn"]]}, RULES)
    assert evidence is not None
    assert (evidence.grade, evidence.openings) == (Grade.BSN, {TAGS["bsn"]: TAGS["bsn"] * 2})
    assert repr(TAGS["bsn"] * 2) not in repr(evidence)


def test_all_but_the_number_is_a_match_by_name() -> None:
    evidence = examine(FAMILY, {7: [TAGS[kind] for kind in KINDS if kind != "bsn"]}, RULES)
    assert evidence is not None
    assert evidence.grade is Grade.NAME


def test_too_little_is_no_match() -> None:
    weakest = min(KINDS, key=lambda kind: RULES.kinds[kind].points)
    assert examine(FAMILY, {7: [TAGS[weakest]]}, RULES) is None


@pytest.mark.parametrize(
    "claimed",
    [{}, {8: [TAGS["bsn"]]}, {7: []}, {7: [b"?" * 16]}, {7: [TAGS["bsn"], TAGS["bsn"]]}],
    ids=["nobody", "stranger", "no tag", "unknown tag", "tag twice"],
)
def test_what_no_honest_coordinator_claims_is_an_anomaly(claimed: dict[int, list[bytes]]) -> None:
    with pytest.raises(Anomaly):
        examine(FAMILY, claimed, RULES)


def test_a_match_has_one_id_on_both_sides_and_another_for_every_other_pair() -> None:
    ours, theirs, third = (os.urandom(REFERENCE_BYTES) for _ in range(3))
    assert match_id("jeugd", ours, theirs) == match_id("jeugd", theirs, ours)
    ids = {match_id(*parts) for parts in (("jeugd", ours, theirs), ("jeugd", ours, third), ("schuld", ours, theirs))}
    assert len(ids) == 3
