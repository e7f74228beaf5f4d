"""Any t of n give the one key's output; every lie is found and its teller named."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import group, oprf, threshold
from sluis_protocol.batches import Points
from sluis_protocol.errors import BadElement, BadQuorum, CovenantError, MalformedMessage, WrongProof
from sluis_protocol.threshold import JointKey, KeyShare, ShareEvaluation

SECRET, PUBLIC = oprf.derive_key_pair(bytes(range(32)), b"tests")
JOINT, SHARES = threshold.split(SECRET, 2, 3, os.urandom)
QUORUM = (1, 3)
INPUTS = [b"one", b"two", b"three"]
BLINDED = threshold.blind(INPUTS, os.urandom)


def answers(quorum: Sequence[int] = QUORUM, elements: bytes = BLINDED.elements) -> list[ShareEvaluation]:
    return [threshold.evaluate(SHARES[index - 1], quorum, elements, os.urandom) for index in quorum]


def combine(evaluations: Sequence[ShareEvaluation], quorum: Sequence[int] = QUORUM) -> Points:
    return threshold.combine(JOINT, quorum, BLINDED.elements, evaluations, os.urandom)


def flip(data: bytes, at: int, bit: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def own_key(secret: bytes, quorum: Sequence[int] = QUORUM, index: int = 1) -> ShareEvaluation:
    """The answer of a holder that uses another scalar, with an honest proof about that scalar."""
    made = oprf.blind_evaluate(secret, group.base_multiply(secret), BLINDED.elements, os.urandom)
    return ShareEvaluation(index, made.elements, made.proof, made.composites)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_t_of_n_give_the_single_keys_output(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    needed = data.draw(st.integers(1, count))
    joint, shares = threshold.split(SECRET, needed, count, os.urandom)
    assert joint.public == PUBLIC
    threshold.check_joint_key(joint)
    blinded = threshold.blind(INPUTS, os.urandom)
    expected = oprf.evaluate(SECRET, INPUTS)
    quorum = data.draw(st.permutations(range(1, count + 1)))[:needed]
    evaluations = [threshold.evaluate(shares[index - 1], quorum, blinded.elements, os.urandom) for index in quorum]
    combined = threshold.combine(joint, quorum, blinded.elements, evaluations[::-1], os.urandom)
    assert threshold.finalize(joint, blinded, combined) == expected


def test_a_blind_is_a_multiple_of_the_generator_on_top() -> None:
    once, again = (threshold.blind(INPUTS, os.urandom) for _ in range(2))
    points = group.hash_to_group(INPUTS, oprf.hash_domain())
    assert once.elements == group.add(points, group.base_multiply(once.blinds))
    assert not {once.elements[at : at + 32] for at in range(0, 96, 32)} & {
        again.elements[at : at + 32] for at in range(0, 96, 32)
    }
    for inputs in ([], [b""] * (oprf.MAX_BATCH + 1)):
        with pytest.raises(MalformedMessage):
            threshold.blind(inputs, os.urandom)


def test_under_another_public_key_nothing_comes_out_that_anybody_could_compute() -> None:
    """The relay answers with a key of its own; were it believed, the node's own K would still spoil the result."""
    own = (5).to_bytes(32, "little")
    hows, no_matter = [oprf.weighing(PUBLIC)], bytes(64)
    _, sums = group.verify(hows, no_matter, BLINDED.elements, [group.multiply(own, BLINDED.elements)])
    made = threshold.finalize(JOINT, BLINDED, sums)
    assert not set(made) & {*oprf.evaluate(own, INPUTS), *oprf.evaluate(SECRET, INPUTS)}
    lied = replace(JOINT, public=group.base_multiply(own))
    assert threshold.finalize(lied, BLINDED, sums) == oprf.evaluate(own, INPUTS)


def test_every_quorum_of_3_of_5() -> None:
    joint, shares = threshold.split(SECRET, 3, 5, os.urandom)
    for quorum in combinations(range(1, 6), 3):
        made = [threshold.evaluate(shares[index - 1], quorum, BLINDED.elements, os.urandom) for index in quorum]
        combined = threshold.combine(joint, quorum, BLINDED.elements, made, os.urandom)
        assert threshold.finalize(joint, BLINDED, combined) == oprf.evaluate(SECRET, INPUTS)


def test_one_holder_is_rfc_9497_to_the_byte() -> None:
    joint, (share,) = threshold.split(SECRET, 1, 1, os.urandom)
    assert share == KeyShare(1, SECRET)
    nonce = os.urandom(64)
    made = threshold.evaluate(share, (1,), BLINDED.elements, lambda count: nonce)
    plain = oprf.blind_evaluate(SECRET, PUBLIC, BLINDED.elements, lambda count: nonce)
    assert (made.elements, made.proof, made.composites) == (plain.elements, plain.proof, plain.composites)
    oprf.verify_proof(PUBLIC, BLINDED.elements, made.elements, made.proof)
    sums = threshold.combine(joint, (1,), BLINDED.elements, [made], os.urandom)
    assert threshold.finalize(joint, BLINDED, sums) == oprf.evaluate(SECRET, INPUTS)


LIES: dict[str, Callable[[ShareEvaluation], ShareEvaluation]] = {
    "c": lambda told: replace(told, proof=flip(told.proof, 3)),
    "s": lambda told: replace(told, proof=flip(told.proof, 40)),
    "no proof": lambda told: replace(told, proof=b""),
    "a longer proof": lambda told: replace(told, proof=told.proof + b"\x00"),
    "M": lambda told: replace(told, composites=told.composites[32:] * 2),
    "Z": lambda told: replace(told, composites=told.composites[:32] * 2),
    "no composites": lambda told: replace(told, composites=b""),
    "bit 255 of Z": lambda told: replace(told, composites=flip(told.composites, 63, 0x80)),
    "composites that are no elements": lambda told: replace(told, composites=b"\x01" + bytes(62) + b"\x01"),
    "elements swapped": lambda told: replace(
        told, elements=told.elements[32:64] + told.elements[:32] + told.elements[64:]
    ),
    "an element of its choice": lambda told: replace(told, elements=group.GENERATOR + told.elements[32:]),
    "an element that is none": lambda told: replace(told, elements=b"\x01" + bytes(31) + told.elements[32:]),
    "the identity": lambda told: replace(told, elements=told.elements[:64] + group.IDENTITY),
    "bit 255 of an element": lambda told: replace(told, elements=flip(told.elements, 31, 0x80)),
    "an element too few": lambda told: replace(told, elements=told.elements[32:]),
    "no elements": lambda told: replace(told, elements=b""),
    "k = 1": lambda told: own_key(threshold.scalar(1), index=told.index),
    "k = 1 under the right proof": lambda told: replace(told, elements=BLINDED.elements),
    "a key of its own": lambda told: own_key(threshold.scalar(12345), index=told.index),
    "its share without λ": lambda told: own_key(SHARES[told.index - 1].secret, index=told.index),
    "another batch": lambda told: threshold.evaluate(
        SHARES[told.index - 1], QUORUM, group.multiply(threshold.scalar(3), BLINDED.elements), os.urandom
    ),
    "the λ of another quorum": lambda told: threshold.evaluate(
        SHARES[told.index - 1], (told.index, 2), BLINDED.elements, os.urandom
    ),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("liar", QUORUM)
def test_every_lie_is_found_and_its_teller_named(lie: str, liar: int) -> None:
    told = [LIES[lie](answer) if answer.index == liar else answer for answer in answers()]
    with pytest.raises(WrongProof) as refusal:
        combine(told)
    assert refusal.value.culprits == (liar,)


def test_a_consistent_lie_about_the_composites_is_found() -> None:
    """A true statement log(K_i) = log_M(Z) for an M of the liar's choice, beside elements of its choice."""
    first, third = answers()
    secret = group.multiply_scalars(SHARES[0].secret, threshold.lagrange(QUORUM, 1))
    public = group.base_multiply(secret)
    m = group.hash_to_group([b"any"], b"tests")
    composites = m + group.multiply(secret, m)
    proof = oprf.generate_proof(secret, public, composites, os.urandom)
    assert oprf.proves(public, composites, proof)
    lie = ShareEvaluation(1, BLINDED.elements, proof, composites)
    with pytest.raises(WrongProof) as refusal:
        combine([lie, third])
    assert refusal.value.culprits == (1,)
    honest_elements = replace(first, proof=proof, composites=composites)
    with pytest.raises(WrongProof) as refusal:
        combine([honest_elements, third])
    assert refusal.value.culprits == (1,)


def test_honest_answers_are_verified_without_recomputing_their_composites(monkeypatch: pytest.MonkeyPatch) -> None:
    told = answers()

    def recompute(public: bytes, blinded: bytes, evaluated: bytes) -> bytes:
        raise AssertionError("the slow way")

    monkeypatch.setattr(oprf, "compute_composites", recompute)
    assert threshold.finalize(JOINT, BLINDED, combine(told)) == oprf.evaluate(SECRET, INPUTS)


def test_two_liars_whose_lies_cancel_are_both_named() -> None:
    first, third = answers()
    shift = group.hash_to_group([b"shift"] * len(INPUTS), b"tests")
    back = group.multiply(threshold.scalar(-1), shift)
    told = [
        replace(first, elements=group.add(first.elements, shift)),
        replace(third, elements=group.add(third.elements, back)),
    ]
    with pytest.raises(WrongProof) as refusal:
        combine(told)
    assert refusal.value.culprits == (1, 3)
    assert refusal.value.do


def test_a_liar_of_one_kind_does_not_hide_one_of_another() -> None:
    first, third = answers()
    told = [replace(first, proof=flip(first.proof, 0)), LIES["elements swapped"](third)]
    with pytest.raises(WrongProof) as refusal:
        combine(told)
    assert refusal.value.culprits == (1, 3)


def test_an_altered_covenant_key_refuses_the_answers_made_for_the_true_one() -> None:
    forged = JointKey(2, JOINT.public, {**JOINT.shares, 3: group.GENERATOR})
    with pytest.raises(WrongProof) as refusal:
        threshold.combine(forged, QUORUM, BLINDED.elements, answers(), os.urandom)
    assert refusal.value.culprits == (3,)


@pytest.mark.parametrize("quorum", [(), (1,), (1, 2, 3), (1, 1), (1, 4), (0, 1), (1, -2), (1, 256)])
def test_a_wrong_quorum_is_refused(quorum: tuple[int, ...]) -> None:
    with pytest.raises(BadQuorum):
        threshold.check_quorum(JOINT, quorum)
    with pytest.raises(BadQuorum):
        combine(answers(), quorum)


@pytest.mark.parametrize("quorum", [(), (2, 3), (1, 1), (0, 1), (1, 256)])
def test_a_holder_refuses_a_quorum_that_it_cant_be_in(quorum: tuple[int, ...]) -> None:
    with pytest.raises(BadQuorum):
        threshold.evaluate(SHARES[0], quorum, BLINDED.elements, os.urandom)


def test_the_answers_are_exactly_the_quorums() -> None:
    first, third = answers()
    for told in ([first], [first, first], [first, third, third], [first, replace(third, index=2)], []):
        with pytest.raises(BadQuorum):
            combine(told)
    swapped = [replace(first, index=3), replace(third, index=1)]
    with pytest.raises(WrongProof) as refusal:
        combine(swapped)
    assert refusal.value.culprits == (1, 3)


def test_nobody_is_blamed_for_a_batch_that_is_none() -> None:
    told = answers()
    for bad in (flip(BLINDED.elements, 31, 0x80), b"\x01" + bytes(31) + BLINDED.elements[32:], BLINDED.elements[1:]):
        with pytest.raises(BadElement):
            threshold.combine(JOINT, QUORUM, bad, told, os.urandom)
    with pytest.raises(MalformedMessage):
        threshold.combine(JOINT, QUORUM, b"", told, os.urandom)


def test_lagrange_interpolates_at_zero() -> None:
    polynomial = threshold.scalar(5) + threshold.scalar(7) + threshold.scalar(11)
    for quorum in combinations((1, 2, 9, 255), 3):
        total = bytes(32)
        for index in quorum:
            term = group.multiply_scalars(threshold.polynomial(polynomial, index), threshold.lagrange(quorum, index))
            total = group.add_scalars(total, term)
        assert total == threshold.scalar(5)
    assert threshold.polynomial(polynomial, 2) == threshold.scalar(5 + 2 * 7 + 4 * 11)


def test_a_joint_key_lies_on_one_polynomial() -> None:
    joint, _ = threshold.split(SECRET, 3, 5, os.urandom)
    threshold.check_joint_key(joint)
    for index in joint.shares:
        with pytest.raises(CovenantError):
            threshold.check_joint_key(replace(joint, shares={**joint.shares, index: group.GENERATOR}))
    with pytest.raises(CovenantError):
        threshold.check_joint_key(replace(joint, public=group.GENERATOR))
    with pytest.raises(CovenantError):
        threshold.check_joint_key(replace(joint, threshold=2))
    for wrong in (0, 6):
        with pytest.raises(CovenantError):
            threshold.check_joint_key(replace(joint, threshold=wrong))
    with pytest.raises(BadElement):
        threshold.check_joint_key(replace(joint, shares={**joint.shares, 5: group.IDENTITY}))


@pytest.mark.parametrize(("needed", "count"), [(0, 3), (4, 3), (1, 0), (1, 256)])
def test_impossible_splits_are_refused(needed: int, count: int) -> None:
    with pytest.raises(BadQuorum):
        threshold.split(SECRET, needed, count, os.urandom)


def test_a_share_has_no_repr_of_its_secret() -> None:
    assert repr(SHARES[0]) == "KeyShare(index=1)"
