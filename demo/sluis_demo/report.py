"""What the demo tells at the end: who shares which families, who could see what, and how well it fits the truth.

It only shows; what it shows was found out elsewhere. The same content goes out as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .observe import Seen
from .results import Score, SharedFamily
from .round import Outcome

_MATCHES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told. `names` are by municipality code."""

    outcome: Outcome
    names: Mapping[str, str]
    shared: Sequence[SharedFamily]
    score: Score | None
    seen: Sequence[Seen]
    faults: Sequence[str]
    seconds: float


def print_report(report: Report, console: Console) -> None:
    """For people."""
    console.print()
    _print_caseloads(report, console)
    _print_shared(report, console)
    _print_seen(report, console)
    if report.score:
        s = report.score
        console.print(
            f"against the truth: precision {s.precision:.3f}, recall {s.recall:.3f}, F1 {s.f1:.3f} "
            f"({s.right} right, {s.wrong} wrong, {s.missed} missed)",
            highlight=False,
        )
    console.print(
        f"{report.seconds:.0f} s in all, {report.outcome.seconds:.0f} s for the round", highlight=False, style="dim"
    )
    for fault in report.faults:
        console.print(Text(f"WRONG: {fault}", style="bold red"))


def as_json(report: Report) -> str:
    """For programs: the same, complete."""
    outcome, s = report.outcome, report.score
    return json.dumps(
        {
            "round": outcome.round_id,
            "participants": outcome.participants,
            "caseloads": {
                code: {name: value for name, value in taken.items() if name != "matches"}  # they are in `shared`
                for code, taken in outcome.taken.items()
            },
            "shared": [asdict(one) for one in report.shared],
            "seen": [asdict(one) for one in report.seen],
            "score": s
            and {
                **asdict(s),
                "precision": round(s.precision, 4),
                "recall": round(s.recall, 4),
                "f1": round(s.f1, 4),
            },
            "faults": list(report.faults),
            "seconds": round(report.seconds, 1),
        },
        ensure_ascii=False,
    )


def _print_caseloads(report: Report, console: Console) -> None:
    table = _table(
        "Who took part (lines refused, cases closed)",
        "municipality",
        "families",
        "persons",
        "refused",
        "closed",
        "matches",
    )
    for code, name in report.names.items():
        taken = report.outcome.taken[code]
        cells = (str(taken.get(field, "")) for field in ("families", "persons", "refused", "closed"))
        table.add_row(name, *cells, str(len(report.outcome.known[code])))
    console.print(table)


def _print_shared(report: Report, console: Console) -> None:
    pairs: Counter[tuple[str, str]] = Counter()
    grades: Counter[tuple[str, str, str]] = Counter()
    for one in report.shared:
        pairs[one.municipality_a, one.municipality_b] += 1
        grades[one.municipality_a, one.municipality_b, one.grade] += 1
    table = _table("Who shares families with whom", "municipality", "and", "families", "by BSN", "by name")
    for (a, b), count in sorted(pairs.items()):
        by_grade = (str(grades[a, b, grade] or "") for grade in ("bsn", "name"))
        table.add_row(report.names[a], report.names[b], str(count), *by_grade)
    console.print(table)
    table = _table("The families, as each side calls them", "municipality", "family", "and", "family", "grade")
    for one in report.shared[:_MATCHES_SHOWN]:
        table.add_row(one.municipality_a, one.family_a, one.municipality_b, one.family_b, one.grade)
    console.print(table)
    if (more := len(report.shared) - _MATCHES_SHOWN) > 0:
        console.print(f"… and {more} more (all of them: --out FILE)", highlight=False)
    console.print("grade name: identity must be verified by people before any contact\n", highlight=False, style="dim")


def _print_seen(report: Report, console: Console) -> None:
    table = Table(title="What each party could see", title_justify="left", show_lines=False)
    table.add_column("party", style="bold")
    table.add_column("saw", overflow="fold")
    for one in report.seen:
        table.add_row(one.party, "\n".join(one.saw))
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        counted = column in ("families", "persons", "refused", "closed", "matches", "by BSN", "by name")
        table.add_column(column, justify="right" if counted else "left")
    return table
