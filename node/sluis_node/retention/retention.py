"""Deleting what is past its term, by itself, with a dry run and with proof (rule 16).

A run is one transaction a category: what is found is deleted, a proof of how many and which (as a digest) is kept, and
the processing log says so. What belongs to a round goes with the round (`store.tidy`), whatever stands here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sluis_protocol.encoding import lp_all, millis, moment
from sqlalchemy import Connection, func, insert, select

from ..processing.activity import Activity
from ..processing.log import ProcessingLog
from ..store import Store
from .rules import Id, Rule, all_rules, before
from .settings import CEILINGS, Category, RetentionSettings
from .tables import deletions

EVERY = timedelta(days=1)
_RUN = "run"  # a run by itself, whatever it found


@dataclass(frozen=True, slots=True)
class Due:
    """A category with its term, its ceiling, and how much is past it."""

    category: Category
    days: int
    ceiling: int
    before: datetime
    rows: int

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node retention --json`."""
        return {
            "category": str(self.category),
            "days": self.days,
            "ceiling": self.ceiling,
            "before": self.before.isoformat(),
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True)
class Deletion:
    """The proof of a deletion: SHA-256 over the sorted look-up values of what went."""

    at: datetime
    by: str
    category: str
    days: int
    before: datetime
    rows: int
    digest: str

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node retention --proofs --json`."""
        return {
            "at": self.at.isoformat(),
            "by": self.by,
            "category": self.category,
            "days": self.days,
            "before": self.before.isoformat(),
            "rows": self.rows,
            "digest": self.digest,
        }


class Retention:
    """What runs by itself once a day, and by hand."""

    def __init__(self, store: Store, log: ProcessingLog, settings: RetentionSettings) -> None:
        self._store = store
        self._log = log
        self._settings = settings
        self._rules = all_rules(store.vault, log)

    def due(self, now: datetime) -> list[Due]:
        """What a run would delete now: nothing is changed."""
        with self._store.transaction() as connection:
            return [self._due(rule, now, len(self._find(connection, rule, now))) for rule in self._rules]

    def run(self, now: datetime, *, by: str) -> list[Due]:
        """Delete what is past its term: what it was. `by` is who asked for it, "" if nobody did."""
        found = []
        for rule in self._rules:
            with self._store.transaction() as connection:
                rule.prepare(connection, now)
                ids = self._find(connection, rule, now)
                due = self._due(rule, now, len(ids))
                if ids:
                    self._delete(connection, rule, ids, due, now, by)
                found.append(due)
        if any(due.rows for due in found):
            self._store.scrub()
        return found

    def run_if_due(self, now: datetime) -> list[Due]:
        """Run by itself, if that wasn't done for a day; nothing to say otherwise."""
        with self._store.transaction() as connection:
            last = connection.scalar(select(func.max(deletions.c.at)).where(deletions.c.category == _RUN))
            if last is not None and now < moment(last) + EVERY:
                return []
            self._prove(connection, _RUN, 0, now, (), now, "")
        return self.run(now, by="")

    def proofs(self, *, most: int = 500) -> list[Deletion]:
        """What was deleted when, the newest first."""
        query = select(deletions).order_by(deletions.c.id.desc()).limit(most)
        with self._store.transaction() as connection:
            return [
                Deletion(
                    moment(row["at"]),
                    row["actor"],
                    row["category"],
                    row["days"],
                    moment(row["before"]),
                    row["rows"],
                    row["digest"].hex(),
                )
                for row in connection.execute(query).mappings()
            ]

    def _find(self, connection: Connection, rule: Rule, now: datetime) -> Sequence[Id]:
        return rule.find(connection, before(now, self._settings.days(rule.category)))

    def _due(self, rule: Rule, now: datetime, rows: int) -> Due:
        days = self._settings.days(rule.category)
        return Due(rule.category, days, CEILINGS[rule.category], before(now, days), rows)

    def _delete(self, connection: Connection, rule: Rule, ids: Sequence[Id], due: Due, now: datetime, by: str) -> None:
        persons = rule.persons(connection, ids)
        rule.delete(connection, ids, due.before)
        self._prove(connection, rule.category, due.days, due.before, ids, now, by)
        self._log.record(connection, Activity.RETENTION, f"delete {rule.category}", actor=by, persons=persons)

    def _prove(
        self,
        connection: Connection,
        category: str,
        days: int,
        border: datetime,
        ids: Sequence[Id],
        now: datetime,
        by: str,
    ) -> None:
        """Who has a backup can tell whether this row was among them; nobody else can tell which they were."""
        lookups = sorted(self._store.vault.lookup("deleted row", category, _bytes(one)) for one in ids)
        connection.execute(
            insert(deletions).values(
                at=millis(now),
                actor=by,
                category=category,
                days=days,
                before=millis(border),
                rows=len(ids),
                digest=hashlib.sha256(lp_all(lookups)).digest(),
            )
        )


def _bytes(one: Id) -> bytes:
    return one if isinstance(one, bytes) else str(one).encode()
