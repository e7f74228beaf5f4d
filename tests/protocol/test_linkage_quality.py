"""The rule set on the persona caseloads, through the benchmark's own chain."""

from __future__ import annotations

from datetime import date

from sluis_node.caseload.reading import read_caseload
from sluis_protocol.rules import Grade, load_rules

from benchmarks.linkage import link, read_truth
from tests.shared import shared


def test_the_persona_families_are_found() -> None:
    folder = shared("data/brp-personas")
    read = {path.stem: read_caseload(path, name=path.name, today=date(2026, 12, 31)) for path in folder.glob("GM*.csv")}
    matches, _ = link({node: caseload.families for node, caseload in read.items()}, load_rules())
    known = read_truth(folder / "truth.csv")
    right = len(known & set(matches))
    assert right / len(matches) >= 0.95
    assert right / len(known) >= 0.93
    assert all(pair in known for pair, grade in matches.items() if grade is Grade.BSN)
