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
from sluis_protocol.rules import Grade

from .check import LeftOut
from .observe import LOG, Seen
from .period import PeriodOutcome
from .play import Played, Plays
from .results import Score, SharedFamily
from .round import Outcome
from .story import tell

_MATCHES_SHOWN = 12
_LINES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told. `names` are by municipality code; `unscored` pairs of the truth have no caseload."""

    outcome: Outcome
    names: Mapping[str, str]
    left_out: Sequence[LeftOut]
    shared: Sequence[SharedFamily]
    score: Score | None
    unscored: int
    plays: Plays
    seen: Sequence[Seen]
    period: PeriodOutcome | None
    faults: Sequence[str]
    seconds: float


def print_report(report: Report, console: Console) -> None:
    """For people."""
    console.print()
    _print_caseloads(report, console)
    _print_left_out(report.left_out, console)
    _print_shared(report, console)
    _print_story(report.plays, console)
    _print_seen(report, console)
    _print_period(report.period, console)
    _print_end(report, console)
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
            "left_out": [asdict(one) for one in report.left_out],
            "shared": [asdict(one) for one in report.shared],
            "approach": _played_json(report.plays.approach),
            "refusal": _played_json(report.plays.refusal),
            "seen": [asdict(one) for one in report.seen],
            "score": s
            and {
                **asdict(s),
                "precision": round(s.precision, 4),
                "recall": round(s.recall, 4),
                "f1": round(s.f1, 4),
                "unscored": report.unscored,
            },
            "totals": report.period
            and {
                "period": report.period.label,
                "municipalities": report.period.contributors,
                "total": dict(report.period.total),
                "expected": dict(report.period.expected),
                "tried_to_open": report.period.tried,
            },
            "faults": list(report.faults),
            "seconds": round(report.seconds, 1),
        },
        ensure_ascii=False,
    )


def _played_json(played: Played | None) -> dict[str, object] | None:
    if played is None:
        return None
    one = played.meeting
    return {
        "match": one.match,
        "grade": one.grade,
        "families": {one.a.caseload.code: one.family_a, one.b.caseload.code: one.family_b},
        "phases": dict(played.phases),
        "until": played.until,
        "verified": list(played.verified),
    }


def _print_caseloads(report: Report, console: Console) -> None:
    table = _table("Who took part", "municipality", "families", "persons", "lines refused", "closed", "matches")
    for code, name in report.names.items():
        taken = report.outcome.taken[code]
        cells = (str(taken.get(field, "")) for field in ("families", "persons", "refused", "closed"))
        table.add_row(name, *cells, str(len(report.outcome.known[code])))
    console.print(table)


def _print_left_out(left_out: Sequence[LeftOut], console: Console) -> None:
    """Refused lines by reason, since municipalities make the same mistakes."""
    if not left_out:
        return
    where: dict[tuple[str, str], list[str]] = {}
    for one in left_out:
        where.setdefault((one.field, one.reason), []).append(f"{one.municipality} {one.line}")
    table = _table("Why lines were refused", "field", "reason", "lines")
    for (field, reason), lines in sorted(where.items()):
        more = len(lines) - _LINES_SHOWN
        told = ", ".join(lines[:_LINES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        table.add_row(Text(field), Text(reason), told)
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
    table = Table(title="The families, as each side calls them", title_justify="left")
    for column in ("municipality", "its family", "and", "its family", "grade"):
        table.add_column(column)
    for one in report.shared[:_MATCHES_SHOWN]:
        table.add_row(one.municipality_a, one.family_a, one.municipality_b, one.family_b, one.grade)
    console.print(table)
    if (more := len(report.shared) - _MATCHES_SHOWN) > 0:
        console.print(f"… and {more} more (all of them: --out FILE)", highlight=False)
    if any(one.grade is Grade.NAME for one in report.shared):
        console.print("grade name: found without a BSN that both know; people verify the identity before any contact")
    console.print()


def _print_story(plays: Plays, console: Console) -> None:
    paragraphs = list(tell(plays))
    if paragraphs:
        console.print("What people did with two of the matches", style="italic")
    for paragraph in paragraphs:
        console.print(paragraph, highlight=False, markup=False)
        console.print()


def _print_seen(report: Report, console: Console) -> None:
    table = Table(title="What each party could see", title_justify="left", show_lines=False)
    table.add_column("party", style="bold")
    table.add_column("saw", overflow="fold")
    for one in report.seen:
        if one.party != LOG:
            table.add_row(one.party, "\n".join(one.saw))
    console.print(table)


def _print_period(period: PeriodOutcome | None, console: Console) -> None:
    """What the board opened, beside what an omniscient observer adds up."""
    if period is None:
        return
    table = Table(title=f"The national totals of {period.label}", title_justify="left")
    table.add_column("figure")
    for column in ("what the board opened", "the sum of all"):
        table.add_column(column, justify="right")
    for name in period.expected:
        table.add_row(name, str(period.total.get(name, 0)), str(period.expected[name]))
    console.print(table)
    console.print(
        f"the sum of {period.contributors} municipalities; the board's key and the coordinator's database together "
        f"opened none of {period.tried} single contributions",
        highlight=False,
    )


def _print_end(report: Report, console: Console) -> None:
    """The whole in a few sentences."""
    found, by_bsn = len(report.shared), sum(one.grade is Grade.BSN for one in report.shared)
    families = sum(int(taken.get("families", 0)) for taken in report.outcome.taken.values())
    console.print(
        f"\n{len(report.names)} municipalities, {families} families: {found} times two of them help the same family "
        f"({by_bsn} found by BSN, {found - by_bsn} by name). Both sides proved each of these to one another; who the "
        "other families are, nobody has learnt.",
        highlight=False,
        style="bold",
    )
    if s := report.score:
        console.print(
            f"against the truth: precision {s.precision:.3f}, recall {s.recall:.3f}, F1 {s.f1:.3f} "
            f"({s.right} right, {s.wrong} wrong, {s.missed} missed)",
            highlight=False,
        )
    for one in report.seen:
        if one.party == LOG:
            console.print(*one.saw, highlight=False)
    if report.unscored:
        console.print(
            f"{report.unscored} pairs of the truth don't count: there is no caseload of their municipality",
            highlight=False,
        )
    console.print(
        f"{report.seconds:.0f} s in all, {report.outcome.seconds:.0f} s for the round", highlight=False, style="dim"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        counted = column in ("families", "persons", "lines refused", "closed", "matches", "by BSN", "by name")
        table.add_column(column, justify="right" if counted else "left")
    return table
