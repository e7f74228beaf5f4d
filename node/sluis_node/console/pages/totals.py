"""The national totals: exactly the figures that are asked for, and their approval."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.responses import Response

from ..people import Permission
from ..visit import Form, Visit
from .common import act
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """All periods; of one that waits, the figures as they would go."""
    found = await asyncio.to_thread(partial(visit.console.node.totals.periods, by=visit.person.id))
    return visit.page("totals.html", periods=found)


async def approve(visit: Visit, form: Form) -> Response:
    """Approve the figures that were seen."""
    desk = visit.console.node.totals
    verb = partial(desk.approve, form["period"], by=visit.person.id, seen=form["seen"])
    return await act(visit, verb, "/totals", "Approved. The figures go by themselves, and nobody can read them.")


ROUTES = (PageRoute("/totals", Permission.APPROACH, show, approve),)
