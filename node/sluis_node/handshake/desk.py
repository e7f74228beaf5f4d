"""The desk: everything that people do with a match, and what they see of it (protocol.md, 7).

Every verb takes who acts (`by`, always the same for the same person) and, where that person looked at the case first,
its revision (`seen`): if the case changed since, nothing happens (Overtaken). The same verb twice with the same
revision is done once. Each is one transaction with its line in the processing log, and answers with the case as it is
then; what has to be sent lies ready, and `Node.receive` sends it. Nothing here talks to anybody. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict

from sluis_protocol.content import ContactCard, Outcome, Right, WithdrawalReason
from sluis_protocol.covenant import Strict
from sluis_protocol.handshake import Act

from ..parts import Parts
from ..processing.activity import Activity
from . import approaches, reviewing, together
from .casebook import Casebook
from .cases import Cases
from .model import Brief, Case, Informing, Plan, Task
from .moves import Moves
from .review import Answer, Opinion, Reason, check_reviewer
from .turn import Turn, Turns


class Desk:
    """What people do and see, for the command line, the console and other programs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._casebook = Casebook(parts.store.vault)
        moves = Moves(parts.store.engine, parts.signer)
        self._cases = Cases(parts, self._casebook, moves)
        self._turns = Turns(parts, self._casebook, moves, self._cases)

    # Seeing.

    def inbox(self, *, by: str) -> list[Task]:
        """What the cases ask of people, what is due first first; each says whether `by` may do it."""
        tasks = [task for brief in self._briefs("show inbox", by) for task in brief.tasks]
        return sorted(tasks, key=lambda task: (task.deadline is None, task.deadline, task.match, task.todo))

    def cases(self, *, by: str) -> list[Brief]:
        """All matches: first those that ask something of people, at last those that have ended."""
        return self._briefs("list cases", by)

    def _briefs(self, name: str, by: str) -> list[Brief]:
        check_reviewer(by)
        parts, names = self._parts, self._parts.names()
        with parts.store.transaction() as connection:
            found = self._cases.all(connection, names, by)
            persons = {person for brief in found for person in brief.match.persons}
            parts.processing.record(connection, Activity.SHOW, name, actor=by, persons=persons)
        return found

    def case(self, match: str, *, by: str) -> Case:
        """One match with all that came after it; NotFound if there is none."""
        check_reviewer(by)
        parts, names = self._parts, self._parts.names()
        with parts.store.transaction() as connection:
            found = self._cases.case(connection, self._casebook.current(connection, match), names, by)
            persons = {*found.match.persons, *(member.person for member in found.members)}
            parts.processing.record(connection, Activity.SHOW, "show case", actor=by, persons=persons, reference=match)
        return found

    def export(self, match: str, *, by: str) -> str:
        """The contract that both signed, as a file for `sluis-node approach verify`; NotFound if there is none."""
        with self._turn(match, "export approach", by, None, Activity.APPROACH, changes=False) as turn:
            return approaches.signed_file(self._case(turn).draft)

    # Deciding (rules 9, 11, 12).

    def decide(
        self,
        match: str,
        *,
        by: str,
        answer: Answer,
        reason: Reason | None = None,
        identity_verified: bool = False,
        card: ContactCard | None = None,
        seen: int | None = None,
    ) -> Case:
        """Say what `by` thinks of a joint approach: first a recommendation, then another person's decision.

        A no needs a reason; a yes to a match by name needs `identity_verified`. `card` is what the other side gets once
        both want it (default: `[contact]` in the configuration).
        """
        said = {"answer": answer, "reason": reason, "verified": identity_verified, "card": _dumped(card)}
        with self._turn(match, "decide", by, seen, Activity.REVIEW, said) as turn:
            if not turn.again:
                opinion = Opinion(by, answer, reason, identity_verified, turn.now)
                reviewing.decide(turn, opinion, card)
            return self._case(turn)

    def reconsider(self, match: str, *, by: str, seen: int | None = None) -> Case:
        """Take up again what two people decided; a yes is taken back, if the other side has not said yes, too."""
        with self._turn(match, "reconsider", by, seen, Activity.REVIEW) as turn:
            if not turn.again:
                reviewing.reconsider(turn)
            return self._case(turn)

    # The approach (rules 13, 14).

    def propose(self, match: str, *, by: str, plan: Plan, seen: int | None = None) -> Case:
        """Propose the first draft of a joint approach."""
        return self._draft(match, Act.PROPOSE, by, plan, seen)

    def amend(self, match: str, *, by: str, plan: Plan, seen: int | None = None) -> Case:
        """Replace the newest draft; signatures under it are gone."""
        return self._draft(match, Act.AMEND, by, plan, seen)

    def _draft(self, match: str, act: Act, by: str, plan: Plan, seen: int | None) -> Case:
        said = {
            "plan": [plan.lead, plan.start, plan.end, _dumped(plan.criteria), *map(_dumped, plan.partners)],
        }
        with self._turn(match, act, by, seen, Activity.APPROACH, said) as turn:
            if not turn.again:
                approaches.draft(turn, plan, act)
            return self._case(turn)

    def sign(self, match: str, *, by: str, version: int | None = None, seen: int | None = None) -> Case:
        """Sign the newest draft; `version` is the one that was read. Rule 14 comes first."""
        with self._turn(match, "sign", by, seen, Activity.APPROACH, {"version": version}) as turn:
            if not turn.again:
                approaches.sign(turn, version)
            return self._case(turn)

    def close(self, match: str, *, by: str, outcome: Outcome, seen: int | None = None) -> Case:
        """End an active approach; the leading municipality does."""
        with self._turn(match, "close", by, seen, Activity.APPROACH, {"outcome": outcome}) as turn:
            if not turn.again:
                approaches.close(turn, outcome)
            return self._case(turn)

    def withdraw(self, match: str, *, by: str, reason: WithdrawalReason, seen: int | None = None) -> Case:
        """End it from our side, at any time after both wanted it. (Before: `reconsider`.)"""
        with self._turn(match, "withdraw", by, seen, Activity.APPROACH, {"reason": reason}) as turn:
            if not turn.again:
                approaches.withdraw(turn, reason)
            return self._case(turn)

    # What accompanies it.

    def send_card(self, match: str, *, by: str, card: ContactCard, seen: int | None = None) -> Case:
        """Give the other side a contact card, or a new one in its place."""
        with self._turn(match, "send card", by, seen, Activity.CONTACTS, {"card": _dumped(card)}) as turn:
            if not turn.again:
                together.send_card(turn, card)
            return self._case(turn)

    def inform(self, match: str, *, by: str, informing: Informing, seen: int | None = None) -> Case:
        """Record that the family was informed, or why not yet and until when."""
        said = {"informing": asdict(informing)}
        with self._turn(match, "inform", by, seen, Activity.INFORM, said) as turn:
            if not turn.again:
                together.inform(turn, informing)
            return self._case(turn)

    def ask(self, match: str, *, by: str, question: str, board: bool = False, seen: int | None = None) -> Case:
        """Put a dilemma, without personal data, to the platform; once it was there, with `board` to the board."""
        with self._turn(match, "ask", by, seen, Activity.APPROACH, {"question": question, "board": board}) as turn:
            if not turn.again:
                together.ask(turn, question, board=board)
            return self._case(turn)

    def tell_right(self, match: str, *, by: str, right: Right, seen: int | None = None) -> Case:
        """Tell the other side of an approach that a person concerned used a right (rule 15)."""
        with self._turn(match, "tell right", by, seen, Activity.RIGHTS, {"right": right}) as turn:
            if not turn.again:
                together.tell_right(turn, right)
            return self._case(turn)

    # The frame.

    def _turn(
        self,
        match: str,
        verb: str,
        by: str,
        seen: int | None,
        activity: Activity,
        said: Mapping[str, object] | None = None,
        *,
        changes: bool = True,
    ) -> AbstractContextManager[Turn]:
        return self._turns.take(match, verb, by=by, seen=seen, activity=activity, arguments=said or {}, changes=changes)

    def _case(self, turn: Turn) -> Case:
        """The case as it is now."""
        found = self._casebook.required(turn.connection, turn.found.id)
        return self._cases.case(turn.connection, found, turn.names, turn.by)


def _dumped(model: Strict | None) -> object:
    return None if model is None else model.model_dump(mode="json")
