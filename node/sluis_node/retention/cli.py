"""`sluis-node retention`: what goes when, what is due, what went."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from sluis_runtime.printing import print_json, print_table

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..node import Node
from .retention import Deletion, Due


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    proofs: Annotated[bool, typer.Option("--proofs", help="Only list what was deleted when.")] = False,
    by: Annotated[str, typer.Option(metavar="ID", help="Who asks for it; it stands in the processing log.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Delete what is past its term. It also runs by itself, once a day that the node is used."""
    if proofs:
        _show_proofs(config, as_json=as_json)
        return

    async def work(node: Node) -> list[Due]:
        verb = node.retention_due if dry_run else node.run_retention
        return await asyncio.to_thread(verb, **({} if dry_run else {"by": by}))

    found = with_node(config, work)
    if as_json:
        print_json([due.as_json() for due in found])
        return
    rows = [
        (due.category, str(due.days), str(due.ceiling), f"{due.before:%Y-%m-%d %H:%M}", str(due.rows)) for due in found
    ]
    print_table(("what", "kept for (days)", "at most", "from before", "would go" if dry_run else "deleted"), rows)


def _show_proofs(config: ConfigOption, *, as_json: bool) -> None:
    async def work(node: Node) -> list[Deletion]:
        return await asyncio.to_thread(node.deletions)

    found = with_node(config, work)
    if as_json:
        print_json([deletion.as_json() for deletion in found])
        return
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", one.category, str(one.rows), one.by or "the node", one.digest) for one in found
    ]
    print_table(("when", "what", "rows", "by", "digest"), rows)
