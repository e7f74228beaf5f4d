"""A covenant for people to read: what they sign for, in tables."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sluis_protocol.covenant import Terms


def show_terms(console: Console, terms: Terms, what: str, sha256: str) -> None:
    """Print the terms. Texts of others are shown as they are, never as markup."""
    console.print(f"covenant {escape(terms.id)}, version {terms.version} ({what})", style="bold")
    facts = Table.grid(padding=(0, 2))
    facts.add_column()
    facts.add_column(overflow="fold")
    assessment = f"{terms.assessment.reference}, {terms.assessment.approved_on}" if terms.assessment else "none"
    schedule, handshake, limits = terms.schedule, terms.handshake, terms.limits
    for name, value in (
        ("mode", terms.mode),
        ("valid", f"{terms.valid_from} to {terms.valid_until}"),
        ("impact assessment", assessment),
        ("coordinator", f"{terms.coordinator.name} ({terms.coordinator.oin})" if terms.coordinator else "none yet"),
        ("key", f"{terms.threshold} of {len(terms.holders)} key holders"),
        ("joint key", terms.joint_key or "none yet"),
        ("ceremony", terms.ceremony or "none yet"),
        ("rule set", f"{terms.rule_set.name}, SHA-256 {terms.rule_set.sha256}"),
        (
            "rounds",
            f"every {schedule.every_hours} h (at most {schedule.most_rounds} in that time), "
            f"collecting {schedule.collecting_minutes} min, "
            f"confirmations {schedule.confirmation_hours} h, at least {schedule.minimum_participants} members",
        ),
        (
            "handshakes",
            f"{handshake.decision_days} days to decide, {handshake.drafting_days} to draft, an approach lasts "
            f"{handshake.longest_days} at most, kept for {handshake.keep_days} after its end",
        ),
        (
            "limits",
            f"messages {limits.message_bytes} bytes, batches {limits.batch_minimum} to {limits.batch_elements}, "
            f"{limits.requests_a_day} requests a day, "
            f"submissions {limits.submission_persons} persons, clocks ±{limits.clock_tolerance_seconds} s",
        ),
        ("totals", _totals(terms)),
        ("SHA-256 of the terms", sha256),
    ):
        facts.add_row(name, escape(value))
    console.print(facts)
    console.print(_purposes(terms), _members(terms), _holders(terms))
    for missing in terms.missing():
        console.print(f"still missing: {escape(missing)}", style="yellow")


def _totals(terms: Terms) -> str:
    if terms.totals is None:
        return "none"
    totals, noise = terms.totals, terms.totals.noise
    goals = ", ".join(f"{goal.children} children in {goal.year} ({goal.purpose})" for goal in totals.goals)
    return (
        f"by the {totals.period}, board {totals.board.name} (fingerprint {totals.board.fingerprint}), of at least "
        f"{totals.minimum_contributors} members, figures below {totals.suppress_below} withheld, "
        + (f"noise ε {noise.epsilon} a release, {noise.budget_a_year} a year" if noise else "no noise")
        + (f"; goals: {goals}" if goals else "")
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _purposes(terms: Terms) -> Table:
    table = _table("Purposes", "id", "title", "legal bases", "valid", "most persons")
    for one in terms.purposes:
        valid = f"{one.valid_from} to {one.valid_until}"
        bases = ", ".join(one.legal_bases)
        if one.criminal_justice_bases:
            bases += "; partners of criminal justice: " + ", ".join(one.criminal_justice_bases)
        table.add_row(*map(escape, (one.id, one.title, bases, valid, str(one.maximum_persons))))
    return table


def _members(terms: Terms) -> Table:
    table = _table("Members", "OIN", "municipality", "name", "quota a round", "")
    for one in terms.members:
        state = "revoked" if one.revoked else ""
        table.add_row(*map(escape, (one.oin, one.municipality, one.name, str(one.quota), state)))
    return table


def _holders(terms: Terms) -> Table:
    table = _table("Key holders", "index", "OIN", "name", "public share")
    for one in terms.holders:
        table.add_row(*map(escape, (str(one.index), one.oin, one.name, one.public_share or "none yet")))
    return table
