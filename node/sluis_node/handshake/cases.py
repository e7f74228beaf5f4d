"""From what is on file to what people see: cases, where they stand and what they ask of whom. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time

from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import NotFound
from sluis_protocol.handshake import Active, Agreed, Deciding, Drafting
from sluis_protocol.rules import Grade
from sqlalchemy import Connection

from ..parts import Parts
from ..rights.requests import Requests
from ..round.ledger import StoredMatch
from ..round.matches import FamilyMatch, present
from ..round.own_family import Member
from .casebook import Casebook, Handshake
from .model import Brief, Case, Caution, Informing, Phase, Task, Todo
from .moves import Moves
from .papers import OWN_CARD, THEIR_CARD, read_card, read_drafts, read_informing
from .review import Review, Stage

TOGETHER = (Phase.AGREED, Phase.DRAFTING, Phase.ACTIVE)


class Cases:
    """Reads cases within the caller's transaction."""

    def __init__(self, parts: Parts, casebook: Casebook, moves: Moves) -> None:
        self._parts = parts
        self._casebook = casebook
        self._moves = moves

    def match(self, connection: Connection, match: str) -> StoredMatch:
        """A match on file; NotFound if there is none."""
        found = self._parts.ledger.match(connection, match)
        if found is None:
            raise NotFound("there is no such match", do="list them: sluis-node matches")
        return found

    def all(self, connection: Connection, names: Covenant | None, by: str) -> list[Brief]:
        """Every match in a list: what needs people soonest first."""
        opened = set(self._casebook.matches(connection))
        briefs = [
            self._brief(connection, self._casebook.current(connection, stored.match), stored, names, by)
            if stored.match in opened
            # Proven by an earlier release: it gets a handshake when a round finds it again.
            else Brief(
                self._shown(stored, names), Phase.UNOPENED, None, overdue=False, tasks=(), revision=0, known=True
            )
            for stored in self._parts.ledger.read_matches(connection)
        ]
        return sorted(briefs, key=lambda one: (one.phase.is_final, not one.tasks, _when(one.deadline), one.match.match))

    def _brief(
        self, connection: Connection, found: Handshake, stored: StoredMatch, names: Covenant | None, by: str
    ) -> Brief:
        review = self._casebook.review(connection, found)
        phase = phase_of(found, review)
        papers = self._casebook.papers(connection, found.id)
        return Brief(
            match=self._shown(stored, names),
            phase=phase,
            deadline=_deadline(found),
            overdue=self._overdue(found),
            tasks=self._tasks(connection, found, stored, review, papers, by),
            revision=found.revision,
            known=found.known,
        )

    def case(self, connection: Connection, found: Handshake, names: Covenant | None, by: str) -> Case:
        """A case with all that is on file of it, as `by` may act on it."""
        stored = self.match(connection, found.match)
        review = self._casebook.review(connection, found)
        papers = self._casebook.papers(connection, found.id)
        members = stored.shown.members
        return Case(
            match=self._shown(stored, names),
            handshake=found.id.hex(),
            known=found.known,
            side=found.side(self._parts.oin),
            phase=phase_of(found, review),
            state=found.state,
            deadline=_deadline(found),
            overdue=self._overdue(found),
            next_actor=found.state.next_actor if found.state else "the coordinator",
            revision=found.revision,
            cautions=tuple(cautions(stored, objected=self._objected(connection, stored))),
            members=members,
            review=review,
            tasks=self._tasks(connection, found, stored, review, papers, by),
            sending=tuple(self._moves.on_its_way(connection, found.id)),
            own_card=read_card(papers, OWN_CARD),
            their_card=read_card(papers, THEIR_CARD),
            drafts=read_drafts(papers),
            informing=read_informing(papers),
            young_persons=tuple(young(members, self._parts.now())),
            history=tuple(self._casebook.history(connection, found.id)),
        )

    def _objected(self, connection: Connection, stored: StoredMatch) -> bool:
        """Whether somebody whom a match is about is left out of rounds on request."""
        log = self._parts.processing
        left_out = Requests(self._parts.store.vault, log).left_out(connection)
        return any(log.subject(person) in left_out for person in stored.shown.persons)

    def _shown(self, stored: StoredMatch, names: Covenant | None) -> FamilyMatch:
        (shown,) = present([stored], names)
        return shown

    def _overdue(self, found: Handshake) -> bool:
        deadline = _deadline(found)
        return deadline is not None and self._parts.now() >= deadline

    def _tasks(
        self,
        connection: Connection,
        found: Handshake,
        stored: StoredMatch,
        review: Review,
        papers: Mapping[str, bytes],
        by: str,
    ) -> tuple[Task, ...]:
        if self._overdue(found) or self._moves.on_its_way(connection, found.id):
            return ()
        is_young = bool(list(young(stored.shown.members, self._parts.now())))
        informing = read_informing(papers)
        informed = informing is not None and informing.holds(self._parts.now().date(), young=is_young)
        deadline = _deadline(found)
        return tuple(
            Task(
                todo,
                found.match,
                stored.shown.family,
                found.counterpart,
                found.purpose,
                _due(todo, deadline, informing),
                mine=todo is not Todo.DECIDE or by not in {opinion.reviewer for opinion in review.opinions},
            )
            for todo in self._todos(found, review, has_card=OWN_CARD in papers, informed=informed)
        )

    def _todos(self, found: Handshake, review: Review, *, has_card: bool, informed: bool) -> Iterator[Todo]:
        """What a case asks of our people now."""
        match found.state:
            case Deciding():
                if review.stage is Stage.FIRST and not (found.known and not review.attempt):
                    yield Todo.RECOMMEND
                elif review.stage is Stage.SECOND:
                    yield Todo.DECIDE
            case Agreed() | Drafting() | Active():
                if not has_card:
                    yield Todo.SEND_CARD
                if isinstance(found.state, Agreed):
                    yield Todo.PROPOSE
                if isinstance(found.state, Drafting) and found.side(self._parts.oin) not in found.state.signed:
                    yield Todo.SIGN
                if not informed:
                    yield Todo.INFORM


def phase_of(found: Handshake, review: Review) -> Phase:
    """Where a case stands, as we may know it."""
    if found.state is None:
        return Phase.UNOPENED
    if not isinstance(found.state, Deciding):
        return Phase(found.state.name)
    return {Stage.YES: Phase.ACCEPTED, Stage.NO: Phase.DECLINED}.get(review.stage, Phase.REVIEWING)


def cautions(stored: StoredMatch, *, objected: bool) -> Iterator[Caution]:
    """What must be known before anything else (rules 9, 15 and 18)."""
    if stored.grade is Grade.NAME:
        yield Caution.VERIFY_IDENTITY
    if any(member.secrecy for member in stored.shown.members):
        yield Caution.SECRECY
    if any(member.doubt for member in stored.shown.members):
        yield Caution.DOUBT
    if objected:
        yield Caution.OBJECTED


def young(members: tuple[Member, ...], now: datetime) -> Iterator[str]:
    """The young persons from 16, who are informed themselves (rule 14), by our own person ids."""
    return (member.person for member in members if member.has_own_say(now.date()))


def _deadline(found: Handshake) -> datetime | None:
    return found.state.deadline if found.state else None


def _due(todo: Todo, deadline: datetime | None, informing: Informing | None) -> datetime | None:
    """When something is due: with the handshake's deadline; informing, when its postponement ended."""
    if todo is Todo.INFORM and informing is not None and informing.until is not None:
        ended = datetime.combine(informing.until, time(), UTC)
        return min(ended, deadline) if deadline else ended
    return deadline


def _when(deadline: datetime | None) -> float:
    return deadline.timestamp() if deadline else float("inf")
