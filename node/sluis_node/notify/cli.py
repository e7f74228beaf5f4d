"""`sluis-node notices`: what was told, to whom it went, and what never arrived."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sluis_runtime.printing import print_json, say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from .outbox import Delivery, DeliveryState
from .sender import Sent

app = Program(help="Look after the notices that this node sends.")
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="A dead letter's number in the list.")]
_TICK_SECONDS = 30.0


@app.command("list")
def list_notices(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """List the notices, the newest first. The dead ones wait for people: send them again, or throw them away."""

    async def work(node: Node) -> list[Delivery]:
        return node.notices(state)

    found = with_node(config, work)
    if as_json:
        print_json([delivery.as_json() for delivery in found])
        return
    if not found:
        say("no notices")
        return
    for one in found:
        tried = f", {one.attempts} attempts" if one.attempts else ""
        say(
            f"{one.id:>6}  {one.at:%Y-%m-%d %H:%M}  {one.kind}, to {one.target} by {one.channel}: {one.state}{tried}"
            + (f"; {one.failure}" if one.failure else "")
        )


@app.command()
def send(
    watch: Annotated[bool, typer.Option("--watch", help="Go on until stopped, looking every half minute.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Send what is due. `receive`, `participate` and the console do it, too.

    Exit status 1 if a notice became a dead letter.
    """

    async def work(node: Node) -> Sent:
        sent = await node.send_notices()
        while watch:
            await asyncio.sleep(_TICK_SECONDS)
            sent += await node.send_notices()
        return sent

    sent = with_node(config, work)
    say(f"{sent.delivered} delivered, {sent.waiting} will be tried again, {sent.dead} dead letters")
    raise typer.Exit(1 if sent.dead else 0)


@app.command()
def retry(number: NumberArgument, config: ConfigOption = CONFIG) -> None:
    """Send a dead letter again."""

    async def work(node: Node) -> Sent:
        node.retry_notice(number)
        return await node.send_notices()

    with_node(config, work)


@app.command()
def discard(number: NumberArgument, config: ConfigOption = CONFIG) -> None:
    """Throw a dead letter away."""

    async def work(node: Node) -> None:
        node.discard_notice(number)

    with_node(config, work)
