"""Two municipalities that help the same family, their nodes, and the real coordinator between them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sluis_node import Node
from sluis_node.handshake.desk import Desk
from sluis_node.handshake.model import Case, Informing, Phase, Plan
from sluis_node.handshake.review import Answer
from sluis_protocol.approach import Partner
from sluis_protocol.content import ContactCard
from sluis_protocol.record import Family
from sluis_runtime.database import transaction

from ...coordinator.rig import eventually
from ...world import World, make_world, member_oin
from ..people import family
from ..rig import Country, write_config

FIRST, SECOND = "anna", "bram"  # the same names at both: they are other people there
CARD = ContactCard(role="Procescoördinator", mailbox="team@a.example", telephone="030 123 45 67")


@dataclass
class Side:
    """One municipality: its open node and its desk."""

    oin: str
    number: int
    country: Two = field(repr=False)
    node: Node

    @property
    def desk(self) -> Desk:
        return self.node.desk

    @property
    def match(self) -> str:
        """The match that there is."""
        (found,) = self.node.matches()
        return found.match

    def case(self, by: str = FIRST) -> Case:
        return self.desk.case(self.match, by=by)

    @property
    def phase(self) -> Phase:
        return self.case().phase

    def say(self, answer: Answer = Answer.YES, **options: Any) -> Case:
        """Both people say the same."""
        self.desk.decide(self.match, by=FIRST, answer=answer, **options)
        return self.desk.decide(self.match, by=SECOND, answer=answer, **options)

    def informed(self) -> Case:
        today = self.country.clock().date()
        return self.desk.inform(self.match, by=FIRST, informing=Informing(parents=today, young_persons=today))

    def plan(self, **changes: Any) -> Plan:
        today = self.country.clock().date()
        partner = Partner(role="school", basis="demo-grondslag", since=today)
        return replace(Plan(member_oin(1), today, today + timedelta(days=90), (partner,)), **changes)

    def anomalies(self) -> list[str]:
        return [one.what for one in self.node.anomalies()]

    async def receive(self) -> None:
        """Fetch the mail, and send what lies ready."""
        await self.node.receive(wait=10)


class Two(Country):
    """Opened, a round is over and both have the match."""

    def __init__(self, folder: Path, world: World | None = None, caseloads: list[list[Family]] | None = None) -> None:
        caseloads = caseloads or [[family("A1", 1), family("A4", 4)], [family("B1", 1), family("B5", 5)]]
        super().__init__(folder, caseloads, world or make_world(("GM0001", "GM0002")))
        self._open = AsyncExitStack()
        self.a: Side
        self.b: Side

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.whole_round()
        await self.open_nodes()
        await self.exchange()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()
        await super().__aexit__(kind, error, trace)

    async def open_nodes(self) -> None:
        for name, number in (("a", 1), ("b", 2)):
            node = await self._open.enter_async_context(self.node(number, patience=5.0))
            setattr(self, name, Side(member_oin(number), number, self, node))

    async def restart(self) -> None:
        """End the coordinator and both nodes, and start them again on what they left."""
        await self._open.aclose()
        await self._channels.aclose()
        await self.stop()
        await self.start()
        for one in self.municipalities:
            write_config(one.config.parent, one.oin, f"127.0.0.1:{self.port}", str(self.world.authority))
        await self.open_nodes()

    async def exchange(self, times: int = 2) -> None:
        """Both sides receive until nothing is under way."""
        for _ in range(times):
            for side in (self.a, self.b):
                await side.receive()

    def later(self, **span: float) -> None:
        """Let time pass for everybody."""
        self.clock.ahead += timedelta(**span)

    async def settled(self, state: str) -> None:
        """Wait until the coordinator has the handshake in that state."""

        def there() -> bool:
            with transaction(self.coordinator.engine) as connection:
                return state in connection.exec_driver_sql("SELECT state FROM handshakes").scalars().all()

        await eventually(there)

    def coordinator_knows(self, text: str) -> bool:
        """Whether this stands anywhere in what the coordinator keeps."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return any(text.encode() in path.read_bytes() for path in files)

    # Along the way to an approach.

    async def agree(self) -> None:
        for side in (self.a, self.b):
            side.say()
        await self.exchange()

    async def propose(self, side: Side | None = None, **changes: Any) -> None:
        side = side or self.a
        side.desk.propose(side.match, by=FIRST, plan=side.plan(**changes))
        await self.exchange()

    async def sign(self, *sides: Side) -> None:
        for side in sides or (self.a, self.b):
            side.informed()
            side.desk.sign(side.match, by=FIRST)
            await self.exchange()

    async def activate(self) -> None:
        await self.agree()
        await self.propose()
        await self.sign()
