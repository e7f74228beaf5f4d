"""An entry of the processing log, its place in the chain, and its lines in the file.

Fields are those of the standard *Logboek Dataverwerkingen*; a person is a keyed hash. A processing has an entry from
before it begins (status unset), and a second one, its child, with the outcome. Translation only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from importlib.metadata import version
from typing import Any

from sluis_protocol.encoding import domain, lp_all, millis

from .activity import Activity, activity_uri

SUBJECT_BYTES = 16
SUBJECT_TYPE = "sluis-person-hmac"
_SOFTWARE = {"name": "sluis-node", "version": version("sluis")}


class Status(IntEnum):
    """The standard's status codes. Of an outcome: unset means that it was refused, with no fault of the system."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class LogLine:
    """One row of the log, with the subjects that it is about."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    status: Status
    name: str
    activity: Activity
    actor: str
    reference: str
    started_at: datetime
    ended_at: datetime
    subjects: Sequence[bytes] = field(default=(), repr=False)

    def chained(self, before: bytes) -> bytes:
        """The digest of this line and all before it: SHA-256, 32 bytes."""
        fields = (
            self.trace_id,
            self.span_id,
            self.parent_span_id or b"",
            str(int(self.status)),
            self.name,
            self.activity,
            self.actor,
            self.reference,
            str(millis(self.started_at)),
            str(millis(self.ended_at)),
            hashlib.sha256(lp_all(sorted(self.subjects))).digest(),
        )
        return hashlib.sha256(domain("processing log", before, *fields)).digest()

    def as_lines(self, *, oin: str, register: str, subjects: Sequence[bytes]) -> list[dict[str, Any]]:
        """One line a subject: the first in the action itself, every further one in a child of it."""
        found = []
        for at, subject in enumerate(sorted(subjects) or [b""]):
            span, parent = self.span_id, self.parent_span_id
            if at:
                span, parent = hashlib.sha256(self.span_id + subject).digest()[:8], self.span_id
            line: dict[str, Any] = {
                "trace_id": self.trace_id.hex(),
                "span_id": span.hex(),
                "status_code": int(self.status),
                "name": self.name,
                "start_time": millis(self.started_at),
                "end_time": millis(self.ended_at),
            }
            if parent:
                line["parent_span_id"] = parent.hex()
            line["resource"] = {"attributes": _SOFTWARE | {"oin": oin, "actor": self.actor}}
            line["attributes"] = {
                "dpl.core.processing_activity_id": activity_uri(self.activity, oin=oin, register=register),
                "dpl.core.data_subject_id": subject.hex(),
                "dpl.core.data_subject_id_type": SUBJECT_TYPE,
            }
            found.append(line)
        return found
