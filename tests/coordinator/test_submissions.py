"""Submissions: what is refused, what is the same twice, and that a file is whole or absent."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sluis_coordinator import submissions
from sluis_protocol.covenant import Limits
from sluis_protocol.errors import MalformedMessage, RoundError, SluisError, StorageError, SubmissionRefused
from sluis_protocol.messages import SubmissionPart
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import pack
from sluis_protocol.wire.methods import SUBMIT

from ..world import make_world
from .rig import DEADLINE, Party, ProcessRig, Rig, eventually, person, pieces

ROWS = [person(1, 11), person(1, 12), person(2, 13)]
INFLATED = [replace(ROWS[0], points=(255,) * len(ROWS[0].points)), *ROWS[1:]]
Sending = Callable[[Party], Sequence[SignedMessage | bytes]]


def manifest(party: Party, **changed: object) -> SignedMessage:
    return party.sign(Kind.MANIFEST, party.manifest(ROWS, **changed))


REFUSED: dict[str, tuple[type[SluisError], str, Sending]] = {
    "nothing": (MalformedMessage, "begins", lambda party: []),
    "rows first": (MalformedMessage, "begins", lambda party: [pack(ROWS), manifest(party)]),
    "two manifests": (MalformedMessage, "one manifest", lambda party: [manifest(party), manifest(party)]),
    "only a manifest": (SubmissionRefused, "0 rows", lambda party: [manifest(party)]),
    "incomplete": (SubmissionRefused, "2 rows", lambda party: [manifest(party), pack(ROWS[:2])]),
    "too many": (SubmissionRefused, "more rows", lambda party: [manifest(party), pack(ROWS), pack(ROWS[:1])]),
    "half a row": (MalformedMessage, "whole row", lambda party: [manifest(party), pack(ROWS)[:-1]]),
    "altered": (SubmissionRefused, "signed for", lambda party: [manifest(party), pack([*ROWS[:2], person(2, 13)])]),
    "other order": (SubmissionRefused, "signed for", lambda party: [manifest(party), pack(ROWS[::-1])]),
    "families": (SubmissionRefused, "2 families", lambda party: [manifest(party, families=3), pack(ROWS)]),
    "slots": (SubmissionRefused, "tags a person", lambda party: [manifest(party, slots=3), pack(ROWS)]),
    "person twice": (
        SubmissionRefused,
        "twice",
        lambda party: [party.sign(Kind.MANIFEST, party.manifest(twice := [*ROWS, person(2, 11)])), pack(twice)],
    ),
    "other points": (
        SubmissionRefused,
        "points",
        lambda party: [party.sign(Kind.MANIFEST, party.manifest(INFLATED)), pack(INFLATED)],
    ),
    "unknown flag": (
        MalformedMessage,
        "flag",
        lambda party: [manifest(party), pack(ROWS)[:16] + b"\x02" + pack(ROWS)[17:]],
    ),
}


async def test_refused(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        for name, (error, words, sending) in REFUSED.items():
            with pytest.raises(error, match=words):
                await one.upload(sending(one))
            assert rig.files() == [], name
        await one.submit(ROWS)
        assert len(rig.files()) == 1


async def test_more_than_the_covenant_allows(tmp_path: Path) -> None:
    async with Rig(tmp_path, make_world(limits=Limits(submission_persons=64))) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        with pytest.raises(SubmissionRefused, match="65 persons"):
            await one.submit([person(1, handle) for handle in range(65)])


async def test_twice(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        receipt = await one.submit(ROWS)
        assert await one.submit(ROWS) == receipt
        with pytest.raises(SubmissionRefused, match="something else"):
            await one.submit(ROWS[:1])
        first, second = await asyncio.gather(two.submit(ROWS), two.submit(ROWS))
        assert first == second
        assert len(rig.files()) == 2
        await rig.close_round()
        assert await one.submit(ROWS) == receipt  # a node that missed its receipt still gets it


async def test_before_and_after_collecting(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.announce(opens_in=3600)
        [one] = await rig.members(1)
        with pytest.raises(RoundError, match="announced"):
            await one.submit(ROWS)
        await rig.open_round()
        [one] = await rig.members(1)

        async def closing_halfway() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(manifest(one))
            await eventually(lambda: any(name.endswith(".part") for name in rig.files()))
            await rig.close_round()
            yield SubmissionPart(pack(ROWS))

        with pytest.raises(RoundError):
            await one.channel.upload(SUBMIT, closing_halfway(), SignedMessage, timeout=DEADLINE)
        assert rig.files() == []


async def test_vanishing_halfway(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        sent = asyncio.Event()

        async def half() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(manifest(one))
            yield SubmissionPart(pack(ROWS[:1]))
            await eventually(lambda: rig.files() != [])
            sent.set()
            await asyncio.Event().wait()

        upload = asyncio.create_task(one.channel.upload(SUBMIT, half(), SignedMessage, timeout=DEADLINE))
        await sent.wait()
        upload.cancel()
        await eventually(lambda: rig.files() == [])
        await one.submit(ROWS)


async def test_sending_nothing_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "IDLE_SECONDS", 0.01)
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)

        async def waiting() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(manifest(one))
            await asyncio.Event().wait()

        with pytest.raises(SubmissionRefused, match="nothing came"):
            await one.channel.upload(SUBMIT, waiting(), SignedMessage, timeout=DEADLINE)
        assert rig.files() == []


async def test_sending_a_little_now_and_then(tmp_path: Path) -> None:
    """It is never idle, but it ends with the round, and nothing of it stays."""
    async with Rig(tmp_path, tick_seconds=60) as rig:
        rig.announce(collect=2)
        rig.server.keeper.tick()
        [one] = await rig.members(1)

        async def dribbling() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(manifest(one))
            yield SubmissionPart(pack(ROWS[:1]))
            await asyncio.Event().wait()

        with pytest.raises(RoundError, match="closed while"):
            await one.channel.upload(SUBMIT, dribbling(), SignedMessage, timeout=DEADLINE)
        assert rig.files() == []


async def test_full_disk(tmp_path: Path) -> None:
    rows = [person(number, number) for number in range(6_000)]
    async with ProcessRig(tmp_path) as rig:
        await rig.open_round()
        [one] = await rig.members(1)
        parts: list[SignedMessage | bytes] = [one.sign(Kind.MANIFEST, one.manifest(rows)), *pieces(rows, 500)]
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        with pytest.raises(StorageError, match="disk"):
            await one.upload(parts)
        assert rig.files() == []
        # The database can't be written either: refused as well, and nothing is half done.
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        with pytest.raises(StorageError, match="database"):
            await one.submit(rows[:1])
        assert rig.files() == []
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await one.upload(parts)
        assert len(rig.files()) == 1
