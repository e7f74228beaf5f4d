"""A joint approach: whom to call, the plan and its signatures, over time; signing, finishing and withdrawing."""

from __future__ import annotations

import asyncio
from functools import partial

from sluis_protocol.approach import Approach
from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.handshake import Side
from sluis_protocol.partners import roles
from starlette.responses import RedirectResponse, Response

from ...handshake.model import Case, Phase
from .. import drawing
from ..people import Permission
from ..visit import Form, FormError, Visit
from .common import act, case_of, seen_of
from .match import is_together, journey_of
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The approach; before both want one, the match is all there is."""
    case = await case_of(visit)
    if not is_together(case):
        return RedirectResponse(f"/match/{case.match.match}", 303)
    return _page(visit, case)


def _page(visit: Visit, case: Case, *, problems: dict[str, str] | None = None) -> Response:
    draft = case.draft
    approach = draft.approach if draft else None
    signed = frozenset(draft.signatures) if draft else frozenset()
    return visit.page(
        "approach.html",
        status=422 if problems else 200,
        case=case,
        approach=approach,
        draft=draft,
        partners=_partners(visit, approach) if approach else [],
        plan=_picture(visit, approach) if approach else "",
        we_signed=case.side in signed,
        they_signed=case.side.other in signed,
        we_proposed=draft is not None and draft.proposed_by is case.side,
        complete=signed == frozenset(Side),
        problems=problems or {},
        **journey_of(visit, case),
    )


def _partners(visit: Visit, approach: Approach) -> list[dict[str, object]]:
    known = roles()
    return [
        {
            "name": known[one.role].named(visit.language.code) if one.role in known else one.role,
            "organisation": one.organisation or "",
            "basis": one.basis,
            "since": one.since,
        }
        for one in approach.partners
    ]


def _picture(visit: Visit, approach: Approach) -> str:
    known, about = roles(), visit.console.node.about()
    others = [oin for oin in approach.parties if oin != approach.lead]
    bars = [drawing.Bar(about.name_of(approach.lead), approach.start, approach.end, leads=True)]
    bars += [drawing.Bar(about.name_of(oin), approach.start, approach.end) for oin in others]
    for one in approach.partners:
        name = known[one.role].named(visit.language.code) if one.role in known else one.role
        bars.append(drawing.Bar(one.organisation or name, one.since, approach.end))
    return drawing.plan(bars, visit.console.now().date(), visit.language)


async def sign(visit: Visit, form: Form) -> Response:
    """Sign the draft that was read."""
    match, version = visit.part("match"), form["version"]
    verb = partial(
        visit.console.desk.sign,
        match,
        by=visit.person.id,
        version=int(version) if version.isdecimal() and len(version) < 6 else -1,
        seen=seen_of(form),
    )
    try:
        return await act(visit, verb, f"/approach/{match}", "You signed the plan.")
    except FormError as wrong:
        return _page(visit, await case_of(visit), problems=wrong.problems)


async def end(visit: Visit) -> Response:
    """The choice how to end it."""
    return await _end_page(visit)


async def _end_page(visit: Visit, *, filled: Form | None = None, problems: dict[str, str] | None = None) -> Response:
    case = await case_of(visit)
    if case.phase not in (Phase.AGREED, Phase.DRAFTING, Phase.ACTIVE):
        return RedirectResponse(f"/approach/{case.match.match}", 303)
    draft = case.draft
    return visit.page(
        "end.html",
        status=422 if problems else 200,
        case=case,
        may_close=case.phase is Phase.ACTIVE
        and draft is not None
        and draft.approach.lead == visit.console.node.about().oin,
        outcomes=tuple(Outcome),
        reasons=tuple(WithdrawalReason),
        filled=filled or Form({}),
        problems=problems or {},
    )


async def finish(visit: Visit, form: Form) -> Response:
    """Close with an outcome, or withdraw with a reason."""
    match, desk = visit.part("match"), visit.console.desk
    try:
        if form["how"] == "close":
            if form["outcome"] not in tuple(Outcome):
                raise FormError({"outcome": visit.text("Choose how it ended.")})
            verb = partial(desk.close, match, by=visit.person.id, outcome=Outcome(form["outcome"]), seen=seen_of(form))
            return await act(visit, verb, f"/approach/{match}", "The joint approach is finished.")
        if form["why"] not in tuple(WithdrawalReason):
            raise FormError({"why": visit.text("Choose a reason.")})
        verb = partial(
            desk.withdraw, match, by=visit.person.id, reason=WithdrawalReason(form["why"]), seen=seen_of(form)
        )
        return await act(visit, verb, f"/approach/{match}", "You withdrew from the joint approach.")
    except FormError as wrong:
        return await _end_page(visit, filled=form, problems=wrong.problems)


async def contract(visit: Visit, form: Form) -> Response:  # noqa: ARG001 (a form without fields of its own)
    """The signed contract as a file. By a form, since an export is logged."""
    text = await asyncio.to_thread(visit.console.desk.export, visit.part("match"), by=visit.person.id)
    headers = {"content-disposition": 'attachment; filename="approach.json"'}
    return Response(text, media_type="application/json", headers=headers)


ROUTES = (
    PageRoute("/approach/{match}", Permission.CASES, show),
    PageRoute("/approach/{match}/sign", Permission.APPROACH, None, sign),
    PageRoute("/approach/{match}/end", Permission.APPROACH, end, finish),
    PageRoute("/approach/{match}/contract", Permission.APPROACH, None, contract),
)
