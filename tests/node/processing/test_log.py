"""Rule 17: every view and decision is in the processing log, before it happens, and stays there unaltered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sluis_node.processing import Activity, Outcome
from sluis_protocol.errors import InputError, StorageError
from sqlalchemy.exc import IntegrityError

from .rig import OIN, START, Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    archive.store.close()


def test_a_view_is_there_before_it_happens_and_with_its_end(archive: Archive) -> None:
    with archive.log.processing(
        Activity.SHOW, "show match", actor="anna", persons=("P1", "P2"), reference="m1"
    ) as span:
        (open_,) = archive.entries()
        assert (open_.outcome, open_.ended_at) == (Outcome.INTERRUPTED, None)
        archive.later(seconds=2)
    (entry,) = archive.entries()
    assert (entry.trace_id, entry.span_id) == (span.trace_id.hex(), span.span_id.hex())
    assert (entry.name, entry.activity, entry.actor, entry.reference) == ("show match", Activity.SHOW, "anna", "m1")
    assert (entry.outcome, entry.started_at, entry.ended_at) == (Outcome.DONE, START, archive.now)
    assert entry.persons == 2


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InputError("no"), Outcome.REFUSED),
        (StorageError("full"), Outcome.FAILED),
        (ValueError("a bug"), Outcome.FAILED),
        (KeyboardInterrupt(), Outcome.FAILED),
    ],
)
def test_what_does_not_work_out_is_logged_too(archive: Archive, error: BaseException, outcome: Outcome) -> None:
    def work() -> None:
        with archive.log.processing(Activity.REVIEW, "decide", actor="anna", persons=("P1",)):
            raise error

    with pytest.raises(type(error)):
        work()
    assert [entry.outcome for entry in archive.entries()] == [outcome]


def test_what_is_part_of_a_change_is_logged_with_it_or_not_at_all(archive: Archive) -> None:
    def keep(*, fail: bool) -> None:
        with archive.store.transaction() as connection:
            archive.log.record(connection, Activity.CONFIRM, "keep match", actor="", persons=("P1",), reference="m1")
            if fail:
                raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        keep(fail=True)
    assert not archive.entries()
    keep(fail=False)
    (entry,) = archive.entries()
    assert (entry.outcome, entry.actor, entry.ended_at) == (Outcome.DONE, "", START)
    assert archive.log.verify() == 1


# Written ahead.


def test_if_it_cannot_be_written_it_does_not_happen(archive: Archive) -> None:
    archive.file.mkdir()
    happened = False

    def work() -> None:
        nonlocal happened
        with archive.log.processing(Activity.SHOW, "show match", actor="anna", persons=("P1",)):
            happened = True

    with pytest.raises(StorageError, match="can't be written") as refused:
        work()
    assert "nothing personal is processed until then" in refused.value.do
    assert not happened
    assert not archive.entries()
    archive.file.rmdir()
    work()
    assert happened
    assert len(archive.file.read_text().splitlines()) == 2


def test_a_full_disk_is_no_way_around_it(archive: Archive) -> None:
    """In the table, too: the database can't grow any more."""
    with archive.store.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    happened = False

    def work() -> None:
        nonlocal happened
        with archive.log.processing(
            Activity.TAKE_PART, "hand in", actor="", persons=[f"P{number}" for number in range(50_000)]
        ):
            happened = True

    def limit(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]  # the driver's own

    from sqlalchemy import event

    event.listen(archive.store.engine, "connect", limit)
    archive.store.engine.dispose()
    with pytest.raises(StorageError, match="full"):
        work()
    event.remove(archive.store.engine, "connect", limit)
    assert not happened
    assert not archive.file.exists()


def test_a_program_that_is_killed_leaves_what_it_had_begun(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests.node.processing.rig import Archive, Activity\n"
        "a = Archive(Path(sys.argv[1]))\n"
        "with a.log.processing(Activity.SHOW, 'show match', actor='anna', persons=('P1',)): os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], timeout=60, check=False)
    assert done.returncode == -9
    archive = Archive(tmp_path)
    assert [entry.outcome for entry in archive.entries()] == [Outcome.INTERRUPTED]
    assert json.loads(archive.file.read_text())["name"] == "show match"
    assert archive.log.verify() == 1


# Append-only.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE processing_log SET actor = 'berend'",
        "UPDATE processing_subjects SET subject = zeroblob(16)",
        "DELETE FROM processing_log",
        "DELETE FROM processing_subjects",
    ],
)
def test_the_database_refuses_changes(archive: Archive, statement: str) -> None:
    archive.show()
    with pytest.raises(IntegrityError, match=r"append-only|kept until its term"):
        archive.sql(statement)
    assert archive.log.verify() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE processing_log SET actor = 'berend' WHERE number = 3",
        "UPDATE processing_log SET started_at = started_at + 1 WHERE number = 3",
        "UPDATE processing_subjects SET subject = zeroblob(16) WHERE number = 3",
        "DELETE FROM processing_subjects WHERE number = 3",
        "DELETE FROM processing_log WHERE number = 4",
        "DELETE FROM processing_log WHERE number = 6",
        "UPDATE processing_log SET number = 9 WHERE number = 6",
        "INSERT INTO processing_subjects VALUES (3, zeroblob(16))",
    ],
)
def test_who_goes_around_the_database_is_found(archive: Archive, statement: str) -> None:
    for match in ("m1", "m2", "m3"):
        archive.show(match)
    with archive.store.transaction() as connection:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        for trigger in found:
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        connection.exec_driver_sql(statement)
    with pytest.raises(StorageError, match=r"was altered|lost its newest"):
        archive.log.verify()


def test_many_at_once_make_one_chain(archive: Archive) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: archive.show(f"m{number}"), range(24)))
    assert archive.log.verify() == 48
    assert len(archive.file.read_text().splitlines()) == 48
    assert {entry.reference for entry in archive.entries()} == {f"m{number}" for number in range(24)}


# Persons.


def test_a_person_is_a_keyed_hash_everywhere(archive: Archive, tmp_path: Path) -> None:
    archive.show(persons=("very-recognisable",))
    archive.store.scrub()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"very-recognisable" not in content
    assert archive.log.subject("very-recognisable") in content
    assert archive.log.subject("very-recognisable").hex().encode() in content


def test_what_is_about_a_person_is_found(archive: Archive) -> None:
    archive.show("m1", ("P1", "P2"))
    archive.show("m2", ("P2", "P3"), actor="berend")
    archive.show("m3", ("P3",))
    about = archive.entries(subject=archive.log.subject("P2"))
    assert [(entry.reference, entry.actor) for entry in about] == [("m2", "berend"), ("m1", "anna")]
    assert not archive.entries(subject=archive.log.subject("P4"))


def test_reading_by_what_one_looks_for(archive: Archive) -> None:
    for number in range(5):
        archive.show(f"m{number}", actor="anna" if number % 2 else "berend")
        archive.later(hours=1)
    with archive.log.processing(Activity.REVIEW, "decide", actor="anna", persons=("P1",), reference="m1"):
        pass
    assert len(archive.entries()) == 6
    assert [entry.reference for entry in archive.entries(actor="berend")] == ["m4", "m2", "m0"]
    assert [entry.name for entry in archive.entries(activity=Activity.REVIEW)] == ["decide"]
    assert len(archive.entries(reference="m1")) == 2
    assert len(archive.entries(since=START.replace(hour=11))) == 4
    assert len(archive.entries(until=START.replace(hour=11))) == 2
    first = archive.entries(most=4)
    assert [entry.number for entry in first + archive.entries(most=4, before=first[-1].number)] == [11, 9, 7, 5, 3, 1]


@pytest.mark.parametrize("actor", ["x" * 256, "anna\nberend", "\x1b[2J"])
def test_who_it_was_fits_on_a_line(archive: Archive, actor: str) -> None:
    with pytest.raises(InputError, match="can't stand in the processing log"):
        archive.show(actor=actor)


# The file.


def test_the_file_has_the_fields_of_the_standard(archive: Archive) -> None:
    """Logboek Dataverwerkingen 1.0, interface of a logbook; one line for each person concerned."""
    archive.show(persons=("P1", "P2"))
    lines = [json.loads(line) for line in archive.file.read_text().splitlines()]
    assert len(lines) == 4
    first, second, *ends = lines
    for line in lines:
        assert len(bytes.fromhex(line["trace_id"])) == 16
        assert len(bytes.fromhex(line["span_id"])) == 8
        assert line["attributes"]["dpl.core.processing_activity_id"] == f"urn:nld:oin:{OIN}:verwerking:sluis-show"
        assert line["attributes"]["dpl.core.data_subject_id_type"] == "sluis-person-hmac"
        assert line["resource"]["attributes"]["actor"] == "anna"
    assert {line["trace_id"] for line in lines} == {first["trace_id"]}
    assert len({line["span_id"] for line in lines}) == 4
    assert "parent_span_id" not in first
    assert second["parent_span_id"] == first["span_id"]
    assert [line["status_code"] for line in lines] == [0, 0, 1, 1]
    assert {line["attributes"]["dpl.core.data_subject_id"] for line in ends} == {
        archive.log.subject(person).hex() for person in ("P1", "P2")
    }
    assert ends[0]["parent_span_id"] == first["span_id"]
    assert ends[0]["end_time"] - ends[0]["start_time"] == 1000


def test_an_activity_stands_in_the_register_of_the_municipality(tmp_path: Path) -> None:
    archive = Archive(tmp_path, activities="https://example.org/verwerkingen/")
    archive.show()
    line = json.loads(archive.file.read_text().splitlines()[0])
    assert line["attributes"]["dpl.core.processing_activity_id"] == "https://example.org/verwerkingen/show"


def test_the_file_gets_what_is_committed_and_no_more(archive: Archive) -> None:
    def keep(*, fail: bool) -> None:
        with archive.store.transaction() as connection:
            for number in range(3):
                archive.log.record(connection, Activity.CONFIRM, "keep match", actor="", persons=(f"P{number}",))
            if fail:
                raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        keep(fail=True)
    assert not archive.file.exists()
    keep(fail=False)
    assert len(archive.file.read_text().splitlines()) == 3
    archive.file.unlink()  # rotated away
    archive.show()
    assert len(archive.file.read_text().splitlines()) == 2
    assert archive.file.stat().st_mode & 0o777 == 0o600


def test_a_change_that_the_file_cannot_tell_is_undone(archive: Archive) -> None:
    archive.file.mkdir()

    def keep() -> None:
        with archive.store.transaction() as connection:
            archive.log.record(connection, Activity.CONFIRM, "keep match", actor="", persons=("P1",))

    with pytest.raises(StorageError, match="can't be written"):
        keep()
    assert not archive.entries()
    archive.file.rmdir()
    keep()
    assert len(archive.entries()) == archive.log.verify() == 1


def test_without_a_file_there_is_the_table(tmp_path: Path) -> None:
    archive = Archive(tmp_path, with_file=False)
    archive.show()
    assert archive.log.verify() == 2
    assert not archive.file.exists()


# Its own end.


def test_what_is_past_its_term_goes_and_the_chain_goes_on(archive: Archive) -> None:
    for match in ("m1", "m2"):
        archive.show(match)
    archive.later(days=10)
    border = archive.now
    archive.show("m3")
    with archive.store.transaction() as connection:
        assert archive.log.cut(connection, border) == 4
        assert archive.log.cut(connection, border) == 0
    assert [entry.reference for entry in archive.entries()] == ["m3"]
    assert archive.log.verify() == 2
    with pytest.raises(IntegrityError, match="kept until its term"):
        archive.sql("DELETE FROM processing_log")
    archive.later(days=10)
    with archive.store.transaction() as connection:
        assert archive.log.cut(connection, archive.now) == 2
    assert archive.log.verify() == 0
    archive.show("m4")
    assert [entry.number for entry in archive.entries()] == [7]
    assert archive.log.verify() == 2
