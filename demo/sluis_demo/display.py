"""What happens, while it happens: a table that moves on a terminal, plain lines anywhere else.

It writes to standard error, so that standard output is the report's alone. It is told things and finds out nothing.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


class Display:
    """Steps of the whole, and what each party is doing. Use it in a `with` block around all output."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._parties: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = (
            Live(get_renderable=self._render, console=console, refresh_per_second=8, transient=True)
            if console.is_terminal
            else None
        )

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def showing(self) -> AbstractContextManager[object]:
        """While this is open, a terminal shows the table; afterwards the steps stay as lines."""
        return self._live or nullcontext()

    def step(self, text: str) -> None:
        """A new thing begins."""
        if self._live is None:
            self._console.print(self._line(text), soft_wrap=True, highlight=False)
            return
        line = Table.grid(padding=(0, 2))
        line.add_row(Text(f"{self.seconds:6.1f} s", style="dim"), Text(text))
        self._console.print(line)  # above the table, and wrapped beside the time

    def party(self, name: str, doing: str, *, passing: bool = False) -> None:
        """A party does something else now. What is only `passing` is not worth a line where lines stay."""
        if self._parties.get(name) == doing:
            return
        self._parties[name] = doing
        if self._live is None and not passing:
            self._console.print(self._line(f"  {name}: {doing}"), soft_wrap=True, highlight=False)

    def _line(self, text: str) -> Text:
        return Text.assemble((f"{self.seconds:6.1f} s  ", "dim"), text)

    def _render(self) -> RenderableType:
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, doing in self._parties.items():
            table.add_row(Text(name, style="bold"), Text(doing))
        self._spinner.update(text=Text(f"{self.seconds:.0f} s", style="dim"))
        return Group(table, self._spinner)
