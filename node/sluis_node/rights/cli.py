"""`sluis-node rights`: what a privacy officer does for a person concerned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.errors import InputError, NotFound
from sluis_protocol.notation import read_bsn
from sluis_runtime.files import write_atomically
from sluis_runtime.printing import print_json, say
from sluis_runtime.program import Program

from ..caseload.reading import read_caseload
from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from .dossier import Dossier
from .letter import Language, letter
from .requests import RightsRequest
from .rights import Done, Rights

app = Program(help="Give a person access to what is held, correct, object, erase. A person is named by your own id.")
PersonOption = Annotated[
    str, typer.Option(metavar="ID", help="The person, by the id that your caseload has (persoon).")
]
BsnOption = Annotated[
    str,
    typer.Option(metavar="NUMBER", help="Or by BSN, looked up in --caseload; with - it is asked for, unseen."),
]
CaseloadOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Your caseload, for --bsn: the node itself keeps no BSN.")
]
ByOption = Annotated[str, typer.Option(metavar="ID", help="Who records it; it stands in the processing log.")]
FileOption = Annotated[str, typer.Option(metavar="NUMBER", help="The request's number in your own administration.")]


@app.command()
def access(
    by: ByOption,
    person: PersonOption = "",
    bsn: BsnOption = "",
    caseload: CaseloadOption = None,
    file: FileOption = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there, as a text for the person.")] = None,
    language: Annotated[Language, typer.Option(help="The text's language.")] = Language.NL,
    config: ConfigOption = CONFIG,
) -> None:
    """Give all that this node holds about a person, and did with it: JSON, or a file."""
    who = _who(person, bsn, caseload)
    if out is not None and out.exists():
        raise InputError("there is a file of that name already", do="choose another: --out", file=out)

    async def work(node: Node) -> Dossier:
        return await asyncio.to_thread(node.rights.access, who, by=by, file=file)

    found = with_node(config, work)
    if out is None:
        print_json(found.as_json())
    else:
        write_atomically(out, letter(found, language), mode=0o600)
        say(f"written to {out}")


def _command(name: str, about: str, verb: Callable[[Rights, str, str, str], Done]) -> None:
    """A command that carries out a right for one person; these differ in nothing else."""

    def carry_out(
        by: ByOption,
        person: PersonOption = "",
        bsn: BsnOption = "",
        caseload: CaseloadOption = None,
        file: FileOption = "",
        config: ConfigOption = CONFIG,
    ) -> None:
        who = _who(person, bsn, caseload)

        async def work(node: Node) -> Done:
            return await asyncio.to_thread(verb, node.rights, who, by, file)

        done = with_node(config, work)
        told = f"; {done.told} counterparts will be told (sluis-node receive)" if done.told else ""
        say(f"recorded as number {done.request.number}: {done.matches} matches are concerned{told}")
        if done.erased:
            found = done.erased
            say(f"erased from {found.rounds} submissions, {found.candidates} candidates, {found.matches} matches")

    app.command(name, help=about)(carry_out)


_command(
    "correct",
    "Record that data were wrong. Correct them in your own system: the next round takes them from there.",
    lambda rights, who, by, file: rights.correct(who, by=by, file=file),
)
_command(
    "object",
    "Leave a person out of rounds until the objection is lifted.",
    lambda rights, who, by, file: rights.object(who, by=by, file=file),
)
_command(
    "erase",
    "Take a person out of everything that is kept, and out of rounds. The processing log stays.",
    lambda rights, who, by, file: rights.erase(who, by=by, file=file),
)


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


def _who(person: str, bsn: str, caseload: Path | None) -> str:
    """The person id that was given, or that the caseload has for a BSN. No message repeats the number."""
    if bool(person) == bool(bsn):
        raise InputError("a request is about one person", do="give --person, or --bsn with --caseload")
    if not bsn:
        return person
    if caseload is None:
        raise InputError("a node keeps no BSN to look up", do="give your caseload, too: --caseload FILE")
    number = read_bsn(str(typer.prompt("BSN", hide_input=True)) if bsn == "-" else bsn)
    read = read_caseload(caseload, name=caseload.name, today=datetime.now(UTC).date())
    found = {r.person.person_id for one in read.families for r in one.members if r.person.bsn == number}
    if not found:
        raise NotFound("nobody in this caseload has that BSN", do="give the person's id: --person", file=caseload.name)
    if len(found) > 1:
        raise InputError("the caseload has that BSN under several ids", do="give one: --person", file=caseload.name)
    return found.pop()
