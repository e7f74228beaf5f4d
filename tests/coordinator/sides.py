"""The two sides of a handshake at a real coordinator, each with its own copy of the chain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sluis_coordinator import handshake_store, handshakes
from sluis_coordinator.schema import events, handshake_entries, handshake_held, handshake_taken, outbox
from sluis_coordinator.schema import handshakes as table
from sluis_protocol.chain import Handshake, Step, open_step
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import WrongCovenant
from sluis_protocol.handshake import Act, Drafting
from sluis_protocol.messages import Empty, Letter, Move, Opening
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.wire.methods import MOVE, WRITE
from sluis_runtime.database import transaction
from sqlalchemy import Connection, func, select

from ..world import PURPOSE, member_oin
from .rig import Party, Rig

DAY = timedelta(days=1)
SEALED = b"what only the other side can read"


@dataclass
class Side:
    """One municipality: its party and its copy of the handshake."""

    party: Party
    id: bytes
    covenants: list[Covenant]
    handshake: Handshake | None = None
    entries: list[SignedMessage] = field(default_factory=list)

    @property
    def now(self) -> Handshake:
        """The handshake, which has begun."""
        assert self.handshake
        return self.handshake

    @property
    def state(self) -> str:
        """The name of its state, as this side knows it."""
        return self.now.state.name

    def covenant_of(self, covenant_hash: bytes) -> Covenant:
        """One of the versions that this side has seen."""
        for one in self.covenants:
            if one.hash == covenant_hash:
                return one
        raise WrongCovenant("unknown")

    def move(self, act: Act, **changed: Any) -> SignedMessage:
        """A move that follows what this side has seen, but for what is changed."""
        values: dict[str, Any] = {"handshake_id": self.id, "act": act, "follows": self.now.head, "sealed": SEALED}
        state = self.now.state
        if act in (Act.PROPOSE, Act.AMEND):
            values["version"] = state.version + 1 if isinstance(state, Drafting) else 1
            values["digest"] = os.urandom(32)
            values["until"] = self.party.clock() + 100 * DAY
        if act is Act.SIGN and isinstance(state, Drafting):
            values["digest"] = state.digest
        return self.party.sign(Kind.MOVE, Move(**{**values, **changed}), round_id=self.id.hex())

    async def send(self, message: SignedMessage) -> None:
        """Send a move."""
        await self.party.call(MOVE, message, Empty)

    async def act(self, act: Act, **changed: Any) -> SignedMessage:
        """Make a move and send it."""
        message = self.move(act, **changed)
        await self.send(message)
        return message

    def letter(self, number: int) -> SignedMessage:
        """A letter."""
        return self.party.sign(Kind.LETTER, Letter(self.id, number, SEALED), round_id=self.id.hex())

    async def write(self, message: SignedMessage) -> None:
        """Send a letter."""
        await self.party.call(WRITE, message, SignedMessage)

    async def mail(self, *, acknowledge: bool = True) -> SignedMessage:
        """The next delivery of this handshake."""
        self.party.round_id = self.id.hex()
        [delivery] = await self.party.receive(1, acknowledge=acknowledge)
        assert delivery.round_id == self.id.hex()
        return delivery.message

    async def read(self) -> Step:
        """The next delivery, which is an entry, opened and followed."""
        message = await self.mail()
        step = open_step(message, self.handshake, self.covenant_of, now=self.party.clock())
        self.handshake = step.handshake
        self.entries.append(message)
        return step


@dataclass
class Talks:
    """A handshake of the first two members, opened at the rig's coordinator without a round before it."""

    rig: Rig
    a: Side
    b: Side

    @property
    def id(self) -> bytes:
        """The handshake's."""
        return self.a.id

    @property
    def both(self) -> tuple[Side, Side]:
        """Both sides, the lower OIN first."""
        return self.a, self.b

    async def read(self) -> str:
        """Both read the next entry, which is the same for both; the state."""
        first, second = [await side.read() for side in self.both]
        assert self.a.entries == self.b.entries
        assert first.handshake == second.handshake
        return first.handshake.state.name

    async def agree(self) -> None:
        """Both accept, and read it."""
        for side in self.both:
            await side.act(Act.ACCEPT)
        assert await self.read() == "agreed"

    async def activate(self) -> None:
        """From deciding to active."""
        await self.agree()
        await self.b.act(Act.PROPOSE)
        assert await self.read() == "drafting"
        for side, state in zip(self.both, ("drafting", "active"), strict=True):
            await side.act(Act.SIGN)
            assert await self.read() == state

    def waiting(self) -> int:
        """How much mail of this handshake waits for both."""
        return self.count(outbox, outbox.c.round_id == self.id.hex())

    def kept(self) -> dict[str, int]:
        """How many rows of this handshake each table has."""
        tables = (handshake_entries, handshake_taken, handshake_held)
        found = {one.name: self.count(one, one.c.handshake_id == self.id) for one in tables}
        return {**found, "handshakes": self.count(table, table.c.id == self.id), "outbox": self.waiting()}

    def count(self, one: Any, where: Any) -> int:
        """Rows of a table."""
        with transaction(self.rig.coordinator.engine) as connection:
            return connection.execute(select(func.count()).select_from(one).where(where)).scalar_one()

    def stored(self) -> Handshake:
        """The handshake as the coordinator has it."""
        with transaction(self.rig.coordinator.engine) as connection:
            return handshake_store.find(connection, self.id)

    def noted(self) -> list[tuple[str, str, bytes]]:
        """The events of this handshake: kind, party and digest."""
        query = select(events).where(events.c.round_id == self.id.hex()).order_by(events.c.id)
        with transaction(self.rig.coordinator.engine) as connection:
            return [(row.kind, row.party, row.digest) for row in connection.execute(query)]

    def digests(self) -> Sequence[bytes]:
        """Of all entries that were read."""
        return [entry.digest for entry in self.a.entries]


def open_at(connection: Connection, rig: Rig) -> bytes:
    """Open a handshake of the first two members; its id."""
    handshake_id = os.urandom(16)
    oins = member_oin(1), member_oin(2)
    handshakes.begin(rig.coordinator, connection, handshake_id, Opening(PURPOSE, oins))
    return handshake_id


async def open_talks(rig: Rig) -> Talks:
    """A handshake that both have read the opening of."""
    with transaction(rig.coordinator.engine) as connection:
        handshake_id = open_at(connection, rig)
    a, b = [Side(party, handshake_id, [rig.world.covenant]) for party in await rig.members(1, 2)]
    talks = Talks(rig, a, b)
    assert await talks.read() == "deciding"
    return talks
