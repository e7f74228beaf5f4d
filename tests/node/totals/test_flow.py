"""Three municipalities with real nodes and a real coordinator: from their cases to the sum that the board opens."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sluis_node.node
from sluis_coordinator import totals as service
from sluis_coordinator import totals_store as store
from sluis_node import Node
from sluis_node.handshake.model import Informing, Phase, Plan
from sluis_node.handshake.review import Answer, Reason
from sluis_node.processing import Activity, Wanted
from sluis_node.totals.periods import Progress
from sluis_protocol import totals
from sluis_protocol.approach import Partner
from sluis_protocol.content import Outcome
from sluis_protocol.errors import DecisionRefused, Overtaken, TooLate
from sluis_protocol.indicators import Cell, Indicator
from sluis_protocol.periods import label_of
from sluis_protocol.signed import SignedMessage
from sluis_protocol.totals_terms import TotalsTerms
from sluis_runtime.database import transaction

from ...board_key import SECRET, card
from ...coordinator.rig import eventually
from ...world import PURPOSE, make_world, member_oin
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

    async def play(self) -> None:
        await self.whole_round()
        self.nodes = [await self._open.enter_async_context(self.node(n, patience=5.0)) for n in (1, 2, 3)]
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

    def begin(self) -> str:
        label = label_of(self.clock().date(), "quarter")
        return service.open_period(self.coordinator, PURPOSE, label, enrol=timedelta(hours=1)).id

    def next(self, period: str) -> None:
        with transaction(self.coordinator.engine) as connection:
            found = store.find(connection, period)
        service.go_on(self.coordinator, found, now_due=True)

    async def all_take_part(self) -> None:
        for node in self.nodes:
            await node.take_part_in_totals()

    def opened(self, period: str) -> dict[Cell, int]:
        told = json.loads(service.release_file(self.coordinator, period))
        message = SignedMessage(base64.b64decode(told["body"]), base64.b64decode(told["signature"]))
        sums = totals.open_total(message, self.world.covenant, SECRET).sums
        return {cell: value for cell, value in sums.items() if value}

    async def aclose(self) -> None:
        await self._open.aclose()


@pytest.fixture
async def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Three]:
    monkeypatch.setattr(sluis_node.node, "_QUIET_SECONDS", 0.15)
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


async def test_a_coordinator_that_asks_again_gets_the_same_words_and_no_others(three: Three) -> None:
    """It abandons a period after everybody's last word, opens the same one again, and gets no second sum."""
    period = three.begin()
    await three.all_take_part()
    for node in three.nodes:
        (view,) = node.totals.periods(by=BY)
        node.totals.approve(period, by=BY, seen=view.seen)
    await three.all_take_part()
    three.next(period)
    await three.all_take_part()
    await eventually(lambda: three.state(period) == "closing")
    for node in three.nodes[:2]:
        await node.take_part_in_totals()  # two have said their last word
    three.next(period)  # the third hasn't: abandoned
    assert three.state(period) == "abandoned"
    again = three.begin()
    await three.all_take_part()
    for node in three.nodes:
        view = node.totals.period(again, by=BY)
        node.totals.approve(again, by=BY, seen=view.seen)
    await three.all_take_part()
    three.next(again)
    await three.all_take_part()
    await eventually(lambda: three.state(again) == "closing")
    await three.all_take_part()
    with transaction(three.coordinator.engine) as connection:
        assert list(store.taken(connection, again, store.Step.UNMASKING)) == [member_oin(3)]


async def test_figures_are_approved_in_time(three: Three) -> None:
    period = three.begin()
    await three.all_take_part()
    (view,) = three.nodes[0].totals.periods(by=BY)
    three.clock.ahead += timedelta(hours=2)
    with pytest.raises(TooLate):
        three.nodes[0].totals.approve(period, by=BY, seen=view.seen)
    assert not three.nodes[0].totals.period(period).may_approve
