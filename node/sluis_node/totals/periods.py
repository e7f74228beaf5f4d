"""What a node has on file of each period of the totals. Figures and secrets are sealed.

Works inside the caller's transaction. Every step is kept before it is sent, by compare-and-set, so it is said once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import Overtaken, TotalsError
from sluis_protocol.indicators import Cell
from sluis_protocol.signed import SignedMessage
from sluis_protocol.totals import Period
from sqlalchemy import Connection, RowMapping, insert, select, update

from ..transparency import owed
from ..vault import Vault
from .tables import totals_periods

_TABLE = "totals_periods"
_SIGNED = ("enrolment", "roster", "contribution", "contributors", "unmasking")


class Progress(StrEnum):
    """How far this node is in a period."""

    OPEN = "open"  # people may approve the figures
    APPROVED = "approved"  # they did; the coordinator doesn't have the enrolment yet
    ENROLLED = "enrolled"
    CONTRIBUTED = "contributed"  # signed, and sent as often as it takes
    UNMASKED = "unmasked"  # the last word is said
    RELEASED = "released"
    MISSED = "missed"  # there is no sum, or it went without us


OVER = (Progress.RELEASED, Progress.MISSED)


@dataclass(frozen=True, slots=True)
class OwnPeriod:
    """A period as this node has it."""

    id: str
    purpose: str
    label: str
    covenant_hash: bytes
    progress: Progress
    until: datetime
    opening: SignedMessage = field(repr=False)
    figures: Mapping[Cell, int] | None = field(repr=False)
    approved_by: str = field(repr=False)
    enrolment: SignedMessage | None = field(repr=False)
    proof: bytes | None = field(repr=False)
    roster: SignedMessage | None = field(repr=False)
    contribution: SignedMessage | None = field(repr=False)
    contributors: SignedMessage | None = field(repr=False)
    unmasking: SignedMessage | None = field(repr=False)

    @property
    def went(self) -> Mapping[Cell, int]:
        """The figures that a contribution was made of."""
        return self.figures if self.contribution is not None and self.figures is not None else {}


class Periods:
    """The periods in the node's database."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def note(self, connection: Connection, period: Period, opening: SignedMessage) -> OwnPeriod:
        """The period on file, made if it is new; TotalsError if that id is on file with another opening."""
        found = self.find(connection, period.id)
        if found is None:
            values = {"id": period.id, "purpose": period.content.purpose, "label": period.content.label}
            connection.execute(
                insert(totals_periods).values(
                    **values,
                    covenant_hash=period.covenant.hash,
                    state=Progress.OPEN,
                    until=millis(period.content.enrol_until),
                    opening=opening.packed,
                )
            )
            owed.note_promise(connection, opening)
            found = self.required(connection, period.id)
        if found.opening.body != opening.body:
            raise TotalsError("the coordinator opened this period twice", do="report it", period=period.id)
        return found

    def find(self, connection: Connection, period_id: str) -> OwnPeriod | None:
        """One period."""
        query = select(totals_periods).where(totals_periods.c.id == period_id)
        row = connection.execute(query).mappings().first()
        return None if row is None else self._period(row)

    def required(self, connection: Connection, period_id: str) -> OwnPeriod:
        """The same; raise TotalsError if there is none."""
        found = self.find(connection, period_id)
        if found is None:
            raise TotalsError("there is no such period", do="list them: sluis-node totals list")
        return found

    def all(self, connection: Connection) -> list[OwnPeriod]:
        """All periods, the newest first."""
        query = select(totals_periods).order_by(totals_periods.c.until.desc(), totals_periods.c.id)
        return [self._period(row) for row in connection.execute(query).mappings().all()]

    def earlier(self, connection: Connection, found: OwnPeriod) -> list[OwnPeriod]:
        """Other periods of the same label and purpose to which this node contributed: they came to nothing."""
        table = totals_periods
        query = select(table).where(
            table.c.purpose == found.purpose, table.c.label == found.label, table.c.contribution.is_not(None)
        )
        rows = connection.execute(query.where(table.c.id != found.id)).mappings().all()
        return [self._period(row) for row in rows]

    def secret(self, connection: Connection, period_id: str) -> tuple[int, bytes]:
        """The packed figures and the own mask's secret."""
        sealed = connection.scalar(select(totals_periods.c.secret).where(totals_periods.c.id == period_id))
        if sealed is None:
            raise TotalsError("what this contribution is made of is gone", do="the period is over", period=period_id)
        content = json.loads(self._vault.open(sealed, table=_TABLE, column="secret", row=period_id))
        return int(content["packed"]), bytes.fromhex(content["mask"])

    def approve(
        self,
        connection: Connection,
        found: OwnPeriod,
        figures: Mapping[Cell, int],
        by: str,
        *,
        packed: int,
        mask: bytes,
        enrolment: SignedMessage,
        proof: bytes,
    ) -> None:
        """Keep the figures that somebody approved, and all that their contribution will be made of."""
        content = {"figures": {str(cell): value for cell, value in figures.items()}, "by": by}
        secret = {"packed": str(packed), "mask": mask.hex()}
        self.move(
            connection,
            found,
            Progress.APPROVED,
            content=self._sealed(found.id, "content", content),
            secret=self._sealed(found.id, "secret", secret),
            enrolment=enrolment,
            proof=proof,
        )

    def move(self, connection: Connection, found: OwnPeriod, progress: Progress, **values: Any) -> None:
        """Compare-and-set; raise Overtaken if the period changed since it was read."""
        if progress in OVER:
            values |= {"secret": None, "proof": None}
        kept = {name: value.packed if isinstance(value, SignedMessage) else value for name, value in values.items()}
        table = totals_periods
        changed = connection.execute(
            update(table).where(table.c.id == found.id, table.c.state == found.progress).values(state=progress, **kept)
        )
        if changed.rowcount != 1:
            raise Overtaken("somebody else acted on this period in the meantime", do="look at it again")

    def _sealed(self, period_id: str, column: str, content: object) -> bytes:
        return self._vault.seal(json.dumps(content).encode(), table=_TABLE, column=column, row=period_id)

    def _period(self, row: RowMapping) -> OwnPeriod:
        figures, by = None, ""
        if row["content"] is not None:
            content = json.loads(self._vault.open(row["content"], table=_TABLE, column="content", row=row["id"]))
            figures = {Cell.parse(name): value for name, value in content["figures"].items()}
            by = content["by"]
        signed = {name: _read(row[name]) for name in _SIGNED}
        return OwnPeriod(
            id=row["id"],
            purpose=row["purpose"],
            label=row["label"],
            covenant_hash=row["covenant_hash"],
            progress=Progress(row["state"]),
            until=moment(row["until"]),
            opening=SignedMessage.unpack(row["opening"]),
            figures=figures,
            approved_by=by,
            proof=row["proof"],
            **signed,
        )


def _read(raw: bytes | None) -> SignedMessage | None:
    return None if raw is None else SignedMessage.unpack(raw)
