"""`sluis-board`: the strategic board's command line. It works offline, on files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import InputError, SluisError
from sluis_protocol.note import Verifier
from sluis_runtime import boardkeys as board_keys
from sluis_runtime.files import read_text, write_atomically
from sluis_runtime.printing import say
from sluis_runtime.program import Program

from .book import enter, read_book, read_release
from .report.figures import figures_of
from .report.page import as_csv, as_page
from .report.parity import read_parity

app = Program(help="Open the national totals and report on them. No municipality's own figures are in them.")
keys = Program(help="The board's key pair.")
app.add_typer(keys, name="keys")
_MOST_NOTE = 8_388_608

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The board's folder.")]
CovenantOption = Annotated[Path, typer.Option("--covenant", metavar="NOTE", help="The signed covenant.")]
AuthorityOption = Annotated[str, typer.Option("--authority", metavar="LINE", help="The authority's verifier line.")]
PassphraseOption = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Read the passphrase here instead of asking.")
]


class Language(StrEnum):
    """Of the report."""

    NL = "nl"
    EN = "en"


@keys.command()
def new(
    folder: Folder,
    name: Annotated[str, typer.Option(help="The board's name in the covenant.")],
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make the key pair; the private part is encrypted under a passphrase and never leaves the folder."""
    card = board_keys.new_keys(folder, name, _passphrase(passphrase_file, confirm=True))
    say(
        f"board {card.name} in {folder}; keep a copy of {folder / board_keys.SECRET_FILE}, and the passphrase elsewhere"
    )
    say(f"give {folder / board_keys.CARD_FILE} to the covenant authority; fingerprint {card.fingerprint}")


@keys.callback()
def _keys() -> None:
    """Keep `new` a command of its own."""


@app.command("open")
def open_(
    folder: Folder,
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The file from the coordinator.")],
    covenant: CovenantOption,
    authority: AuthorityOption,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Open the sum of a period: verify it, decrypt it, and keep it in the board's book."""
    message, agreed = read_release(release), _covenant(covenant, authority)
    secret = board_keys.read_secret_key(folder, _passphrase(passphrase_file, confirm=False))
    with _about(release, do="nothing of it is used; ask the operator for the file of this period again"):
        opened = enter(folder, message, agreed, secret, os.urandom)
    say(f"{opened.purpose} {opened.label}: the sum of {opened.contributors} municipalities, and of no fewer")


@app.command()
def report(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write, .html; figures go beside it, .csv.")],
    covenant: CovenantOption,
    authority: AuthorityOption,
    purpose: Annotated[str | None, typer.Option(metavar="ID", help="Needed where there are several.")] = None,
    year: Annotated[int | None, typer.Option(help="The year of the goal. Default: the newest period's.")] = None,
    language: Annotated[Language, typer.Option(help="Of the page.")] = Language.NL,
    parity: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The parity figures of the rule set (JSON).")
    ] = None,
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The date on the page. Default: today.")] = "",
) -> None:
    """Write the report: one page that needs nothing else, and its figures as CSV."""
    agreed, book = _covenant(covenant, authority), read_book(folder)
    figures = figures_of(book, agreed, purpose, year)
    dated = _day(day) if day else datetime.now(UTC).date()
    write_atomically(out, as_page(figures, language.value, dated, read_parity(parity) if parity else None))
    write_atomically(out.with_suffix(".csv"), as_csv(figures))
    say(f"{out} and {out.with_suffix('.csv').name}")


def _covenant(path: Path, authority: str) -> Covenant:
    note, verifier = read_text(path, most=_MOST_NOTE, what="the covenant"), Verifier.parse(authority)
    with _about(path, do="use the covenant note and the verifier line that the authority published"):
        return Covenant.verify(note, verifier)


@contextmanager
def _about(path: Path, *, do: str) -> Iterator[None]:
    """Have whatever is refused name the file, and say what helps."""
    try:
        yield
    except SluisError as error:
        error.where.setdefault("file", str(path))
        error.do = error.do or do
        raise


def _passphrase(path: Path | None, *, confirm: bool) -> str:
    if path is not None:
        return read_text(path, most=4_096, what="the passphrase").rstrip("\r\n")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("--day is not a date", do="write it as YYYY-MM-DD") from error
