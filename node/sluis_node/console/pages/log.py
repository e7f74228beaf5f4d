"""The processing log: who processed whose data, when and what for. It names no family, no person and no case.

What is asked for is sent by a form, so that nothing of it stands in an address.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta

from sluis_protocol.errors import StorageError
from starlette.responses import Response

from ...processing import Activity, Wanted
from ..people import Permission
from ..visit import Form, Visit
from .common import read_date
from .route import PageRoute

_PAGE = 50


async def show(visit: Visit) -> Response:
    """The newest entries."""
    return await _page(visit, Form({}))


async def filtered(visit: Visit, form: Form) -> Response:
    """The entries that were asked for, or the next older ones."""
    return await _page(visit, form)


async def _page(visit: Visit, form: Form) -> Response:
    since, until = read_date(form["since"]), read_date(form["until"])
    before = form["before"]
    wanted = Wanted(
        since=datetime.combine(since, time(), UTC) if since else None,
        until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
        activity=Activity(form["activity"]) if form["activity"] in tuple(Activity) else None,
        actor=form["actor"] or None,
        before=int(before) if before.isdecimal() and len(before) < 18 else None,
        most=_PAGE + 1,
    )
    node = visit.console.node
    entries = await asyncio.to_thread(node.processing_log, wanted, person=form["person"] or None)
    return visit.page(
        "log.html",
        entries=entries[:_PAGE],
        older=entries[_PAGE - 1].number if len(entries) > _PAGE else None,
        activities=tuple(Activity),
        filled=form,
    )


async def verify(visit: Visit, form: Form) -> Response:  # noqa: ARG001 (a form without fields of its own)
    """Check the chain of digests."""
    try:
        count = await visit.console.node.verify_processing_log()
    except StorageError:
        return visit.go("/log", "The log was altered. Keep the database as it is, and report it.", kind="error")
    return visit.go("/log", "The log is whole: %(count)s entries.", count=visit.language.number(count))


ROUTES = (
    PageRoute("/log", Permission.LOG, show, filtered),
    PageRoute("/log/verify", Permission.LOG, None, verify),
)
