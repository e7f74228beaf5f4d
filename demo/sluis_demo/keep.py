"""What `sluis-demo --keep` leaves to a visitor: commands to copy, and two consoles with matches that wait."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .consoles import LOGINS, OpenConsole, open_consoles
from .display import Display
from .meeting import Chosen
from .play import recommend
from .processes import Programs, both, find_program
from .world import World

_SHARED_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Visit:
    """The consoles, in the order of the municipalities, and the password of all their logins."""

    password: str
    consoles: Sequence[OpenConsole]


async def prepare(chosen: Chosen, programs: Programs, display: Display) -> Visit:
    """Open the consoles of the two; one match that they share is as good as decided."""
    opening = open_consoles(chosen.towns, programs)
    if chosen.left:
        (password, consoles), _ = await both(opening, recommend(chosen.left[0], programs, display))
    else:
        password, consoles = await opening
    return Visit(password, consoles)


def commands(world: World, logs: Path, round_id: str) -> Iterator[str]:
    """How to talk to what is left running, line by line."""
    node, holder = world.nodes[0], world.holders[0]
    yield f"\neverything keeps running; it lives in {world.folder}"
    for what, command in (
        ("a municipality's matches", node.command("matches")),
        ("its rounds", node.command("rounds")),
        ("the coordinator's rounds", world.coordinator.command("rounds", "list")),
        ("this round", world.coordinator.command("rounds", "show", round_id)),
        ("who asked a key holder how much", holder.command("usage")),
        ("whether the coordinator is well", world.coordinator.command("health")),
        ("the covenant", ("sluis-covenant", "show", world.note)),
        ("what the coordinator logged", ("tail", logs / "coordinator.log")),
    ):
        yield f"  {what}:\n    {_typed(command)}"


def invitation(chosen: Chosen, visit: Visit) -> Iterator[str]:
    """Where the consoles are, who may log in, and what to do there, line by line."""
    yield "\ntwo consoles are open:"
    for one in visit.consoles:
        yield f"  {one.node.title}: {one.address}"
    yield f"at both, log in as one of these, with the password {visit.password}:"
    for login, name, _, role in LOGINS:
        yield f"  {login:5}  {name}, {role}"
    if chosen.left:
        first, *others = chosen.left
        recommends, decides = (login for login, *_ in LOGINS[:2])
        yield f"matches wait in both inboxes. {recommends} recommended one at both: decide as {decides}, and they agree"
        for one, family in zip(visit.consoles, (first.family_a, first.family_b), strict=True):
            yield f"  {one.node.title}, family {family}: {one.address}/match/{first.match}"
        if others:
            pairs = ", ".join(f"{one.family_a} is {one.family_b}" for one in others[:_SHARED_SHOWN])
            a, b = (town.title for town in chosen.towns)
            yield f"others that {a} and {b} share: {pairs}"
    yield "to stop everything and delete the folder: Ctrl-C"


def _typed(command: Sequence[str | Path]) -> str:
    """A command to copy into a shell; with the program's path where its name alone would not find it."""
    name, *arguments = map(str, command)
    return shlex.join([name if shutil.which(name) else str(find_program(name)), *arguments])
