"""Two nodes that have handed in, without any network: the test plays the coordinator."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sluis_node import Node
from sluis_node.parts import Parts
from sluis_node.round.ledger import ClaimState
from sluis_node.round.mail import Mail
from sluis_node.round.own_family import FamilyOnFile, members_of
from sluis_node.round.own_round import NewRound, Submitted
from sluis_protocol import wire
from sluis_protocol.confirm import CANDIDATE_BYTES
from sluis_protocol.errors import Unreachable
from sluis_protocol.join import Candidate, join
from sluis_protocol.messages import Claim, Confirmation, Delivery, PersonClaim, Publication
from sluis_protocol.record import Family
from sluis_protocol.rules import load_rules
from sluis_protocol.run import tag
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import Submission, assemble, commit, pack
from sluis_protocol.tag import Context, prepare
from sluis_protocol.wire.methods import Method

from ..pki import Pki
from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin
from .people import family
from .rig import announced, receipt_for, sign_as, write_node_folder

T = TypeVar("T")
RULES = load_rules()
ROUND = "r20260101t000000z-0000000000000000"
ID = os.urandom(CANDIDATE_BYTES)
FIRST, SECOND, THIRD = member_oin(1), member_oin(2), member_oin(3)
CASELOADS = [[family("A1", 1), family("A4", 4)], [family("B1", 1), family("B5", 5)]]  # A1 and B1 are the same


class NoWire:
    """A wire on which nobody answers."""

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        raise Unreachable("the coordinator can't be reached")

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        raise Unreachable("the coordinator can't be reached")

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        raise Unreachable("the coordinator can't be reached")
        yield


@dataclass
class Handed:
    """A node after it handed in."""

    oin: str
    node: Node
    parts: Parts
    submission: Submission


class Desk:
    """A world with nodes; `claims` and the like are what an honest coordinator would send."""

    def __init__(self, folder: Path, caseloads: Sequence[Sequence[Family]], world: World | None = None) -> None:
        self.world = world or make_world()
        self.folder = folder
        self.caseloads = caseloads
        self.now = datetime.now(UTC)
        self.nodes: list[Handed] = []
        self._ids = count(1)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        pki = Pki()
        for number, families in enumerate(self.caseloads, start=1):
            oin, folder = member_oin(number), self.folder / f"node-{number}"
            config = write_node_folder(self.world, oin, folder, coordinator="nowhere:1")
            pki.issue(oin, folder / "tls")
            node = Node.open(config, clock=lambda: self.now, wire=NoWire(), patience=0.0)
            await self._exit.enter_async_context(node)
            parts = node._opened()
            parts.covenant()
            self.nodes.append(Handed(oin, node, parts, Submission((), {})))
            self.hand_in(number, families, ROUND)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    def hand_in(self, number: int, families: Sequence[Family], round_id: str) -> None:
        """What a node does in a round up to the receipt."""
        handed, covenant = self.nodes[number - 1], self.world.covenant
        context = Context(covenant.terms.id, PURPOSE, round_id, RULES.identity)
        own = tag(prepare(families, RULES), context, covenant.joint_key, self.world.shares[:2], os.urandom)
        submission = assemble(own, RULES, os.urandom)
        packed, members = pack(submission.rows), members_of(families, handed.parts.store.vault.look_up_name)
        store, soon = handed.parts.store, self.now + timedelta(hours=1)
        store.join_round(NewRound(round_id, PURPOSE, announced(self.world, round_id), soon, soon), bytes(32))
        commitment = commit(round_id, handed.oin, RULES.slots, packed)
        submitted = Submitted(submission.families, len(submission.rows), RULES.slots, commitment)
        files = {handle: FamilyOnFile(own, members[own.family_id]) for handle, own in submission.own.items()}
        store.prepare_submission(round_id, submitted, packed, files)
        receipt = receipt_for(self.world, "commitment", submitted.commitment, round_id)
        store.mark_submitted(round_id, receipt, handed.oin)
        handed.submission = submission

    def candidates(self) -> list[Candidate]:
        """What the join finds."""
        return join({one.oin: one.submission.rows for one in self.nodes}, RULES.thresholds)

    def candidate(self) -> Candidate:
        """The only one."""
        (candidate,) = self.candidates()
        return candidate

    def claim(self, number: int) -> Claim:
        """What an honest coordinator tells a node of the only candidate."""
        return claim_for(self.candidate(), ID, member_oin(number))

    def claim_both(self, candidate_id: bytes = ID, round_id: str = ROUND) -> None:
        """Tell both nodes of the only candidate."""
        for number in (1, 2):
            claim = claim_for(self.candidate(), candidate_id, member_oin(number))
            self.deliver(number, Kind.CLAIM, claim, round_id=round_id)

    def counts(self, number: int) -> dict[ClaimState, int]:
        """A node's claims by their states."""
        return self.nodes[number - 1].parts.ledger.counts()

    def deliver(
        self, number: int, kind: Kind, payload: object, *, sender: str = COORDINATOR, round_id: str = ROUND
    ) -> SignedMessage:
        """Give a node one piece of mail, twice: the second time must change nothing."""
        message = sign_as(self.world, sender, kind, wire.encode(payload), round_id)
        self.pass_on(number, message, round_id=round_id)
        return message

    def pass_on(self, number: int, message: SignedMessage, *, round_id: str = ROUND) -> None:
        """Give a node a message as it is, twice."""
        handed, delivery = self.nodes[number - 1], Delivery(next(self._ids), round_id, message)
        for _ in range(2):
            Mail(handed.parts).handle([delivery])

    def publish(self, number: int, claims: int) -> None:
        """Tell a node that the round is published."""
        self.deliver(number, Kind.PUBLICATION, Publication(bytes(16), len(self.nodes), claims))

    def answer(self, number: int, candidate_id: bytes) -> SignedMessage:
        """A node's stored answer to a claim."""
        return dict(self.nodes[number - 1].parts.ledger.to_send())[candidate_id]

    def said(self, number: int, candidate_id: bytes) -> Confirmation:
        """What that answer says."""
        return wire.decode(Confirmation, self.answer(number, candidate_id).envelope.payload)

    def anomalies(self, number: int) -> list[str]:
        """What a node has noted."""
        return [one.what for one in self.nodes[number - 1].parts.anomalies.all()]


def claim_for(candidate: Candidate, candidate_id: bytes, oin: str) -> Claim:
    """What an honest coordinator tells that side."""
    if oin == candidate.oin_a:
        return Claim(
            candidate_id,
            candidate.oin_b,
            candidate.family_a,
            tuple(PersonClaim(pair.person_a, pair.tags) for pair in candidate.pairs),
        )
    return Claim(
        candidate_id,
        candidate.oin_a,
        candidate.family_b,
        tuple(PersonClaim(pair.person_b, pair.tags) for pair in candidate.pairs),
    )
