"""Durable counts: how many evaluations each member asked for in each round (protocol.md, 3; rule 7).

A count is committed before the answer leaves, so a crash can only count too much. The member's identity and the round
are the caller's to check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sluis_protocol.covenant import Schedule
from sluis_protocol.encoding import domain, millis, moment
from sluis_protocol.errors import QuotaExceeded, Replayed, RoundError
from sluis_protocol.group import ELEMENT_BYTES
from sluis_protocol.log_messages import MemberUsage
from sluis_protocol.signed import SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update

from . import tables


@dataclass(frozen=True, slots=True)
class Usage:
    """What one member asked for in one round."""

    round_id: str
    purpose: str
    member: str
    elements: int
    batches: int


@dataclass(frozen=True, slots=True)
class Open:
    """A round whose final counts the coordinator doesn't have yet; `report` once they are signed."""

    round_id: str
    purpose: str
    covenant_hash: bytes
    closes_at: datetime
    report: SignedMessage | None


class Quota:
    """The counts of this holder."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pin_round(
        self,
        round_id: str,
        purpose: str,
        announcement: bytes,
        closes_at: datetime,
        schedule: Schedule,
        covenant_hash: bytes | None = None,
    ) -> None:
        """Remember a round by the hash of its announcement, for ever.

        Raises Replayed if its id was announced otherwise, and QuotaExceeded if it is one more round of its purpose
        than the schedule has: requests are blinded, so a quota in another round buys guesses about this one.
        """
        digest = hashlib.sha256(announcement).digest()
        rounds = tables.rounds.c
        period = timedelta(hours=schedule.every_hours)
        with transaction(self._engine) as connection:
            known = connection.execute(select(rounds.announcement).where(rounds.round_id == round_id)).scalar()
            if known == digest:
                return
            if known is not None:
                raise Replayed("the coordinator announced this round twice, and not alike", round=round_id)
            near = and_(
                rounds.purpose == purpose,
                rounds.closes_at > millis(closes_at - period),
                rounds.closes_at < millis(closes_at + period),
            )
            if connection.execute(select(func.count()).where(near)).scalar_one() >= schedule.most_rounds:
                raise QuotaExceeded(
                    f"the covenant lets {schedule.most_rounds} rounds of a purpose close within "
                    f"{schedule.every_hours} h, and this is one more",
                    do="wait for a later round, and ask the operator of the coordinator why there are so many",
                    round=round_id,
                    purpose=purpose,
                )
            row = {"round_id": round_id, "purpose": purpose, "announcement": digest, "closes_at": millis(closes_at)}
            connection.execute(insert(tables.rounds).values(**row, covenant_hash=covenant_hash))

    def count(
        self, round_id: str, member: str, elements: bytes, quota: int, *, today: date, requests_a_day: int
    ) -> bool:
        """Count a batch of packed elements, durably; False if this very batch was counted before in this round.

        Raises QuotaExceeded, and counts nothing, where it would go above the quota of the round or be one more request
        than a day has; RoundError once the round's counts are final.
        """
        batch = hashlib.sha256(domain("batch") + elements).digest()
        size = len(elements) // ELEMENT_BYTES
        mine = and_(tables.usage.c.round_id == round_id, tables.usage.c.member == member)
        key = {"round_id": round_id, "member": member}
        with transaction(self._engine) as connection:
            self._require_not_final(connection, round_id)
            seen = select(tables.batches.c.batch).filter_by(**key, batch=batch)
            if connection.execute(seen).one_or_none() is not None:
                return False
            used = connection.execute(select(tables.usage.c.elements).where(mine)).scalar_one_or_none()
            if (used or 0) + size > quota:
                raise QuotaExceeded(
                    f"{size} more evaluations would go above the quota of {quota}; {used or 0} are used",
                    do="wait for the next round; a larger quota needs a new covenant version",
                    party=member,
                    round=round_id,
                )
            self._count_request(connection, member, today, requests_a_day)
            connection.execute(insert(tables.batches).values(**key, batch=batch))
            if used is None:
                connection.execute(insert(tables.usage).values(**key, elements=size, batches=1))
            else:
                more = {"elements": tables.usage.c.elements + size, "batches": tables.usage.c.batches + 1}
                connection.execute(update(tables.usage).where(mine).values(more))
        return True

    def _require_not_final(self, connection: Connection, round_id: str) -> None:
        final = select(tables.rounds.c.report).where(
            tables.rounds.c.round_id == round_id, tables.rounds.c.report.is_not(None)
        )
        if connection.execute(final).one_or_none() is not None:
            raise RoundError(
                "the round is over, and this holder has signed its counts", do="wait for the next round", round=round_id
            )

    def _count_request(self, connection: Connection, member: str, today: date, most: int) -> None:
        days = tables.days
        mine = and_(days.c.day == today.isoformat(), days.c.member == member)
        asked = connection.execute(select(days.c.requests).where(mine)).scalar_one_or_none()
        if (asked or 0) >= most:
            raise QuotaExceeded(
                f"{most} different requests a day are the most, and so many came from this member",
                do="go on tomorrow, with larger batches; a higher ceiling needs a new covenant version",
                party=member,
            )
        if asked is None:
            connection.execute(insert(days).values(day=today.isoformat(), member=member, requests=1))
        else:
            connection.execute(update(days).where(mine).values(requests=asked + 1))

    # The final counts of a round.

    def not_taken(self) -> list[Open]:
        """Rounds whose counts the coordinator doesn't have, the oldest first."""
        table = tables.rounds.c
        query = select(tables.rounds).where(table.taken == 0, table.covenant_hash.is_not(None))
        with transaction(self._engine) as connection:
            return [
                Open(row.round_id, row.purpose, row.covenant_hash, moment(row.closes_at), _message(row.report))
                for row in connection.execute(query.order_by(table.closes_at, table.round_id))
            ]

    def finish(self, round_id: str, signed: Callable[[tuple[MemberUsage, ...]], SignedMessage]) -> SignedMessage:
        """The round's counts as they were `signed`, once and for ever; from now on `count` refuses."""
        table = tables.rounds
        usage = tables.usage.c
        with transaction(self._engine) as connection:
            before = connection.scalar(select(table.c.report).where(table.c.round_id == round_id))
            if (kept := _message(before)) is not None:
                return kept
            rows = connection.execute(
                select(usage.member, usage.elements, usage.batches)
                .where(usage.round_id == round_id)
                .order_by(usage.member)
            )
            message = signed(tuple(MemberUsage(*row) for row in rows))
            report = message.packed
            connection.execute(update(table).where(table.c.round_id == round_id).values(report=report))
        return message

    def mark_taken(self, round_id: str) -> None:
        """The coordinator has the round's counts."""
        with transaction(self._engine) as connection:
            connection.execute(update(tables.rounds).where(tables.rounds.c.round_id == round_id).values(taken=1))

    def forget_batches(self, before: datetime) -> None:
        """Delete the batch hashes of rounds that closed before; the counts stay."""
        over = select(tables.rounds.c.round_id).where(tables.rounds.c.closes_at < millis(before))
        with transaction(self._engine) as connection:
            connection.execute(delete(tables.batches).where(tables.batches.c.round_id.in_(over)))
            yesterday = (before - timedelta(days=1)).date().isoformat()
            connection.execute(delete(tables.days).where(tables.days.c.day < yesterday))

    def report(self) -> list[Usage]:
        """All counts, by round and member; the newest round first."""
        query = (
            select(
                tables.usage.c.round_id,
                tables.rounds.c.purpose,
                tables.usage.c.member,
                tables.usage.c.elements,
                tables.usage.c.batches,
            )
            .join_from(tables.usage, tables.rounds)
            .order_by(tables.rounds.c.closes_at.desc(), tables.usage.c.round_id, tables.usage.c.member)
        )
        with transaction(self._engine) as connection:
            return [Usage(*row) for row in connection.execute(query)]


def _message(raw: bytes | None) -> SignedMessage | None:
    return None if raw is None else SignedMessage.unpack(raw)
