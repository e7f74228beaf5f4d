"""The command line: `sluis-node`. Everything it does is in `node.Node`; here are options, and what is shown."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sluis_protocol import group
from sluis_protocol.rules import load_rules
from sluis_runtime import logs
from sluis_runtime.printing import print_json, say
from sluis_runtime.program import Program, run

from . import show
from .anomalies import Anomaly
from .caseload.quality import assess
from .caseload.reading import Caseload
from .config import NodeSettings, init_folder
from .console.cli import console
from .estimate.cli import app as rules_app
from .handshake.cli import approach, decide, reconsider
from .handshake.model import Brief
from .handshake.show import brief_json, print_briefs
from .keyholder.cli import app as keyholder_app
from .node import WAIT_SECONDS, Node
from .notify.cli import app as notices_app
from .processing.cli import app as processing_app
from .retention.cli import retention
from .rights.cli import app as rights_app
from .totals.cli import app as totals_app
from .transparency.cli import app as log_app

T = TypeVar("T")
app = Program(help="Find the families that other municipalities help, too; nothing else becomes known to anybody.")
covenant_app = Program(help="Look after the covenant that the partners signed.")
app.add_typer(covenant_app, name="covenant")
app.add_typer(keyholder_app, name="keyholder", short_help="Be a key holder: hold a share of the key and serve with it.")
app.add_typer(rules_app, name="rules", short_help="Measure how well the linkage keys do on your own data.")
app.add_typer(notices_app, name="notices", short_help="See and send the notices to people, and the dead letters.")
app.add_typer(log_app, name="log", short_help="Watch over the coordinator's log; what to do about an alarm.")
app.add_typer(processing_app, name="processing", short_help="Read the processing log: who processed whose data.")
app.add_typer(rights_app, name="rights", short_help="Access, correction, objection and erasure for a person.")
app.add_typer(totals_app, name="totals", short_help="See and approve your figures for the national totals.")
app.add_typer(approach, name="approach", short_help="Work on a joint approach, once both municipalities want it.")
app.command()(retention)

app.command()(console)

ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The node's configuration.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
PurposeOption = Annotated[
    str | None, typer.Option(metavar="ID", help="A purpose of the covenant; needed where it has several.")
]
CaseloadArgument = Annotated[Path, typer.Argument(metavar="CASELOAD", help="The caseload, a CSV file.")]
CONFIG = Path("node.toml")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.")],
    oin: Annotated[str, typer.Option(metavar="OIN", help="The municipality's OIN, 20 digits.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="The municipality's name.")],
    municipality: Annotated[str, typer.Option(metavar="GMXXXX", help="The municipality's code.")],
    coordinator: Annotated[str, typer.Option(metavar="HOST:PORT", help="The coordinator's address.")],
    authority: Annotated[
        str, typer.Option(metavar="LINE", help="The covenant authority's verifier line; may come later.")
    ] = "",
) -> None:
    """Make a node's folder: keys, configuration and card."""
    card = init_folder(
        folder, oin=oin, name=name, municipality=municipality, coordinator=coordinator, authority=authority
    )
    say(f"node {card.name} ({card.oin}) in {folder}")
    say(f"give {folder / 'card.json'} to the covenant authority; fingerprint {card.fingerprint}")
    say(
        f"then complete {folder / 'node.toml'}, put the certificate in {folder / 'tls'}, and run: "
        "sluis-node covenant fetch"
    )


@app.command()
def check(
    caseload: CaseloadArgument,
    purpose: PurposeOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Say who of a caseload can take part, why others can't, and how well it will match. Nothing is sent.

    Exit status 1 if any line is refused.
    """

    async def work(node: Node) -> Caseload:
        return node.check(caseload, purpose=purpose)

    found = _with_node(config, work)
    quality = assess(found, load_rules())
    if as_json:
        print_json(show.caseload_json(found) | {"quality": quality.as_json()})
    else:
        show.print_caseload(found)
        show.print_quality(quality)
    raise typer.Exit(1 if found.refused else 0)


@app.command()
def participate(
    caseload: CaseloadArgument,
    purpose: PurposeOption = None,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Take part without the lines that are refused.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long to wait for a round, its outcome, and the other side."),
    ] = WAIT_SECONDS,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Take part in a round, to its end.

    Started again, it goes on where it was. Exit status 1 if there is no outcome yet.
    """
    with show.progress(quiet=as_json) as progress:
        report = _with_node(
            config,
            lambda node: node.participate(
                caseload, purpose=purpose, skip_refused=skip_refused, wait=wait, progress=progress
            ),
        )
    if as_json:
        print_json(show.report_json(report))
    else:
        show.print_report(report)
    raise typer.Exit(0 if report.published else 1)


@app.command()
def receive(
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for what is outstanding.")
    ] = 10.0,
    config: ConfigOption = CONFIG,
) -> None:
    """Fetch the outcomes of all rounds, and answer what is asked."""
    show.print_received(_with_node(config, lambda node: node.receive(wait=wait)))


@app.command()
def matches(
    reviewer: Annotated[
        str | None,
        typer.Option("--reviewer", metavar="ID", help="Who looks; else the name that you are logged in with."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """List the families that another municipality helps, too, and what they ask of you."""

    async def work(node: Node) -> list[Brief]:
        return await asyncio.to_thread(lambda: node.desk.cases(by=reviewer or getpass.getuser()))

    found = _with_node(config, work)
    if as_json:
        print_json([brief_json(brief) for brief in found])
    elif found:
        print_briefs(found)
    else:
        say("no matches")


app.command()(decide)
app.command()(reconsider)


@app.command()
def anomalies(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """List what an honest party would not have done, and what to do."""

    async def work(node: Node) -> list[Anomaly]:
        return node.anomalies()

    found = _with_node(config, work)
    if as_json:
        print_json([anomaly.as_json() for anomaly in found])
    else:
        show.print_anomalies(found)


@app.command()
def rounds(purpose: PurposeOption = None, config: ConfigOption = CONFIG) -> None:
    """List the rounds: announced ones, and those taken part in."""
    show.print_rounds(_with_node(config, lambda node: node.rounds(purpose=purpose)))


@app.command()
def doctor() -> None:
    """Say what this machine computes with, and why."""
    chosen = group.choice()
    native, problem = group.native_module()
    names = ", ".join(native.names()) if native else problem
    say(f"group backend: {chosen.name} ({chosen.why})")
    say(f"native backends: {names}")
    if native is None:
        say("  → on Debian: apt install gcc libc6-dev python3-dev; then install Sluis again")
    say(f"threads for a batch: {group.available_cores()}")


@covenant_app.command()
def fetch(config: ConfigOption = CONFIG) -> None:
    """Fetch the covenant in force, verify it and put it in place.

    It comes from the coordinator, and must be signed by the authority in the configuration.
    """
    covenant = _with_node(config, lambda node: node.fetch_covenant())
    say(f"{covenant.terms.id} version {covenant.terms.version}, {covenant.hash.hex()}")


@covenant_app.callback()
def _covenant() -> None:
    """Keep `fetch` a command of its own."""


def _with_node(config: Path, work: Callable[[Node], Awaitable[T]]) -> T:
    """Open the node, do the work, close it."""
    settings = NodeSettings.load(config)
    logs.configure(settings.log)

    async def opened() -> T:
        async with Node(settings) as node:
            return await work(node)

    return run(opened())
