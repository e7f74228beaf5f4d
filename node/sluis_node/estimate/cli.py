"""The command line: `sluis-node rules estimate`. Reads files, prints figures, sends and stores nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.rules import load_rules
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program

from ..caseload.reading import read_caseload
from .report import ENOUGH, Report, estimate

app = Program(help="The rule set: which linkage keys there are, and what they are worth.")


@app.command("estimate")
def estimate_command(
    caseloads: Annotated[
        list[Path], typer.Argument(metavar="CASELOAD", help="A CSV file; of several systems of your own, several.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Estimate from your own data how well each key tells persons apart. No labels needed; nothing leaves the node."""
    today = datetime.now(UTC).date()
    families = [one for path in caseloads for one in read_caseload(path, name=path.name, today=today).families]
    report = estimate(families, load_rules())
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report)


@app.callback()
def _rules() -> None:
    """Keep `estimate` a command of its own."""


def print_report(report: Report) -> None:
    """The report as tables."""
    say(
        f"{report.persons} persons, {report.pairs} pairs of different families, rules {report.rules}; about "
        f"{report.twice:.0f} persons are in the file twice"
    )
    if not report.enough:
        say(f"that is too few to say how often a key agrees for the same person (m): {ENOUGH} are needed; u stands")
    keys = [
        (
            one.kind,
            f"{one.held:.1%}",
            "-" if one.m is None else f"{one.m:.3f}",
            "-" if one.u is None else f"{'<' if one.bound else ''}{one.u:.2e}",
            "-" if one.weight is None else f"{'>' if one.bound else ''}{one.weight:.1f}",
            str(one.points),
        )
        for one in report.keys
    ]
    print_table(("key", "held by", "m", "u", "log2(m/u)", "points"), keys)
    thresholds = []
    for cost in report.thresholds:
        found = "-" if cost.found is None else f"{cost.found:.1%}"
        thresholds.append((str(cost.points), f"{cost.now} (now)" if cost.now else "", found, f"{cost.chance:.4f}"))
    print_table(("threshold", "", "same persons found", "two persons, of a million pairs"), thresholds)
