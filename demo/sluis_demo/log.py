"""At the end every node verifies the coordinator's log, and the operator computes it anew from its database."""

from __future__ import annotations

from typing import Any

from .observe import LOG, Seen
from .processes import Programs, together
from .world import Node, World


async def verify_log(world: World, programs: Programs) -> Seen:
    """What the nodes checked, and what they found wrong. The last one sees who cosigned."""
    *others, last = world.nodes
    told = list(await together(*(_verify(node, programs) for node in others)))
    told.append(await _verify(last, programs))
    computed = await programs.run(*world.coordinator.command("log", "verify"), name="log verify")
    sizes = {one["checkpoint"]["size"] for one in told}
    newest = told[-1]
    own = sum(sum(one["found"].values()) for one in told)
    pending = sum(one["pending"] + one["lost"] for one in told)
    faults = []
    if pending:
        faults.append(f"{pending} events of nodes are not in the log")
    if f"{newest['checkpoint']['size']} leaves" not in computed:
        faults.append("the coordinator's database and its newest checkpoint don't agree")
    vouching = len(newest["cosigned"]) + len(newest["cosigned_older"])
    if vouching != len(world.nodes):
        faults.append(f"only {vouching} nodes cosigned the log")
    return Seen(
        LOG,
        (
            f"log verified: {max(sizes)} events, hashes and ids only; each node checked that it only grew and has all "
            f"of its own ({own} in all); cosigned by {vouching} of {len(world.nodes)} nodes",
        ),
        tuple(faults),
    )


async def _verify(node: Node, programs: Programs) -> dict[str, Any]:
    told: dict[str, Any] = await programs.ask(*node.command("log", "verify", "--json"), name=f"{node.name} log verify")
    return told
