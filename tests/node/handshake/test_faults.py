"""Whatever fails between two nodes and the real coordinator: nothing is lost or done twice, and the case says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sluis_node import Node
from sluis_node.handshake.model import Phase, What
from sluis_node.handshake.review import Answer
from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import TooLate, Unreachable
from sluis_protocol.handshake import Act
from sluis_protocol.wire.methods import MOVE, WRITE, Method
from sluis_runtime.channel import Channel

from ...world import AUTHORITY
from .rig import CARD, FIRST, SECOND, Side, Two

T = TypeVar("T")
pytestmark = pytest.mark.slow


class Lossy:
    """A wire on which the answer to each step is lost once: the coordinator has it, the node doesn't know."""

    def __init__(self, inner: Channel) -> None:
        self.inner = inner
        self.lost: set[bytes] = set()

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        answer = await self.inner.call(method, request, response, timeout=timeout)
        body = getattr(request, "body", b"")
        if method in (MOVE, WRITE) and body not in self.lost:
            self.lost.add(body)
            raise Unreachable("the line went dead")
        return answer

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        return await self.inner.upload(method, parts, response, timeout=timeout)

    def stream(self, method: Method, request: object, response: type[T], *, timeout: float | None) -> AsyncIterator[T]:
        return self.inner.stream(method, request, response, timeout=timeout)


def clean(two: Two) -> None:
    """Nobody saw anything wrong, and both have the same handshake."""
    a, b = two.a.case(), two.b.case()
    assert not two.a.anomalies()
    assert not two.b.anomalies()
    assert (a.state, a.handshake, a.draft) == (b.state, b.handshake, b.draft)


def phases(two: Two) -> tuple[Phase, Phase]:
    return two.a.phase, two.b.phase


async def test_everything_is_started_again_between_any_two_steps(two: Two) -> None:
    async def step() -> None:
        await two.restart()
        await two.exchange()
        await two.restart()

    for side in ("a", "b"):
        for by in (FIRST, SECOND):
            one: Side = getattr(two, side)
            one.desk.decide(one.match, by=by, answer=Answer.YES, card=CARD)
            await two.restart()
    await step()
    clean(two)
    assert two.a.case().their_card == CARD
    two.b.desk.propose(two.b.match, by=FIRST, plan=two.b.plan())
    await step()
    for side in ("b", "a"):
        one = getattr(two, side)
        one.informed()
        one.desk.sign(one.match, by=FIRST)
        await step()
    clean(two)
    assert phases(two) == (Phase.ACTIVE, Phase.ACTIVE)
    two.a.desk.close(two.a.match, by=FIRST, outcome=Outcome.HANDED_OVER)
    await step()
    clean(two)
    assert phases(two) == (Phase.CLOSED, Phase.CLOSED)
    whats = [step.what for step in two.a.case().history]
    assert [whats.count(what) for what in (What.AGREED, What.PROPOSED, What.SIGNED, What.ACTIVE)] == [1, 1, 2, 1]


async def test_answers_that_are_lost(two: Two) -> None:
    """Each step is sent again, and done once."""
    settings = two.a.node._settings
    async with (
        Channel(settings.coordinator, settings.tls) as channel,
        two.node(1, wire=Lossy(channel), patience=0.0) as node,
    ):
        two.a.node = node
        lost = 0

        async def exchange() -> None:
            nonlocal lost
            for _ in range(3):
                try:
                    await two.a.receive()
                except Unreachable:
                    lost += 1
            await two.exchange()

        two.a.say(card=CARD)
        two.b.say(card=CARD)
        await two.b.receive()
        await exchange()
        assert two.b.case().their_card == CARD
        two.a.desk.propose(two.a.match, by=FIRST, plan=two.a.plan())
        await exchange()
        clean(two)
        assert lost == 3
        assert two.a.phase is Phase.DRAFTING
        assert [step.what for step in two.a.case().history].count(What.CARD) == 2


async def test_both_propose_at_once(two: Two) -> None:
    await two.agree()
    for side in (two.a, two.b):
        side.desk.propose(side.match, by=FIRST, plan=side.plan())
    await two.exchange()
    clean(two)
    refused = [side for side in (two.a, two.b) if What.REFUSED in [step.what for step in side.case().history]]
    assert len(refused) == 1
    await two.sign()
    assert phases(two) == (Phase.ACTIVE, Phase.ACTIVE)
    clean(two)


async def test_both_withdraw_at_once(two: Two) -> None:
    await two.agree()
    for side in (two.a, two.b):
        side.desk.withdraw(side.match, by=FIRST, reason=WithdrawalReason.CASE_CLOSED)
    await two.exchange()
    clean(two)
    assert two.a.phase is Phase.WITHDRAWN
    assert not two.a.case().sending
    assert not two.b.case().sending


async def test_one_side_is_offline_for_days(two: Two) -> None:
    two.a.say(card=CARD)
    await two.a.receive()
    two.later(days=13)
    two.b.say()
    await two.exchange()
    assert phases(two) == (Phase.AGREED, Phase.AGREED)
    await two.propose()
    for _ in range(3):
        two.a.desk.amend(two.a.match, by=FIRST, plan=two.a.plan(end=two.clock().date() + timedelta(days=30 + _)))
        await two.a.receive()
        two.later(days=3)
    await two.b.receive()
    clean(two)
    draft = two.b.case().draft
    assert draft
    assert draft.version == 4
    await two.sign()
    two.later(days=60)
    await two.settled("closed")
    await two.exchange()
    clean(two)
    assert phases(two) == (Phase.CLOSED, Phase.CLOSED)


async def test_who_comes_back_after_the_deadline_reads_that_nothing_came_of_it(two: Two) -> None:
    two.a.say()
    await two.a.receive()
    two.later(days=20)
    await two.settled("lapsed")
    with pytest.raises(TooLate):
        two.b.say()
    await two.exchange()
    clean(two)
    assert two.b.phase is Phase.LAPSED
    assert Act.ACCEPT not in two.b.case().sending


async def test_a_decision_that_comes_too_late_says_so(two: Two) -> None:
    """The node's clock was behind: it thought that there was time."""
    await two._open.aclose()
    async with two.node(1, clock=lambda: two.clock() - timedelta(minutes=4)) as node:
        two.a.node = node
        two.later(days=14)
        two.a.say()
        await two.settled("lapsed")
        await two.a.receive()
        history = two.a.case().history
        assert two.a.phase in (Phase.LAPSED, Phase.ACCEPTED)
        (refused,) = [step for step in history if step.what is What.REFUSED]
        assert refused.details["act"] == "accept"
        assert not two.a.case().sending


async def test_a_yes_that_was_taken_back_in_time(two: Two) -> None:
    two.a.say()
    await two.exchange()
    two.a.desk.reconsider(two.a.match, by=FIRST)
    await two.exchange()
    two.b.say()
    await two.exchange()
    assert phases(two) == (Phase.REVIEWING, Phase.ACCEPTED)
    assert [step.what for step in two.a.case().history][-1] is What.TOOK_BACK
    two.a.say()
    await two.exchange()
    assert phases(two) == (Phase.AGREED, Phase.AGREED)
    clean(two)


async def test_a_yes_that_was_taken_back_too_late(two: Two) -> None:
    two.a.say()
    await two.a.receive()
    two.b.say()
    await two.b.receive()
    two.a.desk.reconsider(two.a.match, by=FIRST)
    await two.exchange()
    assert phases(two) == (Phase.AGREED, Phase.AGREED)
    clean(two)


async def test_two_programs_on_one_database(two: Two) -> None:
    """A console and a command line: both receive the same mail, and send the same steps."""
    async with two.node(1) as other, two.node(1) as third:

        async def exchange() -> None:
            for _ in range(2):
                await asyncio.gather(*(node.receive(wait=10) for node in (two.a.node, other, third, two.b.node)))

        two.a.say(card=CARD)
        two.b.say(card=CARD)
        await exchange()
        two.a.desk.propose(two.a.match, by=FIRST, plan=two.a.plan())
        await exchange()
        clean(two)
        assert two.a.phase is Phase.DRAFTING
        assert two.a.case().their_card == CARD
        history = [step.what for step in two.a.case().history]
        assert [history.count(what) for what in (What.AGREED, What.PROPOSED)] == [1, 1]


@pytest.mark.parametrize("first_to_know", ["a", "b", ""])
async def test_a_new_covenant_version_on_the_way(two: Two, first_to_know: str) -> None:
    """The coordinator goes over to it; what the nodes have ready is signed anew, and the handshake goes on."""
    two.a.say(card=CARD)
    await two.a.receive()
    two.b.say(card=CARD)
    terms = two.world.covenant.terms.model_copy(update={"version": 2})
    newer = Covenant.sign(terms, AUTHORITY, two.world.authority_key)
    two.settings.covenant.write_text(newer.note)
    await two.restart()
    if first_to_know:
        node: Node = getattr(two, first_to_know).node
        await node.fetch_covenant()
    await two.exchange()
    clean(two)
    assert phases(two) == (Phase.AGREED, Phase.AGREED)
    assert two.b.case().their_card == CARD
    await two.propose()
    await two.sign()
    clean(two)
    assert phases(two) == (Phase.ACTIVE, Phase.ACTIVE)
    draft = two.a.case().draft
    assert draft
    assert draft.approach.covenant == newer.hash.hex()


async def test_the_coordinator_keeps_ciphertext_only(two: Two) -> None:
    for side in (two.a, two.b):
        side.say(card=CARD)
    await two.exchange()
    await two.propose()
    await two.sign()
    draft = two.a.case().draft
    assert draft
    for text in (CARD.mailbox, CARD.role, "school", draft.approach.nonce, FIRST, two.a.match):
        assert not two.coordinator_knows(text), text
    assert two.coordinator_knows(two.a.case().handshake)  # the search does find what is there


async def test_a_pair_that_is_found_again_asks_for_nothing(two: Two) -> None:
    await two.agree()
    await two.whole_round()
    await two.exchange()
    for side in (two.a, two.b):
        assert side.phase is Phase.AGREED
        assert not side.anomalies()
        (brief,) = side.desk.cases(by=FIRST)
        assert brief.phase is Phase.AGREED
    two.later(days=31)
    await two.settled("lapsed")
    await two.exchange()
    assert two.a.phase is Phase.LAPSED


async def test_a_pair_that_is_found_again_may_be_taken_up(two: Two, tmp_path: Path) -> None:
    """The first handshake came to nothing; the next round's is quiet, and people may still use it."""
    two.later(days=15)
    await two.settled("lapsed")
    await two.exchange()
    await two.whole_round()
    await two.exchange()
    for side in (two.a, two.b):
        assert side.phase is Phase.REVIEWING
        assert side.case().known
        assert not side.desk.inbox(by=FIRST)
    await two.agree()
    assert phases(two) == (Phase.AGREED, Phase.AGREED)
    clean(two)
