"""What is past its term, by category, and how it is deleted. Works inside the caller's transaction.

A rule finds the ids of what has to go, and deletes exactly these; so a dry run and a real one find the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sluis_protocol.encoding import millis
from sqlalchemy import ColumnElement, Connection, Table, delete, select, update

from ..handshake import tables as case
from ..notify.outbox import DeliveryState
from ..notify.tables import deliveries, notices
from ..processing.log import ProcessingLog
from ..rights.tables import rights_requests
from ..round.own_family import Shown
from ..tables import anomalies, claims, family_references, matches, rounds
from ..totals.tables import totals_periods
from ..transparency.tables import log_owed
from ..vault import Vault
from .settings import Category
from .tables import deletions

Id = bytes | str | int
T = TypeVar("T")
_AT_ONCE = 500


class Rule(ABC):
    """One category."""

    def __init__(self, category: Category) -> None:
        self.category = category

    def prepare(self, connection: Connection, now: datetime) -> None:  # noqa: B027 (most have nothing to prepare)
        """Note what a later run needs to know."""

    @abstractmethod
    def find(self, connection: Connection, before: datetime) -> Sequence[Id]:
        """The ids of what is older than `before`."""

    @abstractmethod
    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:
        """Delete what was found."""

    def persons(self, connection: Connection, ids: Sequence[Id]) -> set[str]:  # noqa: ARG002 (most know nobody)
        """Whom it is about, by our own person ids."""
        return set()


class Rows(Rule):
    """Rows of one table that are older by one of its columns."""

    def __init__(
        self, category: Category, table: Table, since: ColumnElement[Any], *where: ColumnElement[bool]
    ) -> None:
        super().__init__(category)
        self._table = table
        (self._key,) = table.primary_key.columns
        self._since = since
        self._where = where

    def find(self, connection: Connection, before: datetime) -> Sequence[Id]:
        """Those that meet all conditions."""
        query = select(self._key).where(self._since < millis(before), *self._where)
        return connection.scalars(query.order_by(self._key)).all()

    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:  # noqa: ARG002
        """By their keys."""
        _delete(connection, self._table, self._key, ids)


class Notices(Rows):
    """Notices, with their deliveries; those that somebody still has to send wait."""

    def __init__(self) -> None:
        waiting = select(deliveries.c.notice).where(deliveries.c.state == DeliveryState.WAITING)
        super().__init__(Category.NOTICES, notices, notices.c.at, notices.c.id.not_in(waiting))

    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:
        """Deliveries first."""
        _delete(connection, deliveries, deliveries.c.notice, ids)
        super().delete(connection, ids, before)


class Matches(Rows):
    """Matches of which no handshake is kept any more."""

    def __init__(self, vault: Vault) -> None:
        followed = select(case.handshakes.c.match)
        super().__init__(Category.MATCHES, matches, matches.c.last_at, matches.c.match.not_in(followed))
        self._vault = vault

    def persons(self, connection: Connection, ids: Sequence[Id]) -> set[str]:
        """Those whom the matches are about."""
        return {person for match in ids for shown in _shown(connection, self._vault, match) for person in shown.persons}


class Handshakes(Rows):
    """Handshakes, with all that people did in them."""

    def __init__(self, category: Category, vault: Vault, *where: ColumnElement[bool]) -> None:
        super().__init__(category, case.handshakes, case.handshakes.c.ended_at, *where)
        self._vault = vault

    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:
        """What hangs on them first."""
        for table in (case.opinions, case.steps, case.papers, case.entries, case.letters, case.handshake_mail):
            _delete(connection, table, table.c.handshake, ids)
        super().delete(connection, ids, before)

    def persons(self, connection: Connection, ids: Sequence[Id]) -> set[str]:
        """Those whom their matches are about."""
        found: set[str] = set()
        for some in _some(ids):
            query = select(case.handshakes.c.match).where(case.handshakes.c.id.in_(some))
            found.update(connection.scalars(query))
        return {
            person for match in found for shown in _shown(connection, self._vault, match) for person in shown.persons
        }


class References(Rule):
    """Family references that no match and no candidate needs any more; their time begins when a run first sees that."""

    def __init__(self, vault: Vault) -> None:
        super().__init__(Category.REFERENCES)
        self._vault = vault

    def prepare(self, connection: Connection, now: datetime) -> None:
        """Note which ones nobody needs, from now on; forget it of those that are needed again."""
        key, since = family_references.c.family, family_references.c.unneeded_since
        needed = set(self._needed(connection))
        for family, was in connection.execute(select(key, since)).all():
            if (family in needed) == (was is None):
                continue
            value = None if family in needed else millis(now)
            connection.execute(update(family_references).where(key == family).values(unneeded_since=value))

    def _needed(self, connection: Connection) -> Iterator[bytes]:
        for row in connection.execute(select(matches)).all():
            for shown in _shown(connection, self._vault, row.match):
                yield self._vault.lookup("family reference", row.purpose, shown.family, row.counterpart)
        query = select(claims, rounds.c.purpose).join(rounds, rounds.c.round_id == claims.c.round_id)
        for row in connection.execute(query.where(claims.c.content.is_not(None))).all():
            opened = self._vault.open(row.content, table="claims", column="content", row=row.candidate_id)
            yield self._vault.lookup("family reference", row.purpose, Shown.parse(opened).family, row.counterpart)

    def find(self, connection: Connection, before: datetime) -> Sequence[Id]:
        """Those that nobody needed since."""
        key, since = family_references.c.family, family_references.c.unneeded_since
        return connection.scalars(select(key).where(since < millis(before)).order_by(key)).all()

    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:  # noqa: ARG002
        """By their look-up values."""
        _delete(connection, family_references, family_references.c.family, ids)


class Processing(Rule):
    """The oldest entries of the processing log."""

    def __init__(self, log: ProcessingLog) -> None:
        super().__init__(Category.PROCESSING)
        self._log = log

    def find(self, connection: Connection, before: datetime) -> Sequence[Id]:
        """Their numbers."""
        return self._log.due(connection, before)

    def delete(self, connection: Connection, ids: Sequence[Id], before: datetime) -> None:  # noqa: ARG002
        """The log has a way of its own."""
        self._log.cut(connection, before)


def all_rules(vault: Vault, log: ProcessingLog) -> list[Rule]:
    """The categories in the order in which they are deleted: what hangs on something goes first."""
    made, requests = case.handshakes.c, rights_requests.c
    repeats = (
        (made.state == "lapsed")
        & (made.known == 1)
        & (made.attempt == 0)
        & made.id.not_in(select(case.opinions.c.handshake))
    )
    return [
        Handshakes(Category.REPEATS, vault, repeats),
        Handshakes(Category.LAPSED, vault, made.state == "lapsed"),
        Handshakes(Category.ENDED, vault, made.state != "lapsed"),
        Matches(vault),
        References(vault),
        Rows(Category.TOTALS, totals_periods, totals_periods.c.until),
        Notices(),
        Rows(Category.ANOMALIES, anomalies, anomalies.c.noted_at),
        Rows(Category.REQUESTS, rights_requests, requests.ended_at),
        Rows(Category.PROMISES, log_owed, log_owed.c.at, log_owed.c.leaf.is_not(None), log_owed.c.kind != "covenant"),
        Processing(log),
        Rows(Category.PROOFS, deletions, deletions.c.at),
    ]


def before(now: datetime, days: int) -> datetime:
    """Before when something of that term has to go."""
    return now - timedelta(days=days)


def _shown(connection: Connection, vault: Vault, match: Id) -> Iterator[Shown]:
    """What a match shows, if it is there."""
    for sealed in connection.scalars(select(matches.c.content).where(matches.c.match == match)):
        yield Shown.parse(vault.open(sealed, table="matches", column="content", row=str(match)))


def _some(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _delete(connection: Connection, table: Table, column: ColumnElement[Any], ids: Sequence[Id]) -> None:
    for some in _some(ids):
        connection.execute(delete(table).where(column.in_(some)))
