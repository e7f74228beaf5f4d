"""Anomalies: what an honest party would not have done, kept with the signed proof until the round is over.

Works inside the caller's transaction. What to do about each is kept with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import WrongProof
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, RowMapping, func, select, update
from sqlalchemy.dialects.sqlite import insert

from .notify.notice import Notice, NoticeKind
from .notify.outbox import Outbox
from .tables import anomalies
from .vault import Vault

MOST_IN_A_ROUND = 1_000
REPORT = "report it to the operator of the coordinator and to the covenant authority"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly: whom it is laid to (OIN and name, or "" if nobody can tell), what happened and what to do.

    `round_id` is "" where it is about no round of ours.
    """

    round_id: str
    party: str
    code: int
    what: str
    do: str
    noted_at: datetime
    has_evidence: bool
    party_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node anomalies --json`; the proof itself stays in the database, since it may hold tags."""
        return {
            "noted_at": self.noted_at.isoformat(),
            "round": self.round_id,
            "party": {"oin": self.party, "name": self.party_name},
            "code": self.code,
            "what": self.what,
            "do": self.do,
            "evidence": self.has_evidence,
        }


class Anomalies:
    """The anomalies in the node's database."""

    def __init__(self, engine: Engine, vault: Vault, notices: Outbox) -> None:
        self._engine = engine
        self._vault = vault
        self._notices = notices

    def note(
        self,
        connection: Connection,
        *,
        round_id: str,
        party: str,
        code: int,
        what: str,
        do: str,
        evidence: bytes,
        now: datetime,
    ) -> None:
        """Keep one with its signed proof, b"" for none, and tell the administrators: once a day for each round.

        The same is noted once, and a round has at most `MOST_IN_A_ROUND`: who floods us doesn't fill the disk.
        """
        noted = select(func.count()).select_from(anomalies).where(anomalies.c.round_id == round_id)
        if (connection.scalar(noted) or 0) >= MOST_IN_A_ROUND:
            return
        digest = hashlib.sha256(b"".join((round_id.encode(), party.encode(), what.encode(), evidence))).digest()
        sealed = self._vault.seal(evidence, table="anomalies", column="evidence", row=digest) if evidence else None
        connection.execute(
            insert(anomalies)
            .values(
                digest=digest,
                round_id=round_id,
                party=party,
                code=code,
                what=what,
                do=do,
                evidence=sealed,
                noted_at=millis(now),
            )
            .on_conflict_do_nothing()
        )
        self._notices.enqueue(connection, Notice(NoticeKind.ANOMALY, f"{round_id} {now:%Y-%m-%d}"), now)

    def all(self, round_id: str | None = None) -> list[Anomaly]:
        """All, or those of one round, the oldest first."""
        return [
            Anomaly(
                row["round_id"],
                row["party"],
                row["code"],
                row["what"],
                row["do"],
                moment(row["noted_at"]),
                row["evidence"] is not None,
            )
            for row in self._rows(round_id)
        ]

    def evidence(self, round_id: str | None = None) -> list[bytes]:
        """The signed proofs that are kept."""
        return [
            self._vault.open(row["evidence"], table="anomalies", column="evidence", row=row["digest"])
            for row in self._rows(round_id)
            if row["evidence"] is not None
        ]

    def _rows(self, round_id: str | None) -> list[RowMapping]:
        query = select(anomalies).order_by(anomalies.c.id)
        with transaction(self._engine) as connection:
            found = connection.execute(query if round_id is None else query.where(anomalies.c.round_id == round_id))
            return list(found.mappings())


def forget_evidence(connection: Connection, round_id: str) -> None:
    """Delete a round's proofs, save those against key holders: these name nobody's tags, all others do."""
    connection.execute(
        update(anomalies)
        .where(anomalies.c.round_id == round_id, anomalies.c.code != WrongProof.code)
        .values(evidence=None)
    )
