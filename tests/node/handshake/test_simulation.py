"""Seeded histories: people of both sides do whatever comes to mind, while the wire and the programs fail.

The coordinator is the real one, without a network; a call may fail before or after it was done, mail may stop halfway,
programs are started again and time jumps. At the end both desks show the same handshake, nobody saw anything wrong,
nothing was done twice and nothing is left to send.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import pytest
from sluis_coordinator import events, handshakes, log
from sluis_coordinator.bell import Bell
from sluis_coordinator.coordinator import Coordinator, open_coordinator
from sluis_coordinator.keeper import Keeper
from sluis_coordinator.schema import outbox
from sluis_node import Node
from sluis_node.handshake.desk import Desk
from sluis_node.handshake.model import Case, Informing, Phase, Plan, Postponement, What, Whose
from sluis_node.handshake.review import Answer, Reason
from sluis_node.transparency.owed import outstanding
from sluis_protocol.approach import Partner
from sluis_protocol.content import ContactCard, Outcome, Right, WithdrawalReason
from sluis_protocol.errors import SluisError, Unreachable
from sluis_protocol.log_messages import Cosignature
from sluis_protocol.messages import Acknowledgement, Delivery, Empty, Opening, ReceiveRequest
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire import methods
from sluis_protocol.wire.methods import Method
from sluis_runtime.database import transaction
from sqlalchemy import delete, select

from ...coordinator.rig import Rig
from ...world import PURPOSE, member_oin
from ..desk import CASELOADS, ID, NoWire
from .played import Played

T = TypeVar("T")
STEPS = 90
PEOPLE = ("anna", "bram", "carla")


LOG: dict[Method, Callable[[Coordinator, str, Any], object]] = {
    methods.GET_CHECKPOINT: lambda coordinator, _oin, request: log.checkpoint(coordinator, request.nonce),
    methods.GET_CONSISTENCY: lambda coordinator, _oin, request: log.consistency(coordinator, request),
    methods.GET_INCLUSION: log.inclusion,
}


class Wire(NoWire):
    """A node's way to the coordinator: none, but for the calls. `trouble` says how often something fails."""

    def __init__(self, coordinator: Coordinator, oin: str, chance: Random) -> None:
        self.coordinator = coordinator
        self.oin = oin
        self.chance = chance
        self.trouble = 0.15

    def _fail(self) -> None:
        if self.chance.random() < self.trouble:
            raise Unreachable("the line went dead")

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        self._fail()
        answer: object = Empty()
        if method in LOG:
            answer = LOG[method](self.coordinator, self.oin, request)
        elif method is methods.COSIGN:
            log.cosign(self.coordinator, self.oin, cast("Cosignature", request))
        elif method is methods.ACKNOWLEDGE:
            ids = cast("Acknowledgement", request).delivery_ids
            with transaction(self.coordinator.engine) as connection:
                connection.execute(delete(outbox).where(outbox.c.recipient == self.oin, outbox.c.id.in_(ids)))
        elif method is methods.WRITE:
            answer, _ = handshakes.write(self.coordinator, self.oin, cast("SignedMessage", request))
        else:
            handshakes.move(self.coordinator, self.oin, cast("SignedMessage", request))
        self._fail()
        return cast("T", answer)

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        assert request == ReceiveRequest("", until_empty=True)
        with transaction(self.coordinator.engine) as connection:
            query = select(outbox).where(outbox.c.recipient == self.oin).order_by(outbox.c.id)
            rows = connection.execute(query).all()
        for row in rows:
            self._fail()
            yield cast("T", Delivery(row.id, row.round_id, SignedMessage(row.body, row.signature)))


class Simulation:
    """Two municipalities, each with its people, and the coordinator."""

    def __init__(self, folder: Path, played: Played, seed: int) -> None:
        self.chance = Random(seed)
        self.played = played
        self.rig = Rig(folder, played.world)
        self.coordinator = open_coordinator(self.rig.settings, lambda: played.now, os.urandom)
        self.keeper = Keeper(self.coordinator, Bell())
        self.wires = [Wire(self.coordinator, member_oin(number), self.chance) for number in (1, 2)]
        self.nodes: list[Node] = []
        self.done: Counter[str] = Counter()
        with transaction(self.coordinator.engine) as connection:
            for handed in played.round.nodes:  # what was confirmed before this coordinator was there
                with handed.parts.store.transaction() as theirs:
                    owing = outstanding(theirs)
                for one in owing:
                    entry = events.Entry(one.kind, one.at, one.digest, one.round_id, one.party, one.count or 0)
                    events.record_all(connection, [entry])
            handshakes.begin(self.coordinator, connection, ID, Opening(PURPOSE, (member_oin(1), member_oin(2))))

    async def open(self) -> None:
        for handed, wire in zip(self.played.round.nodes, self.wires, strict=True):
            config = handed.parts.settings.signing_key.parent / "node.toml"
            node = Node.open(config, clock=lambda: self.played.now, wire=wire, patience=0.0)
            self.nodes.append(await node.__aenter__())

    async def close(self) -> None:
        while self.nodes:
            await self.nodes.pop().__aexit__(None, None, None)

    # What people do.

    def act(self, number: int) -> None:
        """Somebody does something, on what they see or on what they saw long ago."""
        desk, by = self.nodes[number].desk, self.chance.choice(PEOPLE)
        match = self.played.match(number + 1)
        case = desk.case(match, by=by)
        seen = self.chance.choice([None, case.revision, max(0, case.revision - (self.chance.random() < 0.2))])
        sensible = SENSIBLE.get(case.phase, VERBS)
        verb = self.chance.choice(sensible if self.chance.random() < 0.8 else VERBS)
        for _ in range(self.chance.choice([1, 1, 2])):  # a form may be posted twice
            try:
                verb(self, desk, case, by, seen)
            except SluisError as error:
                self.done[type(error).__name__] += 1
            else:
                self.done[verb.__name__] += 1

    def decide(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        no = self.chance.random() < 0.15
        desk.decide(
            case.match.match,
            by=by,
            answer=Answer.NO if no else Answer.YES,
            reason=Reason.NO_NEED if no else None,
            card=self.card() if self.chance.random() < 0.5 else None,
            seen=seen,
        )

    def reconsider(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        if self.chance.random() < 0.2:
            desk.reconsider(case.match.match, by=by, seen=seen)

    def draft(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        today = self.played.now.date()
        end = today + timedelta(days=self.chance.choice([40, 90, 500]))
        basis = self.chance.choice(["demo-grondslag", "demo-grondslag", "none"])
        partners = (Partner(role="school", basis=basis, since=today),)
        plan = Plan(self.chance.choice([member_oin(1), member_oin(2)]), today, end, partners)
        verb = desk.propose if case.phase is Phase.AGREED else desk.amend
        if case.phase is Phase.AGREED or self.chance.random() < 0.2:
            verb(case.match.match, by=by, plan=plan, seen=seen)

    def sign(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        desk.sign(case.match.match, by=by, seen=seen)

    def inform(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        until = self.played.now.date() + timedelta(days=60)
        informing = Informing(postponed=Postponement.CHILDS_SAFETY, until=until)
        desk.inform(case.match.match, by=by, informing=informing, seen=seen)

    def finish(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        if self.chance.random() < 0.15:
            desk.withdraw(case.match.match, by=by, reason=WithdrawalReason.CASE_CLOSED, seen=seen)
        elif self.chance.random() < 0.15:
            desk.close(case.match.match, by=by, outcome=Outcome.HANDED_OVER, seen=seen)

    def write(self, desk: Desk, case: Case, by: str, seen: int | None) -> None:
        if self.chance.random() < 0.7:
            desk.send_card(case.match.match, by=by, card=self.card(), seen=seen)
        else:
            desk.tell_right(case.match.match, by=by, right=Right.OBJECTION, seen=seen)

    def card(self) -> ContactCard:
        return ContactCard(role=f"rol {self.chance.randrange(100)}", mailbox="a@b.example", telephone="030 1234567")

    # What happens to them.

    async def receive(self, number: int) -> None:
        try:
            await self.nodes[number].receive(wait=2)
        except Unreachable:
            self.done["unreachable"] += 1

    async def step(self) -> None:
        what = self.chance.random()
        if what < 0.55:
            self.act(self.chance.randrange(2))
        elif what < 0.9:
            await self.receive(self.chance.randrange(2))
        elif what < 0.96:
            self.played.later(hours=self.chance.choice([1, 10, 60]))
            self.keeper.tick()
        else:
            await self.close()
            await self.open()

    async def settle(self) -> None:
        """The wire is well again: everybody sends and receives until there is nothing left."""
        for wire in self.wires:
            wire.trouble = 0.0
        for _ in range(4):
            for number in (0, 1):
                await self.receive(number)


Verb = Callable[[Simulation, Desk, Case, str, int | None], None]
VERBS: tuple[Verb, ...] = (
    Simulation.decide,
    Simulation.reconsider,
    Simulation.draft,
    Simulation.inform,
    Simulation.sign,
    Simulation.finish,
    Simulation.write,
)
SENSIBLE: dict[Phase, tuple[Verb, ...]] = {
    Phase.REVIEWING: (Simulation.decide,),
    Phase.AGREED: (Simulation.draft, Simulation.write),
    Phase.DRAFTING: (Simulation.inform, Simulation.sign, Simulation.sign, Simulation.draft),
    Phase.ACTIVE: (Simulation.write, Simulation.finish),
}
ONCE = (What.OPENED, What.AGREED, What.ACTIVE, What.LAPSED, What.CLOSED)


async def simulate(folder: Path, seed: int) -> tuple[Counter[str], Phase]:
    """One history: what was done in it, and how it ended."""
    (folder / "coordinator").mkdir()
    async with Played(folder, CASELOADS) as played:
        simulation = Simulation(folder / "coordinator", played, seed)
        await simulation.open()
        try:
            for _ in range(STEPS):
                await simulation.step()
            await simulation.settle()
            check(simulation)
            return simulation.done, simulation.nodes[0].desk.case(played.match(1), by="anna").phase
        finally:
            await simulation.close()


def check(simulation: Simulation) -> None:
    """Both sides have the same, and each step happened once."""
    played = simulation.played
    one, other = (node.desk.case(played.match(at), by="anna") for at, node in enumerate(simulation.nodes, start=1))
    assert not played.anomalies(1)
    assert not played.anomalies(2)
    assert (one.state, one.drafts) == (other.state, other.drafts)
    for case, counterpart in ((one, other), (other, one)):
        if "letter" not in acts_refused(counterpart):
            assert case.their_card in (None, counterpart.own_card)
    assert not one.sending or one.phase is Phase.ACCEPTED
    assert not played.outgoing(1)
    assert not played.outgoing(2)
    for case in (one, other):
        happened = Counter(step.what for step in case.history)
        assert all(happened[what] <= 1 for what in ONCE), happened
        # What the other side did came once, and was done; what was done and not refused came.
        drafts = Counter(
            (step.whose, step.details["version"]) for step in case.history if step.what in (What.PROPOSED, What.AMENDED)
        )
        assert all(count == 1 for (whose, _), count in drafts.items() if whose == Whose.THEIRS), drafts
        assert [draft.version for draft in case.drafts] == list(range(1, len(case.drafts) + 1))
    for case, counterpart in ((one, other), (other, one)):
        came = Counter(step.what for step in case.history if step.whose == Whose.THEIRS)
        did = Counter(step.what for step in counterpart.history if step.whose == Whose.OURS)
        refused = acts_refused(counterpart)
        assert came[What.SIGNED] == did[What.SIGNED] - refused["sign"]
        assert came[What.PROPOSED] == did[What.PROPOSED] - refused["propose"]
        assert came[What.AMENDED] == did[What.AMENDED] - refused["amend"]
        assert came[What.CARD] + came[What.RIGHT_USED] + refused["letter"] == did[What.CARD] + did[What.RIGHT_USED]


def acts_refused(case: Case) -> Counter[str]:
    return Counter(step.details["act"] for step in case.history if step.what is What.REFUSED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_a_history(tmp_path: Path, seed: int) -> None:
    done, _ = await simulate(tmp_path, seed)
    assert done["unreachable"] > 0
    assert done["decide"] > 1


@pytest.mark.slow
async def test_many_histories(tmp_path: Path) -> None:
    ends: Counter[Phase] = Counter()
    for seed in range(100, 108):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _, phase = await simulate(folder, seed)
        ends[phase] += 1
    assert len(ends) >= 2, ends  # not all alike
