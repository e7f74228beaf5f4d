"""Cards, informing the family, dilemmas and rights (rules 8, 14, 15, 17, 18)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_node.handshake.expiry import expire
from sluis_node.handshake.model import Informing, Phase, Postponement, Todo, What
from sluis_node.handshake.personal import check_question
from sluis_node.handshake.reminders import remind
from sluis_node.handshake.review import Answer
from sluis_node.notify.notice import NoticeKind
from sluis_node.round.own_family import Member, Shown, members_of, words
from sluis_protocol.content import LETTER, ContactCard, Right
from sluis_protocol.errors import DecisionRefused, Overtaken, TooLate
from sluis_protocol.record import BirthDate, Family, Record
from sluis_protocol.signed import Kind

from ..people import family
from .played import Played
from .rig import CARD, FIRST, SECOND

QUESTION = "Mag een school aan tafel zitten als de ouders daar bezwaar tegen hebben?"


@pytest.fixture
def agreed(played: Played) -> Played:
    played.agree()
    return played


def told(played: Played, number: int = 1) -> list[NoticeKind]:
    """What people were notified of, in order."""
    with played.round.nodes[number - 1].parts.store.transaction() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM notices ORDER BY rowid").scalars().all()
    return [NoticeKind(kind) for kind in kinds]


# Cards.


def test_a_card_given_with_the_decision_goes_when_both_agree(played: Played) -> None:
    """Rule 8: not before."""
    played.enter()
    played.say(1, card=CARD)
    assert [one.act for one in played.outgoing(1)] == ["accept"]
    played.say(2)
    played.enter([played.take(1), played.take(2)])
    (letter,) = played.outgoing(1)
    assert letter.act == LETTER
    assert letter.message.envelope.kind is Kind.LETTER
    played.deliver(2, letter.message)
    assert played.case(2).their_card == CARD
    assert played.case(2).own_card is None
    assert [task.todo for task in played.case(2).tasks] == [Todo.SEND_CARD, Todo.PROPOSE, Todo.INFORM]
    assert [task.todo for task in played.case(1).tasks] == [Todo.PROPOSE, Todo.INFORM]
    sent = next(step for step in played.case(1).history if step.what is What.CARD)
    assert sent.by == SECOND


def test_a_card_goes_to_nobody_before_both_agree(played: Played) -> None:
    played.enter()
    with pytest.raises(Overtaken, match="both municipalities have to want it"):
        played.desk().send_card(played.match(), by=FIRST, card=CARD)


def test_cards_are_sent_again_and_numbered(agreed: Played) -> None:
    for number in range(1, 4):
        card = ContactCard(role=f"rol {number}", mailbox="a@b.example", telephone="030 1234567")
        agreed.desk().send_card(agreed.match(), by=FIRST, card=card)
        agreed.deliver(2, agreed.outgoing(1)[-1].message)
        assert agreed.case(2).their_card == card
    assert not agreed.anomalies(2)


def test_a_form_with_a_card_that_is_posted_twice(agreed: Played) -> None:
    seen = agreed.case().revision
    for _ in range(2):
        agreed.desk().send_card(agreed.match(), by=FIRST, card=CARD, seen=seen)
    assert len(agreed.outgoing(1)) == 1


# Informing (rule 14).


HALF = [
    (Informing(), "parents"),
    (Informing(young_persons=date(2026, 1, 1)), "parents"),
    (Informing(parents=date(2999, 1, 1)), "parents"),
    (Informing(postponed=Postponement.INVESTIGATION), "until"),
    (Informing(postponed=Postponement.INVESTIGATION, until=date(2026, 1, 1)), "until"),
    (Informing(postponed=Postponement.INVESTIGATION, until=date(2999, 1, 1)), "until"),
    (Informing(until=date(2999, 1, 1)), "postponed"),
    (Informing(parents=date(2026, 1, 1), postponed=Postponement.INVESTIGATION), "postponed"),
]


def test_half_a_record_is_refused(agreed: Played) -> None:
    for informing, field in HALF:
        with pytest.raises(DecisionRefused) as caught:
            agreed.desk().inform(agreed.match(), by=FIRST, informing=informing)
        assert caught.value.where["field"] == field
    assert agreed.case().informing is None


def of_age(years: int, today: date) -> Family:
    """The usual family, whose second member was born so many years and a day ago."""
    one = family("A1", 1)
    born = date(today.year - years, today.month, min(today.day, 28)) - timedelta(days=1)
    members = one.members[0], one.members[1]
    child = replace(members[1].person, birth_date=BirthDate(born.year, born.month, born.day))
    return Family(one.family_id, (members[0], replace(members[1], person=child)))


@pytest.mark.parametrize(("years", "asks"), [(15, False), (16, True), (17, True), (18, False)])
async def test_a_young_person_from_16_is_informed_too(tmp_path: Path, years: int, asks: bool) -> None:
    """Rule 14."""
    today = date.today()
    async with Played(tmp_path, [[of_age(years, today)], [family("B1", 1)]]) as played:
        played.agree()
        assert bool(played.case().young_persons) is asks
        inform = Informing(parents=played.now.date())
        if asks:
            with pytest.raises(DecisionRefused, match="from 16"):
                played.desk().inform(played.match(), by=FIRST, informing=inform)
            inform = replace(inform, young_persons=played.now.date())
        played.desk().inform(played.match(), by=FIRST, informing=inform)
        assert Todo.INFORM not in [task.todo for task in played.case().tasks]


def test_a_postponement_that_ends_is_a_task_again(agreed: Played) -> None:
    until = agreed.now.date() + timedelta(days=4)
    informing = Informing(postponed=Postponement.CHILDS_SAFETY, until=until)
    agreed.desk().inform(agreed.match(), by=FIRST, informing=informing)
    assert Todo.INFORM not in [task.todo for task in agreed.case().tasks]
    agreed.later(days=5)
    (task,) = [task for task in agreed.case().tasks if task.todo is Todo.INFORM]
    assert task.deadline
    assert task.deadline.date() == until


def test_informing_stays_in_the_node(agreed: Played) -> None:
    agreed.inform(1)
    assert not agreed.outgoing(1)


# The register's flags (rule 18).


async def test_secrecy_and_doubt_warn_at_review(tmp_path: Path) -> None:
    one = family("A1", 1)
    flagged = Family(one.family_id, (replace(one.members[0], secrecy=True), replace(one.members[1], doubt=True)))
    async with Played(tmp_path, [[flagged], [family("B1", 1)]]) as played:
        played.enter()
        assert [str(caution) for caution in played.case(1).cautions] == ["secrecy", "doubt"]
        assert not played.case(2).cautions
        assert [member.secrecy for member in played.case(1).members] == [True, False]


# Dilemmas.

PERSONAL = {
    "a BSN": "het gaat om 999990019",
    "a BSN with dots": "het gaat om 9999.90.019",
    "a date": "geboren op 12-03-2010",
    "a date in words": "geboren op 12 maart 2010",
    "a plain date": "geboren 20100312",
    "an ISO date": "op 2010-03-12",
    "a postcode": "op 2511 CA",
    "a mailbox": "schrijf naar iemand@a.example",
    "a number to call": "bel 06-12345678",
    "a name": "Wat doen we met {name}?",
    "a name in capitals": "WAT DOEN WE MET {NAME}",
    "a case": "Zie zaak-a1 in het systeem",
    "a person's id": "Kan A1-0 thuis blijven?",
}


def test_a_question_about_persons_is_not_asked(agreed: Played) -> None:
    """Rule 17: and the refusal does not repeat it."""
    surname = family("A1", 1).members[0].person.surname
    for kind, text in PERSONAL.items():
        question = text.format(name=surname, NAME=surname.upper())
        with pytest.raises(DecisionRefused, match="about persons") as caught:
            agreed.desk().ask(agreed.match(), by=FIRST, question=question)
        for part in question.split():
            assert part not in caught.value.diagnostics() or len(part) < 4, kind
    assert NoticeKind.DILEMMA not in told(agreed)


def test_an_empty_or_endless_question(agreed: Played) -> None:
    for question in ("", "   ", "x" * 2_001):
        with pytest.raises(DecisionRefused):
            agreed.desk().ask(agreed.match(), by=FIRST, question=question)


def test_a_dilemma_goes_to_the_platform_then_to_the_board(agreed: Played) -> None:
    with pytest.raises(DecisionRefused, match="platform was not asked"):
        agreed.desk().ask(agreed.match(), by=FIRST, question=QUESTION, board=True)
    agreed.desk().ask(agreed.match(), by=FIRST, question=QUESTION)
    assert told(agreed)[-1] is NoticeKind.DILEMMA
    agreed.desk().ask(agreed.match(), by=SECOND, question=QUESTION, board=True)
    assert told(agreed)[-1] is NoticeKind.DILEMMA_ESCALATED
    assert [step.what for step in agreed.case().history[-2:]] == [What.ASKED, What.ESCALATED]
    assert not agreed.outgoing(1)


LOOK_UP = {word: word.encode().ljust(8, b"\0")[:8] for word in ("wolthuis", "eva", "jin")}


@given(
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    name=st.sampled_from(["Wolthuis", "WOLTHUIS", "Wólthuis", "Eva", "éva", "Jin"]),
)
def test_a_name_is_found_wherever_it_stands(before: str, after: str, name: str) -> None:
    shown = Shown("F", (), (), (Member("p", "z", names=tuple(LOOK_UP.values())),))
    question = f"{before} {name} {after}"
    if set(words(question)) & set(LOOK_UP):
        with pytest.raises(DecisionRefused):
            check_question(question, shown, lambda word: LOOK_UP.get(word, bytes(8)))


def test_of_names_nothing_is_kept_but_look_up_values() -> None:
    one = family("A1", 1)
    kept = members_of([one], lambda word: word.encode().ljust(8, b"."))["A1"]
    assert len(kept) == len(one.members)
    for record in one.members:
        member = kept[record.person.person_id]
        assert all(len(name) == 8 for name in member.names)
        assert record.person.surname not in repr(member)


# Rights (rule 15).


def test_the_other_side_is_told_that_a_right_was_used(agreed: Played) -> None:
    agreed.desk().tell_right(agreed.match(), by="privacy", right=Right.OBJECTION)
    agreed.deliver(2, agreed.outgoing(1)[-1].message)
    last = agreed.case(2).history[-1]
    assert (last.what, dict(last.details)) == (What.RIGHT_USED, {"right": "objection"})
    assert told(agreed, 2)[-1] is NoticeKind.RIGHT_USED


# Telling people.


def test_what_people_are_notified_of(played: Played) -> None:
    assert told(played) == [NoticeKind.MATCH_FOUND]
    played.activate()
    assert told(played, 1) == [
        NoticeKind.MATCH_FOUND,
        NoticeKind.REVIEW_NEEDED,
        NoticeKind.AGREED,
        NoticeKind.ACTIVE,
    ]
    assert told(played, 2) == [
        NoticeKind.MATCH_FOUND,
        NoticeKind.REVIEW_NEEDED,
        NoticeKind.AGREED,
        NoticeKind.SIGNATURE_NEEDED,
        NoticeKind.ACTIVE,
    ]


def test_reminders_are_told_once_for_each_deadline(played: Played) -> None:
    def remember() -> list[NoticeKind]:
        before = len(told(played))
        for _ in range(2):
            remind(played.round.nodes[0].parts)
        return told(played)[before:]

    played.enter()
    assert not remember()
    played.later(days=12)
    assert remember() == [NoticeKind.DECISION_DUE]
    assert not remember()
    played.say(1)
    played.say(2)
    played.enter([played.take(1), played.take(2)])
    played.later(days=27)
    assert remember() == [NoticeKind.DRAFT_DUE]
    played.propose()
    played.sign_draft(2)
    played.sign_draft(1)
    assert not remember()
    played.later(days=75)
    assert remember() == [NoticeKind.APPROACH_ENDS]


def test_nothing_happens_after_the_end(agreed: Played) -> None:
    agreed.later(days=30)
    agreed.enter()
    assert agreed.case().phase is Phase.LAPSED
    said: dict[str, Any] = {"by": FIRST}
    with pytest.raises(TooLate):
        agreed.desk().send_card(agreed.match(), card=CARD, **said)
    with pytest.raises(TooLate):
        agreed.desk().inform(agreed.match(), informing=Informing(parents=agreed.now.date()), **said)
    with pytest.raises(TooLate):
        agreed.desk().ask(agreed.match(), question=QUESTION, **said)
    with pytest.raises(Overtaken):
        agreed.desk().decide(agreed.match(), answer=Answer.YES, **said)


def test_what_the_coordinator_never_ends_ends_by_our_own_clock(played: Played) -> None:
    played.enter()
    played.say(1)
    for days, phase in ((130, Phase.ACCEPTED), (5, Phase.LAPSED)):
        played.later(days=days)
        expire(played.round.nodes[0].parts)
        case = played.case()
        assert case.phase is phase
    assert not case.sending
    assert not played.outgoing(1)
    assert case.history[-1].what is What.LAPSED


def test_a_record_of_an_earlier_release_is_read() -> None:
    assert Shown.parse(b'["F", ["Z"], ["p"]]') == Shown("F", ("Z",), ("p",))
    assert Record(family("A", 1).members[0].person, family("A", 1).members[0].ground).secrecy is False
