"""`sluis-coordinator totals`: open periods, look at them, end their steps, and hand the board its file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from sluis_runtime.database import transaction
from sluis_runtime.files import write_atomically
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program

from . import totals, totals_store
from .command import CONFIG, ConfigOption, JsonOption, opened

PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="The period's id.")]
_Seconds = float | None

app = Program(help="Open periods of the national totals, and hand the board their sums.")


@app.command("open")
def open_(
    purpose: Annotated[str, typer.Option(help="A purpose of the covenant.")],
    period: Annotated[str, typer.Option(metavar="2026-q3", help="The quarter, or month (2026-m07).")],
    enrol: Annotated[_Seconds, typer.Option(min=1, help="Seconds, instead of the covenant's days.")] = None,
    contribute: Annotated[_Seconds, typer.Option(min=1, help="Seconds to contribute.")] = None,
    unmask: Annotated[_Seconds, typer.Option(min=1, help="Seconds for the last word.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Open a period and print its id."""
    spans = {"enrol": enrol, "contribute": contribute, "unmask": unmask}
    given = {name: timedelta(seconds=span) for name, span in spans.items() if span is not None}
    say(totals.open_period(opened(config), purpose, period, **given).id)


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """All periods, the newest first, and how many have taken each step."""
    coordinator = opened(config)
    with transaction(coordinator.engine) as connection:
        ids = [one.id for one in totals_store.find_all(connection)]
    found = [totals.status(coordinator, one) for one in ids]
    if as_json:
        print_json(found)
        return
    columns = ("period", "state", "enrolled", "contributed", "next to act")
    names = ("period", "state", "enrolment", "contribution", "next_actor")
    print_table(columns, [tuple(str(one[name]) for name in names) for one in found])


@app.command("next")
def next_(period: PeriodArgument, config: ConfigOption = CONFIG) -> None:
    """End the step that the period is in, now."""
    coordinator = opened(config)
    with transaction(coordinator.engine) as connection:
        found = totals_store.find(connection, period)
    totals.go_on(coordinator, found, now_due=True)
    say(f"{period} {totals.status(coordinator, period)['state']}")


@app.command()
def abandon(
    period: PeriodArgument,
    why: Annotated[str, typer.Option(help="Why, in a line.")] = "the operator abandoned the period",
    config: ConfigOption = CONFIG,
) -> None:
    """End a period without a sum."""
    coordinator = opened(config)
    with transaction(coordinator.engine) as connection:
        found = totals_store.find(connection, period)
    totals.abandon(coordinator, found, why)
    say(f"{period} abandoned")


@app.command()
def release(
    period: PeriodArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file for the board.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Write the sum of a period for the board. No single contribution is in it."""
    write_atomically(out, totals.release_file(opened(config), period))
    say(f"give {out} to the board")
