"""Tagging believes nobody: whatever holders answer, the tags are right or there are none, and liars are named."""

from __future__ import annotations

import os

import pytest
from sluis_node.round.quorums import Complaint
from sluis_node.round.tagging import blinding
from sluis_protocol import group, oprf, threshold
from sluis_protocol.errors import (
    HolderUnavailable,
    WrongProof,
)
from sluis_protocol.group import ELEMENT_BYTES, IDENTITY
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest
from sluis_protocol.signed import Kind

from ..world import holder_oin
from .relay import INPUTS, Trial, in_turn
from .rig import Twist, altered


async def test_honest_holders() -> None:
    trial = Trial()
    await trial.run()
    assert not trial.faults
    assert sorted(elements for _, _, elements in trial.receipts) == [2, 4, 4]
    assert sorted(len(request.elements) // ELEMENT_BYTES for request in trial.relay.requests) == [2, 4, 4]


async def test_nothing_to_tag() -> None:
    trial = Trial()
    assert await trial.tagging.run([], bytes(32), lambda done, total: None) == []
    assert not trial.relay.requests


async def test_a_restart_asks_for_the_same_elements() -> None:
    """So that a holder counts the batch once (docs/adr/0007)."""
    first, second = Trial(), Trial()
    await first.run(b"s" * 32)
    await second.run(b"s" * 32)
    assert {request.elements for request in first.relay.requests} == {r.elements for r in second.relay.requests}


def test_blinds_depend_on_the_seed_and_on_all_inputs() -> None:
    one = blinding(b"s" * 32, INPUTS)
    assert one(64) != one(64)
    blinds = [blinding(seed, inputs)(64) for seed in (b"s" * 32, b"t" * 32) for inputs in (INPUTS, INPUTS[:-1])]
    assert len(set(blinds)) == 4


# Lies.


def k_is_one(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    """The elements come back as they are, with a proof that is right for the key 1."""
    one = (1).to_bytes(32, "little")
    made = oprf.blind_evaluate(one, group.base_multiply(one), request.elements, os.urandom)
    return altered(answer, elements=made.elements, proof=made.proof, composites=made.composites)


def another_key(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    share = threshold.KeyShare(answer.index, group.random_scalars(1, os.urandom))
    made = threshold.evaluate(share, request.quorum, request.elements, os.urandom)
    return altered(answer, elements=made.elements, proof=made.proof, composites=made.composites)


def an_altered_element(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    return altered(answer, elements=request.elements[:ELEMENT_BYTES] + answer.elements[ELEMENT_BYTES:])


def swapped_elements(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    elements = answer.elements
    swapped = elements[ELEMENT_BYTES : 2 * ELEMENT_BYTES] + elements[:ELEMENT_BYTES] + elements[2 * ELEMENT_BYTES :]
    return altered(answer, elements=swapped)


def bit_255(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    """The same element to libsodium 1.0.18, which ignores the bit; not the canonical encoding."""
    return altered(answer, elements=answer.elements[:31] + bytes([answer.elements[31] | 0x80]) + answer.elements[32:])


def the_identity(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    return altered(answer, elements=IDENTITY + answer.elements[ELEMENT_BYTES:])


def an_element_less(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    return altered(answer, elements=answer.elements[ELEMENT_BYTES:])


def another_proof(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    return altered(answer, proof=bytes(64))


def no_element(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
    return altered(answer, elements=b"\x01" * ELEMENT_BYTES + answer.elements[ELEMENT_BYTES:])


LIES = [
    k_is_one,
    another_key,
    an_altered_element,
    swapped_elements,
    bit_255,
    the_identity,
    an_element_less,
    another_proof,
    no_element,
]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("liar", [1, 3])
async def test_a_liar_is_named_and_another_quorum_answers(lie: Twist, liar: int) -> None:
    trial = Trial(batch=len(INPUTS))
    trial.relay.twists[liar] = lie
    trial.quorums.choose = in_turn([q for q in ((1, 3), (1, 2), (2, 3)) if liar in q], trial)  # type: ignore[method-assign] # the liar is asked
    await trial.run()
    assert trial.complaints() == {liar: Complaint.LIED}
    (fault,) = trial.faults
    assert isinstance(fault.error, WrongProof)
    request, answer = fault.evidence
    assert request.envelope.kind is Kind.EVALUATION_REQUEST
    assert answer.envelope.sender == holder_oin(liar)
    assert [liar in asked.quorum for asked in trial.relay.requests] == [True, False]


async def test_another_quorums_lagrange_factor_is_a_lie() -> None:
    """The answer for quorum (1, 2), where (1, 3) was asked: the factor differs."""
    trial = Trial(batch=len(INPUTS))

    def for_another(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
        other = next(i for i in (1, 2, 3) if i not in request.quorum)
        quorum = sorted((answer.index, other))
        made = threshold.evaluate(trial.world.shares[answer.index - 1], quorum, request.elements, os.urandom)
        return altered(answer, elements=made.elements, proof=made.proof, composites=made.composites)

    trial.relay.twists[1] = for_another
    trial.quorums.choose = in_turn([(1, 3)], trial)  # type: ignore[method-assign] # the liar is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.LIED}


async def test_two_liars_of_three_leave_no_quorum() -> None:
    trial = Trial()
    trial.relay.twists = {1: k_is_one, 2: another_key}
    with pytest.raises(HolderUnavailable, match=r"1: .*; 2: ") as caught:
        await trial.run()
    assert caught.value.do
    assert trial.complaints() == {1: Complaint.LIED, 2: Complaint.LIED}
    assert not trial.slept


async def test_a_liar_is_never_asked_again() -> None:
    trial = Trial(batch=1)
    trial.relay.twists[2] = k_is_one
    await trial.run()
    assert sum(2 in request.quorum for request in trial.relay.requests) <= 3  # what was in flight


async def test_two_of_five_may_lie() -> None:
    trial = Trial(holders=5, needed=3)
    trial.relay.twists = {1: another_key, 4: bit_255}
    await trial.run()
    assert set(trial.complaints().values()) <= {Complaint.LIED}
