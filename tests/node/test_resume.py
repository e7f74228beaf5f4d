"""A node or a coordinator that ends anywhere: nothing is lost or doubled, and the next start goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node.round.mail import Mail
from sluis_node.round.own_round import RoundState
from sluis_node.round.participation import Participation
from sluis_node.round.receive import Receiver
from sluis_node.store import Store
from sluis_protocol.errors import RoundError
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest

from ..world import make_world
from .killed import die_in
from .people import three_caseloads
from .rig import Country, pairs, seen


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
        await die_in(country, 1, monkeypatch, place, name)
        report = await country.take_part(1)
        await closing
        assert report.resumed
        await asyncio.gather(*others)
        assert seen(report) == pairs(country.expected(), country.municipalities[0].oin)
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
        await die_in(country, 1, monkeypatch, Participation, "_keep")
        await die_in(country, 1, monkeypatch, Participation, "_submit")
        assert len(asked) == 4  # two holders, twice
        assert len(set(asked)) == 1


async def test_the_same_submission_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await die_in(country, 1, monkeypatch, Store, "mark_submitted")
        async with country.node(1) as node:
            before = node._opened().store.round(country.round_id)
        await die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        async with country.node(1) as node:
            after = node._opened().store.round(country.round_id)
        assert before
        assert after
        assert (before.state, after.state) == (RoundState.READY, RoundState.SUBMITTED)
        assert before.commitment == after.commitment
        await country.submitted(1)


async def test_a_node_that_was_away_confirms_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        others = [asyncio.create_task(country.take_part(number, wait=0.5)) for number in (2, 3)]
        await country.submitted(3)
        await country.close_round()
        expected = country.expected()
        for number, report in zip((2, 3), await asyncio.gather(*others), strict=True):
            all_pairs = pairs(expected, country.municipalities[number - 1].oin)
            assert report.published
            assert report.outstanding == sum(other == country.municipalities[0].oin for _, other, _ in all_pairs)
            assert seen(report) == {pair for pair in all_pairs if pair[1] != country.municipalities[0].oin}
        for number in (1, 2, 3):
            async with country.node(number) as node:
                received = await node.receive(wait=20)
                assert received.complete
                found = {(match.family, match.counterpart.oin, str(match.grade)) for match in node.matches()}
                assert found == pairs(expected, country.municipalities[number - 1].oin)


async def test_openings_are_gone_when_the_window_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await die_in(country, 1, monkeypatch, Participation, "_await_outcome")
        confirm_until = country.round().confirm_until

        async def kept(ahead: timedelta) -> int:
            async with country.node(1, clock=lambda: confirm_until + ahead) as node:
                store = node._opened().store
                with store.engine.connect() as connection:
                    return len(connection.exec_driver_sql("SELECT handle FROM own_families").all())

        assert await kept(timedelta(seconds=-1)) == 4
        assert await kept(timedelta()) == 0


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Store, "mark_submitted"),  # it has arrived, which the node doesn't know
        (Mail, "handle"),
        (Receiver, "send_answers"),
    ],
)
async def test_an_outcome_that_came_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: type, name: str
) -> None:
    """The round is published before the node starts again."""
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        await country.submitted(2)
        closing = asyncio.create_task(_close_after(country, 3))
        await die_in(country, 1, monkeypatch, place, name)
        await closing
        report = await country.take_part(1)
        await asyncio.gather(*others)
        assert report.resumed
        assert seen(report) == pairs(country.expected(), country.municipalities[0].oin)


async def test_answers_that_were_not_sent_go_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between storing its answers and sending them, with the round published to it."""
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        await country.submitted(2)
        closing = asyncio.create_task(_close_after(country, 3))
        await die_in(country, 1, monkeypatch, Receiver, "_send")
        await closing
        async with country.node(1) as node:
            (own,) = node._opened().store.all_rounds()
            assert own.state is RoundState.PUBLISHED
        report = await country.take_part(1)
        await asyncio.gather(*others)
        assert seen(report) == pairs(country.expected(), country.municipalities[0].oin)


async def test_what_never_arrived_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        await die_in(country, 1, monkeypatch, Participation, "_submit")
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        await country.submitted(2)
        await country.close_round()
        await asyncio.gather(*others)
        with pytest.raises(RoundError, match="not collecting"):
            await country.take_part(1)
        async with country.node(1) as node:
            (own,) = node._opened().store.all_rounds()
            assert own.state is RoundState.FINISHED
            assert "never arrived" in own.abandoned
        with pytest.raises(RoundError, match="no round of this purpose is open"):
            await country.take_part(1, wait=0)


async def test_no_round_is_missed_for_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that collects comes before one of which an answer is outstanding."""
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        first = await country.open_round()
        await die_in(country, 2, monkeypatch, Participation, "_await_outcome")
        taking_part = asyncio.create_task(country.take_part(1, wait=1))
        await country.submitted(2)
        await country.close_round()
        await taking_part
        report = await country.take_part(1, wait=0.5)
        assert (report.round_id, report.published, report.outstanding > 0) == (first, True, True)
        second = await country.open_round()
        again = asyncio.create_task(country.take_part(1, wait=1))
        await country.submitted(1)
        await country.close_round()  # with one participant it is abandoned
        report = await again
        assert (report.round_id, report.resumed) == (second, False)


async def test_two_processes_at_once(tmp_path: Path) -> None:
    """A timer that starts a second one while the first still runs does no harm."""
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        await country.open_round()
        taking_part = [asyncio.create_task(country.take_part(number)) for number in (1, 1, 2, 3)]
        await country.submitted(3)
        await country.close_round()
        first, second, *_ = await asyncio.gather(*taking_part)
        expected = pairs(country.expected(), country.municipalities[0].oin)
        assert seen(first) == seen(second) == expected
        assert not first.anomalies
        async with country.node(1) as node:
            assert len(node.matches()) == len(expected)


@pytest.mark.slow
async def test_a_coordinator_that_restarts_in_between(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        country.settings = country.settings.model_copy(update={"listen": f"127.0.0.1:{country.port}"})
        await country.open_round()
        taking_part = [asyncio.create_task(country.take_part(number, wait=30.0)) for number in (1, 2, 3)]
        await country.submitted(3)
        await country.stop()
        await country.start()
        await country.close_round()
        for municipality, report in zip(country.municipalities, await asyncio.gather(*taking_part), strict=True):
            assert seen(report) == pairs(country.expected(), municipality.oin)
