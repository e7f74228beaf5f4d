"""Rule 15: one command gives everything; correction, objection and erasure work, are logged, and are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sluis_node.handshake.model import Caution, Phase, What
from sluis_node.processing import Activity
from sluis_node.rights.dossier import Held
from sluis_node.rights.requests import RequestState, Right
from sluis_protocol.errors import InputError, NotFound, StorageError
from sluis_protocol.signed import Kind
from sluis_runtime.database import transaction

from ..desk import ID
from ..desk import Desk as Bench
from ..handshake.rig import CARD, FIRST, SECOND, Two

OFFICER = "paula"


async def test_access_gives_everything_about_one_person_and_nothing_of_others(two: Two) -> None:
    await two.activate()
    person, other = two.a.case().match.persons
    dossier = two.a.node.rights.access(person, by=OFFICER, file="AVG-2026-1").as_json()
    match, case = dossier["held"]
    assert (match["kind"], case["kind"]) == ("match", "case")
    assert (match["family"], match["case"], match["legal_basis"]) == ("A1", "ZAAK-A1", "demo-grondslag")
    assert match["with"] == two.world.covenant.member(two.b.oin).name
    assert case["approach"]["lead"] == two.a.oin
    assert case["informed"]["parents"] == two.clock().date().isoformat()
    assert {step["what"] for step in case["history"]} >= {What.AGREED, What.SIGNED, What.ACTIVE}
    assert {one["activity"] for one in dossier["processed"]} >= {Activity.TAKE_PART, Activity.SHOW, Activity.REVIEW}
    assert [(one["right"], one["file"]) for one in dossier["requests"]] == [("access", "AVG-2026-1")]
    text = json.dumps(dossier)
    assert person in text
    assert other not in text
    assert FIRST not in text
    assert SECOND not in text


async def test_somebody_whom_nobody_knows_gets_an_empty_account(two: Two) -> None:
    dossier = two.a.node.rights.access("nobody", by=OFFICER)
    assert not dossier.holdings
    assert [entry.name for entry in dossier.processings] == ["give access"]


async def test_access_is_in_the_processing_log_and_can_not_go_around_it(two: Two) -> None:
    (person, _) = two.a.case().match.persons
    two.a.node.rights.access(person, by=OFFICER)
    (entry, *_) = two.a.node.processing_log(person=person)
    assert (entry.actor, entry.activity) in {(OFFICER, Activity.RIGHTS), (OFFICER, Activity.SHOW)}
    parts = two.a.node._opened()
    broken = replace(
        parts,
        processing=type(parts.processing)(
            parts.store.engine,
            parts.store.vault,
            parts.random,
            parts.clock,
            parts.oin,
            parts.settings.processing.model_copy(update={"file": two.root}),
        ),
    )
    two.a.node._parts = broken
    with pytest.raises(StorageError, match="can't be written"):
        two.a.node.rights.access(person, by=OFFICER)


async def test_who_objects_is_left_out_of_rounds_until_it_is_lifted(two: Two) -> None:
    one = two.municipalities[0]
    person = one.families[0].members[0].person.person_id
    assert two.a.node.check(one.families).persons == 4
    done = two.a.node.rights.object(person, by=OFFICER)
    assert two.a.node.rights.object(person, by=OFFICER).request == done.request
    left = two.a.node.check(one.families)
    assert left.persons == 3
    assert left.warnings == ("families: 1 person is left out on request (sluis-node rights list)",)
    assert not left.refused
    assert person not in str(left.warnings)
    report = await _another_round(two)
    assert report == 3
    two.a.node.rights.lift(done.request.number, by=OFFICER)
    assert two.a.node.check(one.families).persons == 4
    with pytest.raises(NotFound, match="in force"):
        two.a.node.rights.lift(done.request.number, by=OFFICER)
    assert [(one.right, one.state) for one in two.a.node.rights.requests()] == [(Right.OBJECTION, RequestState.LIFTED)]
    names = {entry.name for entry in two.a.node.processing_log(person=person)}
    assert {"objection", "lift objection"} <= names


async def _another_round(two: Two) -> int:
    """How many persons the first municipality takes part with."""
    reports = await two.whole_round()
    return reports[0].persons


async def test_the_other_side_of_an_approach_is_told_and_nobody_else(two: Two) -> None:
    (person, _) = two.a.case().match.persons
    assert two.a.node.rights.correct(person, by=OFFICER).told == 0
    await two.exchange()
    assert What.RIGHT_USED not in {step.what for step in two.b.case().history}
    await two.activate()
    for right, verb in (("correction", two.a.node.rights.correct), ("objection", two.a.node.rights.object)):
        assert verb(person, by=OFFICER).told == 1
        await two.exchange()
        assert two.b.case().history[-1].what is What.RIGHT_USED
        assert two.b.case().history[-1].details == {"right": right}
        assert person not in json.dumps(dict(two.b.case().history[-1].details))
    assert two.a.phase is two.b.phase is Phase.ACTIVE
    assert not two.b.anomalies()


async def test_erasing_one_of_several_leaves_the_rest(two: Two) -> None:
    await two.activate()
    person, other = two.a.case().match.persons
    done = two.a.node.rights.erase(person, by=OFFICER)
    assert done.told == 1
    assert done.erased
    assert done.erased.matches == 1
    await two.exchange()
    case = two.a.case()
    assert case.match.persons == (other,)
    assert [member.person for member in case.members] == [other]
    assert case.phase is two.b.phase is Phase.ACTIVE
    dossier = two.a.node.rights.access(person, by=OFFICER)
    assert not dossier.holdings
    assert {Right.ERASURE, Right.ACCESS} == {one.right for one in dossier.requests}
    assert dossier.processings
    assert two.a.node.check(two.municipalities[0].families).persons == 3


async def test_erasing_the_last_one_ends_the_approach_and_empties_the_match(two: Two) -> None:
    await two.activate()
    for person in two.a.case().match.persons:
        two.a.node.rights.erase(person, by=OFFICER)
    await two.exchange()
    assert two.a.phase is two.b.phase is Phase.WITHDRAWN
    (match,) = two.a.node.matches()
    assert (match.family, match.cases, match.persons) == ("", (), ())
    assert not two.a.case().members
    with transaction(two.a.node._opened().store.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM family_references").scalar() == 0


async def test_erasing_takes_a_yes_back_that_is_about_nobody_any_more(two: Two) -> None:
    two.a.say(card=CARD)
    for person in two.a.case().match.persons:
        two.a.node.rights.erase(person, by=OFFICER)
    two.b.say(card=CARD)
    await two.exchange()
    assert Phase.AGREED not in {two.a.phase, two.b.phase}


async def test_a_match_that_nothing_followed_goes_at_once(desk: Bench) -> None:
    """Before the claims are settled, and after."""
    desk.publish(1, 1)
    desk.claim_both()
    node = desk.nodes[0].node
    persons = ("A1-0", "A1-1")
    assert [held.what for held in node.rights.access("A1-0", by=OFFICER).holdings] == [Held.CANDIDATE]
    for person in persons:
        node.rights.erase(person, by=OFFICER)
    assert not node.rights.access("A1-0", by=OFFICER).holdings
    desk.deliver(1, Kind.CONFIRMATION, desk.said(2, ID), sender=desk.nodes[1].oin)
    assert not node.matches()


async def test_erasing_from_a_round_that_runs(desk: Bench) -> None:
    node = desk.nodes[0].node
    (held,) = node.rights.access("A1-0", by=OFFICER).holdings
    assert held.what is Held.ROUND
    assert held.content["compared_by"]
    done = node.rights.erase("A1-0", by=OFFICER)
    assert done.erased
    assert done.erased.rounds == 1
    assert not node.rights.access("A1-0", by=OFFICER).holdings
    (kept,) = node.rights.access("A1-1", by=OFFICER).holdings
    assert kept.content["family"] == "A1"
    assert not desk.anomalies(1)


@pytest.mark.parametrize(("person", "by", "file"), [("", OFFICER, ""), ("P1", " ", ""), ("P1", OFFICER, "see: Jan")])
async def test_a_request_names_who_and_by_whom(desk: Bench, person: str, by: str, file: str) -> None:
    with pytest.raises(InputError):
        desk.nodes[0].node.rights.object(person, by=by, file=file)


async def test_who_asked_stands_nowhere_in_the_clear(desk: Bench) -> None:
    node = desk.nodes[0].node
    node.rights.object("very-recognisable", by=OFFICER)
    parts = node._opened()
    parts.store.scrub()
    for path in parts.settings.database.parent.glob("node.sqlite*"):
        assert b"very-recognisable" not in path.read_bytes()


async def test_who_decides_sees_that_somebody_objected(two: Two) -> None:
    """What was found already stays, for people to weigh."""
    (person, _) = two.a.case().match.persons
    assert Caution.OBJECTED not in two.a.case().cautions
    done = two.a.node.rights.object(person, by=OFFICER)
    assert Caution.OBJECTED in two.a.case().cautions
    assert Caution.OBJECTED not in two.b.case().cautions
    two.a.node.rights.lift(done.request.number, by=OFFICER)
    assert Caution.OBJECTED not in two.a.case().cautions
