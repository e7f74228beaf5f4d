"""Whole rounds over real gRPC with mutual TLS: nodes see what `run_round` finds, and refuse what can't be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node import Node
from sluis_node.round.participation import Participation
from sluis_node.round.quorums import Complaint, Quorums
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    CovenantError,
    InputError,
    Replayed,
    RoundError,
    Unreachable,
    WrongClock,
    WrongCovenant,
)
from sluis_protocol.messages import Announcement
from sluis_protocol.record import Family, Record
from sluis_protocol.signed import Kind
from sluis_runtime.database import transaction

from ..world import AUTHORITY, COORDINATOR, make_world, member_oin
from .killed import die_in
from .people import three_caseloads
from .rig import Country, altered, pairs, seen, sign_as, write_config


async def test_a_round_equals_run_round(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        reports = await country.whole_round()
        expected = country.expected()
        assert len(expected) >= 4
        for municipality, report in zip(country.municipalities, reports, strict=True):
            assert report.published
            assert report.participants == 3
            assert (report.outstanding, report.unconfirmed) == (0, 0)
            assert not report.anomalies
            assert not report.holder_faults
            assert seen(report) == pairs(expected, municipality.oin)
            assert report.new_matches == len(report.matches)


async def test_a_liar_among_the_holders_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Quorums.choose
    monkeypatch.setattr(Quorums, "choose", lambda self: usual(self) if self.faults else (1, 2))  # the liar is asked
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.twists[2] = lambda answer, _: altered(answer, elements=answer.elements[::-1])
        reports = await country.whole_round()
        for municipality, report in zip(country.municipalities, reports, strict=True):
            assert seen(report) == pairs(country.expected(), municipality.oin)
            [fault] = report.holder_faults
            assert (fault.index, fault.name, fault.complaint) == (2, "Key holder 2", Complaint.LIED)
            assert "Key holder 2" in report.anomalies[0]


async def test_a_pair_is_new_once(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        first = await country.whole_round()
        second = await country.whole_round()
        assert [seen(report) for report in first] == [seen(report) for report in second]
        assert all(match.new for report in first for match in report.matches)
        assert not any(match.new for report in second for match in report.matches)
        async with country.node(1) as node:
            assert len(node.matches()) == len(first[0].matches)


# Clocks, replays, and what the covenant forbids: each says what happened and what to do.


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(hours=3), timedelta(minutes=-8), timedelta(minutes=8)])
async def test_a_clock_that_is_off(tmp_path: Path, off: timedelta) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        with pytest.raises(WrongClock) as caught:
            await country.take_part(1, node={"clock": lambda: country.clock() + off})
        assert "clock" in caught.value.do
        assert country.round().state.name == "collecting"


async def test_a_round_that_is_over_is_not_joined_again(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.whole_round()
        with transaction(country.coordinator.engine) as connection:
            connection.exec_driver_sql("UPDATE rounds SET state = 'collecting'")
        with pytest.raises(Replayed, match="a round that is over"):
            await country.take_part(1)


async def test_a_round_is_not_announced_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await die_in(country, 1, monkeypatch, Participation, "_submit")
        found = country.round()
        said = wire.decode(Announcement, found.announcement.envelope.payload)
        other = sign_as(
            country.world,
            COORDINATOR,
            Kind.ANNOUNCEMENT,
            wire.encode(replace(said, closes_at=said.closes_at + timedelta(seconds=1))),
            found.id,
        )
        with transaction(country.coordinator.engine) as connection:
            connection.exec_driver_sql("UPDATE rounds SET body = ?, signature = ?", (other.body, other.signature))
        with pytest.raises(Replayed, match="announced a second time"):
            await country.take_part(1)


async def test_no_round_is_open(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.announce(opens_in=1800)
        with pytest.raises(RoundError, match="the next opens at"):
            await country.take_part(1, wait=0)


async def test_the_coordinator_can_not_be_reached(tmp_path: Path) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        config = write_config(
            country.municipalities[0].config.parent, member_oin(1), "127.0.0.1:9", str(country.world.authority)
        )
        async with Node.open(config, sleep=sleep, patience=3.0) as node:
            with pytest.raises(Unreachable, match=r"tried \d+ times.*127\.0\.0\.1:9"):
                await node.participate(country.municipalities[0].families)
    assert len(pauses) >= 2
    assert sum(pauses) <= 3.0


async def test_refused_lines_stop_it_before_anything_is_sent(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        wrong = replace(country.municipalities[0].families[3].members[0].ground, legal_basis="no such basis")
        families = [*country.municipalities[0].families[:3]]
        families.append(Family("A9", (Record(country.municipalities[0].families[3].members[0].person, wrong),)))
        country.municipalities[0].families = families
        with pytest.raises(InputError, match=r"1 of 8 lines are refused.*line 8, grondslag"):
            await country.take_part(1)
        async with country.node(1) as node:
            checked = node.check(families)
            assert [refusal.line for refusal in checked.refused] == [8]
            assert not node._opened().store.all_rounds()


async def test_too_few_participants(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        taking_part = asyncio.create_task(country.take_part(1))
        await country.submitted(1)
        await country.close_round()
        report = await taking_part
        assert report.abandoned
        assert not report.published
        async with country.node(1) as node:
            (info,) = await node.rounds()
            assert info.ours == "finished"


async def test_another_covenant_version(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        terms = country.world.covenant.terms.model_copy(update={"version": 2})
        newer = Covenant.sign(terms, AUTHORITY, country.world.authority_key)
        (country.municipalities[0].config.parent / "covenant.note").write_text(newer.note)
        await country.open_round()
        with pytest.raises(WrongCovenant, match="another covenant version"):
            await country.take_part(1)
        async with country.node(1) as node:
            with pytest.raises(CovenantError, match="older than version 2"):
                await node.fetch_covenant()
