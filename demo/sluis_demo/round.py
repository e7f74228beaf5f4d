"""One round, from its announcement to both sides' matches, with every node as a process of its own.

The demo watches the round as a member would, over the wire. It takes no part in it and sees no tag.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sluis_protocol.errors import MalformedMessage, RoundError
from sluis_protocol.messages import RoundList, RoundQuery, RoundStatus
from sluis_protocol.rules import load_rules
from sluis_protocol.wire import methods
from sluis_runtime.channel import Channel

from .display import Display
from .processes import Child, Programs, together
from .results import NodeMatch, parse_matches
from .world import PURPOSE, Node, World

_POLL = 0.3
_CALL = 10.0  # seconds
_SECONDS_PER_KEY = 0.01  # twenty times what a key costs, for slow machines
# What a node's last log line means to a spectator.
_DOING = {"taking part": "makes its tags", "submitted": "has handed in its tags"}
_START, _LONGEST = 120.0, 4 * 3600.0  # the covenant's rounds collect for four hours at most


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round came to. Mappings are by municipality code."""

    round_id: str
    participants: int
    seconds: float
    taken: Mapping[str, Mapping[str, Any]]  # what `participate --json` said
    known: Mapping[str, list[NodeMatch]]


async def hold_round(world: World, address: str, programs: Programs, display: Display) -> Outcome:
    """Announce a round, let all nodes take part, close it, and ask every node for its matches."""
    window = _window(world)
    coordinator = world.coordinator
    announced = await programs.run(
        *coordinator.command("rounds", "announce", "--purpose", PURPOSE, "--open-in", "0"),
        *("--collect", str(round(window))),
        name="rounds announce",
    )
    began, round_id = display.seconds, announced.strip()
    async with Channel(address, world.nodes[0].tls()) as channel:
        display.step(
            "a round begins: each municipality turns its persons into blinded keys, lets key holders, who can't read "
            "them, make tags of these, and hands in the tags alone"
        )
        children = await _collect(world, channel, programs, display, window)
        display.step(
            "all tags are in: the coordinator looks for equal ones; then the two municipalities of each candidate "
            "prove to one another that they hold the same persons"
        )
        await programs.run(*coordinator.command("rounds", "close", round_id), name="rounds close")
        watching = asyncio.create_task(_watch(channel, display, coordinator.name))
        try:
            said = await together(
                *(_finish(node, child, programs, display, window) for node, child in children.items())
            )
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    seconds = display.seconds - began
    taken = {node.caseload.code: told for node, told in zip(children, said, strict=True)}
    known = {code: parse_matches(told.get("matches"), municipality=code) for code, told in taken.items()}
    return Outcome(round_id, len(children), seconds, taken, known)


async def _collect(
    world: World, channel: Channel, programs: Programs, display: Display, window: float
) -> dict[Node, Child]:
    """Start the nodes, not many more at a time than there are cores, until all have submitted."""
    at_work = 1 + (os.cpu_count() or 1)
    waiting, children = list(world.nodes), dict[Node, Child]()
    deadline = display.seconds + window
    while True:
        status = await _status(channel)
        sizes = f"{status.submissions} of {len(world.nodes)} submissions"
        display.party(world.coordinator.name, f"{status.state}, {sizes}", passing=True)
        for node, child in children.items():
            if child.ended:
                raise child.failure(f"ended with status {child.reap()} before the round closed")
            if told := _DOING.get(_last_event(child)):
                display.party(node.name, told)
        if status.submissions == len(world.nodes):
            return children
        if display.seconds > deadline:
            raise RoundError(f"after {window:.0f} s only {status.submissions} nodes have submitted")
        while waiting and len(children) - status.submissions < at_work:
            node = waiting.pop(0)
            command = node.command(
                "participate", node.caseload.path, "--purpose", PURPOSE, "--skip-refused", "--json",
                "--wait", str(round(window)),
            )  # fmt: skip
            children[node] = programs.start(*command, name=node.name)
            display.party(node.name, "starts", passing=True)
        await asyncio.sleep(_POLL)


async def _finish(node: Node, child: Child, programs: Programs, display: Display, window: float) -> Mapping[str, Any]:
    said = await programs.finish(child, timeout=window)
    try:
        told: dict[str, Any] = json.loads(said)
    except ValueError:
        raise MalformedMessage("what a node says of its round can't be read", municipality=node.caseload.code) from None
    display.party(node.name, f"done, {len(told.get('matches', ()))} matches")
    return told


async def _watch(channel: Channel, display: Display, name: str) -> None:
    while True:
        display.party(name, (await _status(channel)).state)
        await asyncio.sleep(_POLL)


async def _status(channel: Channel) -> RoundStatus:
    """The newest round."""
    found = await channel.call(methods.LIST_ROUNDS, RoundQuery(PURPOSE), RoundList, timeout=_CALL)
    if not found.rounds:
        raise RoundError("the coordinator announced a round, and doesn't list it")
    return found.rounds[0]


def _last_event(child: Child) -> str:
    """What a program last wrote to its log, in its own words."""
    for line in reversed(child.log().splitlines()):
        try:
            return str(json.loads(line)["event"])
        except (ValueError, KeyError, TypeError):
            continue
    return ""


def _window(world: World) -> float:
    """Seconds in which all nodes can submit, even on a slow machine."""
    lines = sum(node.caseload.lines() for node in world.nodes)
    return min(_LONGEST, _START + lines * load_rules().slots * _SECONDS_PER_KEY)
