"""Requests of persons concerned: which right, when, recorded by whom, and whether it still holds.

Persons stand as keyed hashes, their ids sealed. Works inside the caller's transaction. What a right leads to is the
business of `rights`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import InputError, NotFound
from sqlalchemy import Connection, RowMapping, insert, select, update

from ..processing.log import ProcessingLog
from ..vault import Vault
from .tables import rights_requests

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")


class Right(StrEnum):
    """A right of AVG, articles 15, 16, 17 and 21."""

    ACCESS = "access"
    CORRECTION = "correction"
    ERASURE = "erasure"
    OBJECTION = "objection"


class RequestState(StrEnum):
    """Whether a request still has an effect."""

    DONE = "done"
    IN_FORCE = "in-force"  # the person is left out of rounds
    LIFTED = "lifted"


# These keep a person out of rounds until they are lifted: else the next caseload would bring everything back.
_LASTING = frozenset({Right.ERASURE, Right.OBJECTION})


@dataclass(frozen=True, slots=True)
class RightsRequest:
    """A request on file; `file` is its number in the municipality's own administration, or ""."""

    number: int
    person: str = field(repr=False)
    right: Right
    state: RequestState
    recorded_at: datetime
    by: str = field(repr=False)
    file: str
    ended_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node rights --json`; who recorded it is not the person's business."""
        return {
            "number": self.number,
            "person": self.person,
            "right": str(self.right),
            "state": str(self.state),
            "recorded_at": self.recorded_at.isoformat(),
            "file": self.file,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }


class Requests:
    """The requests in the node's database."""

    def __init__(self, vault: Vault, log: ProcessingLog) -> None:
        self._vault = vault
        self._log = log

    def add(
        self, connection: Connection, person: str, right: Right, *, by: str, file: str, now: datetime
    ) -> RightsRequest:
        """Record a request; one that lasts and is in force already stays as it is."""
        if file and not _FILE.fullmatch(file):
            raise InputError("this is no file number", do="give letters, digits and . _ / - only, at most 64")
        subject = self._log.subject(person)
        if right in _LASTING:
            for known in self.of(connection, person):
                if (known.right, known.state) == (right, RequestState.IN_FORCE):
                    return known
        state = RequestState.IN_FORCE if right in _LASTING else RequestState.DONE
        content = json.dumps({"person": person, "file": file}).encode()
        adding = (
            insert(rights_requests)
            .values(
                subject=subject,
                right=right,
                state=state,
                recorded_at=millis(now),
                actor=by,
                content=self._vault.seal(content, table="rights_requests", column="content", row=subject),
                ended_at=None if state is RequestState.IN_FORCE else millis(now),
            )
            .returning(rights_requests.c.id)
        )
        return self._required(connection, connection.scalars(adding).one())

    def lift(self, connection: Connection, number: int, now: datetime) -> RightsRequest:
        """End one that is in force; NotFound if there is none of that number."""
        changed = connection.execute(
            update(rights_requests)
            .where(rights_requests.c.id == number, rights_requests.c.state == RequestState.IN_FORCE)
            .values(state=RequestState.LIFTED, ended_at=millis(now))
        )
        if not changed.rowcount:
            raise NotFound("no request of that number is in force", do="list them: sluis-node rights list")
        return self._required(connection, number)

    def _required(self, connection: Connection, number: int) -> RightsRequest:
        row = connection.execute(select(rights_requests).where(rights_requests.c.id == number)).mappings().one()
        return self._request(row)

    def of(self, connection: Connection, person: str) -> list[RightsRequest]:
        """The requests of a person, the oldest first."""
        query = select(rights_requests).where(rights_requests.c.subject == self._log.subject(person))
        return [self._request(row) for row in connection.execute(query.order_by(rights_requests.c.id)).mappings()]

    def all(self, connection: Connection) -> list[RightsRequest]:
        """All requests, the newest first."""
        query = select(rights_requests).order_by(rights_requests.c.id.desc())
        return [self._request(row) for row in connection.execute(query).mappings()]

    def left_out(self, connection: Connection) -> set[bytes]:
        """The subjects who are left out of rounds."""
        query = select(rights_requests.c.subject).where(rights_requests.c.state == RequestState.IN_FORCE)
        return set(connection.scalars(query))

    def _request(self, row: RowMapping) -> RightsRequest:
        opened = self._vault.open(row["content"], table="rights_requests", column="content", row=row["subject"])
        content = json.loads(opened)
        return RightsRequest(
            row["id"],
            content["person"],
            Right(row["right"]),
            RequestState(row["state"]),
            moment(row["recorded_at"]),
            row["actor"],
            content["file"],
            None if row["ended_at"] is None else moment(row["ended_at"]),
        )
