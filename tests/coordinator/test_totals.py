"""Periods of the totals at a real coordinator: in order, in time, once, and nothing single is left of them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_coordinator import totals as service
from sluis_coordinator import totals_store as store
from sluis_coordinator.bell import Bell
from sluis_coordinator.keeper import Keeper
from sluis_coordinator.schema import events, totals_shares, totals_taken
from sluis_protocol import totals
from sluis_protocol.errors import ContributionRefused, InputError, NotAMember, SluisError, TotalsError, WrongSender
from sluis_protocol.indicators import Cell, Indicator, cells_of
from sluis_protocol.messages import Contribution, EnrolRequest, PeriodList, PeriodQuery, PeriodStatus, Unmasking
from sluis_protocol.periods import label_of
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.totals_terms import TotalsTerms
from sluis_protocol.wire.methods import CONTRIBUTE, ENROL, LIST_PERIODS, UNMASK
from sluis_runtime.database import transaction
from sqlalchemy import func, select

from ..board_key import SECRET, card
from ..world import PURPOSE, make_world
from .rig import Party, ProcessRig, Rig, eventually

INDICATORS = (Indicator.PROVEN, Indicator.WRONG)
CELLS = cells_of(INDICATORS)


@dataclass
class Teller:
    """A municipality that takes part in a period."""

    party: Party
    period: totals.Period
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    made: totals.Prepared | None = None
    enrolled: SignedMessage | None = None

    async def enrol(self, first: int, second: int) -> None:
        values = {CELLS[0]: first, CELLS[1]: second}
        self.made = totals.enrol(self.period, self.party.oin, values, os.urandom)
        self.enrolled = self.party.sign(Kind.ENROLMENT, self.made.enrolment, round_id=self.period.id)
        await self.again()

    async def again(self) -> None:
        assert self.made
        assert self.enrolled
        await self.party.call(ENROL, EnrolRequest(self.enrolled, self.made.proof), SignedMessage)

    async def look(self) -> PeriodStatus:
        found = await self.party.call(LIST_PERIODS, PeriodQuery(PURPOSE), PeriodList)
        return next(one for one in found.periods if one.opening.envelope.round_id == self.period.id)

    async def roster(self) -> SignedMessage:
        roster = (await self.look()).roster
        assert roster
        return roster

    async def contribute(self) -> SignedMessage:
        assert self.made
        assert self.enrolled
        roster = await self.roster()
        content = totals.contribute(
            self.period, roster, self.enrolled, self.made.packed, self.masks(roster), os.urandom
        )
        message = self.party.sign(Kind.CONTRIBUTION, content, round_id=self.period.id)
        await self.party.call(CONTRIBUTE, message, SignedMessage)
        return message

    async def unmask(self) -> None:
        found = await self.look()
        assert found.roster
        assert found.contributors
        masks = self.masks(found.roster)
        content = totals.unmask(self.period, found.contributors, found.roster, self.party.oin, masks, found.shares)
        await self.party.call(UNMASK, self.party.sign(Kind.UNMASKING, content, round_id=self.period.id), SignedMessage)

    def masks(self, roster: SignedMessage) -> Any:
        key = self.party.world.sealing[self.party.oin]
        return totals.masks_of(self.period, roster, self.party.oin, key, self.secret)


class Counting(Rig):
    """A rig whose covenant has totals."""

    def label(self) -> str:
        return label_of(self.clock().date(), "quarter")

    def begin(self) -> str:
        return service.open_period(self.coordinator, PURPOSE, self.label(), enrol=timedelta(hours=1)).id

    async def tellers(self, *numbers: int) -> list[Teller]:
        with transaction(self.coordinator.engine) as connection:
            found = store.find_all(connection)[0]
        period = totals.read_period(found.opening, self.world.covenant)
        return [Teller(party, period) for party in await self.members(*numbers)]

    def state(self, period_id: str) -> str:
        with transaction(self.coordinator.engine) as connection:
            return store.find(connection, period_id).state.name

    async def until_it_is(self, period_id: str, state: str) -> None:
        await eventually(lambda: self.state(period_id) == state)

    def next(self, period_id: str) -> None:
        with transaction(self.coordinator.engine) as connection:
            found = store.find(connection, period_id)
        service.go_on(self.coordinator, found, now_due=True)

    def single(self) -> int:
        with transaction(self.coordinator.engine) as connection:
            counts = (select(func.count()).select_from(table) for table in (totals_taken, totals_shares))
            return sum(connection.execute(count).scalar_one() for count in counts)

    def noted(self) -> list[str]:
        query = select(events.c.kind).where(events.c.kind.like("totals%")).order_by(events.c.id)
        with transaction(self.coordinator.engine) as connection:
            return list(connection.scalars(query))

    def opened(self, period_id: str) -> dict[Cell, int]:
        told = json.loads(service.release_file(self.coordinator, period_id))
        message = SignedMessage(base64.b64decode(told["body"]), base64.b64decode(told["signature"]))
        return dict(totals.open_total(message, self.world.covenant, SECRET).sums)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Counting]:
    terms = TotalsTerms(board=card(), minimum_contributors=3, value_bits=4, indicators=INDICATORS)
    world = make_world(("GM0001", "GM0002", "GM0003", "GM0004"), totals=terms)
    async with Counting(tmp_path, world) as rig:
        yield rig


async def test_a_whole_period(rig: Counting) -> None:
    period = rig.begin()
    tellers = await rig.tellers(1, 2, 3, 4)
    for at, one in enumerate(tellers, start=1):
        await one.enrol(at, 15)
        await one.again()  # the same again changes nothing
    rig.clock.ahead += timedelta(hours=2)
    await rig.until_it_is(period, "contributing")
    for one in tellers:
        await one.contribute()
    await rig.until_it_is(period, "closing")  # everybody has, so nobody waits for the deadline
    for one in tellers[:3]:  # the fourth falls silent, and is in the sum all the same
        await one.unmask()
    await rig.until_it_is(period, "released")
    assert rig.opened(period) == {CELLS[0]: 10, CELLS[1]: 60}
    assert rig.single() == 0
    steps = [f"totals {step}" for step in store.Step for _ in range(4)][:-1]
    states = ["totals enrolling", "totals contributing", "totals closing", "totals released"]
    assert sorted(rig.noted()) == sorted([*steps, *states])
    with pytest.raises(TotalsError, match="opened before"):
        rig.begin()


async def test_who_drops_out_after_the_roster_is_left_out(rig: Counting) -> None:
    period = rig.begin()
    tellers = await rig.tellers(1, 2, 3, 4)
    for one in tellers:
        await one.enrol(2, 1)
    rig.next(period)
    for one in tellers[:3]:
        await one.contribute()
    rig.next(period)
    with pytest.raises(TotalsError):
        await tellers[3].contribute()  # too late
    for one in tellers[:3]:
        await one.unmask()
    await rig.until_it_is(period, "released")
    assert rig.opened(period) == {CELLS[0]: 6, CELLS[1]: 3}


async def test_too_few_make_no_sum_at_any_step(rig: Counting) -> None:
    period = rig.begin()
    tellers = await rig.tellers(1, 2, 3)
    for one in tellers[:2]:
        await one.enrol(1, 1)
    rig.next(period)
    assert (rig.state(period), rig.single()) == ("abandoned", 0)
    period = rig.begin()  # in vain: the same period may be opened again
    tellers = await rig.tellers(1, 2, 3)
    for one in tellers:
        await one.enrol(1, 1)
    rig.next(period)
    await tellers[0].contribute()
    rig.next(period)
    assert (rig.state(period), rig.single()) == ("abandoned", 0)
    period = rig.begin()
    tellers = await rig.tellers(1, 2, 3)
    for one in tellers:
        await one.enrol(1, 1)
    rig.next(period)
    for one in tellers:
        await one.contribute()
    await rig.until_it_is(period, "closing")
    await tellers[0].unmask()
    rig.next(period)
    assert (rig.state(period), rig.single()) == ("abandoned", 0)
    with pytest.raises(TotalsError, match="no sum"):
        service.release_file(rig.coordinator, period)


async def test_what_is_doubled_altered_or_somebody_elses_is_refused(rig: Counting) -> None:
    period = rig.begin()
    tellers = await rig.tellers(1, 2, 3, 4)
    for one in tellers[:3]:
        await one.enrol(1, 1)
    with pytest.raises(ContributionRefused, match="another enrolment"):
        await Teller(tellers[0].party, tellers[0].period).enrol(2, 2)
    assert tellers[0].made
    assert tellers[0].enrolled
    stolen = EnrolRequest(tellers[0].enrolled, tellers[0].made.proof)
    with pytest.raises(WrongSender):
        await tellers[3].party.call(ENROL, stolen, SignedMessage)
    stranger = await rig.party("00000099000000009999")
    with pytest.raises(NotAMember):
        await stranger.call(LIST_PERIODS, PeriodQuery(PURPOSE), PeriodList)
    await tellers[0].party.call(LIST_PERIODS, PeriodQuery("other"), PeriodList)
    rig.next(period)
    with pytest.raises(TotalsError, match="takes no enrolment"):
        await tellers[3].enrol(1, 1)
    roster = await tellers[0].roster()
    key = SECRET.public
    outsider = tellers[3].party
    content = Contribution(roster.digest, key.write(key.encrypt(0, os.urandom)), bytes(3 * key.size))
    with pytest.raises(ContributionRefused, match="roster"):
        await outsider.call(CONTRIBUTE, outsider.sign(Kind.CONTRIBUTION, content, round_id=period), SignedMessage)
    first = await tellers[0].contribute()
    await tellers[0].party.call(CONTRIBUTE, first, SignedMessage)
    with pytest.raises(ContributionRefused, match="another contribution"):
        await tellers[0].contribute()  # fresh randomness: another ciphertext
    for wrong in (b"\x00" * 768, b"\x01" * 700, key.modulus.to_bytes(768, "big")):
        content = Contribution(roster.digest, wrong, bytes(3 * key.size))
        party = tellers[1].party
        with pytest.raises(SluisError):
            await party.call(CONTRIBUTE, party.sign(Kind.CONTRIBUTION, content, round_id=period), SignedMessage)
    early = tellers[1].party.sign(Kind.UNMASKING, Unmasking(bytes(32), bytes(384)), round_id=period)
    with pytest.raises(TotalsError, match="takes no unmasking"):
        await tellers[1].party.call(UNMASK, early, SignedMessage)


async def test_a_period_of_another_length_or_without_a_ground_is_not_opened(rig: Counting) -> None:
    for label, purpose in (("2026-m07", PURPOSE), ("2026-q7", PURPOSE), (rig.label(), "unknown")):
        with pytest.raises(SluisError):
            service.open_period(rig.coordinator, purpose, label)


async def test_periods_are_opened_by_the_covenants_schedule_and_forgotten_after_their_term(rig: Counting) -> None:
    rig.clock.ahead = datetime(2027, 4, 7, 12, tzinfo=UTC) - datetime.now(UTC)
    opened = service.open_due(rig.coordinator, PURPOSE)  # the seventh day after the first quarter is tomorrow
    assert opened
    assert opened.label == "2026-q4"
    assert opened.enrol_until - rig.clock() > timedelta(days=20)
    rig.clock.ahead += timedelta(days=1)
    keeper = Keeper(rig.coordinator, Bell(), totals=(PURPOSE, "unknown"))
    keeper.tick()
    keeper.tick()
    with transaction(rig.coordinator.engine) as connection:
        first, other = store.find_all(connection)
    assert [first.label, other.label] == ["2027-q1", "2026-q4"]
    service.abandon(rig.coordinator, first, "a test")
    for _ in range(3):  # a second attempt, and no third
        keeper.tick()
        for one in service.unfinished(rig.coordinator):
            if one.label == "2027-q1":
                tellers = await rig.tellers(1, 2, 3)
                for teller in tellers:
                    await teller.enrol(1, 1)
                rig.next(one.id)
                service.abandon(rig.coordinator, service.unfinished(rig.coordinator)[0], "a test")
    with transaction(rig.coordinator.engine) as connection:
        again = [one.id for one in store.find_all(connection) if one.label == "2027-q1"]
        assert len(again) == 2
        assert any(store.signed(connection, one) for one in again)
    rig.clock.ahead += timedelta(days=800)
    service.forget(rig.coordinator)
    with transaction(rig.coordinator.engine) as connection:
        assert not any(store.signed(connection, one) for one in again)


async def test_outside_a_demo_a_period_must_be_over(rig: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = rig.world.covenant.terms.model_copy(update={"mode": "production"})
    monkeypatch.setitem(rig.coordinator.covenant.__dict__, "terms", terms)
    with pytest.raises(InputError, match="isn't over"):
        rig.begin()


class Killed(Counting, ProcessRig):
    """The same, with the real program, which is killed."""


@pytest.mark.slow
async def test_killed_between_any_two_steps(tmp_path: Path) -> None:
    terms = TotalsTerms(board=card(), minimum_contributors=3, value_bits=4, indicators=INDICATORS)
    async with Killed(tmp_path, make_world(totals=terms)) as rig:
        period = rig.begin()
        tellers = await rig.tellers(1, 2, 3)

        async def all_do(step: str) -> None:
            for one in tellers:
                await (one.enrol(1, 2) if step == "enrol" else getattr(one, step)())
                if one is tellers[1] and step != "enrol":
                    await rig.restart(*(one.party for one in tellers))

        await all_do("enrol")
        rig.next(period)
        await all_do("contribute")
        await rig.until_it_is(period, "closing")
        await all_do("unmask")
        await rig.until_it_is(period, "released")
        assert rig.opened(period) == {CELLS[0]: 3, CELLS[1]: 6}
        assert rig.single() == 0
