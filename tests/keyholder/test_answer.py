"""What a key holder answers, what it refuses, and what it counts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sluis_node.keyholder import tables
from sluis_node.keyholder.store import open_holder
from sluis_protocol import threshold
from sluis_protocol.covenant import Covenant, Limits
from sluis_protocol.errors import (
    BadElement,
    BadQuorum,
    BadSignature,
    CovenantError,
    LegalGroundMissing,
    MalformedMessage,
    NotAMember,
    QuotaExceeded,
    Replayed,
    RoundError,
    SluisError,
    WrongClock,
    WrongCovenant,
)
from sluis_protocol.group import GENERATOR, IDENTITY
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import func, select

from tests.world import AUTHORITY, COORDINATOR, holder_oin, make_world, member_oin

from .rig import NOW, Asker, Bench, Round, elements, make_folder

WORLD = make_world(quota=10, limits=Limits(batch_elements=8))
OTHER = make_world()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    holder = open_holder(make_folder(tmp_path / "holder", WORLD))
    yield Bench(WORLD, holder)
    holder.close()


@pytest.fixture
def asker(bench: Bench) -> Asker:
    """A member, and a round that is open."""
    found = Round(WORLD)
    bench.rounds.append(found.status())
    return Asker(WORLD, found.round_id)


def used(bench: Bench) -> dict[str, int]:
    return {count.member: count.elements for count in bench.holder.quota.report()}


async def refused(bench: Bench, message: SignedMessage, error: type[SluisError], match: str | None = None) -> None:
    before = used(bench)
    with pytest.raises(error, match=match):
        await bench.answerer().answer(message)
    assert used(bench) == before


async def test_an_answer_is_signed_proved_and_counted(bench: Bench, asker: Asker) -> None:
    blinded = threshold.blind([b"one", b"two"], os.urandom)
    request = asker.ask(blinded.elements)
    evaluation = asker.read(request, await bench.answerer().answer(request))
    other = threshold.evaluate(WORLD.shares[1], (1, 2), blinded.elements, os.urandom)
    threshold.combine(WORLD.covenant.joint_key, (1, 2), blinded.elements, [evaluation, other], os.urandom)
    assert used(bench) == {member_oin(1): 2}
    assert bench.holder.quota.report()[0].batches == 1


async def test_the_same_batch_under_another_quorum_is_counted_once(bench: Bench, asker: Asker) -> None:
    batch = elements(8)
    for quorum in ((1, 2), (1, 3), (1, 2)):
        await bench.answerer().answer(asker.ask(batch, quorum))
    assert used(bench) == {member_oin(1): 8}


async def test_the_quota_is_for_each_member_and_round(bench: Bench, asker: Asker) -> None:
    await bench.answerer().answer(asker.ask(elements(8)))
    await refused(bench, asker.ask(elements(3)), QuotaExceeded, "quota of 10; 8 are used")
    await bench.answerer().answer(asker.ask(elements(2)))
    await refused(bench, asker.ask(elements(1)), QuotaExceeded)
    await bench.answerer().answer(replace(asker, number=2).ask(elements(8)))
    second = Round(WORLD)
    bench.rounds.append(second.status())
    await bench.answerer().answer(Asker(WORLD, second.round_id).ask(elements(8)))
    assert sorted(count.elements for count in bench.holder.quota.report()) == [8, 8, 10]


async def test_more_rounds_than_the_schedule_has_buy_no_more_guesses(bench: Bench) -> None:
    most = WORLD.covenant.terms.schedule.most_rounds
    found = [Round(WORLD, minutes=60 + number) for number in range(most + 1)]
    bench.rounds.extend(one.status() for one in found)
    for one in found[:most]:
        await bench.answerer().answer(Asker(WORLD, one.round_id).ask(elements(1)))
    await refused(bench, Asker(WORLD, found[most].round_id).ask(elements(1)), QuotaExceeded, "one more")
    await bench.answerer().answer(Asker(WORLD, found[0].round_id).ask(elements(1)))  # known: goes on
    bench.now += timedelta(days=1, minutes=10)
    tomorrow = Round(WORLD, opens_at=bench.now)
    bench.rounds.append(tomorrow.status())
    await bench.answerer().answer(Asker(WORLD, tomorrow.round_id).ask(elements(1), sent_at=bench.now))


async def test_batches_are_forgotten_when_a_later_round_comes(bench: Bench, asker: Asker) -> None:
    answerer = bench.answerer()
    batch = elements(2)
    await answerer.answer(asker.ask(batch))
    for hours, left in ((2, 1), (4, 1)):
        bench.now = NOW + timedelta(hours=hours)
        later = Round(WORLD, opens_at=bench.now)
        bench.rounds.append(later.status())
        await answerer.answer(Asker(WORLD, later.round_id).ask(batch, sent_at=bench.now))
        with transaction(bench.holder.engine) as connection:
            assert connection.execute(select(func.count()).select_from(tables.batches)).scalar_one() == left


async def test_the_same_batch_of_two_members_counts_for_both(bench: Bench, asker: Asker) -> None:
    batch = elements(2)
    await bench.answerer().answer(asker.ask(batch))
    await bench.answerer().answer(replace(asker, number=2).ask(batch))
    assert used(bench) == {member_oin(1): 2, member_oin(2): 2}


async def test_counts_stay_when_batches_are_forgotten(bench: Bench, asker: Asker) -> None:
    batch = elements(2)
    await bench.answerer().answer(asker.ask(batch))
    bench.holder.quota.forget_batches(NOW)  # the round is still open
    await bench.answerer().answer(asker.ask(batch))
    assert used(bench) == {member_oin(1): 2}
    bench.holder.quota.forget_batches(NOW + timedelta(days=1))
    assert used(bench) == {member_oin(1): 2}


# 1. Who asks.


async def test_an_altered_request_is_refused(bench: Bench, asker: Asker) -> None:
    message = asker.ask(elements(1))
    body = bytearray(message.body)
    body[-1] ^= 1
    await refused(bench, SignedMessage(bytes(body), message.signature), BadSignature)


async def test_strangers_holders_and_the_coordinator_are_refused(bench: Bench, asker: Asker) -> None:
    for sender in ("0" * 20, holder_oin(2), COORDINATOR):
        await refused(bench, asker.ask(elements(1), sender=sender), NotAMember)
    await refused(bench, asker.ask(elements(1), sender=member_oin(2)), BadSignature)


async def test_a_revoked_member_is_refused(bench: Bench) -> None:
    members = (WORLD.covenant.terms.members[0].model_copy(update={"revoked": True}), *WORLD.covenant.terms.members[1:])
    terms = WORLD.covenant.terms.model_copy(update={"members": members, "version": 2})
    revised = Covenant.sign(terms, AUTHORITY, WORLD.authority_key)
    found = Round(WORLD, covenant=revised)
    bench.rounds.append(found.status())
    with pytest.raises(NotAMember, match="revoked"):
        await bench.answerer(revised).answer(Asker(WORLD, found.round_id, covenant=revised).ask(elements(1)))
    second = Asker(WORLD, found.round_id, 2, revised)
    assert await bench.answerer(revised).answer(second.ask(elements(1)))
    assert used(bench) == {member_oin(2): 1}


async def test_another_covenant_kind_or_clock_is_refused(bench: Bench, asker: Asker) -> None:
    await refused(bench, replace(asker, covenant=OTHER.covenant).ask(elements(1)), WrongCovenant)
    await refused(bench, asker.ask(elements(1), kind=Kind.MANIFEST), MalformedMessage)
    for off in (timedelta(minutes=6), -timedelta(minutes=6)):
        await refused(bench, asker.ask(elements(1), sent_at=NOW + off), WrongClock)


# 2. Which round.


async def test_an_unknown_round_is_refused(bench: Bench, asker: Asker) -> None:
    await refused(bench, replace(asker, round_id=Round(WORLD).round_id).ask(elements(1)), Replayed, "no round")
    await refused(bench, replace(asker, round_id="r1").ask(elements(1)), Replayed)


async def test_a_round_is_asked_for_once(bench: Bench, asker: Asker) -> None:
    answerer = bench.answerer()
    for _ in range(3):
        await answerer.answer(asker.ask(elements(1)))
    assert bench.asked_for == ["jeugd"]


@pytest.mark.parametrize("minutes", [-66, 16])
async def test_a_round_that_is_over_or_not_yet_open_is_refused(bench: Bench, minutes: int) -> None:
    found = Round(WORLD, opens_at=NOW + timedelta(minutes=minutes))
    bench.rounds.append(found.status())
    await refused(bench, Asker(WORLD, found.round_id).ask(elements(1)), RoundError, "collects from")


@pytest.mark.parametrize("minutes", [-64, 4])
async def test_the_clocks_may_differ_by_the_tolerance(bench: Bench, minutes: int) -> None:
    found = Round(WORLD, opens_at=NOW + timedelta(minutes=minutes))
    bench.rounds.append(found.status())
    assert await bench.answerer().answer(Asker(WORLD, found.round_id).ask(elements(1)))


async def test_a_replay_of_yesterdays_request_is_refused(bench: Bench, asker: Asker) -> None:
    message = asker.ask(elements(1))
    await bench.answerer().answer(message)
    bench.now = NOW + timedelta(days=1)
    await refused(bench, message, WrongClock)
    await refused(bench, asker.ask(elements(1), sent_at=bench.now), RoundError)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signer": member_oin(2)}, NotAMember),
        ({"covenant": OTHER.covenant}, WrongCovenant),
        ({"rule_set": "ab" * 32}, CovenantError),
        ({"minutes": 241}, MalformedMessage),
        ({"round_id": "r20260501t115001z-0123456789abcdef"}, MalformedMessage),
    ],
)
async def test_an_announcement_that_the_covenant_does_not_bear_is_refused(
    bench: Bench, changes: dict[str, object], error: type[SluisError]
) -> None:
    found = Round(WORLD, **changes)  # type: ignore[arg-type] # by keyword
    bench.rounds.append(found.status())
    await refused(bench, Asker(WORLD, found.round_id).ask(elements(1)), error)


async def test_a_round_announced_twice_is_refused_even_after_a_restart(bench: Bench, asker: Asker) -> None:
    await bench.answerer().answer(asker.ask(elements(1)))
    bench.rounds[:] = [Round(WORLD, round_id=asker.round_id, minutes=120).status()]
    await refused(bench, asker.ask(elements(1)), Replayed, "announced this round twice")


# 3. What for.


async def test_a_purpose_out_of_force_or_of_another_round_is_refused(bench: Bench, asker: Asker) -> None:
    await refused(bench, asker.ask(elements(1), purpose="anders"), Replayed)
    found = Round(WORLD, purpose="anders")
    bench.rounds.append(found.status())
    await refused(bench, Asker(WORLD, found.round_id).ask(elements(1), purpose="anders"), LegalGroundMissing)
    bench.now = NOW.replace(year=2025)
    late = Round(WORLD, opens_at=bench.now)
    bench.rounds.append(late.status())
    message = Asker(WORLD, late.round_id).ask(elements(1), sent_at=bench.now)
    await refused(bench, message, LegalGroundMissing, "in force")


# 4. Which quorum.


@pytest.mark.parametrize("quorum", [(2, 3), (1,), (1, 2, 3), (1, 4)])
async def test_a_quorum_that_is_none_of_the_covenants_is_refused(
    bench: Bench, asker: Asker, quorum: tuple[int, ...]
) -> None:
    await refused(bench, asker.ask(elements(1), quorum), BadQuorum)


# 5. Which elements.

_HIGH_BIT = GENERATOR[:-1] + bytes([GENERATOR[-1] | 0x80])


@pytest.mark.parametrize("bad", [IDENTITY, b"\xff" * 32, _HIGH_BIT], ids=bytes.hex)
async def test_what_can_be_no_element_is_refused(bench: Bench, asker: Asker, bad: bytes) -> None:
    await refused(bench, asker.ask(elements(2) + bad), BadElement)


async def test_what_cant_be_decoded_is_refused_and_counts(bench: Bench, asker: Asker) -> None:
    """Decoding comes with the evaluation, after the count: nobody has work done for nothing."""
    with pytest.raises(BadElement):
        await bench.answerer().answer(asker.ask(elements(2) + b"\x01" + bytes(31)))
    assert used(bench) == {member_oin(1): 3}


async def test_a_batch_above_the_covenants_limit_is_refused(bench: Bench, asker: Asker) -> None:
    await refused(bench, asker.ask(elements(9)), MalformedMessage, "9 elements")
