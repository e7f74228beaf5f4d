"""From a match to an active approach and its end, between two nodes over the real coordinator."""

from __future__ import annotations

import pytest
from sluis_node.handshake.model import Phase, Todo, What
from sluis_node.handshake.review import Answer, Reason
from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.handshake import Closed, Withdrawn
from structlog.testing import capture_logs

from .rig import CARD, FIRST, SECOND, Two


async def test_from_a_match_to_an_active_approach_and_its_end(two: Two) -> None:
    for side in (two.a, two.b):
        (task,) = side.desk.inbox(by=FIRST)
        assert task.todo is Todo.RECOMMEND
        side.say(card=CARD)
        assert side.phase is Phase.ACCEPTED
        assert side.case().sending == ("accept",)
    await two.exchange()
    for side in (two.a, two.b):
        case = side.case()
        assert case.phase is Phase.AGREED
        assert case.own_card == case.their_card == CARD
        assert not case.sending
    await two.propose()
    assert two.a.case().draft == two.b.case().draft
    await two.sign(two.b)
    assert two.a.phase is Phase.DRAFTING
    assert [task.todo for task in two.a.desk.inbox(by=FIRST)] == [Todo.INFORM, Todo.SIGN]
    assert not two.b.desk.inbox(by=FIRST)
    await two.sign(two.a)
    for side in (two.a, two.b):
        assert side.phase is Phase.ACTIVE
    assert two.a.desk.export(two.a.match, by=FIRST) == two.b.desk.export(two.b.match, by=SECOND)
    two.a.desk.close(two.a.match, by=FIRST, outcome=Outcome.GOALS_REACHED)
    await two.exchange()
    for side in (two.a, two.b):
        case = side.case()
        assert case.phase is Phase.CLOSED
        assert case.state == Closed(two.a.case().side)
        assert not side.anomalies()
    assert two.b.case().history[-1].details == {"outcome": "goals-reached"}
    assert [step.what for step in two.b.case().history] == [
        What.OPENED,
        What.RECOMMENDED,
        What.DECIDED,
        What.AGREED,
        What.CARD,
        What.CARD,
        What.PROPOSED,
        What.INFORMED,
        What.SIGNED,
        What.SIGNED,
        What.ACTIVE,
        What.CLOSED,
    ]


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_refusal_and_a_silence_look_the_same(two: Two, refuses: bool) -> None:
    """Rule 12: the other side reads no more than that there will be no joint approach."""
    two.a.say()
    if refuses:
        two.b.say(Answer.NO, reason=Reason.NO_NEED)
    await two.exchange()
    assert two.a.phase is Phase.ACCEPTED
    assert two.b.phase is (Phase.DECLINED if refuses else Phase.REVIEWING)
    assert not two.coordinator_knows("no-need")
    two.later(days=15)
    await two.settled("lapsed")
    await two.exchange()
    for side in (two.a, two.b):
        assert side.phase is Phase.LAPSED
        assert not side.anomalies()
    assert [step.what for step in two.a.case().history][-1] is What.LAPSED
    assert {step.what for step in two.b.case().history} & {What.AGREED, What.CARD} == set()


async def test_either_side_may_withdraw(two: Two) -> None:
    await two.activate()
    two.b.desk.withdraw(two.b.match, by=FIRST, reason=WithdrawalReason.OBJECTION)
    await two.exchange()
    for side in (two.a, two.b):
        assert side.case().state == Withdrawn(two.b.case().side)
    assert two.a.case().history[-1].details == {"reason": "objection"}


async def test_nothing_personal_is_in_a_log(two: Two) -> None:
    """Rule 17: not the family, not whom to call, not who decided."""
    with capture_logs() as lines:
        for side in (two.a, two.b):
            side.say(card=CARD)
        await two.exchange()
        await two.propose()
        await two.sign()
        two.later(days=200)
        await two.settled("closed")
        await two.exchange()
    said = str(lines)
    assert two.a.case().handshake in said  # the search does find what is there
    for side in (two.a, two.b):
        match = side.case().match
        for personal in (match.match, match.family, *match.cases, *match.persons, CARD.mailbox, FIRST, SECOND):
            assert str(personal) not in said
