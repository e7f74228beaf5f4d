"""The inbox: what needs the visitor, by deadline; and all matches."""

from __future__ import annotations

import asyncio

from starlette.responses import RedirectResponse, Response

from ...handshake.model import Brief, Phase, Task, Todo
from ..menu import MENU
from ..people import Permission
from ..visit import Visit
from .route import PageRoute

_WITH_CASES = frozenset({Todo.RECOMMEND, Todo.DECIDE})


async def start(visit: Visit) -> Response:
    """Where everybody arrives: the inbox, or the first page of the visitor's own role."""
    own = (item for item in MENU if item.permission is None or visit.may(item.permission))
    return RedirectResponse(next(own).path, 303)


async def show(visit: Visit) -> Response:
    """What asks something of the visitor, figures for the totals too, then what waits for others."""
    briefs = await asyncio.to_thread(visit.console.desk.cases, by=visit.person.id)
    mine, colleagues, waiting = [], [], []
    for brief in briefs:
        if brief.phase.is_final:
            continue
        tasks = [task for task in brief.tasks if _is_for(visit, task)]
        if tasks:
            mine.append((brief, tasks))
        elif brief.tasks:
            colleagues.append(brief)
        elif not brief.known or brief.phase is not Phase.REVIEWING:
            waiting.append(brief)
    figures = None
    if visit.may(Permission.APPROACH):
        figures = await asyncio.to_thread(visit.console.node.totals.waiting)
    return visit.page(
        "inbox.html", mine=mine, figures=figures, colleagues=colleagues, waiting=waiting, count=len(briefs)
    )


def _is_for(visit: Visit, task: Task) -> bool:
    """Whether the visitor's role and the four eyes let them do it."""
    if not task.mine:
        return False
    return visit.may(Permission.DECIDE if task.todo in _WITH_CASES else Permission.APPROACH)


async def everything(visit: Visit) -> Response:
    """All matches, those that have ended last."""
    briefs: list[Brief] = await asyncio.to_thread(visit.console.desk.cases, by=visit.person.id)
    return visit.page("matches.html", briefs=briefs)


ROUTES = (
    PageRoute("/", None, start),
    PageRoute("/inbox", Permission.CASES, show),
    PageRoute("/matches", Permission.CASES, everything),
)
