"""Tagging believes nobody: whatever holders and the relay answer, the tags are right or there are none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import pytest
from sluis_node.line import Line
from sluis_node.quorums import Complaint, Fault, Quorums
from sluis_node.signer import Signer
from sluis_node.tagging import Tagging, blinding
from sluis_protocol import group, oprf, threshold, wire
from sluis_protocol.covenant import Limits
from sluis_protocol.errors import (
    HolderUnavailable,
    MalformedMessage,
    QuotaExceeded,
    RoundError,
    SluisError,
    Unreachable,
    WrongProof,
)
from sluis_protocol.group import ELEMENT_BYTES, IDENTITY
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest, HolderAnswer, Refusal
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import Method

from ..world import PURPOSE, World, holder_oin, make_world, member_oin
from .rig import Twist, altered, evaluate, honest, sign_as

T = TypeVar("T")
ROUND = "r20260101t000000z-0000000000000000"
INPUTS = [b"input %d" % number for number in range(10)]
OIN = member_oin(1)
Answer = Callable[[int, SignedMessage], HolderAnswer | None]


class Relay:
    """A wire to holders in memory. `behave` says what is answered for a holder (default: an honest evaluation)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.twists: dict[int, Twist] = {}
        self.answers: dict[int, Answer] = {}
        self.late: set[int] = set()
        self.failures: list[SluisError] = []
        self.requests: list[EvaluationRequest] = []

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        raise AssertionError("tagging makes no such call")

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        raise AssertionError("tagging makes no such call")

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        assert isinstance(request, SignedMessage)
        if self.failures:
            raise self.failures.pop(0)
        said = wire.decode(EvaluationRequest, request.envelope.payload)
        self.requests.append(said)
        for index in said.quorum:
            if index in self.late:
                await asyncio.Event().wait()
            answer = self._answer(index, request)
            if answer is not None:
                # Over the wire and back, as it would be.
                yield cast("T", wire.decode(HolderAnswer, wire.encode(answer)))

    def _answer(self, index: int, request: SignedMessage) -> HolderAnswer | None:
        if index in self.answers:
            return self.answers[index](index, request)
        signed = evaluate(self.world, index, request, twist=self.twists.get(index, honest))
        return HolderAnswer(index, signed) if signed else None


class Trial:
    """A node's tagging before a relay."""

    def __init__(self, *, batch: int = 4, needed: int = 2, holders: int = 3, **options: Any) -> None:
        self.world = make_world(
            needed=needed, holders=holders, limits=Limits(batch_elements=batch, evaluation_seconds=1)
        )
        self.relay = Relay(self.world)
        self.faults: list[Fault] = []
        self.slept: list[float] = []
        self.waking: Callable[[], object] = lambda: None
        covenant = self.world.covenant
        self.quorums = Quorums(covenant.holders, covenant.terms.threshold, os.urandom)
        self.tagging = Tagging(
            Line(self.relay, "nowhere:1", os.urandom, self._sleep, 5.0),
            Signer(OIN, self.world.signing[OIN], lambda: datetime.now(UTC)),
            covenant,
            ROUND,
            PURPOSE,
            os.urandom,
            self.quorums,
            self.faults.append,
            **options,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.waking()
        await asyncio.sleep(0)

    async def run(self, seed: bytes = bytes(32)) -> list[bytes]:
        """Tag all inputs and check that each output is the function's own."""
        done: list[int] = []
        outputs = await self.tagging.run(INPUTS, seed, lambda now, total: done.append(now))
        assert outputs == self.expected()
        assert done[0] == 0
        assert done[-1] == len(INPUTS)
        assert done == sorted(done)
        return outputs

    def expected(self) -> list[bytes]:
        """The outputs under the joint key, which exists nowhere but here."""
        shares = self.world.shares[: self.world.covenant.terms.threshold]
        quorum = [share.index for share in shares]
        secret = bytes(32)
        for share in shares:
            part = group.multiply_scalars(share.secret, threshold.lagrange(quorum, share.index))
            secret = group.add_scalars(secret, part)
        return oprf.evaluate(secret, INPUTS)

    def complaints(self) -> dict[int, Complaint]:
        """What is held against whom."""
        return {fault.index: fault.complaint for fault in self.faults}


async def test_honest_holders() -> None:
    trial = Trial()
    await trial.run()
    assert not trial.faults
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
    trial.quorums.choose = _in_turn([q for q in ((1, 3), (1, 2), (2, 3)) if liar in q], trial)  # type: ignore[method-assign] # the liar is asked
    await trial.run()
    assert trial.complaints() == {liar: Complaint.LIED}
    (fault,) = trial.faults
    assert isinstance(fault.error, WrongProof)
    request, answer = fault.evidence
    assert request.envelope.kind is Kind.EVALUATION_REQUEST
    assert answer.envelope.sender == holder_oin(liar)
    assert [liar in asked.quorum for asked in trial.relay.requests] == [True, False]


def _in_turn(first: Sequence[tuple[int, ...]], trial: Trial) -> Callable[[], tuple[int, ...] | None]:
    """A quorum of our choice first, then the usual."""
    usual, rest = trial.quorums.choose, [first[0]]
    return lambda: rest.pop() if rest else usual()


async def test_another_quorums_lagrange_factor_is_a_lie() -> None:
    """The answer for quorum (1, 2), where (1, 3) was asked: the factor differs."""
    trial = Trial(batch=len(INPUTS))

    def for_another(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
        other = next(i for i in (1, 2, 3) if i not in request.quorum)
        quorum = sorted((answer.index, other))
        made = threshold.evaluate(trial.world.shares[answer.index - 1], quorum, request.elements, os.urandom)
        return altered(answer, elements=made.elements, proof=made.proof, composites=made.composites)

    trial.relay.twists[1] = for_another
    trial.quorums.choose = _in_turn([(1, 3)], trial)  # type: ignore[method-assign] # the liar is asked
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


# Absence.


async def test_an_absent_holder_is_left_out() -> None:
    trial = Trial()
    trial.relay.answers[2] = lambda index, request: HolderAnswer(index, Refusal(504, "it is not connected", ""))
    await trial.run()
    assert trial.complaints() in ({}, {2: Complaint.ABSENT})


async def test_a_relay_that_forgets_a_holder() -> None:
    trial = Trial(batch=len(INPUTS))
    trial.relay.answers[1] = lambda index, request: None
    trial.quorums.choose = _in_turn([(1, 2)], trial)  # type: ignore[method-assign] # the absent one is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.ABSENT}


async def test_a_holder_that_is_slow() -> None:
    """The relay ought to give up on it; if the relay doesn't, the node does."""
    trial = Trial(batch=len(INPUTS), grace=-0.95)
    trial.relay.late.add(3)
    trial.quorums.choose = _in_turn([(2, 3)], trial)  # type: ignore[method-assign] # the slow one is asked
    await trial.run()
    assert trial.complaints() == {3: Complaint.ABSENT}


async def test_absent_holders_are_waited_for() -> None:
    """When a round opens, holders may still be connecting."""
    trial = Trial()
    for index in (1, 2):
        trial.relay.answers[index] = lambda i, request: HolderAnswer(i, Refusal(504, "it is not connected", ""))
    trial.waking = lambda: trial.relay.answers.clear() if len(trial.slept) == 3 else None
    await trial.run()
    assert len(trial.slept) >= 3


async def test_absent_holders_are_not_waited_for_endlessly() -> None:
    trial = Trial()
    for index in (1, 2, 3):
        trial.relay.answers[index] = lambda i, request: HolderAnswer(i, Refusal(504, "it is not connected", ""))
    with pytest.raises(HolderUnavailable, match="fewer than 2 of 3"):
        await trial.run()
    assert 60 <= sum(trial.slept) < 400


async def test_a_quota_that_is_used_up_is_said_at_once() -> None:
    trial = Trial()
    for index in (1, 2, 3):
        trial.relay.answers[index] = lambda i, request: HolderAnswer(i, Refusal(404, "the quota is used up", "wait"))
    with pytest.raises(QuotaExceeded, match="the quota is used up"):
        await trial.run()
    assert not trial.slept


# The relay.


async def test_an_unreachable_coordinator_is_tried_again() -> None:
    trial = Trial()
    trial.relay.failures = [Unreachable("the coordinator can't be reached") for _ in range(3)]
    await trial.run()
    assert len(trial.slept) == 3


async def test_an_unreachable_coordinator_is_given_up() -> None:
    trial = Trial(batch=len(INPUTS))
    trial.relay.failures = [Unreachable("the coordinator can't be reached") for _ in range(99)]
    with pytest.raises(Unreachable, match=r"tried \d+ times") as caught:
        await trial.run()
    assert "nothing is lost" in caught.value.do
    assert sum(trial.slept) <= 5.0
    assert all(0.12 <= pause <= 10 for pause in trial.slept)


async def test_what_the_coordinator_refuses_ends_it() -> None:
    trial = Trial()
    trial.relay.failures = [RoundError("the round is joining, not collecting")]
    with pytest.raises(RoundError):
        await trial.run()


def _replayed(trial: Trial) -> Answer:
    """A true answer of the holder, to an earlier request."""
    kept: list[SignedMessage] = []

    def answer(index: int, request: SignedMessage) -> HolderAnswer:
        signed = evaluate(trial.world, index, request)
        assert signed
        kept.append(signed)
        return HolderAnswer(index, kept[0])

    return answer


def _resigned(trial: Trial, **changes: Any) -> Answer:
    """The relay, or a stranger, makes an answer of its own."""

    def answer(index: int, request: SignedMessage) -> HolderAnswer:
        signed = evaluate(trial.world, index, request)
        assert signed
        options = {"oin": holder_oin(index), "kind": Kind.EVALUATION_ANSWER, "round_id": ROUND, **changes}
        return HolderAnswer(index, sign_as(trial.world, payload=signed.envelope.payload, **options))

    return answer


@pytest.mark.parametrize(
    "changes",
    [
        {"oin": holder_oin(3)},
        {"oin": member_oin(2)},
        {"round_id": "r20260101t000000z-ffffffffffffffff"},
        {"kind": Kind.RECEIPT},
        {"now": datetime.now(UTC) - timedelta(hours=1)},
    ],
)
async def test_an_answer_that_does_not_verify_is_not_used(changes: dict[str, Any]) -> None:
    trial = Trial(batch=len(INPUTS))
    trial.relay.answers[1] = _resigned(trial, **changes)
    trial.quorums.choose = _in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.UNVERIFIABLE}


async def test_an_altered_signature() -> None:
    trial = Trial(batch=len(INPUTS))

    def answer(index: int, request: SignedMessage) -> HolderAnswer:
        signed = evaluate(trial.world, index, request)
        assert signed
        return HolderAnswer(index, replace(signed, body=signed.body[:-1] + bytes([signed.body[-1] ^ 1])))

    trial.relay.answers[1] = answer
    trial.quorums.choose = _in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.UNVERIFIABLE}


async def test_an_answer_to_another_request() -> None:
    trial = Trial(batch=5)
    trial.relay.answers[1] = _replayed(trial)
    trial.quorums.choose = _in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() in ({}, {1: Complaint.UNVERIFIABLE})


async def test_an_answer_for_a_holder_that_was_not_asked() -> None:
    trial = Trial()
    for index in (1, 2, 3):
        trial.relay.answers[index] = lambda i, request: HolderAnswer(i % 3 + 4, Refusal(504, "?", ""))
    with pytest.raises(MalformedMessage, match="wasn't asked"):
        await trial.run()
