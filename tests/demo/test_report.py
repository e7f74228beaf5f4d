"""The display works with and without a terminal, and the report tells all of it, in both forms."""

from __future__ import annotations

import io
import json

from rich.console import Console
from sluis_demo.check import LeftOut
from sluis_demo.display import Display
from sluis_demo.observe import Seen
from sluis_demo.play import Plays
from sluis_demo.report import Report, as_json, print_report
from sluis_demo.results import Score, SharedFamily
from sluis_demo.round import Outcome
from sluis_protocol.rules import Grade

SHARED = [
    SharedFamily("GM0014", f"G{i:02}", "GM0363", f"G{i + 50}", Grade.NAME if i % 3 else Grade.BSN) for i in range(15)
]


LEFT_OUT = [LeftOut("GM0014", line, "grondslag", "the field is empty") for line in range(3, 12)]


def report(*, faults: tuple[str, ...] = (), unscored: int = 0) -> Report:
    taken = {"families": 40, "persons": 120, "refused": 6, "closed": 1}
    outcome = Outcome("r1", 2, 12.0, {"GM0014": taken, "GM0363": taken}, {"GM0014": [], "GM0363": []})
    names = {"GM0014": "GM0014 Groningen", "GM0363": "GM0363 Amsterdam"}
    seen = [Seen("coordinator", ("2 submissions", "15 candidates"))]
    return Report(outcome, names, LEFT_OUT, SHARED, Score(14, 1, 2), unscored, Plays(), seen, None, faults, 30.2)


def printed(shown: Report) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_report(shown, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_people_read_who_shares_whom_who_saw_what_and_how_well_it_fits() -> None:
    text = printed(report())
    for told in (
        "GM0363 Amsterdam",
        "15 candidates",
        "precision 0.933, recall 0.875, F1 0.903",
        "and 3 more",
        "verify the identity",
        "the field is empty",
        "GM0014 8 and 3 more",
        "15 times two of them help the same family (5 found by BSN, 10 by name)",
    ):
        assert told in text
    assert "WRONG" not in text
    assert "don't count" not in text
    assert "7 pairs of the truth don't count" in printed(report(unscored=7))
    assert "WRONG: match m is known to 1" in printed(report(faults=("match m is known to 1",)))


def test_programs_read_everything() -> None:
    told = json.loads(as_json(report(faults=("x",))))
    assert len(told["shared"]) == 15
    assert len(told["left_out"]) == 9
    assert told["shared"][0] == {
        "municipality_a": "GM0014",
        "family_a": "G00",
        "municipality_b": "GM0363",
        "family_b": "G50",
        "grade": "bsn",
    }
    assert told["score"]["f1"] == 0.9032
    assert told["faults"] == ["x"]


def test_without_a_terminal_every_step_and_change_is_a_line() -> None:
    file = io.StringIO()
    display = Display(Console(file=file, width=40))
    with display.showing():
        display.step("the covenant is signed, and this line is longer than the console is wide")
        display.party("GM0014", "tags [blue]")
        display.party("GM0014", "tags [blue]")
        display.party("GM0014", "not for long", passing=True)
    lines = file.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("this line is longer than the console is wide")
    assert lines[1].endswith("GM0014: tags [blue]")
    assert "\x1b" not in file.getvalue()


def test_on_a_terminal_a_table_shows_what_each_party_does() -> None:
    file = io.StringIO()
    display = Display(Console(file=file, width=80, force_terminal=True))
    with display.showing():
        display.step("the covenant is signed, and this line is longer than the terminal, so that it has to be wrapped")
        display.party("GM0014", "tags [blue]")
    text = file.getvalue()
    assert "the covenant is signed" in text
    assert "so \n          that it has" in text
    assert "tags [blue]" in text
    assert "\x1b" in text
