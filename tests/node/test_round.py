"""Whole rounds over real gRPC with mutual TLS: nodes see what `run_round` finds, whatever happens on the way."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_node import Node
from sluis_node.mail import Mail
from sluis_node.participation import Participation
from sluis_node.quorums import Complaint
from sluis_node.receive import Receiver
from sluis_node.states import RoundState
from sluis_node.store import Store
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
from sluis_protocol.messages import Announcement, EvaluationAnswer, EvaluationRequest
from sluis_protocol.record import Family, Record
from sluis_protocol.signed import Kind
from sluis_runtime.database import transaction

from ..world import AUTHORITY, COORDINATOR, make_world, member_oin
from .people import three_caseloads
from .rig import Country, altered, pairs, seen, sign_as, write_config


async def test_a_round_equals_run_round(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        reports = await country.whole_round()
        expected = country.expected()
        assert len(expected) >= 4
        for office, report in zip(country.offices, reports, strict=True):
            assert report.published
            assert report.participants == 3
            assert (report.outstanding, report.unconfirmed) == (0, 0)
            assert not report.anomalies
            assert not report.holder_faults
            assert seen(report) == pairs(expected, office.oin)
            assert report.new_matches == len(report.matches)


async def test_a_liar_among_the_holders_is_named(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.twists[2] = lambda answer, _: altered(answer, elements=answer.elements[::-1])
        reports = await country.whole_round()
        for office, report in zip(country.offices, reports, strict=True):
            assert seen(report) == pairs(country.expected(), office.oin)
            for fault in report.holder_faults:
                assert (fault.index, fault.name, fault.complaint) == (2, "Key holder 2", Complaint.LIED)
                assert "Key holder 2" in report.anomalies[0]
        assert any(report.holder_faults for report in reports)


async def test_a_pair_is_new_once(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        first = await country.whole_round()
        second = await country.whole_round()
        assert [seen(report) for report in first] == [seen(report) for report in second]
        assert all(match.new for report in first for match in report.matches)
        assert not any(match.new for report in second for match in report.matches)
        async with country.node(1) as node:
            assert len(node.matches()) == len(first[0].matches)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the programs catches it."""


DYING: ContextVar[bool] = ContextVar("dying", default=False)


async def _die_in(country: Country, number: int, monkeypatch: pytest.MonkeyPatch, place: type, name: str) -> None:
    """Have one node (others run in this process, too) end where it calls `place.name`, before that does anything."""
    original = getattr(place, name)

    def die(*args: Any, **options: Any) -> Any:
        if DYING.get():
            raise Killed
        return original(*args, **options)

    token = DYING.set(True)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(place, name, die)
            with pytest.raises(Killed):
                await country.take_part(number)
    finally:
        DYING.reset(token)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Participation, "_keep"),  # after tagging: nothing is stored but the seed
        (Participation, "_submit"),  # the submission is stored, not sent
        (Store, "mark_submitted"),  # it has arrived, which the node doesn't know
        (Participation, "_await_outcome"),  # it waits for the outcome
        (Mail, "handle"),  # the first mail is there, not dealt with
        (Receiver, "send_answers"),
    ],
)
async def test_a_node_that_vanishes_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: type, name: str
) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        await country.submitted(2)
        closing = asyncio.create_task(_close_after(country, 3))
        await _die_in(country, 1, monkeypatch, place, name)
        report = await country.take_part(1)
        await closing
        assert report.resumed
        await asyncio.gather(*others)
        assert seen(report) == pairs(country.expected(), country.offices[0].oin)
        assert not report.anomalies


async def _close_after(country: Country, count: int) -> None:
    await country.submitted(count)
    await country.close_round()


async def test_elements_after_a_restart_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that key holders count them once."""
    asked: list[bytes] = []

    def listen(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
        asked.append(request.elements)
        return answer

    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.twists = dict.fromkeys((1, 2, 3), listen)
        await country.open_round()
        await _die_in(country, 1, monkeypatch, Participation, "_keep")
        await _die_in(country, 1, monkeypatch, Participation, "_submit")
        assert len(asked) == 4  # two holders, twice
        assert len(set(asked)) == 1


async def test_the_same_submission_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await _die_in(country, 1, monkeypatch, Store, "mark_submitted")
        async with country.node(1) as node:
            before = node._parts()[0].store.round(country.round_id)
        await _die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        async with country.node(1) as node:
            after = node._parts()[0].store.round(country.round_id)
        assert before
        assert after
        assert (before.state, after.state) == (RoundState.READY, RoundState.SUBMITTED)
        assert before.commitment == after.commitment
        await country.submitted(1)


async def test_a_node_that_was_away_confirms_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await _die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        others = [asyncio.create_task(country.take_part(number, wait=0.5)) for number in (2, 3)]
        await country.submitted(3)
        await country.close_round()
        expected = country.expected()
        for number, report in zip((2, 3), await asyncio.gather(*others), strict=True):
            all_pairs = pairs(expected, country.offices[number - 1].oin)
            assert report.published
            assert report.outstanding == sum(other == country.offices[0].oin for _, other, _ in all_pairs)
            assert seen(report) == {pair for pair in all_pairs if pair[1] != country.offices[0].oin}
        for number in (1, 2, 3):
            async with country.node(number) as node:
                received = await node.receive(wait=20)
                assert received.complete
                found = {(match.family, match.counterpart.oin, str(match.grade)) for match in node.matches()}
                assert found == pairs(expected, country.offices[number - 1].oin)


async def test_openings_are_gone_when_the_window_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await _die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        confirm_until = country.round().confirm_until

        async def kept(ahead: timedelta) -> int:
            async with country.node(1, clock=lambda: confirm_until + ahead) as node:
                store = node._parts()[0].store
                with store.engine.connect() as connection:
                    return len(connection.exec_driver_sql("SELECT handle FROM own_families").all())

        assert await kept(timedelta(seconds=-1)) == 4
        assert await kept(timedelta()) == 0


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
        await _die_in(country, 1, monkeypatch, Participation, "_submit")
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
            country.offices[0].config.parent, member_oin(1), "127.0.0.1:9", str(country.world.authority)
        )
        async with Node.open(config, sleep=sleep, patience=3.0) as node:
            with pytest.raises(Unreachable, match=r"tried \d+ times.*127\.0\.0\.1:9"):
                await node.participate(country.offices[0].families)
    assert len(pauses) >= 2
    assert sum(pauses) <= 3.0


async def test_refused_lines_stop_it_before_anything_is_sent(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        wrong = replace(country.offices[0].families[3].members[0].ground, legal_basis="no such basis")
        families = [*country.offices[0].families[:3]]
        families.append(Family("A9", (Record(country.offices[0].families[3].members[0].person, wrong),)))
        country.offices[0].families = families
        with pytest.raises(InputError, match=r"1 of 8 lines are refused.*line 8, grondslag"):
            await country.take_part(1)
        async with country.node(1) as node:
            checked = node.check(families)
            assert [refusal.line for refusal in checked.refused] == [8]
            assert not node._parts()[0].store.all_rounds()


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
        (country.offices[0].config.parent / "covenant.note").write_text(newer.note)
        await country.open_round()
        with pytest.raises(WrongCovenant, match="another covenant version"):
            await country.take_part(1)
        async with country.node(1) as node:
            with pytest.raises(CovenantError, match="older than version 2"):
                await node.fetch_covenant()


async def test_a_coordinator_that_restarts_in_between(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.settings = country.settings.model_copy(update={"listen": f"127.0.0.1:{country.port}"})
        await country.open_round()
        taking_part = [asyncio.create_task(country.take_part(number, wait=30.0)) for number in (1, 2, 3)]
        await country.submitted(3)
        await country.stop()
        await country.start()
        await country.close_round()
        for office, report in zip(country.offices, await asyncio.gather(*taking_part), strict=True):
            assert seen(report) == pairs(country.expected(), office.oin)
