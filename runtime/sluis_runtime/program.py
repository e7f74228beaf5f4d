"""The edge of a command-line program: errors become a message with what to do, and an exit status.

Exit status 1: something was refused or failed (the message says what). 2: wrong use. 130: interrupted.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console
from sluis_protocol.errors import SluisError

T = TypeVar("T")
stderr = Console(stderr=True)


class Program(typer.Typer):
    """A Typer application that shows a SluisError as its diagnostics instead of a traceback."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line. Nothing of the memory, which holds keys, is written to disk if the program crashes."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            return super().__call__(*args, **kwargs)
        except SluisError as error:
            stderr.print(error.diagnostics(), style="red", markup=False, highlight=False, soft_wrap=True)
            sys.exit(1)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C cancels it and ends with status 130."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)


def on_stop_signal(stop: Callable[[], object]) -> None:
    """Call `stop` on SIGTERM or SIGINT, within the running event loop: a service drains, then ends."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
