"""What programs print on standard output: text as it is, and tables that lose nothing.

Texts of others (names, references) are never read as markup. Errors and progress go to standard error; see `program`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
_WHOLE = 10_000
"""Characters: wider than any table. A pipe or a file has no width, and what reads it needs the whole of each cell."""
_GAP = 3
"""Characters between two columns."""


def say(text: str, style: str = "") -> None:
    """Print a line of text; none is broken where a terminal ends, so that it can be copied."""
    console.print(text, markup=False, soft_wrap=True, style=style)


def print_json(content: object) -> None:
    """Print JSON, never wrapped or coloured."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table. A narrow terminal has it wrapped between words; nothing is cut off, and no word broken."""
    cells = list(rows)
    table = Table(box=SIMPLE_HEAD if any(columns) else None, show_header=any(columns), pad_edge=False, show_edge=False)
    table.title, table.title_justify = title or None, "left"
    least = 0
    for name, *column in zip(columns, *cells, strict=True):
        longest = max(len(word) for cell in (name, *column) for word in cell.split() or [""])
        table.add_column(name, min_width=longest, no_wrap=all(" " not in cell for cell in (name, *column)))
        least += longest + _GAP
    for row in cells:
        table.add_row(*map(Text, row))
    width = max(console.width, least) if console.is_terminal else _WHOLE
    Console(highlight=False, width=width).print(table, crop=False)
