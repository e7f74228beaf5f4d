"""Real key holders: small batches are refused, days have a ceiling, and at a round's end each signs what it counted."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_coordinator import usage
from sluis_node.keyholder.answer import Answerer
from sluis_node.keyholder.rounds import RoundBook
from sluis_node.keyholder.serve import Server
from sluis_node.keyholder.store import KeyHolder, open_holder
from sluis_node.round.tagging import blinding, padded_inputs
from sluis_protocol.covenant import Limits, Schedule
from sluis_protocol.errors import MalformedMessage, QuotaExceeded, RoundError
from sluis_protocol.leaves import Leaf
from sluis_protocol.log_messages import LeafList, LeavesRequest, MemberUsage, UsageList, UsageRequest
from sluis_protocol.messages import RoundStatus
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.wire import methods

from ..keyholder.rig import NOW, Asker, Round, elements, make_folder
from ..node.people import three_caseloads
from ..node.rig import Country, until
from ..world import PURPOSE, holder_oin, make_world, member_oin


class RealHolders(Country):
    """The key holders are the real ones, in this process."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, three_caseloads(), make_world(**options))
        self._stop = asyncio.Event()
        self._at_work: list[asyncio.Task[None]] = []
        self.opened: dict[int, KeyHolder] = {}

    async def connect_holder(self, index: int) -> None:
        folder = self.root / f"real-{index}"
        settings = make_folder(folder, self.world, index, coordinator=f"127.0.0.1:{self.port}")
        self.pki.issue(holder_oin(index), folder / "tls")
        self.opened[index] = open_holder(settings)
        server = Server(settings, self.opened[index], self.clock, os.urandom, self._stop)
        self._at_work.append(asyncio.create_task(server.run()))
        await until(lambda: index in self.server.relay.connected)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await asyncio.gather(*self._at_work)
        for holder in self.opened.values():
            holder.close()
        await super().__aexit__(kind, error, trace)


async def test_every_node_sees_who_asked_for_how_much(tmp_path: Path) -> None:
    async with RealHolders(tmp_path, limits=Limits(batch_minimum=64)) as there:
        await there.whole_round()
        await until(lambda: len(usage.of_round(there.coordinator, there.round_id).usages) == 3)
        async with there.node(1) as node:
            seen = await node.log.usage(there.round_id)
            await node.log.verify()
        assert set(seen) == set(map(holder_oin, (1, 2, 3)))
        asked = usage.asked(seen, 2)
        assert set(asked) == set(map(member_oin, (1, 2, 3)))
        # Nine persons have fewer than 64 keys, or fewer than 128: nobody sees how many.
        assert all(count % 64 == 0 and count > 0 for count in asked.values())
        persons = {one.oin: 64 for one in there.municipalities}
        assert usage.suspicious(asked, persons, there.coordinator.rules.slots) == []
        party = await there.party(member_oin(2))
        leaves = (await party.call(methods.GET_LEAVES, LeavesRequest(0, 500), LeafList)).leaves
        of_usage = [leaf for leaf in map(Leaf.parse, leaves) if leaf.kind == "usage"]
        said = (await party.call(methods.GET_USAGE, UsageRequest(there.round_id), UsageList)).usages
        assert {leaf.digest for leaf in of_usage} == {hashlib.sha256(one.body).digest() for one in said}
        assert sum(leaf.count or 0 for leaf in of_usage) == sum(one.elements for one in seen.values())
        for holder in there.opened.values():
            assert holder.quota.not_taken() == []


def answerer(holder: KeyHolder, *rounds: Round) -> Answerer:
    """One that knows these rounds."""
    covenant = WORLD.covenant

    async def listed(_purpose: str) -> list[RoundStatus]:
        return [one.status() for one in rounds]

    share = holder.shares.of_covenant(covenant, holder.oin)
    book = RoundBook(covenant, holder.quota, listed)
    return Answerer(covenant, holder.oin, share, holder.signing_key, holder.quota, book, lambda: NOW, os.urandom)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[KeyHolder]:
    opened = open_holder(make_folder(tmp_path / "holder", WORLD))
    yield opened
    opened.close()


WORLD = make_world(limits=Limits(batch_minimum=4, requests_a_day=3), schedule=Schedule(most_rounds=9))


async def test_a_batch_below_the_minimum_is_refused(holder: KeyHolder) -> None:
    round_ = Round(WORLD)
    answers = answerer(holder, round_)
    asker = Asker(WORLD, round_.round_id)
    with pytest.raises(MalformedMessage, match="a batch of 3"):
        await answers.answer(asker.ask(elements(3)))
    assert holder.quota.report() == []
    await answers.answer(asker.ask(elements(4)))


async def test_a_day_has_so_many_different_requests_over_all_rounds(holder: KeyHolder) -> None:
    rounds = [Round(WORLD), Round(WORLD, opens_at=NOW - timedelta(minutes=9))]
    answers = [answerer(holder, *rounds)] * 2
    askers = [Asker(WORLD, round_.round_id) for round_ in rounds]
    same = elements(4)
    for _ in range(3):
        await answers[0].answer(askers[0].ask(same))  # the same again is no other request
    await answers[0].answer(askers[0].ask(elements(4)))
    await answers[1].answer(askers[1].ask(elements(5)))
    with pytest.raises(QuotaExceeded, match="3 different requests a day"):
        await answers[1].answer(askers[1].ask(elements(4)))
    await answers[0].answer(askers[0].ask(same))
    counted = {(one.round_id, one.elements) for one in holder.quota.report()}
    assert counted == {(rounds[0].round_id, 8), (rounds[1].round_id, 5)}
    other = Asker(WORLD, rounds[0].round_id, number=2)
    await answers[0].answer(other.ask(elements(4)))
    allowance: Any = {"today": NOW.date() + timedelta(days=1), "requests_a_day": 3}
    assert holder.quota.count(rounds[0].round_id, member_oin(1), elements(4), 99, **allowance)


async def test_what_is_signed_is_final(holder: KeyHolder) -> None:
    round_ = Round(WORLD)
    answers = answerer(holder, round_)
    asker = Asker(WORLD, round_.round_id)
    await answers.answer(asker.ask(elements(7)))
    [due] = holder.quota.not_taken()
    assert (due.round_id, due.purpose, due.covenant_hash) == (round_.round_id, PURPOSE, WORLD.covenant.hash)
    given: list[tuple[MemberUsage, ...]] = []

    def signed(members: tuple[MemberUsage, ...]) -> SignedMessage:
        given.append(members)
        envelope = Envelope(Kind.USAGE, holder.oin, due.covenant_hash, due.round_id, NOW, os.urandom(8))
        return sign(envelope, holder.signing_key)

    message = holder.quota.finish(round_.round_id, signed)
    assert given == [(MemberUsage(member_oin(1), 7, 1),)]
    assert holder.quota.finish(round_.round_id, signed) == message
    assert len(given) == 1
    with pytest.raises(RoundError, match="signed its counts"):
        await answers.answer(asker.ask(elements(4)))
    assert [one.report for one in holder.quota.not_taken()] == [message]
    holder.quota.mark_taken(round_.round_id)
    assert holder.quota.not_taken() == []


@given(st.integers(1, 70), st.integers(1, 16), st.integers(16, 64))
def test_padding(count: int, step: int, most: int) -> None:
    inputs = [b"input %d" % number for number in range(min(count, most))]
    seed = bytes(32)
    found = padded_inputs(inputs, step, most, blinding(seed, inputs))
    assert found[: len(inputs)] == inputs
    assert len(set(found)) == len(found)
    assert len(found) >= step
    assert len(found) <= most
    assert len(found) % step == 0 or len(found) == most
    assert found == padded_inputs(inputs, step, most, blinding(seed, inputs))  # the same after a restart
    others = padded_inputs(inputs, step, most, blinding(bytes([1]) * 32, inputs))
    assert others == inputs or others != found
