"""The outbox of notifications: written in the transaction of what they tell, sent later, and never lost silently.

A delivery is tried until it is delivered, refused for good, or its time is over; the last two are dead letters, which
stay until somebody sends them again or throws them away. Nothing here talks to anybody: `sender` does.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sluis_protocol.encoding import millis, moment
from sluis_protocol.errors import InputError
from sluis_protocol.group import Random
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, RowMapping, func, select, update
from sqlalchemy.dialects.sqlite import insert

from ..vault import Vault
from .notice import Audience, Notice, NoticeKind
from .settings import NotifySettings
from .tables import deliveries, notices

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_ATTEMPTS = 24  # four days or so: a long weekend
LEASE = timedelta(minutes=5)
NOBODY = "no mailbox is configured for this audience"


class Channel(StrEnum):
    """How a notice travels."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # a dead letter: people decide
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one target: an audience (mail) or the name of a webhook."""

    id: int
    notice_id: str
    kind: NoticeKind
    at: datetime
    channel: Channel
    target: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    failure: str
    text: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node notices --json`."""
        return {
            "id": self.id,
            "notice": self.notice_id,
            "kind": str(self.kind),
            "at": self.at.isoformat(),
            "channel": str(self.channel),
            "target": self.target,
            "state": str(self.state),
            "attempts": self.attempts,
            "next_at": self.next_at.isoformat() if self.state is DeliveryState.WAITING else None,
            "failure": self.failure,
        }


class Outbox:
    """The notices in the node's database."""

    def __init__(self, engine: Engine, vault: Vault, settings: NotifySettings, random: Random) -> None:
        self._engine = engine
        self._vault = vault
        self._settings = settings
        self._random = random

    # Telling.

    def targets(self, audience: Audience) -> list[tuple[Channel, str]]:
        """Where notices for that audience go, as configured; empty if nowhere."""
        mail = self._settings.mail
        found = [(Channel.MAIL, str(audience))] if mail and mail.to.get(audience) else []
        return found + [(Channel.WEBHOOK, hook.name) for hook in self._settings.webhooks if audience in hook.audiences]

    def enqueue(self, connection: Connection, notice: Notice, now: datetime) -> bool:
        """Tell it, in the caller's transaction; False if it was told already.

        With nobody configured nothing is sent, since it stands in the console; a dilemma is a dead letter at once.
        """
        about = self._vault.lookup("notice", notice.kind, notice.about)
        notice_id = str(uuid.UUID(bytes=self._random(16), version=4))
        sealed = None
        if notice.text:
            sealed = self._vault.seal(notice.text.encode(), table="notices", column="text", row=notice_id)
        values = {"id": notice_id, "kind": notice.kind, "at": millis(now), "about": about, "text": sealed}
        if not connection.execute(insert(notices).values(**values).on_conflict_do_nothing()).rowcount:
            return False
        state, failure, targets = DeliveryState.WAITING, "", self.targets(notice.kind.audience)
        if notice.text and not targets:  # what stands in no console, either, must not get lost
            state, failure = DeliveryState.DEAD, NOBODY
            targets = [(Channel.MAIL, str(notice.kind.audience))]
        for channel, target in targets:
            connection.execute(
                insert(deliveries).values(
                    notice=notice_id,
                    channel=channel,
                    target=target,
                    state=state,
                    attempts=0,
                    next_at=millis(now),
                    failure=failure,
                )
            )
        return True

    # Sending.

    def take(self, now: datetime, *, most: int) -> list[Delivery]:
        """Deliveries that are due, ours for `LEASE`: nobody else takes them, and after a crash they are due anew."""
        due = (
            select(deliveries.c.id)
            .where(deliveries.c.state == DeliveryState.WAITING, deliveries.c.next_at <= millis(now))
            .order_by(deliveries.c.next_at, deliveries.c.id)
            .limit(most)
        )
        with transaction(self._engine) as connection:
            ids = connection.scalars(due).all()
            if not ids:
                return []
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_(ids))
                .values(next_at=millis(now + LEASE), attempts=deliveries.c.attempts + 1)
            )
            return self._read(connection, ids)

    def delivered(self, delivery: Delivery, now: datetime) -> None:
        """It arrived."""
        self._settle(delivery, DeliveryState.DELIVERED, now)

    def failed(self, delivery: Delivery, failure: str, now: datetime, *, final: bool, pause: timedelta | None) -> bool:
        """It did not: try again after a pause that doubles (or the one the receiver asked for), or give it up.

        True if it is a dead letter now. `failure` names no address and nothing of the receiver's answer.
        """
        wait = max(self._pause(delivery.attempts), min(pause or timedelta(0), LONGEST_PAUSE))
        if final or delivery.attempts >= MOST_ATTEMPTS:
            self._settle(delivery, DeliveryState.DEAD, now, failure=failure)
            return True
        with transaction(self._engine) as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery.id, *_ours(delivery))
                .values(next_at=millis(now + wait), failure=failure)
            )
        return False

    def _pause(self, attempts: int) -> timedelta:
        """A minute, then twice as long each time, at most six hours; up to a quarter more by chance."""
        doubled: int = 1 << min(max(attempts - 1, 0), 16)
        pause = min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
        return pause + pause * int.from_bytes(self._random(2), "big") / 0x40000

    def _settle(self, delivery: Delivery, end: DeliveryState, now: datetime, *, failure: str = "") -> None:
        """Compare-and-set: who took it later, after our lease was over, settles it."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery.id, *_ours(delivery))
                .values(state=end, settled_at=millis(now), failure=failure)
            )

    # Looking after it.

    def all(self, state: DeliveryState | None = None, *, most: int = 500) -> list[Delivery]:
        """The deliveries, or those in one state, the newest first."""
        query = select(deliveries.c.id).order_by(deliveries.c.id.desc()).limit(most)
        with transaction(self._engine) as connection:
            found = connection.scalars(query if state is None else query.where(deliveries.c.state == state)).all()
            return sorted(self._read(connection, found), key=lambda delivery: -delivery.id)

    def counts(self) -> dict[DeliveryState, int]:
        """How many deliveries are in each state."""
        with transaction(self._engine) as connection:
            found = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
            return {DeliveryState(state): count for state, count in found}

    def retry(self, delivery_id: int, now: datetime) -> None:
        """Send a dead letter again, from the beginning of its time; raise InputError if it is none."""
        self._revive(delivery_id, {"state": DeliveryState.WAITING, "attempts": 0, "next_at": millis(now)})

    def discard(self, delivery_id: int, now: datetime) -> None:
        """Throw a dead letter away; raise InputError if it is none."""
        self._revive(delivery_id, {"state": DeliveryState.DISCARDED, "settled_at": millis(now)})

    def _revive(self, delivery_id: int, values: dict[str, Any]) -> None:
        with transaction(self._engine) as connection:
            changed = connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.DEAD)
                .values(**values)
            )
            if not changed.rowcount:
                raise InputError(
                    "there is no dead letter of that number",
                    do="list them: sluis-node notices list",
                    number=delivery_id,
                )

    def _read(self, connection: Connection, ids: Sequence[int]) -> list[Delivery]:
        query = (
            select(deliveries, notices.c.kind, notices.c.at, notices.c.text)
            .join(notices, notices.c.id == deliveries.c.notice)
            .where(deliveries.c.id.in_(ids))
            .order_by(deliveries.c.id)
        )
        return [self._delivery(row) for row in connection.execute(query).mappings()]

    def _delivery(self, row: RowMapping) -> Delivery:
        text = ""
        if row["text"] is not None:
            text = self._vault.open(row["text"], table="notices", column="text", row=row["notice"]).decode()
        return Delivery(
            row["id"],
            row["notice"],
            NoticeKind(row["kind"]),
            moment(row["at"]),
            Channel(row["channel"]),
            row["target"],
            DeliveryState(row["state"]),
            row["attempts"],
            moment(row["next_at"]),
            row["failure"],
            text,
        )


def _ours(delivery: Delivery) -> tuple[Any, Any]:
    """That the delivery is still the one that we took."""
    return deliveries.c.state == DeliveryState.WAITING, deliveries.c.attempts == delivery.attempts
