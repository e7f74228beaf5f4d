"""A covenant for people to read: what they sign for, in tables."""

from __future__ import annotations

from sluis_protocol.covenant import Terms
from sluis_runtime.printing import print_table, say


def show_terms(terms: Terms, what: str, sha256: str) -> None:
    """Print the terms."""
    say(f"covenant {terms.id}, version {terms.version} ({what})", style="bold")
    assessment = f"{terms.assessment.reference}, {terms.assessment.approved_on}" if terms.assessment else "none"
    schedule, handshake, limits = terms.schedule, terms.handshake, terms.limits
    facts = (
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
    )
    print_table(("", ""), facts)
    _print_purposes(terms)
    members = (
        (one.oin, one.municipality, one.name, str(one.quota), "revoked" if one.revoked else "") for one in terms.members
    )
    print_table(("OIN", "municipality", "name", "quota a round", ""), members, "Members")
    holders = ((str(one.index), one.oin, one.name, one.public_share or "none yet") for one in terms.holders)
    print_table(("index", "OIN", "name", "public share"), holders, "Key holders")
    for missing in terms.missing():
        say(f"still missing: {missing}", style="yellow")


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


def _print_purposes(terms: Terms) -> None:
    rows = []
    for one in terms.purposes:
        bases = ", ".join(one.legal_bases)
        if one.criminal_justice_bases:
            bases += "; partners of criminal justice: " + ", ".join(one.criminal_justice_bases)
        rows.append((one.id, one.title, bases, f"{one.valid_from} to {one.valid_until}", str(one.maximum_persons)))
    print_table(("id", "title", "legal bases", "valid", "most persons"), rows, "Purposes")
