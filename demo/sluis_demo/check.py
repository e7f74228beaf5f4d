"""Each municipality checks its own caseload before a round: who can take part, and which lines are left out and why.

The nodes' own command does it; nothing is sent. What is kept here is line numbers and reasons, nothing personal.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError
from sluis_protocol.errors import MalformedMessage

from .display import Display
from .processes import Programs, together
from .world import PURPOSE, Node, World


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A line that a municipality refused."""

    municipality: str
    line: int
    field: str
    reason: str


class _Refused(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    line: int
    field: str
    reason: str


class _Checked(BaseModel):
    """What `sluis-node check --json` says, as far as it is told here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    families: int
    persons: int
    closed: int
    refused: tuple[_Refused, ...]


async def check_caseloads(world: World, programs: Programs, display: Display) -> list[LeftOut]:
    """The refused lines of all caseloads; raise ProgramFailed with the node's reason where a file can't be used."""
    display.step("each municipality checks its own caseload; nothing is sent, and refused lines are left out")
    for node in world.nodes:
        display.party(node.name, "checks its caseload", passing=True)

    async def check(node: Node) -> list[LeftOut]:
        command = node.command("check", node.caseload.path, "--purpose", PURPOSE, "--json")
        code = node.caseload.code
        try:
            told = _Checked.model_validate(await programs.ask(*command, name=f"{node.name} check"))
        except ValidationError:
            raise MalformedMessage("what a node says of its caseload can't be read", municipality=code) from None
        display.party(
            node.name,
            f"{told.families} families can take part; {len(told.refused)} lines refused, {told.closed} closed",
        )
        return [LeftOut(code, one.line, one.field, one.reason) for one in told.refused]

    return sorted(one for found in await together(*map(check, world.nodes)) for one in found)
