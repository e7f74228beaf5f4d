"""`sluis-node console`: the command. What needs the extra `console` is imported when the command runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.errors import ConfigError
from sluis_runtime import logs
from sluis_runtime.program import run

from .settings import ConsoleSettings


def console(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen, instead of the configuration's place.")
    ] = "",
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The node's configuration.")] = Path(
        "node.toml"
    ),
) -> None:
    """Serve the console: matches, decisions and joint approaches, in a browser.

    It fetches the node's mail while it runs. It goes on until Ctrl-C.
    """
    if any(importlib.util.find_spec(name) is None for name in ("starlette", "jinja2", "uvicorn", "authlib", "babel")):
        raise ConfigError("the console is not installed", do="install sluis with its extra console")
    from ..config import NodeSettings
    from ..node import Node, utc_now
    from .serve import serve

    settings = NodeSettings.load(config)
    logs.configure(settings.log)
    own = settings.console or ConsoleSettings()
    if listen:
        own = ConsoleSettings.model_validate(own.model_dump() | {"listen": listen})

    async def opened() -> None:
        async with Node(settings) as node:
            await serve(node, own, clock=utc_now)

    run(opened())
