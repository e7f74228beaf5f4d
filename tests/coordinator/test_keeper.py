"""Rounds move when they are due, end with enough participants or without, and leave nothing behind."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_coordinator import keeper, store
from sluis_coordinator.bell import Bell
from sluis_coordinator.coordinator import open_coordinator
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant, Limits, Schedule
from sluis_protocol.errors import BadSignature, ConfigError, CovenantError, LegalGroundMissing, Replayed, RoundError
from sluis_protocol.join import TaggedPerson
from sluis_protocol.messages import Announcement, Claim, Delivery, Publication, Unconfirmed
from sluis_protocol.rounds import Event, check_round_id
from sluis_protocol.signed import Kind, open_signed
from sluis_runtime.database import transaction

from ..world import COORDINATOR, PURPOSE, World, make_world
from .rig import RULES, Party, Rig, eventually, person
from .test_callers import changed


def shared_family(tags: list[bytes]) -> list[TaggedPerson]:
    """A family of which every person has all its tags in common with another submission of the same tags."""
    slots = RULES.slots
    return [person(1, 10 + at, tags[at * slots : (at + 1) * slots]) for at in range(len(tags) // slots)]


async def publication(party: Party) -> Publication:
    [delivery] = await party.receive(1)
    return wire.decode(Publication, delivery.message.envelope.payload)


async def test_announcement(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.announce(opens_in=100, collect=50)
        found = rig.round()
        envelope = open_signed(
            found.announcement, rig.world.covenant, Kind.ANNOUNCEMENT, round_id=found.id, now=rig.clock()
        )
        content = wire.decode(Announcement, envelope.payload)
        check_round_id(found.id, content.opens_at)
        assert envelope.sender == COORDINATOR
        assert content.closes_at - content.opens_at == timedelta(seconds=50)
        assert content.confirm_until - content.closes_at == timedelta(hours=240)
        assert (content.opens_at, content.closes_at, content.confirm_until) == (
            found.opens_at,
            found.closes_at,
            found.confirm_until,
        )
        rig.clock.ahead = timedelta(seconds=101)
        await rig.until("collecting")
        rig.clock.ahead = timedelta(seconds=151)
        await rig.until("purged")
        rig.clock.ahead = timedelta(days=365 * 90)
        with pytest.raises(LegalGroundMissing):
            rig.announce()


async def test_too_few(tmp_path: Path) -> None:
    async with Rig(tmp_path, make_world(schedule=Schedule(minimum_participants=3))) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        tag = os.urandom(16)
        await one.submit([person(1, 1, [tag])])
        await two.submit([person(1, 1, [tag])])
        await rig.close_round()
        outcome = await publication(one)
        assert (outcome.participants, outcome.claims) == (2, 0)
        assert "asks for 3" in outcome.abandoned
        assert rig.round().state.name == "purged"
        await publication(two)


async def test_abandoned_by_the_operator(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        await one.submit([person(1, 1)])
        keeper.abandon(rig.coordinator, rig.round_id, "a rehearsal")
        assert (await publication(one)).abandoned == "a rehearsal"
        await eventually(lambda: rig.files() == [] and rig.round().clean)
        with pytest.raises(RoundError, match="purged"):
            await two.submit([person(1, 1)])
        with pytest.raises(RoundError, match="nothing to abandon"):
            keeper.abandon(rig.coordinator, rig.round_id, "again")


async def test_two_who_act_at_once(tmp_path: Path) -> None:
    async with Rig(tmp_path, tick_seconds=60) as rig:
        rig.announce()
        stale = rig.round()
        keeper.abandon(rig.coordinator, rig.round_id, "first")
        with pytest.raises(RoundError, match="no longer"), transaction(rig.coordinator.engine) as connection:
            store.move_round(connection, stale, Event.OPEN, rig.clock())


async def test_schedule(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        scheduled = keeper.Keeper(rig.coordinator, Bell(), announce=[PURPOSE, "unknown"])

        def rounds() -> list[store.Round]:
            with transaction(rig.coordinator.engine) as connection:
                return store.find_rounds(connection, purged=True)

        scheduled.tick()
        scheduled.tick()
        [first] = rounds()
        assert first.purpose == PURPOSE
        rig.round_id = first.id
        rig.clock.ahead = timedelta(hours=5)  # it collects for four
        await rig.until("purged")
        scheduled.tick()
        second, _ = rounds()
        assert second.opens_at == first.opens_at + timedelta(hours=24)
        rig.clock.ahead = timedelta(days=365 * 90)  # no legal basis any more: no round
        rig.round_id = second.id
        await rig.until("purged")
        scheduled.tick()
        assert len(rounds()) == 2


async def test_a_round_that_never_opened_costs_no_other(tmp_path: Path) -> None:
    """A clock that jumped a year ahead announced a round for then; the operator abandons it."""
    async with Rig(tmp_path) as rig:
        scheduled = keeper.Keeper(rig.coordinator, Bell(), announce=[PURPOSE])
        rig.announce(opens_in=365 * 86_400)
        scheduled.tick()
        keeper.abandon(rig.coordinator, rig.round_id, "our clock was wrong")
        scheduled.tick()
        with transaction(rig.coordinator.engine) as connection:
            newest, due = store.find_rounds(connection, purged=True)
        assert newest.abandoned
        assert due.opens_at <= rig.clock()


async def test_what_key_holders_would_refuse_is_not_announced(tmp_path: Path) -> None:
    world = make_world(schedule=Schedule(minimum_participants=2, most_rounds=2, collecting_minutes=60))
    async with Rig(tmp_path, world, tick_seconds=60) as rig:
        with pytest.raises(RoundError, match="60 minutes at most"):
            rig.announce(collect=3601)
        rig.announce()
        keeper.abandon(rig.coordinator, rig.announce(opens_in=600), "never opened")
        rig.announce(opens_in=3600)
        with pytest.raises(RoundError, match="so many were announced"):
            rig.announce(opens_in=7200)
        rig.clock.ahead = timedelta(days=2)
        rig.announce()


async def test_confirmations(tmp_path: Path) -> None:
    """Each answer counts once; a refusal by either side reaches both; strangers have no say."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two, three = await rig.members(1, 2, 3)
        tag = os.urandom(16)
        await one.submit([person(1, 1, [tag])])
        await two.submit([person(2, 2, [tag])])
        await three.submit([person(3, 3)])
        await rig.close_round()
        [claim_one], [claim_two], _ = [await party.claims() for party in (one, two, three)]
        answer = one.confirmation(claim_one)
        await one.confirm(answer)
        await one.confirm(answer)
        with pytest.raises(Replayed, match="otherwise"):
            await one.confirm(one.confirmation(claim_one))
        with pytest.raises(Replayed, match="no such candidate"):
            await three.confirm(three.confirmation(claim_one))
        with pytest.raises(Replayed, match="no such candidate"):
            await two.confirm(two.confirmation(Claim(bytes(16), one.oin, 1, ())))
        await two.confirm(two.confirmation(claim_two, refuse=True))
        for party in (one, two):
            [outcome] = await party.receive(1)
            assert wire.decode(Unconfirmed, outcome.message.envelope.payload).candidate_id == claim_one.candidate_id
        rig.clock.ahead = timedelta(days=11)
        await rig.until("purged")
        with pytest.raises(RoundError, match="no longer taken"):
            await one.confirm(answer)


async def test_mail_over_restarts(tmp_path: Path) -> None:
    """What wasn't acknowledged comes again, the same; what was never does; nobody gets another's."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two, three = await rig.members(1, 2, 3)
        tags = [os.urandom(16) for _ in range(5)]
        await one.submit([person(at, at, [tag]) for at, tag in enumerate(tags)])
        await two.submit([person(at, at, [tag]) for at, tag in enumerate(tags)])
        await three.submit([person(3, 3)])
        await rig.close_round()
        before = await one.receive(6, acknowledge=False)
        assert await one.receive(3) == before[:3]
        await rig.stop()
        leftover = rig.settings.rounds / rig.round_id / "tags.parquet"  # as if killed just before it was deleted
        leftover.parent.mkdir()
        leftover.write_bytes(b"tags")
        await rig.start()
        assert rig.files() == []
        await rig.reconnect(one, two, three)
        assert await one.receive(3) == before[3:]
        others: list[Delivery] = await two.receive(6)
        assert not {each.delivery_id for each in others} & {each.delivery_id for each in before}
        claims = [wire.decode(Claim, each.message.envelope.payload) for each in before[1:]]
        await one.confirm(one.confirmation(claims[0]))
        theirs = [wire.decode(Claim, each.message.envelope.payload) for each in others[1:]]
        await two.confirm(two.confirmation(next(c for c in theirs if c.candidate_id == claims[0].candidate_id)))
        [outcome] = await one.receive(1)
        assert outcome.delivery_id > max(each.delivery_id for each in [*before, *others])


async def test_purge(tmp_path: Path) -> None:
    """After it, no byte of a tag, claim or confirmation is in any of the coordinator's files."""
    slots = RULES.slots
    tags = [os.urandom(16) for _ in range(40 * slots)]  # a claim of several database pages
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        await one.submit(shared_family(tags))
        await two.submit(shared_family(tags))
        await rig.close_round()
        [claim] = await one.claims()
        assert len(claim.persons) == 40
        answer = one.confirmation(claim)
        await one.confirm(answer)
        # Halves, because one may lie across the border of two pages.
        whole = [*tags, claim.candidate_id, answer.signature]
        secrets = [secret[at : at + 8] for secret in whole for at in (0, 8)]

        def traces() -> int:
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            content = b"".join(path.read_bytes() for path in files)
            return sum(secret in content for secret in secrets)

        assert traces() > 0.99 * len(secrets)
        rig.clock.ahead = timedelta(days=11)
        await rig.until("purged")
        await eventually(lambda: rig.round().clean)
        assert traces() == 0
        with transaction(rig.coordinator.engine) as connection:
            kept = store.find_submissions(connection, rig.round_id)
        assert [each.persons for each in kept] == [40, 40]
        assert rig.round().candidates == 1


def next_version(world: World) -> World:
    return changed(world, version=world.covenant.terms.version + 1)


async def test_a_new_covenant(tmp_path: Path) -> None:
    """What has not been joined ends; what is published goes on under the covenant that it began with."""
    rig = Rig(tmp_path)
    async with rig:
        tag = os.urandom(16)
        await rig.open_round()
        published = await rig.members(1, 2)
        for party in published:
            await party.submit([person(1, 1, [tag])])
        await rig.close_round()
        first = rig.round_id
        claims = [(await party.claims())[0] for party in published]
        await rig.open_round()
        [collecting] = await rig.members(1)
        await collecting.submit([person(1, 1)])
        await rig.stop()
        rig.settings.covenant.write_text(next_version(rig.world).covenant.note)
        await rig.start()
        await rig.reconnect(*published, collecting)
        assert "covenant" in (await publication(collecting)).abandoned
        assert rig.files() == []
        rig.round_id = first
        assert rig.round().state.name == "published"
        for party, claim in zip(published, claims, strict=True):
            await party.confirm(party.confirmation(claim))
        for party in published:
            await party.receive(1)
        await rig.stop()
        rig.settings.covenant.write_text(rig.world.covenant.note)
        with pytest.raises(CovenantError, match="newer"):
            await rig.start()
        rig.settings.covenant.write_text(changed(rig.world, version=2, limits=Limits(batch_elements=7)).covenant.note)
        with pytest.raises(CovenantError, match="same version"):
            await rig.start()
        rig.settings.covenant.write_text(next_version(rig.world).covenant.note)
        await rig.start()


def test_refused_at_the_start(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    party = rig.world.covenant.terms.coordinator
    assert party
    wrong: dict[str, dict[str, Any]] = {
        "another coordinator": {"coordinator": party.model_copy(update={"oin": "00000099000000000002"})},
        "signing key": {"coordinator": party.model_copy(update={"signing_key": rig.world.covenant.terms.joint_key})},
        "rule set": {
            "rule_set": rig.world.covenant.terms.rule_set.model_copy(update={"sha256": "00" * 32}),
        },
    }
    for words, terms in wrong.items():
        rig.settings.covenant.write_text(changed(rig.world, **terms).covenant.note)
        with pytest.raises(ConfigError, match=words):
            open_coordinator(rig.settings, rig.clock, os.urandom)
    rig.settings.covenant.write_text(Covenant.draft(rig.world.covenant.terms).note)
    with pytest.raises(BadSignature, match="not a signed note"):
        open_coordinator(rig.settings, rig.clock, os.urandom)
