"""One request is one trace, from the node by the coordinator to the key holders, and one round is not another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sluis_protocol.messages import HolderTask
from sluis_protocol.signed import SignedMessage
from sluis_runtime import logs
from structlog.testing import capture_logs

from tests.node.people import three_caseloads
from tests.node.rig import Country, until
from tests.world import holder_oin, make_world, member_oin

from .rig import SECONDS, Asker, RelayOnly, Round, elements, make_folder, serving

Lines = list[Any]


def traces(lines: Lines, event: str, **having: object) -> set[str | None]:
    """The trace ids of the lines with this event."""
    return {
        line.get("trace_id")
        for line in lines
        if line["event"] == event and all(line[name] == value for name, value in having.items())
    }


@asynccontextmanager
async def true_holder(country: Country, index: int) -> AsyncIterator[None]:
    """A key holder as it is, in the place of the rig's."""
    folder = country.root / f"true-holder-{index}"
    settings = make_folder(folder, country.world, index, coordinator=f"127.0.0.1:{country.port}")
    country.pki.issue(holder_oin(index), folder / "tls")
    before = country.server.relay._links.get(index)
    async with serving(settings, country.clock):
        await until(lambda: country.server.relay._links.get(index) not in (None, before))
        yield


async def test_a_round_is_one_trace_at_node_coordinator_and_holders(tmp_path: Path) -> None:
    world = make_world(("GM0001", "GM0002"))
    async with Country(tmp_path, three_caseloads()[:2], world) as country, AsyncExitStack() as stack:
        for index in (1, 2, 3):
            await stack.enter_async_context(true_holder(country, index))
        seen: list[set[str | None]] = []
        for _ in range(2):
            with capture_logs([logs.with_trace]) as lines:
                await country.whole_round()
            members = [member_oin(1), member_oin(2)]
            asked = [traces(lines, "asked", oin=oin) for oin in members]
            assert asked == [traces(lines, "answered", member=oin) for oin in members]
            assert asked[0] | asked[1] == traces(lines, "submitted") == traces(lines, "taking part")
            seen += asked
    assert all(len(each) == 1 for each in seen)
    assert len(set[str | None]().union(*seen)) == 4  # neither two nodes nor two rounds share one


async def test_a_malformed_trace_is_dropped_and_its_request_answered(tmp_path: Path) -> None:
    world = make_world()
    whole = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    sent = (whole, whole.upper(), "00-" + "0" * 32 + whole[35:], "\u20ac" * 55, "x" * 3_000, "")
    with capture_logs([logs.with_trace]) as lines:
        async with RelayOnly(world, tmp_path, [Round(world).status()]) as relay:
            settings = make_folder(tmp_path / "holder", world, coordinator=f"localhost:{relay.port}")
            relay.pki.issue(holder_oin(1), settings.tls.key.parent)
            asker = Asker(world, relay.rounds[0].announcement.envelope.round_id)
            async with serving(settings):
                await asyncio.wait_for(relay.ready.get(), SECONDS)
                for number, trace in enumerate(sent, start=1):
                    relay.tasks.put_nowait(HolderTask(number, asker.ask(elements(1)), trace))
                    found = await asyncio.wait_for(relay.results.get(), SECONDS)
                    assert isinstance(found.outcome, SignedMessage)
    assert [line.get("trace_id") for line in lines if line["event"] == "answered"] == ["ab" * 16, *[None] * 5]
