"""What accompanies an approach: contact cards, informing the family, dilemmas, and rights that were used."""

from __future__ import annotations

from datetime import date, timedelta

from sluis_protocol.content import ContactCard, Right, RightsNotice
from sluis_protocol.errors import DecisionRefused, Overtaken, TooLate
from sluis_protocol.handshake import Active, Agreed, Drafting

from ..notify.notice import NoticeKind
from .cases import young
from .model import Informing, What
from .papers import INFORMING, OWN_CARD, write_card, write_informing
from .personal import check_question
from .turn import Turn

LONGEST_POSTPONEMENT = timedelta(days=180)


def _check_together(turn: Turn) -> None:
    if turn.found.is_final:
        raise TooLate(f"this case is {turn.state.name}", do="nothing can be done in it any more")
    if not isinstance(turn.state, Agreed | Drafting | Active):
        raise Overtaken("both municipalities have to want it first", do="wait until both have decided")


def send_card(turn: Turn, card: ContactCard) -> None:
    """Give the other side a card, or a new one in its place."""
    _check_together(turn)
    turn.put(OWN_CARD, write_card(card))
    turn.step(What.CARD, {"person": "yes" if card.person else "no"})
    turn.moves.write(turn.connection, turn.found, card, turn.covenant, turn.now)


def inform(turn: Turn, informing: Informing) -> None:
    """Record that the family was informed, or until when not and why (rule 14). It stays in this node.

    Parents always, and the young person from 16 where there is one. A postponement ends within `LONGEST_POSTPONEMENT`.
    """
    if turn.found.is_final:
        raise TooLate(f"this case is {turn.state.name}", do="nothing can be done in it any more")
    today = turn.now.date()
    if informing.postponed is not None:
        _check_postponement(informing, today)
        turn.step(What.POSTPONED, {"reason": informing.postponed, "until": f"{informing.until}"})
    else:
        _check_informed(informing, today, young=bool(list(young(turn.stored.shown.members, turn.now))))
        turn.step(What.INFORMED, {"parents": f"{informing.parents}", "young_persons": f"{informing.young_persons}"})
    turn.put(INFORMING, write_informing(informing))


def _check_postponement(informing: Informing, today: date) -> None:
    if informing.parents or informing.young_persons:
        raise DecisionRefused("it is either done or postponed", do="give one of the two", field="postponed")
    if informing.until is None or not today < informing.until <= today + LONGEST_POSTPONEMENT:
        raise DecisionRefused(
            "a postponement needs an end date (rule 14)",
            do=f"give a day after today, within {LONGEST_POSTPONEMENT.days} days",
            field="until",
        )


def _check_informed(informing: Informing, today: date, *, young: bool) -> None:
    if informing.until is not None:
        raise DecisionRefused("an end date needs a reason to postpone", do="give the reason", field="postponed")
    for name, day in (("parents", informing.parents), ("young_persons", informing.young_persons)):
        if day is not None and day > today:
            raise DecisionRefused("this day is in the future", do="record it when it was done", field=name)
    if informing.parents is None:
        raise DecisionRefused("the parents are informed, too (rule 14)", do="say when", field="parents")
    if young and informing.young_persons is None:
        raise DecisionRefused("a young person from 16 is informed, too (rule 14)", do="say when", field="young_persons")


def ask(turn: Turn, question: str, *, board: bool) -> None:
    """Put a dilemma to the platform, and after that, if it must be, to the board: without personal data."""
    _check_together(turn)
    tidied = check_question(question, turn.stored.shown, turn.parts.store.vault.look_up_name)
    asked = {step.what for step in turn.casebook.history(turn.connection, turn.found.id)}
    if board and What.ASKED not in asked:
        raise DecisionRefused("the platform was not asked yet", do="ask it first", field="board")
    turn.step(What.ESCALATED if board else What.ASKED, {"question": tidied})
    turn.tell(NoticeKind.DILEMMA_ESCALATED if board else NoticeKind.DILEMMA, text=tidied)


def tell_right(turn: Turn, right: Right) -> None:
    """Tell the other side that a person used a right (rule 15), so that it looks at what it holds."""
    _check_together(turn)
    turn.step(What.RIGHT_USED, {"right": right})
    turn.moves.write(turn.connection, turn.found, RightsNotice(right=right), turn.covenant, turn.now)
