"""Cases on the command line, as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sluis_protocol.content import ContactCard
from sluis_runtime.printing import print_table, say

from .model import Brief, Case, Draft, Happening

_SENDING = "on its way to the coordinator; fetch what comes of it with: sluis-node receive"


def brief_json(brief: Brief) -> dict[str, Any]:
    """A case in a list: the match, where it stands, what it asks for."""
    return brief.match.as_json() | {
        "phase": brief.phase,
        "deadline": brief.deadline.isoformat() if brief.deadline else None,
        "overdue": brief.overdue,
        "known": brief.known,
        "todo": [task.todo for task in brief.tasks],
        "revision": brief.revision,
    }


def case_json(case: Case) -> dict[str, Any]:
    """Everything of a case."""
    return case.match.as_json() | {
        "handshake": case.handshake,
        "phase": case.phase,
        "deadline": case.deadline.isoformat() if case.deadline else None,
        "overdue": case.overdue,
        "known": case.known,
        "next": case.next_actor,
        "todo": [task.todo for task in case.tasks],
        "sending": list(case.sending),
        "cautions": list(case.cautions),
        "young_persons": list(case.young_persons),
        "opinions": [
            {"reviewer": one.reviewer, "answer": one.answer, "reason": one.reason} for one in case.review.opinions
        ],
        "differed": [
            {"reviewer": one.reviewer, "answer": one.answer, "reason": one.reason} for one in case.review.differed
        ],
        "own_card": _card(case.own_card),
        "their_card": _card(case.their_card),
        "draft": _draft(case.draft) if case.draft else None,
        "history": [
            {
                "what": one.what,
                "whose": one.whose,
                "by": one.by,
                "at": one.at.isoformat(),
                "details": dict(one.details),
            }
            for one in case.history
        ],
        "revision": case.revision,
    }


def _card(card: ContactCard | None) -> dict[str, Any] | None:
    return card.model_dump(mode="json", exclude={"kind"}) if card else None


def _draft(draft: Draft) -> dict[str, Any]:
    return {
        "version": draft.version,
        "fault": draft.fault,
        "signed": sorted(draft.signatures),
        "contract": draft.approach.model_dump(mode="json"),
    }


def print_briefs(briefs: Sequence[Brief]) -> None:
    """One row a match: what needs people first."""
    rows = []
    for one in briefs:
        other = one.match.counterpart
        rows.append(
            (
                "" if one.known else "new",
                one.match.match[:8],
                one.match.family,
                ", ".join(one.match.cases),
                f"{other.name} ({other.municipality})" if other.name else other.oin,
                one.match.grade,
                one.phase + (", overdue" if one.overdue else ""),
                f"{one.deadline:%Y-%m-%d}" if one.deadline else "",
                ", ".join(task.todo for task in one.tasks),
            )
        )
    print_table(("", "match", "family", "cases", "also known to", "grade", "phase", "until", "to do"), rows)
    if hints := {one.match.hint for one in briefs if one.match.hint}:
        say("grade name: " + "; ".join(hints))


def print_case(case: Case) -> None:
    """A case: where it stands, whose turn it is, what is known."""
    match, other = case.match, case.match.counterpart
    say(f"match {match.match}, family {match.family}, cases {', '.join(match.cases)}")
    name = f"{other.name} ({other.municipality})" if other.name else other.oin
    say(f"also known to {name}, grade {match.grade}, found {match.found_at:%Y-%m-%d}")
    for caution in case.cautions:
        say(f"  caution: {caution}")
    until = f", until {case.deadline:%Y-%m-%d %H:%M} UTC" if case.deadline else ""
    say(f"{case.phase}{until}" + (" (the deadline has passed)" if case.overdue else ""))
    if case.tasks:
        say(f"  to do: {', '.join(task.todo for task in case.tasks)}")
    elif case.sending:
        say(f"  {', '.join(case.sending)}: {_SENDING}")
    else:
        say(f"  next to act: {case.next_actor}")
    for opinion in case.review.differed:
        say(f"  differed: {opinion.reviewer}: {opinion.answer}{f', {opinion.reason}' if opinion.reason else ''}")
    for name, card in (("our card", case.own_card), ("their card", case.their_card)):
        if card:
            person = f", {card.person}" if card.person else ""
            say(f"  {name}: {card.role}, {card.mailbox}, {card.telephone}{person}")
    if case.draft:
        _print_draft(case.draft)
    for step in case.history:
        say(_line(step))


def _print_draft(draft: Draft) -> None:
    contract = draft.approach
    signed = " and ".join(contract.parties[0] if side == "a" else contract.parties[1] for side in draft.signatures)
    say(
        f"  draft {draft.version}, from {contract.start} to {contract.end}, led by {contract.lead}; "
        + (f"signed by {signed}" if signed else "signed by nobody yet")
    )
    for partner in contract.partners:
        organisation = f" ({partner.organisation})" if partner.organisation else ""
        say(f"    {partner.role}{organisation}, {partner.basis}, since {partner.since}")
    if draft.fault:
        say(f"    can't be signed: {draft.fault}")


def _line(step: Happening) -> str:
    who = f"{step.whose}{f', {step.by}' if step.by else ''}"
    details = "".join(f", {name} {value}" for name, value in step.details.items())
    return f"  {step.at:%Y-%m-%d %H:%M} {step.what} ({who}){details}"
