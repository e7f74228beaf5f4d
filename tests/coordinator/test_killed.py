"""SIGKILL in every state of a round, and a restart: the same result, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sluis_coordinator import keeper
from sluis_coordinator.schema import rounds
from sluis_protocol import wire
from sluis_protocol.errors import Unreachable
from sluis_protocol.join import TaggedPerson, join
from sluis_protocol.messages import Claim, Delivery, Publication, SubmissionPart
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import pack
from sluis_protocol.wire.methods import SUBMIT
from sluis_runtime.database import transaction
from sqlalchemy import update

from .rig import DEADLINE, RULES, Party, ProcessRig, Rig, eventually, person


def caseloads() -> list[list[TaggedPerson]]:
    """Three nodes; three families that two of them share, and others."""
    tags = [os.urandom(16) for _ in range(3)]
    return [
        [person(1, 11, [tags[0]]), person(2, 12, [tags[1]]), person(3, 13)],
        [person(4, 21, [tags[0]]), person(5, 22, [tags[2]])],
        [person(6, 31, [tags[1]]), person(7, 32, [tags[2]])],
    ]


def expected(parties: list[Party], rows: list[list[TaggedPerson]]) -> set[tuple[str, int, str]]:
    """Who must be told of which family, by the pure join."""
    found = join({party.oin: each for party, each in zip(parties, rows, strict=True)}, RULES.thresholds)
    return {(one.oin_a, one.family_a, one.oin_b) for one in found} | {
        (one.oin_b, one.family_b, one.oin_a) for one in found
    }


async def mail(party: Party, *, acknowledge: bool) -> tuple[list[Delivery], list[Claim]]:
    """The publication and the claims that it promises."""
    first = await party.receive(1, acknowledge=False)
    count = wire.decode(Publication, first[0].message.envelope.payload).claims
    deliveries = await party.receive(1 + count, acknowledge=acknowledge)
    return deliveries, [wire.decode(Claim, each.message.envelope.payload) for each in deliveries[1:]]


@pytest.mark.slow
async def test_killed_in_every_state(tmp_path: Path) -> None:
    rows = caseloads()
    async with ProcessRig(tmp_path) as rig:
        rig.announce(opens_in=3)
        parties = await rig.members(1, 2, 3)
        one, two, three = parties
        assert rig.round().state.name == "announced"
        await rig.restart(*parties)
        await rig.until("collecting")
        receipt = await one.submit(rows[0])
        await two.submit(rows[1])

        async def half() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(three.sign(Kind.MANIFEST, three.manifest(rows[2])))
            yield SubmissionPart(pack(rows[2][:1]))
            await eventually(lambda: any(name.endswith(".part") for name in rig.files()))
            await rig.kill()

        with pytest.raises(Unreachable):
            await three.channel.upload(SUBMIT, half(), SignedMessage, timeout=DEADLINE)
        assert len(rig.files()) == 3
        await rig.start()
        await rig.reconnect(*parties)
        assert len(rig.files()) == 2
        assert await one.submit(rows[0]) == receipt
        await three.submit(rows[2])
        await rig.kill()
        keeper.close(rig.coordinator, rig.round_id)
        assert rig.round().state.name == "joining"
        await rig.start()
        await rig.reconnect(*parties)
        await rig.until("published")
        unread = {party.oin: await mail(party, acknowledge=False) for party in parties}
        await rig.restart(*parties)
        assert rig.files() == []
        read = {party.oin: await mail(party, acknowledge=True) for party in parties}
        assert read == unread
        told = [(oin, claim.family, claim.counterpart) for oin, (_, claims) in read.items() for claim in claims]
        assert len(told) == len(set(told))
        assert set(told) == expected(parties, rows)
        [claim] = [each for each in read[one.oin][1] if each.counterpart == two.oin]
        answers = one.confirmation(claim), two.confirmation(claim)
        await one.confirm(answers[0])
        await one.confirm(answers[0])
        await two.confirm(answers[1])
        await rig.restart(*parties)
        await two.confirm(answers[1])
        assert [each.message for each in await one.receive(1)] == [answers[1]]
        assert [each.message for each in await two.receive(1)] == [answers[0]]
        await rig.kill()
        with transaction(rig.coordinator.engine) as connection:
            connection.execute(update(rounds).values(confirm_until=rig.clock()))
        await rig.start()
        await eventually(lambda: rig.round().state.name == "purged" and rig.round().clean)


@pytest.mark.slow
async def test_killed_again_and_again_while_joining(tmp_path: Path) -> None:
    rows = caseloads()
    async with ProcessRig(tmp_path, tick_seconds=0.001) as rig:
        await rig.open_round()
        parties = await rig.members(1, 2, 3)
        for party, each in zip(parties, rows, strict=True):
            await party.submit(each)
        await rig.kill()
        keeper.close(rig.coordinator, rig.round_id)
        for hundredths in (0, 4, 8):
            await rig.start()
            await asyncio.sleep(hundredths / 100)  # not for timing, but to hit another place
            await rig.kill()
            assert rig.round().state.name in ("joining", "published")
        await rig.start()
        await rig.reconnect(*parties)
        await rig.until("published")
        read = [(party.oin, (await mail(party, acknowledge=True))[1]) for party in parties]
        told = [(oin, claim.family, claim.counterpart) for oin, claims in read for claim in claims]
        assert sorted(told) == sorted(expected(parties, rows))
        await eventually(lambda: rig.files() == [])


async def test_a_file_whose_submission_was_never_noted(tmp_path: Path) -> None:
    """A crash between the two leaves a file that nobody knows: it goes at the start, and so do unknown folders."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        await one.submit([person(1, 1)])
        await rig.stop()
        folder = rig.settings.rounds / rig.round_id
        for stray in (
            folder / "0-00.parquet",
            folder / "x.part",
            folder / "spill" / "t",
            rig.settings.rounds / "r20200101t000000z-0011223344556677" / "f",
        ):
            stray.parent.mkdir(exist_ok=True)
            stray.write_bytes(b"tags")
        other = rig.settings.rounds / "tls" / "key.pem"  # somebody gave the wrong folder in the configuration
        other.parent.mkdir()
        other.touch()
        await rig.start()
        left = sorted(path for path in rig.settings.rounds.rglob("*") if path.is_file())
        assert left == [*(folder / name for name in rig.files()), other]
        assert len(rig.files()) == 1
