"""What accompanies an approach: the contact card, informing the family (rule 14), and a dilemma."""

from __future__ import annotations

import re
from functools import partial

from pydantic import ValidationError
from sluis_protocol.content import ContactCard
from starlette.responses import RedirectResponse, Response

from ...handshake.model import Case, Informing, Phase, Postponement, What
from ..people import Permission
from ..visit import Form, FormError, Visit
from .common import act, case_of, read_date, seen_of
from .route import PageRoute

_TOGETHER = (Phase.AGREED, Phase.DRAFTING, Phase.ACTIVE)
_MAILBOX = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}[0-9]")


async def _page(
    visit: Visit, template: str, *, filled: Form | None = None, problems: dict[str, str] | None = None
) -> Response:
    case = await case_of(visit)
    if case.phase not in _TOGETHER:
        return RedirectResponse(f"/match/{case.match.match}", 303)
    return visit.page(
        template,
        status=422 if problems else 200,
        case=case,
        filled=filled or Form(_known(case, template)),
        problems=problems or {},
        postponements=tuple(Postponement),
        asked=[step for step in case.history if step.what in (What.ASKED, What.ESCALATED)],
        today=visit.console.now().date(),
    )


def _known(case: Case, template: str) -> dict[str, tuple[str, ...]]:
    """What is on file already, to begin with."""
    if template == "card.html" and case.own_card:
        card = case.own_card
        return {
            "role": (card.role,),
            "mailbox": (card.mailbox,),
            "telephone": (card.telephone,),
            "person": (card.person or "",),
        }
    if template == "inform.html" and case.informing:
        known = case.informing
        return {
            "how": ("postponed" if known.postponed else "informed",),
            "parents": (known.parents.isoformat() if known.parents else "",),
            "young_persons": (known.young_persons.isoformat() if known.young_persons else "",),
            "postponed": (known.postponed or "",),
            "until": (known.until.isoformat() if known.until else "",),
        }
    return {}


# The contact card.


async def card(visit: Visit) -> Response:
    """Whom the other municipality may call."""
    return await _page(visit, "card.html")


async def send_card(visit: Visit, form: Form) -> Response:
    """Send the card, or a new one in its place."""
    match = visit.part("match")
    try:
        made = _card(visit, form)
        verb = partial(visit.console.desk.send_card, match, by=visit.person.id, card=made, seen=seen_of(form))
        return await act(visit, verb, f"/approach/{match}", "The contact card is on its way.")
    except FormError as wrong:
        return await _page(visit, "card.html", filled=form, problems=wrong.problems)


def _card(visit: Visit, form: Form) -> ContactCard:
    problems = {}
    if not form["role"]:
        problems["role"] = visit.text("Say which team or role it is.")
    if not _MAILBOX.fullmatch(form["mailbox"]):
        problems["mailbox"] = visit.text("Give a mail address, such as team@municipality.nl.")
    if not _TELEPHONE.fullmatch(form["telephone"]):
        problems["telephone"] = visit.text("Give a telephone number.")
    if problems:
        raise FormError(problems)
    try:
        return ContactCard(
            role=form["role"], mailbox=form["mailbox"], telephone=form["telephone"], person=form["person"] or None
        )
    except ValidationError as error:
        raise FormError({"role": visit.text("Write each on one short line.")}) from error


# Informing the family.


async def inform(visit: Visit) -> Response:
    """Who was informed, or why not yet."""
    return await _page(visit, "inform.html")


async def informed(visit: Visit, form: Form) -> Response:
    """Record it."""
    match = visit.part("match")
    try:
        verb = partial(
            visit.console.desk.inform,
            match,
            by=visit.person.id,
            informing=_informing(visit, form),
            seen=seen_of(form),
        )
        return await act(visit, verb, f"/approach/{match}", "It was recorded.")
    except FormError as wrong:
        return await _page(visit, "inform.html", filled=form, problems=wrong.problems)


def _informing(visit: Visit, form: Form) -> Informing:
    if form["how"] == "informed":
        return Informing(read_date(form["parents"]), read_date(form["young_persons"]))
    if form["how"] != "postponed":
        raise FormError({"how": visit.text("Choose one of the two.")})
    if form["postponed"] not in tuple(Postponement):
        raise FormError({"postponed": visit.text("Choose a reason.")})
    return Informing(postponed=Postponement(form["postponed"]), until=read_date(form["until"]))


# A dilemma.


async def dilemma(visit: Visit) -> Response:
    """The question that the two can't solve."""
    return await _page(visit, "dilemma.html")


async def ask(visit: Visit, form: Form) -> Response:
    """Put it to the platform, or after that to the board."""
    match = visit.part("match")
    board = form["to"] == "board"
    try:
        if form["without"] != "yes":
            raise FormError({"without": visit.text("Read the question again, then say that it is about no person.")})
        verb = partial(
            visit.console.desk.ask,
            match,
            by=visit.person.id,
            question=form["question"],
            board=board,
            seen=seen_of(form),
        )
        return await act(visit, verb, f"/approach/{match}", "The question was sent.")
    except FormError as wrong:
        return await _page(visit, "dilemma.html", filled=form, problems=wrong.problems)


ROUTES = (
    PageRoute("/approach/{match}/card", Permission.APPROACH, card, send_card),
    PageRoute("/approach/{match}/inform", Permission.APPROACH, inform, informed),
    PageRoute("/approach/{match}/dilemma", Permission.APPROACH, dilemma, ask),
)
