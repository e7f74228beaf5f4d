"""The command line: `sluis-coordinator`."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import grpc
import typer
from sluis_runtime import logs
from sluis_runtime.database import transaction
from sluis_runtime.files import sole_user
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program, on_stop_signal, run

from . import announcing, config, events, keeper, log_cli, store, totals_cli, usage
from .command import CONFIG, ConfigOption, JsonOption, now, opened
from .config import CoordinatorSettings
from .coordinator import open_coordinator
from .server import Server, ask_health

app = Program(help="Run the rounds: relay, collect, join, deliver. The coordinator sees tags, and no person.")
rounds = Program(help="Announce, close, abandon and look at rounds; the running server acts on it within a tick.")
app.add_typer(rounds, name="rounds")

RoundArgument = Annotated[str, typer.Argument(metavar="ROUND", help="The round's id.")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the key and the configuration come.")],
    oin: Annotated[str, typer.Option(help="The OIN of the organisation (20 digits).")],
    name: Annotated[str, typer.Option(help="The name of the organisation.")],
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the server listens.")],
    authority: Annotated[str, typer.Option(help="The covenant authority's verifier line.")] = "",
) -> None:
    """Make the signing key, a configuration and the card for the covenant authority."""
    card = config.init_folder(folder, oin=oin, name=name, listen=listen, authority=authority)
    say(f"coordinator {card.name} ({card.oin}) in {folder}")
    say(f"give {folder / 'card.json'} to the covenant authority; fingerprint {card.fingerprint}")


@app.command()
def serve(config: ConfigOption = CONFIG) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    settings = CoordinatorSettings.load(config)
    logs.configure(settings.log)
    run(_serve(settings))


@app.command()
def health(
    config: ConfigOption = CONFIG,
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Instead of the one in the configuration.")] = "",
) -> None:
    """Ask the running server whether it serves; exit status 0 if it does, else 1."""
    settings = CoordinatorSettings.load(config)
    try:
        serving = run(ask_health(address or settings.listen, settings.tls))
    except grpc.aio.AioRpcError as error:
        say(f"no answer: {error.code().name}")
        raise typer.Exit(1) from None
    say("serving" if serving else "not serving")
    raise typer.Exit(0 if serving else 1)


@rounds.command()
def announce(
    purpose: Annotated[str, typer.Option(help="A purpose of the covenant.")],
    open_in: Annotated[float, typer.Option(min=0, help="Seconds until it opens.")] = 0,
    collect: Annotated[
        float | None, typer.Option(min=1, help="Seconds that it collects, instead of the covenant's schedule.")
    ] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Announce a round and print its id."""
    coordinator = opened(config)
    new = announcing.announce(
        coordinator,
        purpose,
        opens_at=coordinator.clock() + timedelta(seconds=open_in),
        collect=None if collect is None else timedelta(seconds=collect),
    )
    say(new.id)


@rounds.command()
def close(round_id: RoundArgument, config: ConfigOption = CONFIG) -> None:
    """Stop collecting now, and join."""
    found = keeper.close(opened(config), round_id)
    say(f"{found.id} {found.state.name}")


@rounds.command()
def abandon(
    round_id: RoundArgument,
    why: Annotated[str, typer.Option(help="What the participants are told.")] = "the operator abandoned the round",
    config: ConfigOption = CONFIG,
) -> None:
    """End a round that isn't published yet, without a result."""
    found = keeper.abandon(opened(config), round_id, why)
    say(f"{found.id} {found.state.name}")


@rounds.command("list")
def list_rounds(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """All rounds, the newest first."""
    coordinator = opened(config)
    with transaction(coordinator.engine) as connection:
        found = store.find_rounds(connection, purged=True)
        counts = store.count_submissions(connection, [one.id for one in found])
    if as_json:
        print_json([_summary(one, counts[one.id]) for one in found])
        return
    rows = [
        (one.id, one.purpose, one.state.name, str(counts[one.id]), f"{one.closes_at:%F %T}", one.state.next_actor)
        for one in found
    ]
    print_table(("round", "purpose", "state", "submissions", "closes", "next to act"), rows)


@rounds.command()
def show(round_id: RoundArgument, as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """One round: who submitted how much, who asked for how many evaluations, and who for far too many."""
    coordinator = opened(config)
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, round_id)
        submitted = store.find_submissions(connection, round_id)
        evaluated = events.counts(connection, round_id, events.Happened.EVALUATION)
    counted = usage.by_holder(usage.of_round(coordinator, round_id))
    asked = usage.asked(counted, coordinator.covenant_of(found.covenant_hash).terms.threshold)
    persons = {one.oin: one.persons for one in submitted}
    summary: dict[str, object] = {
        **_summary(found, len(submitted)),
        "participants": persons,
        "evaluations": evaluated,
        "holders_counted": {oin: one.elements for oin, one in counted.items()},
        "asked": asked,
        "asked_far_more_than_submitted": (usage.suspicious(asked, persons, coordinator.rules.slots) if counted else []),
    }
    if as_json:
        print_json(summary)
        return
    for name, value in summary.items():
        shown = ", ".join(f"{oin} ({count})" for oin, count in value.items()) if isinstance(value, dict) else value
        shown = (", ".join(shown) or "nobody") if isinstance(shown, list) else shown
        say(f"{name.replace('_', ' ')}: {shown}")


async def _serve(settings: CoordinatorSettings) -> None:
    # A second server would take the first one's running uploads and joins for what a crash left behind.
    with sole_user(settings.database), sole_user(settings.rounds):
        coordinator = open_coordinator(settings, now, os.urandom)
        server = Server(
            coordinator,
            announce=settings.announce,
            totals=settings.totals,
            tick_seconds=settings.tick_seconds,
            grace_seconds=settings.grace_seconds,
        )
        port = await server.start(settings.listen, settings.tls)
        on_stop_signal(server.stop)
        typer.echo(f"listening on {settings.listen.rpartition(':')[0]}:{port}")
        await server.wait()


app.add_typer(totals_cli.app, name="totals")
app.add_typer(log_cli.app, name="log")


def _summary(found: store.Round, submissions: int) -> dict[str, object]:
    return {
        "round": found.id,
        "purpose": found.purpose,
        "state": found.state.name,
        "next_actor": found.state.next_actor,
        "opens_at": found.opens_at.isoformat(),
        "closes_at": found.closes_at.isoformat(),
        "confirm_until": found.confirm_until.isoformat(),
        "submissions": submissions,
        "candidates": found.candidates,
        "abandoned": found.abandoned,
        "covenant": found.covenant_hash.hex(),
    }
