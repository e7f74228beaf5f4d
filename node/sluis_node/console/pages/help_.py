"""Help: what the words mean, what happens next, and whom to ask."""

from __future__ import annotations

from starlette.responses import Response

from ..visit import Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The help page."""
    return visit.page("help.html")


ROUTES = (PageRoute("/help", None, show),)
