"""Tagging goes on without holders that are absent or refuse, and uses nothing that a relay made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sluis_node.round.quorums import Complaint
from sluis_protocol import wire
from sluis_protocol.errors import (
    HolderUnavailable,
    MalformedMessage,
    QuotaExceeded,
    RoundError,
    SluisError,
    Unreachable,
)
from sluis_protocol.log_messages import Receipt
from sluis_protocol.messages import HolderAnswer, Refusal
from sluis_protocol.signed import Kind, SignedMessage

from ..world import holder_oin, member_oin
from .relay import INPUTS, OIN, ROUND, Answer, Trial, in_turn
from .rig import evaluate, receipt_for, sign_as

# Absence.


async def test_an_absent_holder_is_left_out() -> None:
    trial = Trial()
    trial.relay.answers[2] = lambda index, request: HolderAnswer(index, Refusal(504, "it is not connected", ""))
    await trial.run()
    assert trial.complaints() in ({}, {2: Complaint.ABSENT})


async def test_a_relay_that_forgets_a_holder() -> None:
    trial = Trial(batch=len(INPUTS))
    trial.relay.answers[1] = lambda index, request: None
    trial.quorums.choose = in_turn([(1, 2)], trial)  # type: ignore[method-assign] # the absent one is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.ABSENT}


async def test_a_holder_that_is_slow() -> None:
    """The relay ought to give up on it; if the relay doesn't, the node does."""
    trial = Trial(batch=len(INPUTS), grace=-0.95)
    trial.relay.late.add(3)
    trial.quorums.choose = in_turn([(2, 3)], trial)  # type: ignore[method-assign] # the slow one is asked
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


@pytest.mark.parametrize("lie", ["none", "other kind", "other request", "other signer"])
async def test_without_a_receipt_for_this_request_no_answer_is_used(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the log will not have, we didn't ask for: nothing is tagged, and no key holder is blamed."""
    trial = Trial()
    digest = bytes(32)
    lies = {
        "none": lambda request: request,
        "other kind": lambda request: receipt_for(trial.world, "commitment", request.digest, ROUND),
        "other request": lambda _: receipt_for(trial.world, "evaluation", digest, ROUND),
        "other signer": lambda request: sign_as(
            trial.world, OIN, Kind.RECEIPT, wire.encode(Receipt("evaluation", request.digest)), ROUND
        ),
    }
    monkeypatch.setattr(trial.relay, "receipt", lies[lie])
    with pytest.raises(SluisError):
        await trial.run()
    assert not trial.receipts
    assert not trial.faults


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
    trial.quorums.choose = in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.UNVERIFIABLE}


async def test_an_altered_signature() -> None:
    trial = Trial(batch=len(INPUTS))

    def answer(index: int, request: SignedMessage) -> HolderAnswer:
        signed = evaluate(trial.world, index, request)
        assert signed
        return HolderAnswer(index, replace(signed, body=signed.body[:-1] + bytes([signed.body[-1] ^ 1])))

    trial.relay.answers[1] = answer
    trial.quorums.choose = in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() == {1: Complaint.UNVERIFIABLE}


async def test_an_answer_to_another_request() -> None:
    trial = Trial(batch=5)
    trial.relay.answers[1] = _replayed(trial)
    trial.quorums.choose = in_turn([(1, 2)], trial)  # type: ignore[method-assign] # it is asked
    await trial.run()
    assert trial.complaints() in ({}, {1: Complaint.UNVERIFIABLE})


async def test_an_answer_for_a_holder_that_was_not_asked() -> None:
    trial = Trial()
    for index in (1, 2, 3):
        trial.relay.answers[index] = lambda i, request: HolderAnswer(i % 3 + 4, Refusal(504, "?", ""))
    with pytest.raises(MalformedMessage, match="wasn't asked"):
        await trial.run()
