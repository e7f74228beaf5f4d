"""What `--help` says is what was reviewed: each command's own text stands in help.txt.

`python -m tests.node.test_help` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer.main
from sluis_node.cli import app
from typer.core import TyperGroup
from typer.testing import CliRunner

PINNED = Path(__file__).with_name("help.txt")
WIDTH = 100


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of a group and all commands in it; what other packages add has tests of its own."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            if name not in ("keyholder", "rules"):
                yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def all_help() -> str:
    """The help of every command of the node's own."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    runner = CliRunner(env={"COLUMNS": str(WIDTH), "TERM": "dumb"})
    pages = []
    for path in commands(group):
        outcome = runner.invoke(app, [*path, "--help"], prog_name="sluis-node", terminal_width=WIDTH)
        assert outcome.exit_code == 0
        pages.append(f"$ {' '.join(('sluis-node', *path, '--help'))}\n{outcome.output.strip()}\n")
    return "\n".join(pages)


def test_help_is_as_it_was_reviewed() -> None:
    assert all_help() == PINNED.read_text()


def test_every_summary_is_whole() -> None:
    """No command is cut short in the list of commands."""
    assert not [line for line in all_help().splitlines() if line.endswith("...") and "Usage:" not in line]


if __name__ == "__main__":
    PINNED.write_text(all_help())
