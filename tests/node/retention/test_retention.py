"""Rule 16: what is past its term goes by itself, as the dry run said, with proof, and nothing else goes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from sluis_node.handshake.model import Phase
from sluis_node.handshake.review import Answer, Reason
from sluis_node.notify import Notice, NoticeKind
from sluis_node.processing import Activity
from sluis_node.retention.retention import Due
from sluis_node.retention.settings import Category, RetentionSettings
from sluis_node.tables import metadata
from sluis_protocol.content import Outcome
from sluis_protocol.encoding import lp_all

from ..desk import Desk as Bench
from ..handshake.rig import FIRST, Side, Two

# What stays for ever, and what rounds and the log are made of.
_STAYS = {"key_check", "covenants", "rounds", "processing_log", "processing_subjects", "processing_cut", "deletions"}
_STAYS |= {"log_seen", "log_owed", "log_alarms"}


def rows(due: list[Due]) -> dict[Category, int]:
    return {one.category: one.rows for one in due if one.rows}


def counts(side: Side) -> Mapping[str, int]:
    with side.node._opened().store.transaction() as connection:
        return {
            name: count
            for name in metadata.tables
            if (count := connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())
        }


async def test_a_handshake_that_came_to_nothing_and_then_its_match(two: Two) -> None:
    two.a.say()
    two.b.say(Answer.NO, reason=Reason.NO_NEED)
    two.later(days=15)
    await two.settled("lapsed")
    await two.exchange()
    assert two.a.phase is Phase.LAPSED
    terms = RetentionSettings()
    two.later(days=terms.lapsed - 1)
    assert Category.LAPSED not in rows(two.b.node.retention_due())
    two.later(days=1, minutes=1)
    assert rows(two.b.node.retention_due())[Category.LAPSED] == 1
    before = counts(two.b)
    assert before["opinions"] == 2
    assert rows(two.b.node.run_retention(by="admin"))[Category.LAPSED] == 1
    after = counts(two.b)
    gone = ("handshakes", "opinions", "steps", "papers", "entries", "letters", "handshake_mail")
    assert not any(after.get(name) for name in gone)
    assert after["matches"] == 1
    two.later(days=terms.matches - terms.lapsed)
    assert rows(two.b.node.run_retention())[Category.MATCHES] == 1
    assert not two.b.node.matches()


async def test_an_active_approach_keeps_what_it_needs_however_old(two: Two) -> None:
    await two.activate()
    two.later(days=89)
    two.a.node.run_retention()
    assert two.a.phase is Phase.ACTIVE
    with two.a.node._opened().store.transaction() as connection:
        connection.exec_driver_sql("UPDATE matches SET last_at = 0, found_at = 0")
        connection.exec_driver_sql("UPDATE handshakes SET made_at = 0")
    assert not {Category.MATCHES, Category.ENDED, Category.LAPSED} & set(rows(two.a.node.run_retention()))
    assert two.a.phase is Phase.ACTIVE


async def test_an_approach_that_was_closed_goes_wholly(two: Two) -> None:
    """After all terms nothing personal is left, and nothing that is sealed."""
    await two.activate()
    two.a.desk.close(two.a.match, by=FIRST, outcome=Outcome.GOALS_REACHED)
    await two.exchange()
    assert two.a.phase is two.b.phase is Phase.CLOSED
    two.later(days=366)
    for side in (two.a, two.b):
        found = rows(side.node.run_retention())
        assert found[Category.ENDED] == 1
        assert found[Category.MATCHES] == 1
    two.later(days=366)
    for side in (two.a, two.b):
        assert rows(side.node.run_retention())[Category.REFERENCES]
        assert set(counts(side)) <= _STAYS
        assert not rows(side.node.run_retention())


async def test_it_runs_by_itself_once_a_day(two: Two) -> None:
    two.a.say()
    two.later(days=15)
    await two.settled("lapsed")
    await two.exchange()
    two.later(days=RetentionSettings().lapsed + 1)
    await two.a.receive()
    assert not counts(two.a).get("handshakes")
    proofs = two.a.node.deletions()
    ran = [proof for proof in proofs if proof.category == "run"]
    await two.a.receive()
    assert [proof for proof in two.a.node.deletions() if proof.category == "run"] == ran
    two.later(days=1)
    await two.a.receive()
    assert len([proof for proof in two.a.node.deletions() if proof.category == "run"]) == len(ran) + 1


async def test_a_dry_run_changes_nothing_and_says_what_a_real_one_does(desk: Bench) -> None:
    node = desk.nodes[0].node
    parts = node._opened()
    with parts.store.transaction() as connection:
        for number in range(3):
            parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, about=str(number)), desk.now)
    desk.now += timedelta(days=31)
    first, second = node.retention_due(), node.retention_due()
    assert first == second
    assert rows(first) == {Category.NOTICES: 3}
    assert len(node.deletions()) == 1  # the run on opening
    done = node.run_retention(by="admin")
    assert done == first
    assert not rows(node.retention_due())


async def test_what_went_is_proved_to_who_has_a_backup(desk: Bench) -> None:
    node = desk.nodes[0].node
    parts = node._opened()
    with parts.store.transaction() as connection:
        parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, about="1"), desk.now)
        kept = connection.exec_driver_sql("SELECT id FROM notices").scalars().all()
    desk.now += timedelta(days=31)
    node.run_retention(by="admin")
    (proof, *_) = node.deletions()
    lookups = [parts.store.vault.lookup("deleted row", "notices", one.encode()) for one in kept]
    assert proof.digest == hashlib.sha256(lp_all(sorted(lookups))).hexdigest()
    assert (proof.category, proof.rows, proof.days, proof.by) == ("notices", 1, 30, "admin")
    assert proof.at == desk.now.replace(microsecond=desk.now.microsecond // 1000 * 1000)
    (entry, *_) = node.processing_log()
    assert (entry.name, entry.activity, entry.actor) == ("delete notices", Activity.RETENTION, "admin")


async def test_a_reference_that_is_needed_again_is_kept(desk: Bench) -> None:
    """So that a pair that is known makes no new notification."""
    node = desk.nodes[0].node
    parts = node._opened()
    with parts.store.transaction() as connection:
        first = parts.ledger.reference(connection, "jeugd", "A1", desk.nodes[1].oin)
    node.run_retention()
    desk.now += timedelta(days=300)
    with parts.store.transaction() as connection:
        assert parts.ledger.reference(connection, "jeugd", "A1", desk.nodes[1].oin) == first
    node.run_retention()
    assert Category.REFERENCES not in rows(node.retention_due())
    desk.now += timedelta(days=66)
    assert rows(node.run_retention()) == {Category.REFERENCES: 1}
    with parts.store.transaction() as connection:
        assert parts.ledger.reference(connection, "jeugd", "A1", desk.nodes[1].oin) != first


async def test_the_reference_of_a_match_stays_with_it(desk: Bench) -> None:
    node = desk.nodes[0].node
    desk.claim_both()
    node.run_retention()
    with node._opened().store.transaction() as connection:
        since = connection.exec_driver_sql("SELECT unneeded_since FROM family_references").scalars().all()
    assert since == [None]


async def test_the_processing_log_ends_at_its_term_and_stays_whole(desk: Bench) -> None:
    node = desk.nodes[0].node
    node.rights.access("A1-0", by="paula")
    desk.now += timedelta(days=RetentionSettings().processing + 1)
    node.rights.access("A4-0", by="paula")
    assert rows(node.run_retention())[Category.PROCESSING] >= 2
    assert not node.processing_log(person="A1-0")
    assert node.processing_log(person="A4-0")
    assert await node.verify_processing_log() > 0


async def test_an_objection_holds_longer_than_any_term(desk: Bench) -> None:
    node = desk.nodes[0].node
    objection = node.rights.object("A1-0", by="paula").request
    node.rights.correct("A1-0", by="paula")
    desk.now += timedelta(days=5_000)
    assert rows(node.run_retention())[Category.REQUESTS] == 1
    assert node.rights.requests() == [objection]
    node.rights.lift(objection.number, by="paula")
    desk.now += timedelta(days=RetentionSettings().requests + 1)
    node.run_retention()
    assert not node.rights.requests()


async def test_a_notice_that_waits_is_not_forgotten(desk: Bench) -> None:
    parts = desk.nodes[0].node._opened()
    with parts.store.transaction() as connection:
        parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, about="1"), desk.now)
        connection.exec_driver_sql(
            "INSERT INTO deliveries (notice, channel, target, state, attempts, next_at, failure) "
            "SELECT id, 'mail', 'coordinators', 'waiting', 0, 0, '' FROM notices"
        )
    desk.now += timedelta(days=31)
    assert not rows(desk.nodes[0].node.run_retention())
    with parts.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'dead'")
    assert rows(desk.nodes[0].node.run_retention()) == {Category.NOTICES: 1}
