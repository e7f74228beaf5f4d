"""`sluis-node rights`: what a privacy officer does for a person concerned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer
from sluis_runtime.printing import say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from ..show import print_json
from .requests import RightsRequest
from .rights import Done, Rights

app = Program(help="Give a person access to what is held, correct, object, erase. A person is named by your own id.")
PersonOption = Annotated[
    str, typer.Option(metavar="ID", help="The person, by the id that your caseload has (persoon).")
]
ByOption = Annotated[str, typer.Option(metavar="ID", help="Who records it; it stands in the processing log.")]
FileOption = Annotated[str, typer.Option(metavar="NUMBER", help="The request's number in your own administration.")]


@app.command()
def access(person: PersonOption, by: ByOption, file: FileOption = "", config: ConfigOption = CONFIG) -> None:
    """Print everything that this node holds about a person, and what it did with it, as JSON."""

    async def work(node: Node) -> object:
        return (await asyncio.to_thread(node.rights.access, person, by=by, file=file)).as_json()

    print_json(with_node(config, work))


@app.command()
def correct(person: PersonOption, by: ByOption, file: FileOption = "", config: ConfigOption = CONFIG) -> None:
    """Record that data were wrong. Correct them in your own system: the next round takes them from there."""
    _do(lambda rights: rights.correct(person, by=by, file=file), config)


@app.command("object")
def object_(person: PersonOption, by: ByOption, file: FileOption = "", config: ConfigOption = CONFIG) -> None:
    """Leave a person out of rounds until the objection is lifted."""
    _do(lambda rights: rights.object(person, by=by, file=file), config)


@app.command()
def erase(person: PersonOption, by: ByOption, file: FileOption = "", config: ConfigOption = CONFIG) -> None:
    """Take a person out of everything that is kept, and out of rounds. The processing log stays."""
    _do(lambda rights: rights.erase(person, by=by, file=file), config)


@app.command()
def lift(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The request's number in the list.")],
    by: ByOption,
    config: ConfigOption = CONFIG,
) -> None:
    """End an objection or an erasure: the person may take part again."""

    async def work(node: Node) -> RightsRequest:
        return await asyncio.to_thread(node.rights.lift, number, by=by)

    say(f"lifted: {with_node(config, work).right}")


@app.command("list")
def list_requests(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """List the requests, the newest first."""

    async def work(node: Node) -> list[RightsRequest]:
        return await asyncio.to_thread(node.rights.requests)

    found = with_node(config, work)
    if as_json:
        print_json([request.as_json() for request in found])
        return
    if not found:
        say("no requests")
        return
    for one in found:
        file = f", {one.file}" if one.file else ""
        say(f"{one.number:>6}  {one.recorded_at:%Y-%m-%d}  {one.person}, {one.right}{file}: {one.state}")


def _do(verb: Callable[[Rights], Done], config: ConfigOption) -> None:
    async def work(node: Node) -> Done:
        return await asyncio.to_thread(verb, node.rights)

    done = with_node(config, work)
    told = f"; {done.told} counterparts will be told (sluis-node receive)" if done.told else ""
    say(f"recorded as number {done.request.number}: {done.matches} matches are concerned{told}")
    if done.erased:
        found = done.erased
        say(f"erased from {found.rounds} submissions, {found.candidates} candidates, {found.matches} matches")
