"""What a municipality runs: its caseload, its rounds, its matches; also the key holder role.

`Node` does all of it from another program (docs/embedding.md); `sluis-node` is its command line. One record's way, from
file to match, in the order in which the modules hand it on:

    cli → node                          a command, and what it asks of the node
    columns, caseload → gates, intake   a line of a CSV file becomes a person, or is refused (rules 1, 3, 4, 5, 22)
    announced                           the round to take part in
    participation                       keys are prepared, tagged, packed and handed in
    tagging, quorums                    … blinded, evaluated by key holders whose proofs are verified
    own_family, own_round, store        … and what will be needed to confirm is kept, sealed (vault)
    receive → mail                      what the coordinator claims is examined and answered
    ledger → matches → show             what both sides confirmed becomes a match
    anomalies                           what nobody honest would have done is kept as proof

`parts` has what all of them work with, `coordinator` the way to it, `tables` and `migrations` the database, `keyholder`
the other role.
"""

from .anomalies import Anomaly
from .matches import Counterpart, FamilyMatch
from .node import Node, Received, RoundInfo
from .participation import HolderFault, Report
from .progress import Progress, Step

__all__ = [
    "Anomaly",
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
