"""Nothing is told twice, and nothing that was to be told is lost without anybody seeing it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node.notify import Audience, DeliveryState, Notice, NoticeKind, NotifySettings
from sluis_node.notify.outbox import LEASE, LONGEST_PAUSE, MOST_ATTEMPTS, NOBODY
from sluis_protocol.errors import InputError

from .rig import Office

BOTH = NotifySettings.model_validate(
    {
        "mail": {"host": "localhost", "sender": "sluis@example.org", "to": {"coordinators": ["team@example.org"]}},
        "webhooks": [{"name": "case-system", "url": "https://example.org/e", "audiences": ["coordinators", "privacy"]}],
    }
)
MATCH = Notice(NoticeKind.MATCH_FOUND, about="m1")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path, BOTH)
    yield office
    office.store.close()


def test_a_notice_goes_to_every_target_of_its_audience_once(office: Office) -> None:
    assert office.tell(MATCH)
    assert not office.tell(MATCH)
    assert office.tell(Notice(NoticeKind.AGREED, about="m1"))
    assert office.tell(Notice(NoticeKind.MATCH_FOUND, about="m2"))
    found = office.outbox.all()
    assert len(found) == 6
    assert {(str(one.channel), one.target) for one in found} == {("mail", "coordinators"), ("webhook", "case-system")}
    assert len({one.notice_id for one in found}) == 3


def test_what_is_undone_is_not_told(office: Office) -> None:
    def fail() -> None:
        with office.store.transaction() as connection:
            office.outbox.enqueue(connection, MATCH, office.now)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        fail()
    assert not office.outbox.all()
    assert office.tell(MATCH)


def test_an_audience_that_nobody_configured_gets_nothing(office: Office) -> None:
    assert not office.outbox.targets(Audience.ADMINISTRATORS)
    assert office.tell(Notice(NoticeKind.ANOMALY, about="r1"))
    assert not office.outbox.all()


def test_a_dilemma_that_can_go_nowhere_is_a_dead_letter(office: Office) -> None:
    """It stands in no console: once a mailbox is configured, people send it again."""
    assert office.tell(Notice(NoticeKind.DILEMMA_ESCALATED, about="d1", text="What now?"))
    (dead,) = office.outbox.all()
    assert (dead.state, dead.target, dead.failure) == (DeliveryState.DEAD, "board", NOBODY)
    office.outbox.retry(dead.id, office.now)
    (again,) = office.outbox.take(office.now, most=8)
    assert again.text == "What now?"


def test_only_a_dilemma_has_a_text() -> None:
    for kind, text in ((NoticeKind.MATCH_FOUND, "the family"), (NoticeKind.DILEMMA, " "), (NoticeKind.DILEMMA, "")):
        with pytest.raises(InputError):
            Notice(kind, about="x", text=text)
    for text in ("x" * 4_001, "a\x00b", "a\x1b[2Jb"):
        with pytest.raises(InputError):
            Notice(NoticeKind.DILEMMA, about="x", text=text)


def test_two_programs_never_send_the_same(office: Office) -> None:
    for number in range(20):
        office.tell(Notice(NoticeKind.MATCH_FOUND, about=f"m{number}"))
    with ThreadPoolExecutor(4) as pool:
        taken = [
            one.id for found in pool.map(lambda _: office.outbox.take(office.now, most=15), range(4)) for one in found
        ]
    assert len(taken) == len(set(taken)) == 40


def test_what_a_crash_left_is_due_again_and_the_late_one_settles_nothing(office: Office) -> None:
    office.tell(MATCH)
    (first, _) = office.outbox.take(office.now, most=8)
    assert not office.outbox.take(office.now, most=8)
    office.now += LEASE
    (again, _) = office.outbox.take(office.now, most=8)
    assert (again.id, again.notice_id, again.attempts) == (first.id, first.notice_id, 2)
    office.outbox.failed(first, "late", office.now, final=True, pause=None)
    assert office.outbox.counts() == {DeliveryState.WAITING: 2}
    office.outbox.delivered(again, office.now)
    assert office.outbox.counts() == {DeliveryState.WAITING: 1, DeliveryState.DELIVERED: 1}


def test_pauses_double_up_to_six_hours_and_then_it_is_a_dead_letter(office: Office) -> None:
    office.tell(MATCH)
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        (one, other) = office.outbox.take(office.now, most=8)
        assert not office.outbox.take(office.now, most=8)
        dead = office.outbox.failed(one, "away", office.now, final=False, pause=None)
        office.outbox.failed(other, "away", office.now, final=False, pause=None)
        waiting = [delivery.next_at for delivery in office.outbox.all(DeliveryState.WAITING)]
        if dead:
            break
        pauses.append(min(waiting) - office.now)
        office.now = max(waiting)
    assert len(pauses) == MOST_ATTEMPTS - 1
    for at, pause in enumerate(pauses):
        least = min(timedelta(minutes=2**at), LONGEST_PAUSE)
        assert least <= pause <= least * 1.25
    assert timedelta(days=3) < sum(pauses, timedelta()) < timedelta(days=6)
    assert office.outbox.counts() == {DeliveryState.DEAD: 2}
    assert {one.failure for one in office.outbox.all(DeliveryState.DEAD)} == {"away"}


def test_a_receiver_may_ask_for_a_longer_pause_but_not_for_ever(office: Office) -> None:
    office.tell(MATCH)
    one, other = office.outbox.take(office.now, most=8)
    office.outbox.failed(one, "busy", office.now, final=False, pause=timedelta(hours=1))
    office.outbox.failed(other, "busy", office.now, final=False, pause=timedelta(days=900))
    waits = sorted(delivery.next_at - office.now for delivery in office.outbox.all())
    assert waits == [timedelta(hours=1), LONGEST_PAUSE]


def test_people_send_dead_letters_again_or_throw_them_away(office: Office) -> None:
    office.tell(MATCH)
    one, other = office.outbox.take(office.now, most=8)
    for delivery in (one, other):
        with pytest.raises(InputError, match="no dead letter"):
            office.outbox.retry(delivery.id, office.now)
        assert office.outbox.failed(delivery, "no such mailbox", office.now, final=True, pause=None)
    office.later(days=30)
    office.outbox.retry(one.id, office.now)
    office.outbox.discard(other.id, office.now)
    with pytest.raises(InputError, match="no dead letter"):
        office.outbox.discard(other.id, office.now)
    (again,) = office.outbox.take(office.now, most=8)
    assert (again.id, again.attempts) == (one.id, 1)
    assert not office.outbox.failed(again, "away", office.now, final=False, pause=None)
    assert office.outbox.counts() == {DeliveryState.WAITING: 1, DeliveryState.DISCARDED: 1}


def test_a_question_is_sealed_and_what_it_is_about_is_hashed(office: Office, tmp_path: Path) -> None:
    office.tell(Notice(NoticeKind.DILEMMA, about="very-recognisable", text="What should the two of us do?"))
    office.store.scrub()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("node.sqlite*"))
    assert b"very-recognisable" not in content
    assert b"two of us" not in content
