"""Taking one person out of everything that a node keeps in the clear, within the caller's transaction (rule 15).

The processing log stays: it is the account of what was done, and knows the person as a hash only. A submission that was
handed in can't be altered; its rows, which name nobody, go when the round is published.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, select, update

from ..handshake.tables import handshakes
from ..round.ledger import OUTSTANDING, ClaimState, StoredMatch
from ..round.own_family import FamilyOnFile, Shown
from ..store import Store
from ..tables import claims, family_references, matches, own_families
from .dossier import is_in

_NOBODY = Shown("", (), ())


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: in how many families of rounds, candidates and matches."""

    rounds: int
    candidates: int
    matches: int


def without(shown: Shown, person: str) -> Shown:
    """What is left to show without that person; nothing, if it was about nobody else."""
    persons = tuple(one for one in shown.persons if one != person)
    if not persons:
        return _NOBODY
    members = tuple(member for member in shown.members if member.person != person)
    known = {member.person: member.case for member in members}
    cases = tuple(dict.fromkeys(known[one] for one in persons if one in known)) if members else shown.cases
    return Shown(shown.family, cases, persons, members)


def erase_from_rounds(connection: Connection, store: Store, person: str) -> int:
    """From what rounds keep to understand claims: a claim about that person finds nobody from now on."""
    count = 0
    for row in connection.execute(select(own_families)).all():
        file = store.open_family(row.round_id, row.handle, row.content)
        handles = {handle: own for handle, own in file.own.members.items() if own.person_id != person}
        members = {one: member for one, member in file.members.items() if one != person}
        if len(handles) == len(file.own.members) and len(members) == len(file.members):
            continue
        count += 1
        place = (own_families.c.round_id == row.round_id, own_families.c.handle == row.handle)
        if not handles:
            connection.execute(delete(own_families).where(*place))
            continue
        left = FamilyOnFile(replace(file.own, members=handles), members)
        sealed = store.seal_family(row.round_id, row.handle, left)
        connection.execute(update(own_families).where(*place).values(content=sealed))
    return count


def erase_from_claims(connection: Connection, store: Store, person: str) -> int:
    """From candidates; one that is about nobody else will not become a match here."""
    count = 0
    for row in connection.execute(select(claims).where(claims.c.content.is_not(None))).all():
        place = {"table": "claims", "column": "content", "row": row.candidate_id}
        shown = Shown.parse(store.vault.open(row.content, **place))
        if not is_in(shown, person):
            continue
        count += 1
        left = without(shown, person)
        values: dict[str, object] = {"content": store.vault.seal(left.serialise(), **place)}
        if left is _NOBODY:
            values = {"secret": None, "reference": None, "content": None}
            if row.state in OUTSTANDING:
                values["state"] = ClaimState.UNCONFIRMED
        connection.execute(update(claims).where(claims.c.candidate_id == row.candidate_id).values(**values))
    return count


def erase_from_match(connection: Connection, store: Store, found: StoredMatch, person: str) -> None:
    """From a match; one that is about nobody else is emptied, and goes at once where nothing followed it."""
    left = without(found.shown, person)
    place = matches.c.match == found.match
    if left is _NOBODY:
        row = store.vault.lookup("family reference", found.purpose, found.shown.family, found.counterpart)
        connection.execute(delete(family_references).where(family_references.c.family == row))
        if connection.scalar(select(handshakes.c.id).where(handshakes.c.match == found.match).limit(1)) is None:
            connection.execute(delete(matches).where(place))
            return
    sealed = store.vault.seal(left.serialise(), table="matches", column="content", row=found.match)
    connection.execute(update(matches).where(place).values(content=sealed))
