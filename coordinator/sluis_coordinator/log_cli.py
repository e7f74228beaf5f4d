"""`sluis-coordinator log`: what the operator sees of the log."""

from __future__ import annotations

from sluis_protocol.checkpoint import cosigners
from sluis_runtime.printing import print_json, say
from sluis_runtime.program import Program

from . import log
from .command import CONFIG, ConfigOption, JsonOption, opened

app = Program(help="See the newest checkpoint and who cosigned it; check the whole log.")


@app.command()
def show(
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """The newest checkpoint, and how many nodes cosigned it."""
    coordinator = opened(config)
    said = log.cosigned(coordinator)
    who = sorted(cosigners(said.note, coordinator.covenant))
    members = len(coordinator.covenant.members)
    if as_json:
        print_json({"note": said.note, "cosigned": who, "members": members})
        return
    say(said.note.rstrip())
    say(f"\ncosigned by {len(who)} of {members} nodes")


@app.command()
def verify(config: ConfigOption = CONFIG) -> None:
    """Compute the whole tree anew from the events; exit status 1 if the database says otherwise."""
    found = log.verify(opened(config))
    say(f"{found.size} leaves, root {found.root.hex()}: events, tree and checkpoints agree")
