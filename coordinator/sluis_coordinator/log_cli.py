"""`sluis-coordinator log`: what the operator sees of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.checkpoint import cosigners
from sluis_runtime.printing import say
from sluis_runtime.program import Program

from . import log
from .coordinator import Coordinator

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


def make(opened: Callable[[Path], Coordinator], default: Path) -> Program:
    """The commands; `opened` opens the coordinator of a configuration."""
    app = Program(help="See the newest checkpoint and who cosigned it; check the whole log.")

    @app.command()
    def show(
        as_json: JsonOption = False,
        config: ConfigOption = default,
    ) -> None:
        """The newest checkpoint, and how many nodes cosigned it."""
        coordinator = opened(config)
        said = log.cosigned(coordinator)
        who = sorted(cosigners(said.note, coordinator.covenant))
        members = len(coordinator.covenant.members)
        if as_json:
            say(json.dumps({"note": said.note, "cosigned": who, "members": members}, indent=2))
            return
        say(said.note.rstrip())
        say(f"\ncosigned by {len(who)} of {members} nodes")

    @app.command()
    def verify(config: ConfigOption = default) -> None:
        """Compute the whole tree anew from the events; exit status 1 if the database says otherwise."""
        found = log.verify(opened(config))
        say(f"{found.size} leaves, root {found.root.hex()}: events, tree and checkpoints agree")

    return app
