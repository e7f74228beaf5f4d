"""What the commands of `sluis-node` share: their options, and a node that is open as long as the work lasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sluis_runtime import logs
from sluis_runtime.program import run

from .config import NodeSettings
from .coordinator import PATIENCE_SECONDS
from .node import Node

T = TypeVar("T")

CONFIG = Path("node.toml")
ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The node's configuration.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def with_node(config: Path, work: Callable[[Node], Awaitable[T]], *, patience: float = PATIENCE_SECONDS) -> T:
    """Open the node, do the work, close it; `patience` is for how many seconds an answer is awaited."""
    settings = NodeSettings.load(config)
    logs.configure(settings.log)

    async def opened() -> T:
        async with Node(settings, patience=patience) as node:
            return await work(node)

    return run(opened())
