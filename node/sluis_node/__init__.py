"""What a municipality runs: its caseload, its rounds, its matches; also the key holder role.

`Node` does all of it from another program (docs/embedding.md); `sluis-node` is its command line.
"""

from .matches import Counterpart, FamilyMatch
from .node import Node, Received, RoundInfo
from .participation import HolderFault, Report
from .progress import Progress, Step

__all__ = [
    "Counterpart",
    "FamilyMatch",
    "HolderFault",
    "Node",
    "Progress",
    "Received",
    "Report",
    "RoundInfo",
    "Step",
]
