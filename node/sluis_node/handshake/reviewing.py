"""Deciding by four eyes: the first recommends, the second decides; a yes goes to the coordinator, a no goes nowhere."""

from __future__ import annotations

from sluis_protocol.content import Acceptance, ContactCard, Withdrawal, WithdrawalReason
from sluis_protocol.errors import DecisionRefused, Overtaken
from sluis_protocol.handshake import Accept, Act, Deciding

from ..notify.notice import NoticeKind
from .model import What
from .papers import OWN_CARD, write_card
from .review import Answer, Opinion, Stage
from .turn import Turn


def decide(turn: Turn, opinion: Opinion, card: ContactCard | None) -> None:
    """Keep an opinion. With the second yes our acceptance is signed, and the card lies ready for when both want it."""
    if not isinstance(turn.state, Deciding):
        raise Overtaken(f"nothing is to be decided: this case is {turn.state.name}", do="look at it again")
    turn.check(Accept(turn.side), ground=opinion.answer is Answer.YES)
    before = turn.casebook.review(turn.connection, turn.found)
    before.check(opinion, turn.stored.grade)
    after = turn.casebook.add_opinion(turn.connection, turn.found, opinion)
    details = {"answer": str(opinion.answer)} | ({"reason": str(opinion.reason)} if opinion.reason else {})
    if card is None and (contact := turn.parts.settings.contact) is not None:
        card = contact.card()
    if card is not None and after.stage is not Stage.NO:
        turn.put(OWN_CARD, write_card(card))
    match after.stage:
        case Stage.SECOND:
            turn.step(What.RECOMMENDED, details)
            turn.tell(NoticeKind.REVIEW_NEEDED)
        case Stage.FIRST:
            turn.step(What.DIFFERED, details)
            turn.tell(NoticeKind.REVIEWS_DIFFER)
        case Stage.YES:
            turn.step(What.DECIDED, details)
            verified = all(one.identity_verified for one in after.opinions)
            _move(turn, Act.ACCEPT, Acceptance(identity_verified=verified))
        case Stage.NO:
            turn.step(What.DECIDED, details)


def reconsider(turn: Turn) -> None:
    """Take up again what two people decided, before the deadline; a yes is taken back, which looks like a silence."""
    if not isinstance(turn.state, Deciding):
        raise Overtaken(f"nothing is to be decided: this case is {turn.state.name}", do="look at it again")
    turn.check(Accept(turn.side), ground=False)
    review = turn.casebook.review(turn.connection, turn.found)
    if review.stage not in (Stage.YES, Stage.NO):
        raise DecisionRefused("two people haven't decided yet", do="decide first")
    turn.step(What.TOOK_BACK if review.stage is Stage.YES else What.RECONSIDERED)
    turn.casebook.begin_attempt(turn.connection, turn.found.id, review.attempt + 1)
    turn.tell(NoticeKind.REVIEWS_DIFFER)
    if review.stage is Stage.YES and turn.moves.drop(turn.connection, turn.found.id):
        _move(turn, Act.WITHDRAW, Withdrawal(reason=WithdrawalReason.OTHER))


def _move(turn: Turn, act: Act, content: Acceptance | Withdrawal) -> None:
    turn.moves.make(turn.connection, turn.found, act, content, turn.covenant, turn.now)
