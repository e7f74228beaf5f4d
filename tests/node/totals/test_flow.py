"""Three municipalities with real nodes and a real coordinator: from their cases to the sum that the board opens."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_coordinator import totals as service
from sluis_coordinator import totals_store as store
from sluis_node import Node
from sluis_node.coordinator import Coordinator
from sluis_node.handshake.model import Informing, Phase, Plan
from sluis_node.handshake.review import Answer, Reason
from sluis_node.notify.tables import notices
from sluis_node.processing import Activity, Wanted
from sluis_node.retention.settings import Category, RetentionSettings
from sluis_node.totals.periods import Progress
from sluis_node.totals.tables import totals_periods
from sluis_protocol import totals
from sluis_protocol.approach import Partner
from sluis_protocol.content import Outcome
from sluis_protocol.errors import DecisionRefused, Overtaken, TooLate
from sluis_protocol.indicators import Cell, Indicator
from sluis_protocol.messages import Contributors
from sluis_protocol.periods import label_of
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.totals_terms import TotalsTerms
from sluis_protocol.wire import methods
from sluis_runtime.database import transaction
from sqlalchemy import Connection, select, update

from ...board_key import SECRET, card
from ...coordinator.rig import eventually
from ...world import PURPOSE, make_world, member_oin
from ..killed import Killed
from ..people import three_caseloads
from ..rig import Country

BY, ALSO = "anna", "bram"


class Three(Country):
    """Three municipalities after a round; family 1 is an approach that ended well, 2 was wrong, 3 waits."""

    def __init__(self, folder: Path) -> None:
        world = make_world(totals=TotalsTerms(board=card(), minimum_contributors=3))
        super().__init__(folder, three_caseloads(), world)
        self._open = AsyncExitStack()
        self.nodes: list[Node] = []

    async def open(self, *numbers: int) -> None:
        self.nodes = [await self._open.enter_async_context(self.node(n, patience=5.0)) for n in numbers]

    async def play(self) -> None:
        await self.whole_round()
        await self.open(1, 2, 3)
        await self.exchange()
        first, second, _ = self.nodes
        (a,) = [one.match for one in first.matches() if one.family == "A1"]
        (b,) = [one.match for one in second.matches() if one.family == "B1"]
        for node, match in ((first, a), (second, b)):
            for by in (BY, ALSO):
                node.desk.decide(match, by=by, answer=Answer.YES, identity_verified=True)
        await self.exchange()
        today = self.clock().date()
        partner = Partner(role="steun-aan-professionals", basis="demo-grondslag", since=today)
        plan = Plan(member_oin(2), today, today + timedelta(days=90), (partner,))
        first.desk.propose(a, by=BY, plan=plan)
        await self.exchange()
        for node, match in ((first, a), (second, b)):
            node.desk.inform(match, by=BY, informing=Informing(parents=today, young_persons=today))
            node.desk.sign(match, by=BY)
            await self.exchange()
        second.desk.close(b, by=BY, outcome=Outcome.GOALS_REACHED)
        await self.exchange()
        assert first.desk.case(a, by=BY).phase is Phase.CLOSED
        for node in self.nodes:
            for found in node.matches():
                if found.family.endswith("2"):
                    for by in (BY, ALSO):
                        reason = Reason.NOT_SAME_FAMILY
                        node.desk.decide(found.match, by=by, answer=Answer.NO, reason=reason)

    async def exchange(self) -> None:
        for _ in range(2):
            for node in self.nodes:
                await node.receive(wait=10)

    def state(self, period: str) -> str:
        with transaction(self.coordinator.engine) as connection:
            return store.find(connection, period).state.name

    def begin(self, enrol: timedelta = timedelta(hours=1)) -> str:
        label = label_of(self.clock().date(), "quarter")
        return service.open_period(self.coordinator, PURPOSE, label, enrol=enrol).id

    def next(self, period: str) -> None:
        with transaction(self.coordinator.engine) as connection:
            found = store.find(connection, period)
        service.go_on(self.coordinator, found, now_due=True)

    async def all_take_part(self, nodes: Sequence[Node] | None = None) -> None:
        for node in self.nodes if nodes is None else nodes:
            await node.take_part_in_totals()

    async def approve(self, period: str) -> None:
        """Everybody sees the figures, approves them, and enrols."""
        await self.all_take_part()
        for node in self.nodes:
            node.totals.approve(period, by=BY, seen=node.totals.period(period, by=BY).seen)
        await self.all_take_part()

    async def restart(self, number: int) -> None:
        """Another process on the same folder."""
        self.nodes[number - 1] = await self._open.enter_async_context(self.node(number, patience=5.0))

    def opened(self, period: str) -> dict[Cell, int]:
        told = json.loads(service.release_file(self.coordinator, period))
        message = SignedMessage(base64.b64decode(told["body"]), base64.b64decode(told["signature"]))
        sums = totals.open_total(message, self.world.covenant, SECRET).sums
        return {cell: value for cell, value in sums.items() if value}

    async def aclose(self) -> None:
        await self._open.aclose()


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    async with Three(tmp_path) as three:
        await three.play()
        yield three
        await three.aclose()


async def test_the_board_opens_what_the_municipalities_counted_and_nobody_counts_twice(three: Three) -> None:
    period = three.begin()
    await three.all_take_part()
    added: Counter[Cell] = Counter()
    for node in three.nodes:
        (view,) = node.totals.periods(by=BY)
        assert view.may_approve
        assert view.figures is not None
        added.update({cell: value for cell, value in view.figures.items() if value})
        with pytest.raises(Overtaken, match="changed"):
            node.totals.approve(period, by=BY, seen="0" * 16)
        with pytest.raises(DecisionRefused):
            node.totals.approve(period, by="", seen=view.seen)
        approved = node.totals.approve(period, by=BY, seen=view.seen)
        assert approved.figures == view.figures
        assert node.totals.approve(period, by=BY, seen=view.seen).progress is Progress.APPROVED  # posted twice
    await three.all_take_part()
    three.next(period)
    await three.all_take_part()
    await eventually(lambda: three.state(period) == "closing")
    await three.all_take_part()
    await eventually(lambda: three.state(period) == "released")
    await three.all_take_part()
    found = three.opened(period)
    assert found == dict(added)
    proven = {one.match for node in three.nodes for one in node.matches()}
    assert found[Cell(Indicator.PROVEN)] == len(proven)
    assert found[Cell(Indicator.WRONG)] == 1
    assert found[Cell(Indicator.ACTIVE)] == 1
    assert found[Cell(Indicator.OUTREACH)] == 1
    assert found[Cell(Indicator.AGREED)] == 1
    assert found[Cell(Indicator.DAYS, "up-to-2")] == 1
    assert found[Cell(Indicator.ENDED, "goals-reached")] == 1
    for node in three.nodes:
        (view,) = node.totals.periods()
        assert view.progress is Progress.RELEASED
        assert view.approved_by == BY
        names = {entry.name for entry in node.processing_log(Wanted(activity=Activity.TOTALS))}
        assert names == {"count for totals", "approve totals"} or not any(view.figures or {})


@pytest.mark.slow
async def test_a_period_that_came_to_nothing_is_opened_again_with_the_same_figures(three: Three) -> None:
    """Two of three have said their last word; in the second attempt they say it for the same three, and only these."""
    first = three.begin()
    await three.approve(first)
    three.next(first)
    await three.all_take_part()
    await eventually(lambda: three.state(first) == "closing")
    await three.all_take_part(three.nodes[:2])
    three.next(first)  # the third is silent: abandoned
    assert three.state(first) == "abandoned"
    for by in (BY, ALSO):  # meanwhile the third decides something that would count
        waiting = [one.match for one in three.nodes[2].matches() if one.family.endswith("3")]
        for match in waiting:
            three.nodes[2].desk.decide(match, by=by, answer=Answer.NO, reason=Reason.ALREADY_IN_CONTACT)
    again = three.begin()
    await three.approve(again)
    for node in three.nodes:
        assert node.totals.period(again).figures == node.totals.period(first).figures
    three.next(again)
    with pytest.MonkeyPatch.context() as patch:  # the first dies after it has kept what it sends, and starts anew
        original = Coordinator.call

        async def die(self: Coordinator, method: Any, request: object, response: type[Any]) -> Any:
            if method is methods.CONTRIBUTE:
                raise Killed
            return await original(self, method, request, response)

        patch.setattr(Coordinator, "call", die)
        with pytest.raises(Killed):
            await three.nodes[0].take_part_in_totals()
    await three.restart(1)
    await three.all_take_part()
    await eventually(lambda: three.state(again) == "closing")
    parts = three.nodes[0]._opened()
    with parts.store.transaction() as connection:
        (before,) = connection.scalars(select(totals_periods.c.contributors).where(totals_periods.c.id == first))
        others = Contributors(bytes(32), (member_oin(1), member_oin(2)))
        forged = parts.signer.sign(Kind.CONTRIBUTORS, others, covenant_hash=bytes(32), round_id=first)
        _put(connection, first, forged.signature + forged.body)
    await three.all_take_part()
    assert three.nodes[0].totals.period(again).progress is Progress.CONTRIBUTED  # it spoke for others before
    with parts.store.transaction() as connection:
        _put(connection, first, before)
    await three.all_take_part()
    await eventually(lambda: three.state(again) == "released")
    await three.all_take_part()
    assert {node.totals.period(again).progress for node in three.nodes} == {Progress.RELEASED}
    added = sum((Counter(node.totals.period(first).figures) for node in three.nodes), Counter[Cell]())
    assert three.opened(again) == dict(+added)


def _put(connection: Connection, period: str, contributors: bytes) -> None:
    connection.execute(update(totals_periods).where(totals_periods.c.id == period).values(contributors=contributors))


async def test_people_are_told_and_figures_are_approved_in_time_and_go_after_their_term(tmp_path: Path) -> None:
    async with Three(tmp_path) as three:
        await three.open(1)
        period = three.begin(timedelta(days=10))
        (node,) = three.nodes
        node.purpose()  # has it accept the covenant
        told = []
        for days in (0, 1, 7, 1):  # told at once, and again three days before
            three.clock.ahead += timedelta(days=days)
            await three.all_take_part()
            with node._opened().store.transaction() as connection:
                told.append(len(connection.scalars(select(notices.c.kind)).all()))
        assert told == [1, 1, 2, 2]
        (view,) = node.totals.periods(by=BY)
        three.clock.ahead += timedelta(days=2)
        with pytest.raises(TooLate):
            node.totals.approve(period, by=BY, seen=view.seen)
        assert not node.totals.period(period).may_approve
        three.clock.ahead += timedelta(days=RetentionSettings().totals + 1)
        assert Category.TOTALS in {due.category for due in node.run_retention() if due.rows}
        await three.all_take_part()
        assert node.totals.periods() == []  # too long ago to be asked for again
        await three.aclose()
