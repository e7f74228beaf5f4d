"""What a municipality runs: its caseload, its rounds, its matches; also the key holder role.

`Node` does all of it from another program (docs/embedding.md); `sluis-node` is its command line. One record's way, from
file to match, in the order in which the modules hand it on:

    cli → node                          a command, and what it asks of the node
    caseload: columns, reading          a line of a CSV file becomes a person, or is refused by number and field
              gates, intake             … takes part only with an open case and a ground (rules 1, 3, 4, 5, 22)
    round:    announced, participation  the round to take part in; keys are prepared, tagged, packed and handed in
              tagging, quorums          … blinded, evaluated by key holders whose proofs are verified
              own_family, own_round     … and what will be needed to confirm is kept, sealed (store, vault)
              receive, mail, candidates what the coordinator claims is examined and answered
              ledger → matches          what both sides confirmed becomes a match
    anomalies                           what nobody honest would have done is kept as proof
    handshake, notify, console          people review a match, decide, and plan together
    transparency, processing            the coordinator's log is watched, and the own processing is logged first
    totals, rights, retention           what is counted, what a person may ask, and what goes when

`parts` has what all of them work with, `coordinator` the way to it, `tables` and `migrations` the database, `keyholder`
the other role.
"""

from .anomalies import Anomaly
from .node import Node, Received, RoundInfo
from .progress import Progress, Step
from .round.matches import Counterpart, FamilyMatch
from .round.participation import HolderFault, Report

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
