"""`sluis-node keyholder`: the command line of a key holder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sluis_runtime.program import Program

from .config import init_folder

app = Program(help="Hold one share of the key and evaluate for the members of the covenant.")
console = Console(soft_wrap=True, highlight=False)


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
    console.print(f"key holder {card.name} ({card.oin}) in {folder}", markup=False)
    console.print(
        f"give {folder / 'card.json'} to the covenant authority; fingerprint {card.fingerprint}", markup=False
    )
