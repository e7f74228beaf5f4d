"""A handshake in memory: an honest coordinator's chain and both nodes' copies of it, to tamper with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sluis_protocol import chain, wire
from sluis_protocol.approach import Approach, Partner
from sluis_protocol.chain import NO_HEAD, Handshake, Step
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import WrongCovenant
from sluis_protocol.handshake import Act, Drafting
from sluis_protocol.messages import Entry, Letter, Move, Opening
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign

from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin

START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
A, B, C = member_oin(1), member_oin(2), member_oin(3)
SEALED = b"sealed"


def an_approach(covenant: Covenant, handshake_id: bytes = bytes(16), /, **changed: Any) -> Approach:
    """A contract that is right, but for what is changed."""
    values: dict[str, object] = {
        "handshake": handshake_id.hex(),
        "nonce": os.urandom(32).hex(),
        "covenant": covenant.hash.hex(),
        "purpose": PURPOSE,
        "parties": (A, B),
        "lead": B,
        "partners": (Partner(role="school", basis="demo-grondslag", since=date(2026, 6, 1)),),
        "start": date(2026, 6, 1),
        "end": date(2026, 12, 31),
    }
    return Approach.model_validate({**values, **changed})


@dataclass
class Talks:
    """The chain as an honest coordinator keeps it: `handshake` is its newest state, `entries` are what it signed."""

    world: World = field(default_factory=make_world)
    id: bytes = field(default_factory=lambda: os.urandom(16))
    at: datetime = START
    entries: list[SignedMessage] = field(default_factory=list)
    handshake: Handshake | None = None

    @property
    def now(self) -> Handshake:
        """The handshake, which has begun."""
        assert self.handshake
        return self.handshake

    def covenant_of(self, covenant_hash: bytes) -> Covenant:
        """The one covenant that everybody knows."""
        if covenant_hash != self.world.covenant.hash:
            raise WrongCovenant("unknown")
        return self.world.covenant

    def sign(
        self,
        kind: Kind,
        payload: object,
        sender: str,
        *,
        key: str = "",
        name: str = "",
        at: datetime | None = None,
        covenant_hash: bytes = b"",
    ) -> SignedMessage:
        """A message of that sender's, but for what is changed: the key's owner, the handshake's name, …"""
        hashed = covenant_hash or self.world.covenant.hash
        envelope = Envelope(kind, sender, hashed, name or self.id.hex(), at or self.at, wire.encode(payload))
        return sign(envelope, self.world.signing[key or sender])

    def move(
        self, sender: str, act: Act, *, at: datetime | None = None, key: str = "", **changed: Any
    ) -> SignedMessage:
        """A side's move that follows the newest entry, but for what is changed."""
        values: dict[str, Any] = {"handshake_id": self.id, "act": act, "follows": self.now.head, "sealed": SEALED}
        state = self.now.state
        if act in (Act.PROPOSE, Act.AMEND):
            values["version"] = state.version + 1 if isinstance(state, Drafting) else 1
            values["digest"] = os.urandom(32)
            values["until"] = self.at + timedelta(days=100)
        if act is Act.SIGN and isinstance(state, Drafting):
            values["digest"] = state.digest
        return self.sign(Kind.MOVE, Move(**{**values, **changed}), sender, at=at, key=key)

    def letter(self, sender: str, number: int, **changed: Any) -> SignedMessage:
        """A letter."""
        values: dict[str, Any] = {"handshake_id": self.id, "number": number, "sealed": SEALED}
        return self.sign(Kind.LETTER, Letter(**{**values, **changed}), sender)

    def entry(self, moves: Sequence[SignedMessage] = (), **changed: Any) -> SignedMessage:
        """The next entry with these moves, as the coordinator would sign it; it isn't applied."""
        values: dict[str, Any] = {
            "handshake_id": self.id,
            "sequence": self.now.sequence + 1,
            "previous": self.now.head,
            "moves": tuple(moves),
        }
        return self.sign(Kind.ENTRY, Entry(**{**values, **changed}), COORDINATOR)

    def open(self) -> Step:
        """The opening."""
        content = Entry(self.id, 0, NO_HEAD, Opening(PURPOSE, (A, B)))
        return self.apply(self.sign(Kind.ENTRY, content, COORDINATOR))

    def apply(self, entry: SignedMessage) -> Step:
        """Open the next entry as a node does, and go on from there."""
        step = chain.open_step(entry, self.handshake, self.covenant_of, now=self.at)
        self.entries.append(entry)
        self.handshake = step.handshake
        return step

    def go(self, *moves: SignedMessage) -> Step:
        """One step with these moves."""
        return self.apply(self.entry(moves))

    def agree(self) -> Step:
        """Open it, and both accept."""
        self.open()
        return self.go(self.move(A, Act.ACCEPT), self.move(B, Act.ACCEPT))

    def draft(self) -> Step:
        """And a side proposes."""
        self.agree()
        return self.go(self.move(B, Act.PROPOSE))

    def activate(self) -> Step:
        """And both sign."""
        self.draft()
        self.go(self.move(A, Act.SIGN))
        return self.go(self.move(B, Act.SIGN))
