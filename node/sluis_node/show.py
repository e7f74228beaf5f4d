"""What the command line shows: progress on standard error, results on standard output, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from sluis_runtime.printing import print_table, say

from .anomalies import Anomaly
from .caseload.quality import Quality
from .caseload.reading import Caseload
from .node import Received, RoundInfo
from .progress import Progress, Step, silent
from .round.matches import FamilyMatch
from .round.participation import Report

_stderr = Console(stderr=True)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Bars on standard error; nothing where that is no terminal, or `quiet`."""
    if quiet or not _stderr.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=_stderr, transient=True) as bars:
        tasks: dict[Step, TaskID] = {}

        def show(step: Step, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(str(step), total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield show


def print_caseload(caseload: Caseload) -> None:
    """What of a caseload may take part, and each refused line."""
    say(
        f"{caseload.name}: {caseload.read} lines; {caseload.persons} persons in {len(caseload.families)} families can "
        f"take part, {caseload.closed} cases are closed, {len(caseload.refused)} lines refused"
    )
    for refusal in caseload.refused:
        say(f"  line {refusal.line}, {refusal.field}: {refusal.reason} → {refusal.do}")
    for warning in caseload.warnings:
        say(f"  {warning}")


def caseload_json(caseload: Caseload) -> dict[str, object]:
    """The same for machines; holds nothing personal."""
    return {
        "file": caseload.name,
        "lines": caseload.read,
        "persons": caseload.persons,
        "families": len(caseload.families),
        "closed": caseload.closed,
        "refused": [
            {"line": one.line, "field": one.field, "reason": one.reason, "do": one.do} for one in caseload.refused
        ],
        "warnings": list(caseload.warnings),
    }


def print_quality(quality: Quality) -> None:
    """How well a caseload will match, and which lines are worth a look."""
    if not quality.persons:
        return
    dropped = sum(use.shared for use in quality.keys)
    say(
        f"how well it will match (rules {quality.rules}): {quality.average_keys} keys a person on average; "
        f"{dropped} of {sum(use.persons for use in quality.keys)} keys are left out, because two persons share them"
    )
    rows = list(quality.missing.items())
    rows.append(("found by BSN only", quality.by_bsn_only))
    rows.append(("too few keys: found with others of the family only", quality.with_family_only))
    rows.append(("too few keys: can't be found", len(quality.unfindable)))
    print_table(
        ("", "persons", "share"), [(what, str(count), f"{count / quality.persons:.1%}") for what, count in rows]
    )
    for lines in quality.twice:
        say(f"  lines {', '.join(map(str, lines))} are one person, who takes part once; check which entry is right")
    if quality.unfindable:
        say(
            f"  can't be found: lines {_some(quality.unfindable)} → complete the name and the date of birth, or the BSN"
        )
    if quality.families_unfindable:
        say(f"  {quality.families_unfindable} of {quality.families} families can't be found as they stand")


def _some(lines: Sequence[int]) -> str:
    """The first lines, and how many more."""
    most = 20
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return ", ".join(map(str, lines[:most])) + more


def print_report(report: Report) -> None:
    """What came of a round."""
    say(f"round {report.round_id}, purpose {report.purpose}" + (", resumed" if report.resumed else ""))
    say(
        f"{'the caseload now' if report.resumed else 'handed in'}: {report.persons} persons in {report.families} "
        f"families; {report.refused} lines refused, {report.closed} closed"
    )
    for fault in report.holder_faults:
        say(f"key holder {fault.index}, {fault.name} ({fault.oin}), {fault.complaint}: {fault.what}")
    for anomaly in report.anomalies:
        say(f"anomaly: {anomaly}")
    if report.anomalies:
        say("what to do: sluis-node anomalies")
    if report.abandoned:
        say(f"the round was abandoned: {report.abandoned}")
        return
    if not report.published:
        say("not published yet; fetch the outcome later with: sluis-node receive")
        return
    say(
        f"published with {report.participants} municipalities: {len(report.matches)} families shared, "
        f"{report.new_matches} of them new; {report.unconfirmed} not confirmed, {report.outstanding} waiting for the "
        "other side"
    )
    print_matches(report.matches)


def report_json(report: Report) -> dict[str, object]:
    """The same for machines."""
    return {
        "round": report.round_id,
        "purpose": report.purpose,
        "resumed": report.resumed,
        "families": report.families,
        "persons": report.persons,
        "refused": report.refused,
        "closed": report.closed,
        "published": report.published,
        "abandoned": report.abandoned,
        "participants": report.participants,
        "claims": report.claims,
        "outstanding": report.outstanding,
        "unconfirmed": report.unconfirmed,
        "matches": [match.as_json() for match in report.matches],
        "holder_faults": [
            {
                "index": fault.index,
                "oin": fault.oin,
                "name": fault.name,
                "complaint": str(fault.complaint),
                "what": fault.what,
            }
            for fault in report.holder_faults
        ],
        "anomalies": list(report.anomalies),
    }


def print_received(received: Received) -> None:
    """What the mail came to."""
    state = "nothing is outstanding" if received.complete else f"{received.outstanding} claims are outstanding"
    say(f"{len(received.new_matches)} new matches; {state}")
    if received.new_anomalies:
        say(f"{received.new_anomalies} new anomalies; what to do: sluis-node anomalies")
    print_matches(received.new_matches)


def print_matches(matches: Sequence[FamilyMatch]) -> None:
    """One row a match, and the hint for matches by name (rule 9)."""
    if not matches:
        return
    rows = []
    for match in matches:
        other = match.counterpart
        also = f"{other.name} ({other.municipality})" if other.name else other.oin
        new = "new" if match.new else ""
        rows.append((new, match.family, ", ".join(match.cases), also, match.grade, f"{match.found_at:%Y-%m-%d}"))
    print_table(("", "family", "cases", "also known to", "grade", "found"), rows)
    if hints := {match.hint for match in matches if match.hint}:
        say("grade name: " + "; ".join(hints))


def print_anomalies(anomalies: Sequence[Anomaly]) -> None:
    """What happened, and what to do about it, the oldest first."""
    if not anomalies:
        say("no anomalies")
    for one in anomalies:
        party = f"{one.party_name} ({one.party})" if one.party_name else one.party or "nobody known"
        say(f"{one.noted_at:%Y-%m-%d %H:%M} UTC, {party}{f', round {one.round_id}' if one.round_id else ''}")
        say(f"  SLUIS-{one.code}: {one.what}")
        say(f"  → {one.do}" + ("; the signed proof is in the database" if one.has_evidence else ""))


def print_rounds(rounds: Sequence[RoundInfo]) -> None:
    """One row a round."""
    rows = []
    for one in rounds:
        ours = one.ours + (f" ({one.abandoned})" if one.abandoned else "")
        times = (f"{one.closes_at:%Y-%m-%d %H:%M}", f"{one.confirm_until:%Y-%m-%d %H:%M}")
        rows.append((one.round_id, one.state, ours, *times, str(one.participants), str(one.claims)))
    print_table(("round", "coordinator", "here", "closes", "confirm until", "participants", "claims"), rows)
