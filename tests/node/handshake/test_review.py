"""Four eyes: who may say what, when, and what leaves the node (rules 9, 11, 12)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_node.handshake.model import Phase, Todo, What
from sluis_node.handshake.review import Answer, Reason
from sluis_node.handshake.sending import Sending
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    DecisionRefused,
    FourEyes,
    HandshakeError,
    LegalGroundMissing,
    NotFound,
    Overtaken,
    SluisError,
    TooLate,
)
from sluis_protocol.handshake import Act

from ...shared import ROOT
from ...world import AUTHORITY
from ..people import family
from .played import Played
from .rig import FIRST, SECOND

NO: dict[str, Any] = {"answer": Answer.NO, "reason": Reason.NO_NEED}
YES: dict[str, Any] = {"answer": Answer.YES}


@pytest.fixture
def opened(played: Played) -> Played:
    played.enter()
    return played


def decide(played: Played, by: str, **said: Any) -> None:
    played.desk().decide(played.match(), by=by, **{**YES, **said})


def test_nothing_is_decided_without_a_named_person(opened: Played) -> None:
    """Rule 11."""
    for by in ("", "  ", " anna", "an\nna", "x" * 300):
        with pytest.raises(DecisionRefused):
            decide(opened, by)
    assert not opened.outgoing(1)


def test_the_same_person_is_not_both_eyes(opened: Played) -> None:
    """Rule 12."""
    decide(opened, FIRST)
    with pytest.raises(FourEyes, match="same person"):
        decide(opened, FIRST)
    with pytest.raises(FourEyes):
        decide(opened, FIRST, **NO)
    assert opened.case().phase is Phase.REVIEWING
    assert not opened.outgoing(1)
    assert [(task.todo, task.mine) for task in opened.desk().inbox(by=FIRST)] == [(Todo.DECIDE, False)]
    assert [(task.todo, task.mine) for task in opened.desk().inbox(by=SECOND)] == [(Todo.DECIDE, True)]


def test_two_yeses_are_one_acceptance(opened: Played) -> None:
    case = opened.say(1)
    assert case.phase is Phase.ACCEPTED
    assert case.sending == ("accept",)
    (one,) = opened.outgoing(1)
    assert one.act == Act.ACCEPT
    assert not case.tasks
    with pytest.raises(DecisionRefused, match="two people have decided"):
        decide(opened, "carla")


def test_a_refusal_leaves_nothing_to_send(opened: Played) -> None:
    """Rule 12: a refusal is a silence."""
    case = opened.say(1, **NO)
    assert case.phase is Phase.DECLINED
    assert not opened.outgoing(1)
    assert not case.sending


def test_two_who_differ_begin_anew_with_both_opinions_shown(opened: Played) -> None:
    decide(opened, FIRST)
    decide(opened, SECOND, **NO)
    case = opened.case()
    assert case.phase is Phase.REVIEWING
    assert [(one.reviewer, one.answer, one.reason) for one in case.review.differed] == [
        (FIRST, Answer.YES, None),
        (SECOND, Answer.NO, Reason.NO_NEED),
    ]
    assert [task.todo for task in case.tasks] == [Todo.RECOMMEND]
    assert case.history[-1].what is What.DIFFERED
    decide(opened, SECOND)
    decide(opened, FIRST)
    assert opened.case().phase is Phase.ACCEPTED


def test_a_no_needs_a_reason_and_a_yes_has_none(opened: Played) -> None:
    with pytest.raises(DecisionRefused, match="needs a reason"):
        decide(opened, FIRST, answer=Answer.NO)
    with pytest.raises(DecisionRefused, match="has no reason"):
        decide(opened, FIRST, reason=Reason.NO_GROUND)


async def test_a_match_by_name_is_verified_first(tmp_path: Path) -> None:
    """Rule 9."""
    caseloads = [[family("A1", 1, members=3)], [family("B1", 1, members=3, bsn=False)]]
    async with Played(tmp_path, caseloads) as played:
        played.enter()
        assert [str(one) for one in played.case().cautions] == ["verify-identity"]
        with pytest.raises(DecisionRefused, match="it is the same family"):
            decide(played, FIRST)
        decide(played, FIRST, identity_verified=True)
        with pytest.raises(DecisionRefused):
            decide(played, SECOND)
        decide(played, SECOND, identity_verified=True)
        assert played.case().phase is Phase.ACCEPTED


def test_a_decision_after_the_deadline(opened: Played) -> None:
    decide(opened, FIRST)
    opened.later(days=14)
    with pytest.raises(TooLate, match="deadline was"):
        decide(opened, SECOND)
    case = opened.case()
    assert case.overdue
    assert not case.tasks
    assert not opened.outgoing(1)
    opened.enter()
    assert opened.case().phase is Phase.LAPSED
    with pytest.raises(Overtaken):
        decide(opened, SECOND)


def test_a_form_that_is_posted_twice_is_done_once(opened: Played) -> None:
    seen = opened.case().revision
    for _ in range(3):
        decide(opened, FIRST, seen=seen)
    assert len(opened.case().review.opinions) == 1
    seen = opened.case().revision
    for _ in range(3):
        decide(opened, SECOND, seen=seen)
    assert opened.case().phase is Phase.ACCEPTED
    assert len(opened.outgoing(1)) == 1
    assert [step.what for step in opened.case().history] == [What.OPENED, What.RECOMMENDED, What.DECIDED]


def test_who_looked_at_an_older_case_looks_again(opened: Played) -> None:
    seen = opened.case().revision
    decide(opened, FIRST, seen=seen)
    with pytest.raises(Overtaken, match="in the meantime"):
        decide(opened, SECOND, seen=seen)
    assert len(opened.case().review.opinions) == 1


def test_two_reviewers_at_once(opened: Played) -> None:
    """Whoever is first recommends; the other is told to look again, and nothing is half done."""
    seen = opened.case().revision
    people = [f"person-{number}" for number in range(8)]

    def act(by: str) -> SluisError | None:
        try:
            decide(opened, by, seen=seen)
        except SluisError as error:
            return error
        return None

    with ThreadPoolExecutor(len(people)) as pool:
        outcomes = list(pool.map(act, people))
    assert sum(outcome is None for outcome in outcomes) == 1
    assert all(isinstance(outcome, Overtaken) for outcome in outcomes if outcome)
    assert len(opened.case().review.opinions) == 1


def test_without_a_revision_at_most_two_count(opened: Played) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: _tried(opened, f"person-{number}"), range(8)))
    assert outcomes.count(True) == 2
    assert len(opened.case().review.opinions) == 2
    assert len(opened.outgoing(1)) == 1


def _tried(played: Played, by: str) -> bool:
    try:
        decide(played, by)
    except DecisionRefused:
        return False
    return True


def test_nothing_is_decided_before_it_is_opened(played: Played) -> None:
    assert played.case().phase is Phase.UNOPENED
    with pytest.raises(Overtaken, match="not opened"):
        decide(played, FIRST)


def test_a_match_that_does_not_exist(opened: Played) -> None:
    with pytest.raises(NotFound):
        opened.desk().case("0" * 32, by=FIRST)


# Thinking better of it.


def test_a_no_is_taken_up_again(opened: Played) -> None:
    opened.say(1, **NO)
    case = opened.desk().reconsider(opened.match(), by="carla")
    assert case.phase is Phase.REVIEWING
    assert len(case.review.differed) == 2
    opened.say(1)
    assert len(opened.outgoing(1)) == 1


def test_a_yes_is_taken_back_at_the_coordinator_too(opened: Played) -> None:
    opened.say(1)
    opened.take(1)
    case = opened.desk().reconsider(opened.match(), by=FIRST)
    assert case.phase is Phase.REVIEWING
    (one,) = opened.outgoing(1)
    assert one.act == Act.WITHDRAW
    with pytest.raises(Overtaken, match="on its way"):
        opened.say(1)
    opened.take(1)
    assert not opened.case().sending
    decide(opened, SECOND)
    assert opened.case().phase is Phase.ACCEPTED


def test_a_yes_that_was_never_sent_is_taken_back_all_the_same(opened: Played) -> None:
    """It may be under way: whether the coordinator had it, only the coordinator can tell."""
    opened.say(1)
    opened.desk().reconsider(opened.match(), by=FIRST)
    assert [one.act for one in opened.outgoing(1)] == [Act.WITHDRAW]


def test_a_yes_that_arrives_behind_its_withdrawal_is_withdrawn_again(opened: Played) -> None:
    """Two programs send for one node: the coordinator had nothing to take back yet, and then the yes came."""
    opened.say(1)
    (accept,) = opened.outgoing(1)
    opened.desk().reconsider(opened.match(), by=FIRST)
    (withdrawal,) = opened.outgoing(1)
    error = HandshakeError("there is no yes to take back")
    Sending(opened.round.nodes[0].parts)._refused(withdrawal, error)
    opened.taken(1, accept)
    (again,) = opened.outgoing(1)
    assert again.act == Act.WITHDRAW
    opened.taken(1, accept)
    assert len(opened.outgoing(1)) == 1


def test_a_purpose_that_ended(opened: Played) -> None:
    """Rule 20: nothing leads towards an approach any more; a no can still be said."""
    parts = opened.round.nodes[0].parts
    (purpose,) = opened.world.covenant.terms.purposes
    ended = purpose.model_copy(update={"valid_until": opened.now.date() - timedelta(days=1)})
    terms = opened.world.covenant.terms.model_copy(update={"version": 2, "purposes": (ended,)})
    parts.store.accept_covenant(Covenant.sign(terms, AUTHORITY, opened.world.authority_key))
    with pytest.raises(LegalGroundMissing):
        decide(opened, FIRST)
    assert opened.say(1, **NO).phase is Phase.DECLINED


def test_nothing_is_reconsidered_before_two_have_decided(opened: Played) -> None:
    decide(opened, FIRST)
    with pytest.raises(DecisionRefused, match="haven't decided"):
        opened.desk().reconsider(opened.match(), by=SECOND)


# What is kept.


def test_reasons_stand_in_the_database_sealed_only(opened: Played) -> None:
    opened.say(1, **NO)
    content = b"".join(path.read_bytes() for path in (opened.round.folder / "node-1").glob("node.sqlite*"))
    assert b"no-need" not in content
    assert opened.match().encode() in content  # the search does find what is there


def test_a_known_pair_asks_for_nothing_but_can_be_decided(tmp_path: Path, opened: Played) -> None:
    with opened.round.nodes[0].parts.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE handshakes SET known = 1")
    assert not opened.desk().inbox(by=FIRST)
    assert opened.case().known
    decide(opened, FIRST)
    assert [task.todo for task in opened.desk().inbox(by=FIRST)] == [Todo.DECIDE]


def test_a_match_of_an_earlier_release_is_listed(played: Played) -> None:
    """It was proven before there were handshakes; the next round that finds it opens one."""
    match = played.match()
    with played.round.nodes[0].parts.store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM handshakes")
    (brief,) = played.desk().cases(by=FIRST)
    assert (brief.match.match, brief.phase, brief.tasks) == (match, Phase.UNOPENED, ())
    with pytest.raises(NotFound):
        played.desk().case(match, by=FIRST)


def test_every_look_and_every_decision_is_in_the_processing_log(opened: Played) -> None:
    """Rule 17."""
    opened.say(1)
    with opened.round.nodes[0].parts.store.transaction() as connection:
        rows = connection.exec_driver_sql("SELECT name, actor, reference FROM processing_log ORDER BY number").all()
    logged = [(row.name, row.actor) for row in rows if row.reference == opened.match()]
    assert logged[-2:] == [("decide", FIRST), ("decide", SECOND)]
    opened.case()
    opened.desk().inbox(by="carla")
    with opened.round.nodes[0].parts.store.transaction() as connection:
        names = connection.exec_driver_sql("SELECT name, actor FROM processing_log ORDER BY number").all()
    assert [tuple(row) for row in names[-2:]] == [("show case", FIRST), ("show inbox", "carla")]


def test_the_documented_calls(opened: Played, capsys: pytest.CaptureFixture[str]) -> None:
    (calls,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs/embedding.md").read_text("utf-8"), re.DOTALL)
    exec(calls, {"node": opened.round.nodes[0].node})
    assert "accepted ('accept',)" in capsys.readouterr().out
