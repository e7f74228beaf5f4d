"""Rights of persons concerned: access, correction, objection, erasure (rule 15; AVG, articles 15, 16, 17, 21).

Each is recorded, stands in the processing log, and, but for access, is told to the other side of a joint approach that
goes on. Persons are named by the municipality's own person id; who somebody is, it checks itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluis_protocol import content
from sluis_protocol.errors import InputError, NotFound
from sluis_protocol.handshake import Deciding
from sqlalchemy import Connection

from ..handshake.desk import Desk
from ..handshake.model import Case, Phase
from ..handshake.review import Stage
from ..parts import Parts
from ..processing.activity import Activity
from ..processing.reading import Wanted, read
from ..round.ledger import StoredMatch
from . import dossier
from .dossier import Dossier
from .erasing import Erased, erase_from_claims, erase_from_match, erase_from_rounds
from .requests import Requests, Right, RightsRequest

_TOGETHER = (Phase.AGREED, Phase.DRAFTING, Phase.ACTIVE)
_MOST_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request: how many matches are concerned, how many counterparts are told, what was erased."""

    request: RightsRequest
    matches: int
    told: int
    erased: Erased | None = None


class Rights:
    """What a privacy officer does for a person."""

    def __init__(self, parts: Parts, desk: Desk) -> None:
        self._parts = parts
        self._desk = desk
        self._requests = Requests(parts.store.vault, parts.processing)

    def access(self, person: str, *, by: str, file: str = "") -> Dossier:
        """Everything that this node holds about a person, and what it did with it."""
        parts, store = self._parts, self._parts.store
        _check(person, by)
        with parts.processing.processing(Activity.RIGHTS, "give access", actor=by, persons=(person,)):
            names = dossier.names_of(parts.names())
            terms = parts.settings.retention
            with store.transaction() as connection:
                found = self._matches(connection, person)
                holdings = [
                    *dossier.held_in_rounds(connection, store, person),
                    *dossier.held_in_claims(connection, store, person, names),
                    *(dossier.held_in_match(one, person, names, terms.matches) for one in found),
                ]
                self._requests.add(connection, person, Right.ACCESS, by=by, file=file, now=parts.now())
                requests = self._requests.of(connection, person)
            cases = [case for one in found if (case := self._case(one.match, by)) is not None]
            holdings += [dossier.held_in_case(case, terms.ended) for case in cases]
            subject = parts.processing.subject(person)
            entries = read(store.engine, Wanted(subject=subject, most=_MOST_ENTRIES))
        return Dossier(person, tuple(holdings), tuple(entries), tuple(requests))

    def correct(self, person: str, *, by: str, file: str = "") -> Done:
        """Record that data were wrong. They are corrected at their source, and the next round takes them from there."""
        return self._record(person, Right.CORRECTION, by, file)

    def object(self, person: str, *, by: str, file: str = "") -> Done:
        """Leave a person out of rounds until the objection is lifted; what was found already stays."""
        return self._record(person, Right.OBJECTION, by, file)

    def erase(self, person: str, *, by: str, file: str = "") -> Done:
        """Take a person out of all that is kept, and out of rounds until that is lifted.

        A handshake that was about nobody else is withdrawn from; a yes to it is taken back.
        """
        return self._record(person, Right.ERASURE, by, file)

    def lift(self, number: int, *, by: str) -> RightsRequest:
        """End an objection or an erasure: the person may take part again."""
        parts = self._parts
        with parts.store.transaction() as connection:
            lifted = self._requests.lift(connection, number, parts.now())
            persons = (lifted.person,)
            parts.processing.record(connection, Activity.RIGHTS, f"lift {lifted.right}", actor=by, persons=persons)
        return lifted

    def requests(self) -> list[RightsRequest]:
        """All requests, the newest first."""
        with self._parts.store.transaction() as connection:
            return self._requests.all(connection)

    def _record(self, person: str, right: Right, by: str, file: str) -> Done:
        """Record it, tell the other sides, and only then erase: who is told must still be known."""
        parts, store = self._parts, self._parts.store
        _check(person, by)
        with parts.processing.processing(Activity.RIGHTS, str(right), actor=by, persons=(person,)):
            with store.transaction() as connection:
                request = self._requests.add(connection, person, right, by=by, file=file, now=parts.now())
                found = self._matches(connection, person)
            told = sum(self._tell(one, person, right, by) for one in found)
            if right is not Right.ERASURE:
                return Done(request, len(found), told)
            with store.transaction() as connection:
                erased = Erased(
                    erase_from_rounds(connection, store, person),
                    erase_from_claims(connection, store, person),
                    len(found),
                )
                # A match may have come in between.
                for one in self._matches(connection, person):
                    erase_from_match(connection, store, one, person)
            store.scrub()
            return Done(request, len(found), told, erased)

    def _tell(self, found: StoredMatch, person: str, right: Right, by: str) -> bool:
        """Tell the other side of what goes on; withdraw where it would be about nobody any more."""
        case = self._case(found.match, by)
        if case is None:
            return False
        is_over = right is Right.ERASURE and not set(found.shown.persons) - {person}
        if case.phase in _TOGETHER:
            self._desk.tell_right(found.match, by=by, right=content.Right(right))
            if is_over:
                self._desk.withdraw(found.match, by=by, reason=content.WithdrawalReason.OBJECTION)
            return True
        if is_over and isinstance(case.state, Deciding) and case.review.stage is Stage.YES:
            self._desk.reconsider(found.match, by=by)
        return False

    def _case(self, match: str, by: str) -> Case | None:
        try:
            return self._desk.case(match, by=by)
        except NotFound:
            return None

    def _matches(self, connection: Connection, person: str) -> list[StoredMatch]:
        return [one for one in self._parts.ledger.read_matches(connection) if dossier.is_in(one.shown, person)]


def _check(person: str, by: str) -> None:
    if not person or not by.strip():
        raise InputError("a request names the person and who records it", do="give --person and --by")
