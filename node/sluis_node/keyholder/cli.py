"""`sluis-node keyholder`: the command line of a key holder."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.covenant import Terms
from sluis_protocol.errors import CovenantError
from sluis_runtime import logs
from sluis_runtime.files import read_text
from sluis_runtime.printing import print_json, print_table, say
from sluis_runtime.program import Program, run

from .ceremony import take_part
from .config import KeyHolderSettings, init_folder
from .serve import serve_until_stopped
from .store import MOST_NOTE, open_holder

app = Program(help="Hold one share of the key and evaluate for the members of the covenant.")
Config = Annotated[Path, typer.Option(help="The key holder's configuration.")]
_CONFIG = Path("keyholder.toml")


@app.callback()
def _keyholder() -> None:
    pass


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the keys and the configuration come.")],
    oin: Annotated[str, typer.Option(help="The OIN of the organisation (20 digits).")],
    name: Annotated[str, typer.Option(help="The name of the organisation.")],
    coordinator: Annotated[str, typer.Option(metavar="HOST:PORT", help="The coordinator's address.")],
    authority: Annotated[str, typer.Option(help="The covenant authority's verifier line.")] = "",
) -> None:
    """Make the keys, a configuration and the card for the covenant authority."""
    card = init_folder(folder, oin=oin, name=name, coordinator=coordinator, authority=authority)
    say(f"key holder {card.name} ({card.oin}) in {folder}")
    say(f"give {folder / 'card.json'} to the covenant authority; fingerprint {card.fingerprint}")


@app.command()
def ceremony(
    board: Annotated[Path, typer.Argument(help="The ceremony's board: a folder.")],
    draft: Annotated[Path, typer.Argument(help="The draft that the partners agreed on.")],
    config: Config = _CONFIG,
) -> None:
    """Do what this holder owes in the key ceremony now. Run it again until it says that it is finished."""
    terms = _read_draft(draft)
    with closing(open_holder(KeyHolderSettings.load(config))) as holder:
        progress = take_part(holder, board, terms, clock=_now, random=os.urandom)
    about = progress.ceremony
    say(f"ceremony {about.id.hex()[:16]} for {about.threshold} of {len(about.holders)}")
    for step in progress.done:
        say(f"this holder {step}")
    if progress.waiting:
        names = ", ".join(f"holder {index} ({about.holders[index].name})" for index in progress.waiting)
        say(f"waiting for the {progress.waits_for} of {names}")
    else:
        say("finished: all holders accepted, and this holder's share is stored")


@app.command()
def serve(config: Config = _CONFIG) -> None:
    """Evaluate for the members of the covenant until stopped; SIGTERM lets running work finish."""
    settings = KeyHolderSettings.load(config)
    logs.configure(settings.log)
    run(serve_until_stopped(settings, clock=_now, random=os.urandom))


@app.command()
def usage(
    config: Config = _CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Who asked how much, by round."""
    with closing(open_holder(KeyHolderSettings.load(config))) as holder:
        counts = holder.quota.report()
    if as_json:
        print_json([asdict(count) for count in counts])
        return
    names = ("round", "purpose", "member", "evaluations", "batches")
    print_table(names, [(one.round_id, one.purpose, one.member, str(one.elements), str(one.batches)) for one in counts])


def _read_draft(path: Path) -> Terms:
    text = read_text(path, most=MOST_NOTE, what="the draft")
    try:
        return Terms.parse(text)
    except CovenantError as error:
        error.where.setdefault("file", str(path))
        raise


def _now() -> datetime:
    return datetime.now(UTC)
