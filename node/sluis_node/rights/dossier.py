"""Everything that a node holds about one person of its own, in the clear: for that person's eyes (rule 15).

Nothing of other members of the family is in it but the family's number, and nothing of who among our people did what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.covenant import Covenant
from sluis_protocol.encoding import moment
from sqlalchemy import Connection, select

from ..handshake.model import Case
from ..processing.reading import Entry
from ..round.ledger import StoredMatch
from ..round.own_family import Member, Shown
from ..store import Store
from ..tables import claims, own_families, rounds
from .requests import RightsRequest


class Held(StrEnum):
    """What kind of thing is held."""

    ROUND = "round"  # handed in for a round, until its claims are settled
    CANDIDATE = "candidate"
    MATCH = "match"
    CASE = "case"  # what followed a match


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing that is held: what kind, what exactly, and when it goes: at the latest then, or so many days after.

    Days are counted from the last round that found a match, or from the end of what followed.
    """

    what: Held
    until: datetime | int
    content: Mapping[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For `Dossier.as_json`."""
        term = {"until": _time(self.until)} if isinstance(self.until, datetime) else {"kept_days": self.until}
        return {"kind": self.what, **term, **self.content}


@dataclass(frozen=True, slots=True)
class Dossier:
    """What there is about a person."""

    person: str = field(repr=False)
    holdings: tuple[Holding, ...] = field(repr=False)
    processings: tuple[Entry, ...] = field(repr=False)
    requests: tuple[RightsRequest, ...] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node rights access`."""
        return {
            "person": self.person,
            "held": [one.as_json() for one in self.holdings],
            "processed": [
                {
                    "name": entry.name,
                    "activity": str(entry.activity),
                    "outcome": str(entry.outcome),
                    "at": _time(entry.started_at),
                }
                for entry in self.processings
            ],
            "requests": [request.as_json() for request in self.requests],
        }


def held_in_rounds(connection: Connection, store: Store, person: str) -> Iterator[Holding]:
    """What is kept of a round until its claims are settled."""
    query = select(own_families, rounds.c.purpose, rounds.c.confirm_until).join(
        rounds, rounds.c.round_id == own_families.c.round_id
    )
    for row in connection.execute(query).mappings():
        file = store.open_family(row["round_id"], row["handle"], row["content"])
        for own in file.own.members.values():
            if own.person_id == person:
                yield Holding(
                    Held.ROUND,
                    moment(row["confirm_until"]),
                    {
                        "round": row["round_id"],
                        "purpose": row["purpose"],
                        "family": file.own.family_id,
                        "compared_by": sorted({key.kind for key in own.keys}),
                        **_member(file.members.get(person)),
                    },
                )


def held_in_claims(connection: Connection, store: Store, person: str, names: Mapping[str, str]) -> Iterator[Holding]:
    """Candidates that are not settled yet."""
    query = select(claims, rounds.c.confirm_until).join(rounds, rounds.c.round_id == claims.c.round_id)
    for row in connection.execute(query.where(claims.c.content.is_not(None))).mappings():
        opened = store.vault.open(row["content"], table="claims", column="content", row=row["candidate_id"])
        shown = Shown.parse(opened)
        if is_in(shown, person):
            yield Holding(
                Held.CANDIDATE,
                moment(row["confirm_until"]),
                {
                    "round": row["round_id"],
                    "with": names.get(row["counterpart"], row["counterpart"]),
                    **_of(shown, person),
                },
            )


def held_in_match(found: StoredMatch, person: str, names: Mapping[str, str], days: int) -> Holding:
    """A match."""
    return Holding(
        Held.MATCH,
        days,
        {
            "match": found.match,
            "purpose": found.purpose,
            "with": names.get(found.counterpart, found.counterpart),
            "found_by": found.grade,
            "found_at": _time(found.found_at),
            "last_round": found.last_round,
            **_of(found.shown, person),
        },
    )


def held_in_case(case: Case, days: int) -> Holding:
    """What followed a match: where it stands, what was done, and the contract if there is one."""
    approach = case.draft.approach if case.draft else None
    content: dict[str, Any] = {
        "match": case.match.match,
        "stands": case.phase,
        "history": [{"what": one.what, "whose": one.whose, "at": _time(one.at)} for one in case.history],
    }
    if approach is not None:
        content["approach"] = {
            "lead": approach.lead,
            "start": approach.start.isoformat(),
            "end": approach.end.isoformat(),
            "partners": [partner.model_dump(mode="json") for partner in approach.partners],
        }
    if case.informing is not None:
        told = case.informing
        content["informed"] = {
            "parents": told.parents.isoformat() if told.parents else None,
            "young_persons": told.young_persons.isoformat() if told.young_persons else None,
            "postponed": told.postponed,
            "until": told.until.isoformat() if told.until else None,
        }
    return Holding(Held.CASE, days, content)


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")


def names_of(covenant: Covenant | None) -> dict[str, str]:
    """The members' names by OIN."""
    return {member.oin: member.name for member in covenant.terms.members} if covenant else {}


def is_in(shown: Shown, person: str) -> bool:
    """Whether a match or claim shows that person."""
    return person in shown.persons or any(member.person == person for member in shown.members)


def _of(shown: Shown, person: str) -> dict[str, Any]:
    member = next((one for one in shown.members if one.person == person), None)
    return {"family": shown.family, "is_among_those_found": person in shown.persons, **_member(member)}


def _member(member: Member | None) -> dict[str, Any]:
    if member is None:
        return {}
    return {
        "case": member.case,
        "legal_basis": member.legal_basis,
        "start": member.start.isoformat() if member.start else None,
        "professional": member.professional,
        "secrecy": member.secrecy,
        "under_investigation": member.doubt,
        "sixteen_on": member.sixteen_on.isoformat() if member.sixteen_on else None,
        "hashed_names": len(member.names),
    }
