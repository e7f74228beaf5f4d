"""`sluis-node totals`: see the figures that a municipality is asked for, and approve them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..handshake.options import ReviewerOption
from ..node import Node
from .desk import PeriodView

app = Program(help="Take part in the national totals: figures that nobody but you sees.")
PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="The period's id.")]


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """Look which periods there are, and how far each is."""

    async def work(node: Node) -> list[PeriodView]:
        await node.take_part_in_totals()
        return await asyncio.to_thread(node.totals.periods)

    found = with_node(config, work)
    if as_json:
        print_json([_json(one) for one in found])
        return
    rows = [(one.id, one.purpose, str(one.progress), f"{one.until:%Y-%m-%d %H:%M}") for one in found]
    print_table(("period", "purpose", "state", "approve until"), rows)


@app.command()
def show(
    period: PeriodArgument, reviewer: ReviewerOption, as_json: JsonOption = False, config: ConfigOption = CONFIG
) -> None:
    """Show exactly the figures that would go, or went."""

    async def work(node: Node) -> PeriodView:
        return await asyncio.to_thread(lambda: node.totals.period(period, by=reviewer))

    _print(with_node(config, work), as_json=as_json)


@app.command()
def approve(
    period: PeriodArgument,
    reviewer: ReviewerOption,
    figures: Annotated[str, typer.Option(metavar="CODE", help="The code of the figures, as `show` gave it.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Approve the figures that you saw; the node takes part with exactly these."""

    async def work(node: Node) -> PeriodView:
        found = await asyncio.to_thread(lambda: node.totals.approve(period, by=reviewer, seen=figures))
        await node.take_part_in_totals()
        return await asyncio.to_thread(lambda: node.totals.period(found.id, by=reviewer))

    _print(with_node(config, work), as_json=as_json)


def _print(found: PeriodView, *, as_json: bool) -> None:
    if as_json:
        print_json(_json(found))
        return
    say(f"{found.purpose} {found.label}: {found.progress}")
    for cell, value in (found.figures or {}).items():
        say(f"  {cell}: {value}")
    if found.approved_by:
        say(f"approved by {found.approved_by}")
    if found.may_approve:
        say(f"to approve: sluis-node totals approve {found.id} --figures {found.seen}")


def _json(found: PeriodView) -> dict[str, Any]:
    return {
        "period": found.id,
        "purpose": found.purpose,
        "label": found.label,
        "state": str(found.progress),
        "until": found.until.isoformat(),
        "figures": {str(cell): value for cell, value in (found.figures or {}).items()},
        "approved_by": found.approved_by,
        "code": found.seen,
    }
