"""Rights of persons: access, correction, objection and erasure (rule 15); and what is kept how long (rule 16)."""

from __future__ import annotations

import asyncio
from functools import partial

from sluis_protocol.errors import InputError, NotFound
from starlette.responses import Response

from ...rights.letter import Language, letter
from ...rights.requests import Right
from ..people import Permission
from ..visit import Form, Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The requests so far, and the form for a new one."""
    return await _page(visit)


async def _page(visit: Visit, *, filled: Form | None = None, problems: dict[str, str] | None = None) -> Response:
    node = visit.console.node
    return visit.page(
        "rights.html",
        status=422 if problems else 200,
        requests=await asyncio.to_thread(node.rights.requests),
        rights=tuple(Right),
        filled=filled or Form({}),
        problems=problems or {},
    )


async def submit(visit: Visit, form: Form) -> Response:
    """Record a request and carry it out; access is a file to download."""
    problems = {}
    if not form["person"]:
        problems["person"] = visit.text("Give the person's number in your own file.")
    if form["right"] not in tuple(Right):
        problems["right"] = visit.text("Choose a right.")
    elif form["right"] == Right.ERASURE and form["sure"] != "yes":
        problems["sure"] = visit.text("Erasing can't be undone: say that you are sure.")
    if problems:
        return await _page(visit, filled=form, problems=problems)
    rights = visit.console.node.rights
    who = {"by": visit.person.id, "file": form["file"]}
    try:
        if form["right"] == Right.ACCESS:
            dossier = await asyncio.to_thread(partial(rights.access, form["person"], **who))
            headers = {"content-disposition": 'attachment; filename="sluis.txt"'}
            return Response(letter(dossier, Language(visit.language.code)), media_type="text/plain", headers=headers)
        verbs = {Right.CORRECTION: rights.correct, Right.OBJECTION: rights.object, Right.ERASURE: rights.erase}
        done = await asyncio.to_thread(partial(verbs[Right(form["right"])], form["person"], **who))
    except InputError:
        return await _page(
            visit, filled=form, problems={"file": visit.text("A file number has letters, digits and . _ / - only.")}
        )
    visit.console.something_to_send()
    return visit.go(
        "/rights",
        "Recorded. Matches concerned: %(matches)s. Municipalities that are told: %(told)s.",
        matches=done.matches,
        told=done.told,
    )


async def lift(visit: Visit, form: Form) -> Response:
    """End an objection or an erasure."""
    number = form["number"]
    try:
        await asyncio.to_thread(
            partial(visit.console.node.rights.lift, int(number) if number.isdecimal() else 0, by=visit.person.id)
        )
    except NotFound:
        return visit.go("/rights", "It was lifted already.", kind="info")
    return visit.go("/rights", "Lifted: this person may take part in rounds again.")


async def retention(visit: Visit) -> Response:
    """What is kept how long, what a run would delete now, and what was deleted."""
    node = visit.console.node
    due = await asyncio.to_thread(node.retention_due)
    deleted = await asyncio.to_thread(node.deletions)
    return visit.page("retention.html", due=due, deleted=[one for one in deleted if one.rows][:50])


async def run_retention(visit: Visit, form: Form) -> Response:  # noqa: ARG001 (a form without fields of its own)
    """Delete what is past its term now."""
    done = await asyncio.to_thread(partial(visit.console.node.run_retention, by=visit.person.id))
    return visit.go("/retention", "Deleted: %(rows)s rows.", rows=sum(one.rows for one in done))


ROUTES = (
    PageRoute("/rights", Permission.RIGHTS, show, submit),
    PageRoute("/rights/lift", Permission.RIGHTS, None, lift),
    PageRoute("/retention", Permission.RIGHTS, retention, run_retention),
)
