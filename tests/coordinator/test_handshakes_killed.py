"""SIGKILL between any two steps of a handshake and in the middle of them: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from sluis_protocol.chain import open_step
from sluis_protocol.errors import Unreachable
from sluis_protocol.handshake import Act
from sluis_runtime.database import transaction

from .rig import ProcessRig, eventually
from .sides import DAY, Side, Talks, open_at, open_talks


async def restart(talks: Talks) -> None:
    """Kill the coordinator and start it again."""
    assert isinstance(talks.rig, ProcessRig)
    await talks.rig.restart(talks.a.party, talks.b.party)


@pytest.mark.slow
async def test_killed_between_any_two_steps(tmp_path: Path) -> None:
    async with ProcessRig(tmp_path) as rig:
        talks = await open_talks(rig)
        accepted = await talks.a.act(Act.ACCEPT)
        await restart(talks)
        await talks.a.send(accepted)  # the answer may not have come through: it sends it again
        assert talks.kept()["handshake_held"] == 1
        await talks.b.act(Act.ACCEPT)
        history = ((talks.b, Act.PROPOSE), (talks.a, Act.SIGN), (talks.b, Act.SIGN), (talks.a, Act.CLOSE))
        for mover, act in history:
            unread = await talks.a.mail(acknowledge=False)
            await restart(talks)
            await talks.read()
            assert talks.a.entries[-1] == unread
            message = await mover.act(act)
            await mover.send(message)
        await restart(talks)
        assert await talks.read() == "closed"
        assert talks.waiting() == 0
        assert talks.stored() == talks.a.now
        assert [digest for _, _, digest in talks.noted()] == talks.digests()


@pytest.mark.slow
async def test_killed_in_the_middle_of_a_move(tmp_path: Path) -> None:
    """Whether a move was taken when the coordinator died, the side can't know: it sends it again."""
    async with ProcessRig(tmp_path) as rig:
        talks = await open_talks(rig)
        await talks.agree()
        await talks.a.act(Act.PROPOSE)
        await talks.read()

        async def send(side: Side, milliseconds: int) -> None:
            message = side.move(Act.AMEND)
            sending = asyncio.create_task(side.send(message))
            await asyncio.sleep(milliseconds / 1_000)  # not for timing, but to hit another place
            await restart(talks)
            with suppress(Unreachable):
                await sending
            await side.send(message)
            await talks.read()
            entry = talks.a.entries[-1]
            assert entry.digest == talks.stored().head

        for milliseconds, side in ((0, talks.a), (3, talks.b), (6, talks.a), (12, talks.b)):
            await send(side, milliseconds)
        assert talks.a.now.sequence == 6
        assert talks.stored() == talks.a.now
        assert talks.waiting() == 0


@pytest.mark.slow
async def test_a_deadline_that_passes_while_it_is_down(tmp_path: Path) -> None:
    async with ProcessRig(tmp_path) as rig:
        a, b = await rig.members(1, 2)
        await rig.kill()
        rig.clock.ahead = -15 * DAY
        with transaction(rig.coordinator.engine) as connection:
            handshake_id = open_at(connection, rig)
        rig.clock.ahead = 0 * DAY
        await rig.start()
        await rig.reconnect(a, b)
        talks = Talks(rig, *(Side(party, handshake_id, [rig.world.covenant]) for party in (a, b)))
        assert await talks.read() == "deciding"
        await eventually(lambda: talks.stored().state.name == "lapsed")
        first = await talks.a.mail(acknowledge=False)
        await restart(talks)
        await restart(talks)
        assert await talks.read() == "lapsed"
        assert talks.a.entries[-1] == first
        assert talks.waiting() == 0
        assert talks.a.now.sequence == 1
        assert open_step(talks.a.entries[0], None, talks.a.covenant_of, now=rig.clock()).entry.sequence == 0
