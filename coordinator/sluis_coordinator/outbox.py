"""The outbox: what is to be told to whom, kept until they say that they have it.

Items are put there in the transaction that they tell of, so a restart neither loses nor doubles one. A delivery comes
again on every new stream until it is acknowledged. Nothing is signed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from sluis_protocol.errors import Unreachable
from sluis_protocol.messages import Delivery
from sluis_protocol.signed import SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, delete, func, insert, select

from .bell import Bell
from .schema import outbox

_AT_ONCE = 100


def put(connection: Connection, recipient: str, round_id: str, message: SignedMessage) -> None:
    """Queue a message for one party."""
    connection.execute(
        insert(outbox).values(recipient=recipient, round_id=round_id, body=message.body, signature=message.signature)
    )


def newer_than(connection: Connection, known: int) -> tuple[int, set[str]]:
    """The id of the newest item, and who has items newer than `known`: another process may have put them."""
    query = select(func.max(outbox.c.id), outbox.c.recipient).where(outbox.c.id > known).group_by(outbox.c.recipient)
    found = connection.execute(query).all()
    return max((row[0] for row in found), default=known), {row.recipient for row in found}


def remaining(connection: Connection, round_id: str) -> int:
    """How many items of a round wait."""
    return connection.execute(select(func.count()).where(outbox.c.round_id == round_id)).scalar_one()


def forget(connection: Connection, round_id: str) -> None:
    """Delete what is left of a round, delivered or not."""
    connection.execute(delete(outbox).where(outbox.c.round_id == round_id))


class Outbox:
    """Delivery over the streams that nodes hold open."""

    def __init__(self, engine: Engine, bell: Bell) -> None:
        self._engine = engine
        self._bell = bell

    async def receive(
        self, recipient: str, round_id: str, *, until_empty: bool = False
    ) -> AsyncGenerator[Delivery, None]:
        """The recipient's items, the oldest first; of one round, or of all where empty.

        Then new ones as they come, or with `until_empty` the end.
        """
        seen = 0
        while not self._bell.silent_for_good:
            rung = self._bell.listen(recipient)
            items = await asyncio.to_thread(self._after, recipient, round_id, seen)
            for item in items:
                yield item
                seen = item.delivery_id
            if not items:
                if until_empty:
                    return
                await rung.wait()
        raise Unreachable("the coordinator is stopping", do="connect again; nothing was lost")

    async def acknowledge(self, recipient: str, ids: Sequence[int]) -> None:
        """Forget items that the recipient has dealt with; ids of others' items, or of none, change nothing."""
        await asyncio.to_thread(self._acknowledge, recipient, ids)

    def _after(self, recipient: str, round_id: str, seen: int) -> list[Delivery]:
        query = select(outbox).where(outbox.c.recipient == recipient, outbox.c.id > seen)
        if round_id:
            query = query.where(outbox.c.round_id == round_id)
        with transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(outbox.c.id).limit(_AT_ONCE)).all()
        return [Delivery(row.id, row.round_id, SignedMessage(row.body, row.signature)) for row in rows]

    def _acknowledge(self, recipient: str, ids: Sequence[int]) -> None:
        with transaction(self._engine) as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                connection.execute(delete(outbox).where(outbox.c.recipient == recipient, outbox.c.id.in_(some)))
