"""Rules 11 to 18: what people decide, record and may ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError
from sluis_node.handshake.model import Caution, Phase, What
from sluis_node.handshake.review import Answer, Reason
from sluis_node.notify import Notice, NoticeKind
from sluis_node.processing import Activity
from sluis_node.retention.settings import CEILINGS, Category, RetentionSettings
from sluis_protocol import approach, content, messages
from sluis_protocol.approach import Partner
from sluis_protocol.errors import DecisionRefused, FourEyes, LegalGroundMissing, StorageError
from sluis_protocol.handshake import Act
from sluis_protocol.record import Family
from structlog.testing import capture_logs

from tests.node.desk import Desk
from tests.node.handshake.played import Played
from tests.node.handshake.rig import FIRST, SECOND
from tests.node.people import family

OFFICER = "paula"


def test_rule_11_nothing_leaves_without_a_named_person(played: Played) -> None:
    played.enter()
    for nobody in ("", "  "):
        with pytest.raises(DecisionRefused, match="nobody is named"):
            played.desk().decide(played.match(), by=nobody, answer=Answer.YES)
    assert not played.outgoing(1)
    assert {Reason.ALREADY_IN_CONTACT, Reason.NOT_SAME_FAMILY} <= set(Reason)
    assert not played.outgoing(1)
    case = played.say(1, answer=Answer.NO, reason=Reason.NOT_SAME_FAMILY)
    assert case.phase is Phase.DECLINED
    assert not played.outgoing(1)


def test_rule_12_four_eyes_on_each_side_and_silence_is_a_no(played: Played) -> None:
    played.enter()
    played.desk().decide(played.match(), by=FIRST, answer=Answer.YES)
    with pytest.raises(FourEyes):
        played.desk().decide(played.match(), by=FIRST, answer=Answer.YES)
    assert not played.outgoing(1)  # one pair of eyes sends nothing
    played.desk().decide(played.match(), by=SECOND, answer=Answer.YES)
    assert [one.act for one in played.outgoing(1)] == [Act.ACCEPT]
    played.later(days=15)
    played.enter()  # the deadline: nobody moved any more
    for number in (1, 2):
        assert played.case(number).phase is Phase.LAPSED
        assert What.AGREED not in {step.what for step in played.case(number).history}


def test_rule_12_either_side_withdraws(played: Played) -> None:
    played.activate()
    played.desk(2).withdraw(played.match(2), by=FIRST, reason=content.WithdrawalReason.OBJECTION)
    played.enter([played.take(2)])
    assert {played.case(number).phase for number in (1, 2)} == {Phase.WITHDRAWN}


def test_rule_13_a_partner_needs_a_ground_and_criminal_justice_one_of_its_own(played: Played) -> None:
    played.agree()
    today = played.now.date()
    for role, basis in (("politie", "demo-grondslag"), ("school", "my-own")):
        plan = played.plan(partners=(Partner(role=role, basis=basis, since=today),))
        with pytest.raises(LegalGroundMissing):
            played.desk().propose(played.match(), by=FIRST, plan=plan)
    assert not played.outgoing(1)


def test_rule_14_nobody_signs_before_the_family_knows_or_there_is_a_reason(played: Played) -> None:
    played.agree()
    played.propose()
    with pytest.raises(DecisionRefused, match="rule 14"):
        played.desk(2).sign(played.match(2), by=FIRST)
    played.inform(2)
    played.desk(2).sign(played.match(2), by=FIRST)
    assert [one.act for one in played.outgoing(2)] == [Act.SIGN]


def test_rule_15_access_objection_and_erasure_work_are_logged_and_told(played: Played) -> None:
    played.activate()
    handed = played.round.nodes[0]
    rights, person = handed.node.rights, played.case(1).match.persons[0]
    dossier = rights.access(person, by=OFFICER).as_json()
    assert {one["kind"] for one in dossier["held"]} >= {"match", "case", "round"}
    assert dossier["processed"]
    assert rights.object(person, by=OFFICER).told == 1
    played.deliver(2, played.take(1))
    assert played.case(2).history[-1].what is What.RIGHT_USED
    assert person not in str(handed.node.check([family("A1", 1)]).families)
    assert rights.erase(person, by=OFFICER).told == 1
    held = json.dumps(rights.access(person, by=OFFICER).as_json()["held"])
    assert "professional" not in held
    done = {entry.name for entry in handed.node.processing_log(person=person)}
    assert {"give access", "objection", "erasure"} <= done


async def test_rule_16_terms_have_ceilings_and_deletion_runs_by_itself_with_proof(desk: Desk) -> None:
    for category, ceiling in CEILINGS.items():
        assert RetentionSettings().days(category) <= ceiling
        with pytest.raises(ValidationError):
            RetentionSettings(**{category: ceiling + 1})
    node = desk.nodes[0].node
    parts = node._opened()
    with parts.store.transaction() as connection:
        parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, about="1"), desk.now)
    desk.now += timedelta(days=RetentionSettings().notices + 1)
    dry = {one.category: one.rows for one in node.retention_due() if one.rows}
    assert dry == {Category.NOTICES: 1}
    node._tidy()  # what every opening and every receiving does
    assert not [one for one in node.retention_due() if one.rows]
    proof = next(one for one in node.deletions() if one.category == Category.NOTICES)
    assert proof.rows == 1
    assert re.fullmatch("[0-9a-f]{64}", proof.digest)


async def test_rule_17_what_can_not_be_logged_does_not_happen(desk: Desk) -> None:
    node = desk.nodes[0].node
    parts = node._opened()
    before = len(node.processing_log())
    node.rights.access("A1-0", by=OFFICER)
    (entry, *_) = node.processing_log()
    assert len(node.processing_log()) > before
    assert (entry.actor, entry.activity) == (OFFICER, Activity.RIGHTS)
    parts.processing._file = Path(desk.folder)  # a folder: nothing can be written to it
    with pytest.raises(StorageError, match="can't be written"):
        node.rights.object("A1-0", by=OFFICER)
    assert not [one for one in node.rights.requests() if one.person == "A1-0" and one.right == "objection"]


def test_rule_17_nothing_personal_is_in_a_log_line(played: Played) -> None:
    """A canary for the handshake; `tests/leakage` looks for canaries everywhere."""
    with capture_logs() as lines:
        played.activate()
        played.round.nodes[0].node.rights.object(played.case(1).match.persons[0], by=OFFICER)
    said, match = str(lines), played.case(1).match
    member = family("A1", 1).members[0]
    for personal in (
        match.family,
        *match.cases,
        *match.persons,
        member.person.surname,
        str(member.person.bsn),
        OFFICER,
    ):
        assert personal not in said


async def test_rule_18_secrecy_and_doubt_warn_at_review(tmp_path: Path) -> None:
    one = family("A1", 1)
    flagged = Family(one.family_id, (replace(one.members[0], secrecy=True), replace(one.members[1], doubt=True)))
    async with Played(tmp_path, [[flagged], [family("B1", 1)]]) as played:
        played.enter()
        assert set(played.case(1).cautions) >= {Caution.SECRECY, Caution.DOUBT}


def fields_of(*modules: ModuleType) -> Iterator[str]:
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and is_dataclass(kind):
                yield from (f"{kind.__name__}.{field.name}" for field in fields(kind))
            elif isinstance(kind, type) and hasattr(kind, "model_fields"):
                yield from (f"{kind.__name__}.{name}" for name in kind.model_fields)


def test_rule_18_nothing_that_crosses_has_a_place_for_an_address() -> None:
    names = list(fields_of(messages, content, approach))
    assert len(names) > 60
    found = [name for name in names if re.search(r"address|postcode|house|huis|street|straat|plaats|woon", name, re.I)]
    assert not found
