"""Seeded histories: moves at random, sent twice, late or out of order, mail read twice, restarts, time that jumps.

Whatever happens, both nodes and the coordinator end with the same handshake, and no node ever sees an entry that it
could not follow.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sluis_coordinator import handshake_store, handshakes
from sluis_coordinator.bell import Bell
from sluis_coordinator.coordinator import open_coordinator
from sluis_coordinator.keeper import Keeper
from sluis_coordinator.schema import outbox
from sluis_protocol import wire
from sluis_protocol.chain import Handshake, open_letter, open_step
from sluis_protocol.errors import HandshakeError, MalformedMessage, Replayed
from sluis_protocol.handshake import Act, Active, Deciding, Drafting
from sluis_protocol.messages import Letter, Move
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_runtime.database import transaction
from sqlalchemy import delete, select

from ..world import make_world, member_oin
from .rig import Rig
from .sides import SEALED, open_at

WORLD = make_world()
ACTS = [act for act in Act if act is not Act.LAPSE]


@dataclass
class Node:
    """A node that keeps what it read, by the digest, and follows what is new."""

    oin: str
    rig: Rig
    id: bytes
    handshake: Handshake | None = None
    entries: dict[bytes, str] = field(default_factory=dict)  # digest → state after it
    letters: list[int] = field(default_factory=list)
    written: int = 0
    sent: list[SignedMessage] = field(default_factory=list)

    def sign(self, kind: Kind, payload: object) -> SignedMessage:
        now = self.rig.clock()
        envelope = Envelope(kind, self.oin, WORLD.covenant.hash, self.id.hex(), now, wire.encode(payload))
        return sign(envelope, WORLD.signing[self.oin])

    def move(self, act: Act, chance: Random) -> SignedMessage:
        """A move on what this node knows; sometimes on a wrong version or draft."""
        assert self.handshake
        values: dict[str, Any] = {}
        state = self.handshake.state
        if act in (Act.PROPOSE, Act.AMEND):
            version = state.version if isinstance(state, Drafting) else 0
            until = self.rig.clock() + timedelta(days=chance.choice([1, 40, 365, 500]))
            values = {"version": version + chance.choice([1, 1, 1, 2]), "digest": os.urandom(32), "until": until}
        if act is Act.SIGN:
            values = {"digest": state.digest if isinstance(state, Drafting) else os.urandom(32)}
        return self.sign(Kind.MOVE, Move(self.id, act, self.handshake.head, sealed=SEALED, **values))

    def read(self, chance: Random, *, everything: bool = False) -> None:
        """Some of the mail, in order; sometimes it isn't acknowledged, and comes again."""
        query = select(outbox).where(outbox.c.recipient == self.oin).order_by(outbox.c.id)
        with transaction(self.rig.coordinator.engine) as connection:
            rows = connection.execute(query).all()
        if not everything:
            rows = rows[: chance.randrange(len(rows) + 1)]
        for row in rows:
            self.receive(SignedMessage(row.body, row.signature))
        if everything or chance.random() < 0.6:
            with transaction(self.rig.coordinator.engine) as connection:
                connection.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))

    def receive(self, message: SignedMessage) -> None:
        digest = message.digest
        if digest in self.entries:
            return
        if message.envelope.kind is Kind.LETTER:
            letter = open_letter(message, WORLD.covenant, handshake=self.id.hex(), now=None)
            if letter.number > len(self.letters):
                assert letter.number == len(self.letters) + 1
                self.letters.append(letter.number)
            return
        step = open_step(message, self.handshake, lambda _: WORLD.covenant, now=self.rig.clock())
        self.handshake = step.handshake
        self.entries[digest] = step.handshake.state.name


class History:
    """One handshake, and everything that can happen to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = Random(seed)
        self.rig = Rig(folder, WORLD)
        self.start()
        with transaction(self.rig.coordinator.engine) as connection:
            self.id = open_at(connection, self.rig)
        self.nodes = [Node(member_oin(number), self.rig, self.id) for number in (1, 2)]
        for node in self.nodes:
            node.read(self.chance, everything=True)

    def start(self) -> None:
        self.rig.coordinator = open_coordinator(self.rig.settings, self.rig.clock, os.urandom)
        self.keeper = Keeper(self.rig.coordinator, Bell())

    def act(self, node: Node) -> None:
        # What leads on is likelier than what ends it, or few histories would come far.
        act = self.chance.choices(ACTS, [6, 4, 3, 8, 1, 1])[0]
        if act is Act.WITHDRAW and self.chance.random() < 0.8:
            return
        message = node.move(act, self.chance)
        node.sent.append(message)
        self.send(node, message)

    def again(self, node: Node) -> None:
        if node.sent:
            self.send(node, self.chance.choice(node.sent))

    def send(self, node: Node, message: SignedMessage) -> None:
        with suppress(HandshakeError):
            handshakes.move(self.rig.coordinator, node.oin, message)

    def write(self, node: Node) -> None:
        number = node.written + self.chance.choice([1, 1, 1, 0, 2])
        try:
            letter = node.sign(Kind.LETTER, Letter(self.id, number, SEALED))
            handshakes.write(self.rig.coordinator, node.oin, letter)
        except (HandshakeError, Replayed, MalformedMessage):
            return
        node.written = number

    def happen(self) -> None:
        """Something."""
        node = self.chance.choice(self.nodes)
        what = ("act", "again", "read", "write", "tick", "jump", "restart")
        match self.chance.choices(what, [12, 4, 12, 3, 3, 1, 1])[0]:
            case "act":
                self.act(node)
            case "again":
                self.again(node)
            case "read":
                node.read(self.chance)
            case "write":
                self.write(node)
            case "tick":
                self.keeper.tick()
            case "jump":
                self.rig.clock.ahead += timedelta(days=self.chance.randrange(6))
            case "restart":
                self.rig.coordinator.engine.dispose()
                self.start()

    @property
    def stored(self) -> Handshake:
        with transaction(self.rig.coordinator.engine) as connection:
            return handshake_store.find(connection, self.id)


@pytest.mark.parametrize("seed", range(12))
def test_any_history_ends_alike_for_all_three(tmp_path: Path, seed: int) -> None:
    history = History(tmp_path, seed)
    one, two = history.nodes
    for _ in range(90):
        history.happen()
        stored = history.stored
        if isinstance(stored.state, Deciding):
            assert stored.sequence == 0
            assert len(one.entries) == len(two.entries) == 1
        if stored.state.deadline is None:
            break
    for node in history.nodes:
        node.read(history.chance, everything=True)
    stored = history.stored
    assert one.handshake == two.handshake
    for node in history.nodes:
        assert node.handshake
        if isinstance(stored.state, Deciding):  # who has accepted, no node knows
            assert node.handshake.head == stored.head
            assert node.handshake.state == Deciding(stored.state.deadline)
        else:
            assert node.handshake == stored
    assert list(one.entries) == list(two.entries)
    assert len(one.entries) == stored.sequence + 1
    assert (len(one.letters), len(two.letters)) == (two.written, one.written)


def test_the_histories_reach_every_end(tmp_path: Path) -> None:
    """So that the test above is worth something."""
    reached = set[str]()
    for seed in range(12):
        history = History(tmp_path / str(seed), seed)
        for _ in range(90):
            history.happen()
            reached.add(history.stored.state.name)
            if history.stored.state.deadline is None:
                break
        history.rig.coordinator.engine.dispose()
    assert reached == {"deciding", "agreed", "drafting", Active.name, "closed", "lapsed", "withdrawn"}
