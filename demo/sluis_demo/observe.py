"""What each party could see of the round, found out from what it really has: its database, its answers, its disk.

Asks the programs and reads the demo's own folder. It judges nothing but two promises: no tag file outlives the join,
and no citizen service number stands in the clear in anybody's files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluis_protocol.rules import load_rules

from .processes import Programs, together
from .round import Outcome
from .world import THRESHOLD, Party, World

LOG = "the log"  # not a party: what all of them found of it at the end
_BSN = re.compile(rb"(?<![0-9])[0-9]{9}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one party saw, in lines, and what it should not have."""

    party: str
    saw: tuple[str, ...]
    faults: tuple[str, ...] = ()


async def observe(world: World, outcome: Outcome, programs: Programs) -> list[Seen]:
    """The nodes, the coordinator and the key holders, of the round."""
    asked = await together(
        _of_coordinator(world, outcome, programs),
        *(_of_holder(holder, world, outcome, programs) for holder in world.holders),
    )
    return [*_of_nodes(world, outcome), *asked]


async def _of_coordinator(world: World, outcome: Outcome, programs: Programs) -> Seen:
    coordinator = world.coordinator
    command = coordinator.command("rounds", "show", outcome.round_id, "--json")
    told: dict[str, Any] = await programs.ask(*command, name="rounds show")
    sizes, asked = told["participants"], told["evaluations"]
    left = _tag_files(coordinator)
    return Seen(
        coordinator.name,
        (
            f"{load_rules().slots} random-looking tags a person; padded numbers of persons: {_by_node(world, sizes)}",
            f"which tags are equal within this round: {told['candidates']} candidates",
            f"how many keys each node had evaluated: {_by_node(world, asked)}",
            f"tag files left on its disk: {len(left)}",
        ),
        (f"the coordinator still has {len(left)} files of tags",) if left else (),
    )


async def _of_holder(holder: Party, world: World, outcome: Outcome, programs: Programs) -> Seen:
    counts: Counter[str] = Counter()
    for row in await programs.ask(*holder.command("usage", "--json"), name=f"{holder.name} usage"):
        if row["round_id"] == outcome.round_id:
            counts[row["member"]] += row["elements"]
    return Seen(
        holder.name,
        (
            f"one share of the key, of {THRESHOLD} that it takes",
            f"blinded keys, which say nothing to it; how many: {_by_node(world, counts) or 'none'}",
        ),
    )


def _of_nodes(world: World, outcome: Outcome) -> Iterator[Seen]:
    total = sum(map(len, outcome.known.values())) // 2
    for node in world.nodes:
        code = node.caseload.code
        known = outcome.known[code]
        others = Counter(match.counterpart.municipality for match in known)
        told = ", ".join(f"{count} with {other}" for other, count in sorted(others.items()))
        yield Seen(node.name, (f"its own {len(known)} of the {total} matches" + (f": {told}" if told else ""),))


def search(world: World, programs: Programs) -> Seen:
    """Look for the numbers of all caseloads in everything that anybody wrote."""
    numbers = {found for node in world.nodes for found in _BSN.findall(node.caseload.path.read_bytes())}
    files = [path for folder in (*(p.folder for p in world.parties), programs.logs) for path in _files(folder)]
    hits = [path for path in files if not numbers.isdisjoint(_BSN.findall(path.read_bytes()))]
    return Seen(
        "everybody's files",
        (f"{len(numbers)} BSNs looked for in {len(files)} files (databases, logs, keys): in the clear in {len(hits)}",),
        tuple(f"a BSN of a caseload stands in the clear in {path.relative_to(world.folder)}" for path in hits),
    )


def _tag_files(coordinator: Party) -> list[Path]:
    return list(_files(coordinator.folder / "rounds"))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _by_node(world: World, counts: Mapping[str, int]) -> str:
    """Counts by OIN, told by municipality code."""
    return ", ".join(f"{node.caseload.code} {counts[node.oin]}" for node in world.nodes if node.oin in counts)
