"""Two municipalities of a demo that was only laid out, with a shell script for their node."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sluis_demo.caseloads import CaseloadFile
from sluis_demo.meeting import Meeting
from sluis_demo.results import Counterpart, NodeMatch
from sluis_demo.world import Node, World, lay_out
from sluis_protocol.rules import Grade

CODES = ("GM0014", "GM0344", "GM0363")


def laid_out(folder: Path, script: str = "true") -> World:
    """A world whose nodes have a configuration, and run the script as `sluis-node`."""
    program = folder / "node.sh"
    program.write_text(script)
    world = lay_out(folder, [CaseloadFile(code, code.lower(), folder / f"{code}.csv") for code in CODES])
    nodes = tuple(replace(node, program=("sh", str(program))) for node in world.nodes)
    for node in nodes:
        node.folder.mkdir()
        node.config.write_text('log = "json"\n')
    return replace(world, nodes=nodes)


def side(match: str, other: str, family: str, grade: Grade = Grade.BSN) -> NodeMatch:
    """One side of a match."""
    return NodeMatch(match=match, round="r", counterpart=Counterpart(municipality=other), grade=grade, family=family)


def meeting(a: Node, b: Node, grade: Grade = Grade.BSN) -> Meeting:
    """A match of these two."""
    return Meeting("ab" * 16, a, b, "G1", "B1", grade)
