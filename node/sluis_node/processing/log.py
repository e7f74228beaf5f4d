"""The processing log: every view, decision and export of personal data, by whom and about whom (rule 17).

Written ahead: an entry is in the table, and in the file where one is configured, before the processing begins; if it
can't be written, the processing doesn't happen. Append-only: the database refuses changes, and each entry carries a
digest of all before it. Persons stand in it as keyed hashes; what was seen or decided stands elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import InputError, SluisError, StorageError
from sluis_protocol.group import Random
from sluis_runtime.database import transaction
from sluis_runtime.trace import TraceContext, current, within
from sqlalchemy import Connection, Engine, Row, delete, event, func, insert, select, update

from ..vault import Vault
from .activity import Activity
from .entry import SUBJECT_BYTES, LogLine, Status
from .otlp import Collector
from .settings import ProcessingSettings
from .tables import processing_cut, processing_log, processing_subjects

_MOST_ACTOR = 255
_MOST_NAME = 64
_AT_ONCE = 1_000
_ALTERED = "keep the database as it is, compare it with the log's file and with a backup, and report it"


@dataclass(frozen=True, slots=True)
class Span:
    """A processing that has begun."""

    trace_id: bytes
    span_id: bytes

    @property
    def context(self) -> TraceContext:
        """What calls carry that are part of it."""
        return TraceContext(self.trace_id, self.span_id)


class ProcessingLog:
    """The log in the node's database, and its copy in a file."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        random: Random,
        clock: Callable[[], datetime],
        oin: str,
        settings: ProcessingSettings,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._random = random
        self._clock = clock
        self._oin = oin
        self._file = settings.file
        self._register = settings.activities
        self._collector = Collector(settings.otlp, settings.otlp_authorities) if settings.otlp else None

    def subject(self, person_id: str) -> bytes:
        """How a person of ours stands in the log: the same each time, and nobody can tell who it is."""
        return self._vault.lookup("data subject", person_id)[:SUBJECT_BYTES]

    # Writing.

    @contextmanager
    def processing(
        self,
        activity: Activity,
        name: str,
        *,
        actor: str,
        persons: Iterable[str],
        reference: str = "",
        trace_id: bytes | None = None,
    ) -> Iterator[Span]:
        """Log that this begins, let it happen, log how it ended.

        `name`: the verb, such as "show match"; `actor`: who does it, "" for the node itself; `persons`: our own person
        ids; `reference`: a match, handshake or round id. Don't enter it within a transaction: it makes its own.
        A SluisError (but for a StorageError) ends it as refused, anything else as failed. Raises StorageError, before
        anything happened, if the log can't be written.
        """
        began = self._line(activity, name, actor, persons, reference, trace_id)
        with transaction(self._engine) as connection:
            self._append(connection, began)
        status = Status.ERROR
        try:
            span = Span(began.trace_id, began.span_id)
            with within(span.context):
                yield span
            status = Status.OK
        except StorageError:
            raise
        except SluisError:
            status = Status.UNSET
            raise
        finally:
            ended = replace(
                began,
                span_id=self._random(8),
                parent_span_id=began.span_id,
                status=status,
                ended_at=self._clock(),
                subjects=(),
            )
            with transaction(self._engine) as connection:
                self._append(connection, ended)

    def record(
        self,
        connection: Connection,
        activity: Activity,
        name: str,
        *,
        actor: str,
        persons: Iterable[str],
        reference: str = "",
        trace_id: bytes | None = None,
    ) -> Span:
        """Log a processing within the transaction that it consists of: both happen, or neither.

        Takes what `processing` takes. The file gets it just before the commit; if it can't, nothing is committed.
        """
        line = self._line(activity, name, actor, persons, reference, trace_id, Status.OK)
        self._append(connection, line)
        return Span(line.trace_id, line.span_id)

    def _line(
        self,
        activity: Activity,
        name: str,
        actor: str,
        persons: Iterable[str],
        reference: str,
        trace_id: bytes | None,
        status: Status = Status.UNSET,
    ) -> LogLine:
        if len(actor) > _MOST_ACTOR or not actor.isprintable() or len(name) > _MOST_NAME:
            raise InputError("an actor or a name can't stand in the processing log", do="give a shorter, printable one")
        now = self._clock()
        subjects = sorted({self.subject(person) for person in persons})
        around = current()
        trace = trace_id or (around.trace_id if around else self._random(16))
        return LogLine(trace, self._random(8), None, status, name, activity, actor, reference, now, now, subjects)

    def _append(self, connection: Connection, line: LogLine) -> None:
        last = (
            select(processing_log.c.number, processing_log.c.digest).order_by(processing_log.c.number.desc()).limit(1)
        )
        given, before = (
            connection.execute(last).first()
            or connection.execute(select(processing_cut.c.number, processing_cut.c.digest)).one()
        )
        number = given + 1
        values: dict[str, Any] = {
            "number": number,
            "trace_id": line.trace_id,
            "span_id": line.span_id,
            "parent_span_id": line.parent_span_id,
            "status": int(line.status),
            "name": line.name,
            "activity": line.activity,
            "actor": line.actor,
            "reference": line.reference,
            "started_at": millis(line.started_at),
            "ended_at": millis(line.ended_at),
            "digest": line.chained(before),
        }
        connection.execute(insert(processing_log).values(**values))
        if line.subjects:
            rows = [{"number": number, "subject": subject} for subject in line.subjects]
            connection.execute(insert(processing_subjects), rows)
        event.listen(connection, "commit", self._copy)

    # The file.

    def _copy(self, connection: Connection) -> None:
        """Append to the file, and send to the collector, what they don't have yet, and wait; just before a commit.

        If the commit itself fails, lines are there that the table doesn't have, or they come twice.
        """
        reached = connection.scalars(select(processing_cut.c.exported)).one()
        newest = connection.scalar(select(func.max(processing_log.c.number))) or 0
        if newest <= reached:
            return
        if self._file is not None or self._collector is not None:
            lines: list[dict[str, Any]] = []
            for number, line in self._lines(connection, after=reached):
                about = line.subjects or self._subjects_of(connection, line.parent_span_id)
                lines += line.as_lines(oin=self._oin, register=self._register, subjects=about)
                if number % _AT_ONCE == 0:
                    self._pass_on(lines)
                    lines.clear()
            if lines:
                self._pass_on(lines)
        connection.execute(update(processing_cut).values(exported=newest))

    def _pass_on(self, lines: list[dict[str, Any]]) -> None:
        if self._file is not None:
            _write(self._file, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        if self._collector is not None:
            for at in range(0, len(lines), _AT_ONCE):
                self._collector.send(lines[at : at + _AT_ONCE])

    def _subjects_of(self, connection: Connection, span_id: bytes | None) -> list[bytes]:
        if span_id is None:
            return []
        query = select(processing_subjects.c.subject).join(
            processing_log, processing_log.c.number == processing_subjects.c.number
        )
        return list(connection.scalars(query.where(processing_log.c.span_id == span_id)))

    # Reading.

    def _lines(self, connection: Connection, *, after: int = 0) -> Iterator[tuple[int, LogLine]]:
        """All rows with their subjects, the oldest first."""
        while True:
            query = select(processing_log).where(processing_log.c.number > after).order_by(processing_log.c.number)
            rows = connection.execute(query.limit(_AT_ONCE)).all()
            if not rows:
                return
            subjects: dict[int, list[bytes]] = {}
            about = select(processing_subjects).where(
                processing_subjects.c.number.between(rows[0].number, rows[-1].number)
            )
            for row in connection.execute(about):
                subjects.setdefault(row.number, []).append(row.subject)
            for row in rows:
                yield row.number, _line(row, subjects.get(row.number, ()))
            after = rows[-1].number

    def verify(self) -> int:
        """How many entries there are; raise StorageError naming the first that was altered, or that follows a gap."""
        count = 0
        with transaction(self._engine) as connection:
            at, before, exported = connection.execute(
                select(processing_cut.c.number, processing_cut.c.digest, processing_cut.c.exported)
            ).one()
            stored = {
                row.number: row.digest
                for row in connection.execute(select(processing_log.c.number, processing_log.c.digest))
            }
            for number, line in self._lines(connection, after=0):
                before = line.chained(before)
                if number != at + 1 or before != stored[number]:
                    raise StorageError("the processing log was altered", do=_ALTERED, entry=at + 1)
                at, count = number, count + 1
        if at < exported:
            raise StorageError("the processing log lost its newest entries", do=_ALTERED, entry=at + 1)
        return count

    # Retention.

    def due(self, connection: Connection, before: datetime) -> list[int]:
        """The entries that a cut would delete: all up to the first that is not older than `before`."""
        kept = select(func.min(processing_log.c.number)).where(processing_log.c.started_at >= millis(before))
        first_kept = connection.scalar(kept)
        query = select(processing_log.c.number).order_by(processing_log.c.number)
        if first_kept is not None:
            query = query.where(processing_log.c.number < first_kept)
        return list(connection.scalars(query))

    def cut(self, connection: Connection, before: datetime) -> int:
        """Delete the entries that are all older than `before`: how many. The chain goes on from the last of them."""
        self._copy(connection)
        due = self.due(connection, before)
        if not due:
            return 0
        last = select(processing_log.c.digest).where(processing_log.c.number == due[-1])
        values = {"before": millis(before), "number": due[-1], "digest": connection.scalars(last).one()}
        connection.execute(update(processing_cut).values(**values))
        connection.execute(delete(processing_subjects).where(processing_subjects.c.number <= due[-1]))
        return connection.execute(delete(processing_log).where(processing_log.c.number <= due[-1])).rowcount


def _line(row: Row[Any], subjects: Iterable[bytes]) -> LogLine:
    return LogLine(
        row.trace_id,
        row.span_id,
        row.parent_span_id,
        Status(row.status),
        row.name,
        Activity(row.activity),
        row.actor,
        row.reference,
        moment(row.started_at),
        moment(row.ended_at),
        list(subjects),
    )


def _write(file: Path, content: str) -> None:
    """Append and sync. Opened each time, so that a log that was rotated away is begun anew."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            rest = content.encode()
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"the processing log can't be written: {error.strerror}",
            do="free disk space, or correct the file's path and rights; nothing personal is processed until then",
            file=file,
        ) from error
