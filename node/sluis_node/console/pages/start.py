"""Where everybody arrives: the inbox for who decides, otherwise the first page of one's role."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from ..menu import MENU
from ..people import Permission
from ..visit import Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The inbox, or the way to the visitor's own first page."""
    if visit.may(Permission.CASES):
        return visit.page("help.html")
    return RedirectResponse(
        next(item.path for item in MENU if item.permission is None or visit.may(item.permission)), 303
    )


ROUTES = (PageRoute("/", None, show),)
