"""Mail becomes a match only when both sides truly have the same identifiers; all else is noted, and shows nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sluis_node.round.ledger import ClaimState
from sluis_node.round.own_round import RoundState
from sluis_protocol.confirm import CANDIDATE_BYTES
from sluis_protocol.messages import Confirmation, Publication, Unconfirmed
from sluis_protocol.signed import Kind
from sluis_protocol.submission import pack

from .desk import CASELOADS, FIRST, ID, ROUND, SECOND, Desk
from .people import family


async def test_both_confirm_and_see_the_match(desk: Desk) -> None:
    desk.publish(1, 1)
    desk.claim_both()
    answers = desk.answer(1, ID), desk.answer(2, ID)
    assert not desk.nodes[0].node.matches()
    desk.pass_on(2, answers[0])
    desk.pass_on(1, answers[1])
    (one,), (other,) = desk.nodes[0].node.matches(), desk.nodes[1].node.matches()
    assert (one.family, one.counterpart.oin, one.counterpart.municipality) == ("A1", SECOND, "GM0002")
    assert (other.family, other.counterpart.oin) == ("B1", FIRST)
    assert one.cases == ("ZAAK-A1",)
    assert one.persons == ("A1-0", "A1-1")
    assert one.new
    assert str(one.grade) == "bsn"
    assert not one.hint
    assert desk.counts(1) == {ClaimState.MATCHED: 1}
    assert not desk.anomalies(1)
    assert not desk.anomalies(2)


async def test_a_pair_that_is_known_is_not_new(desk: Desk) -> None:
    later = ROUND[:-1] + "1"
    for round_id in (ROUND, later):
        if round_id == later:
            for number in (1, 2):
                desk.hand_in(number, CASELOADS[number - 1], later)
        candidate_id = os.urandom(CANDIDATE_BYTES)
        desk.claim_both(candidate_id, round_id)
        answers = desk.answer(1, candidate_id), desk.answer(2, candidate_id)
        desk.pass_on(1, answers[1], round_id=round_id)
        desk.pass_on(2, answers[0], round_id=round_id)
    for number in (1, 2):
        (match,) = desk.nodes[number - 1].node.matches()
        assert not match.new
        assert match.round_id == ROUND


async def test_the_name_grade_asks_for_verification(tmp_path: Path) -> None:
    caseloads = [[family("A1", 1, members=3)], [family("B1", 1, members=3, bsn=False)]]
    async with Desk(tmp_path, caseloads) as desk:
        desk.claim_both()
        desk.pass_on(1, desk.answer(2, ID))
        (match,) = desk.nodes[0].node.matches()
        assert str(match.grade) == "name"
        assert "before any contact" in match.hint
        assert "hint" in match.as_json()
        assert "score" not in str(match.as_json())


async def test_a_refusal_and_an_unconfirmed_candidate(desk: Desk) -> None:
    desk.claim_both()
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, b"", b""), sender=SECOND)
    desk.deliver(2, Kind.UNCONFIRMED, Unconfirmed(ID))
    for number in (1, 2):
        assert desk.counts(number) == {ClaimState.UNCONFIRMED: 1}
        assert not desk.anomalies(number)
        assert not desk.nodes[number - 1].node.matches()


async def test_a_round_that_was_abandoned(desk: Desk) -> None:
    desk.deliver(1, Kind.PUBLICATION, Publication(bytes(16), 1, 0, "too few took part"))
    found = desk.nodes[0].parts.store.round(ROUND)
    assert found
    assert found.state is RoundState.FINISHED
    assert found.abandoned == "too few took part"
    assert not desk.anomalies(1)


async def test_a_round_is_published_once(desk: Desk) -> None:
    desk.publish(1, 1)
    desk.publish(1, 2)
    assert desk.anomalies(1) == ["a round is published in two ways"]
    found = desk.nodes[0].parts.store.round(ROUND)
    assert found
    assert found.claims == 1


# What is kept, and for how long.


async def test_nothing_personal_stands_in_the_database(desk: Desk) -> None:
    desk.publish(1, 2)
    desk.claim_both()
    desk.pass_on(1, desk.answer(2, ID))
    assert desk.nodes[0].node.matches()
    content = _files(desk.folder / "node-1")
    handed = desk.nodes[0].submission
    keys = [key for own in handed.own.values() for person in own.members.values() for key in person.keys]
    record = CASELOADS[0][0].members[0]
    assert record.person.bsn
    for secret in (
        *(text.encode() for text in ("A1-0", "ZAAK-A1", "Jansen", record.person.surname, record.person.bsn)),
        *(key.opening for key in keys),
        *(key.tag for key in keys),
        pack(handed.rows)[:64],
    ):
        assert secret not in content
    assert SECOND.encode() in content  # the search does find what is there


async def test_openings_go_with_the_last_claim_and_everything_with_the_window(desk: Desk) -> None:
    store = desk.nodes[0].parts.store
    desk.publish(1, 2)
    assert store.packed_rows(ROUND) is None
    claim = desk.claim(1)
    desk.deliver(1, Kind.CLAIM, claim)
    with store.transaction() as connection:
        assert store.family(connection, ROUND, claim.family)
    desk.deliver(1, Kind.CLAIM, replace(claim, candidate_id=os.urandom(CANDIDATE_BYTES)))
    with store.transaction() as connection:
        assert not store.family(connection, ROUND, claim.family)
    assert not store.tidy(desk.now)
    assert store.tidy(desk.now + timedelta(hours=1)) == [ROUND]
    found = store.round(ROUND)
    assert found
    assert found.state is RoundState.FINISHED
    assert not desk.counts(1)
    assert not desk.nodes[0].parts.ledger.to_send()
    # Late mail changes nothing more.
    desk.deliver(1, Kind.CLAIM, claim)
    desk.deliver(1, Kind.CONFIRMATION, Confirmation(ID, bytes(32), bytes(32)), sender=SECOND)
    assert not desk.counts(1)


async def test_openings_of_a_node_that_is_away_go_at_the_end_of_the_window(desk: Desk) -> None:
    store, claim = desk.nodes[0].parts.store, desk.claim(1)
    desk.deliver(1, Kind.CLAIM, claim)
    with store.engine.connect() as connection:
        sealed = connection.exec_driver_sql("SELECT content FROM own_families").scalars().first()
    assert sealed
    assert sealed[:40] in _files(desk.folder / "node-1")
    store.tidy(desk.now + timedelta(hours=1))
    assert sealed[:40] not in _files(desk.folder / "node-1")
    assert store.packed_rows(ROUND) is None


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("node.sqlite*")))
