"""Deciding by four eyes: the first gives an opinion, another person decides (rules 9, 11 and 12)."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from ...handshake.model import Case
from ...handshake.review import Answer, Reason
from ..people import Permission
from ..visit import Form, FormError, Visit
from .common import act, case_of, seen_of
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The question, what to be careful about, and what the first person said."""
    return _page(visit, await case_of(visit))


def _page(visit: Visit, case: Case, *, filled: Form | None = None, problems: dict[str, str] | None = None) -> Response:
    own = [opinion for opinion in case.review.opinions if opinion.reviewer == visit.person.id]
    return visit.page(
        "decide.html",
        status=422 if problems else 200,
        case=case,
        own=own,
        reasons=tuple(Reason),
        filled=filled or Form({}),
        problems=problems or {},
    )


async def submit(visit: Visit, form: Form) -> Response:
    """Take an opinion."""
    match = visit.part("match")
    try:
        answer, reason = _read(visit, form)
        verb = partial(
            visit.console.desk.decide,
            match,
            by=visit.person.id,
            answer=answer,
            reason=reason,
            identity_verified=answer is Answer.YES and form["identity_verified"] == "yes",
            seen=seen_of(form),
        )
        return await act(visit, verb, f"/match/{match}", "Your opinion was recorded.")
    except FormError as wrong:
        return _page(visit, await case_of(visit), filled=form, problems=wrong.problems)


def _read(visit: Visit, form: Form) -> tuple[Answer, Reason | None]:
    if form["answer"] not in tuple(Answer):
        raise FormError({"answer": visit.text("Choose yes or no.")})
    answer = Answer(form["answer"])
    if answer is Answer.YES:
        return answer, None
    if form["reason"] not in tuple(Reason):
        raise FormError({"reason": visit.text("Choose a reason.")})
    return answer, Reason(form["reason"])


async def reconsider(visit: Visit, form: Form) -> Response:
    """Take up again what two people decided."""
    match = visit.part("match")
    verb = partial(visit.console.desk.reconsider, match, by=visit.person.id, seen=seen_of(form))
    try:
        return await act(visit, verb, f"/match/{match}", "The decision was taken up again. Two people decide anew.")
    except FormError as wrong:
        refused = " ".join(wrong.problems.values())
        return visit.go(f"/match/{match}", refused, kind="warning")


ROUTES = (
    PageRoute("/match/{match}/decide", Permission.DECIDE, show, submit),
    PageRoute("/match/{match}/reconsider", Permission.DECIDE, None, reconsider),
)
