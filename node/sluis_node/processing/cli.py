"""`sluis-node processing`: the processing log. It names no family and no case, so a privacy officer may read it all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from sluis_runtime.printing import print_json, say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from .activity import Activity
from .reading import Entry, Wanted

app = Program(help="Read the processing log: who processed whose data, when, and what for.")
DAYS = ["%Y-%m-%d"]


@app.command()
def show(
    since: Annotated[datetime | None, typer.Option(metavar="DATE", formats=DAYS, help="From this day on.")] = None,
    until: Annotated[datetime | None, typer.Option(metavar="DATE", formats=DAYS, help="Before this day.")] = None,
    activity: Annotated[Activity | None, typer.Option(help="Only this activity.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="ID", help="Only what this person did.")] = None,
    person: Annotated[str | None, typer.Option(metavar="ID", help="Only what is about this person of ours.")] = None,
    most: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="So many, the newest first.")] = 200,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Show the entries, the newest first. Times are UTC."""
    wanted = Wanted(since=_utc(since), until=_utc(until), activity=activity, actor=actor, most=most)

    async def work(node: Node) -> list[Entry]:
        return node.processing_log(wanted, person=person)

    found = with_node(config, work)
    if as_json:
        print_json([entry.as_json() for entry in found])
        return
    if not found:
        say("no entries")
        return
    for one in found:
        persons = "1 person" if one.persons == 1 else f"{one.persons} persons"
        about = f", {one.reference}" if one.reference else ""
        say(
            f"{one.number:>6}  {one.started_at:%Y-%m-%d %H:%M:%S}  {one.name} ({one.activity}) by "
            f"{one.actor or 'the node'}, about {persons}{about}: {one.outcome}"
        )


@app.command()
def verify(config: ConfigOption = CONFIG) -> None:
    """Check that no entry was altered or taken out since it was written."""
    count = with_node(config, lambda node: node.verify_processing_log())
    say(f"{count} entries, and each follows from the one before it")


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
