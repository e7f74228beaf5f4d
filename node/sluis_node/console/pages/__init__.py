"""All pages of the console for somebody who is logged in, as one table. `login` is beside it."""

from __future__ import annotations

from . import approach, decide, help_, inbox, live, log, match, plan, rights, rounds, settings, together, totals
from .route import PageRoute

ROUTES: tuple[PageRoute, ...] = (
    *inbox.ROUTES,
    *match.ROUTES,
    *decide.ROUTES,
    *approach.ROUTES,
    *plan.ROUTES,
    *together.ROUTES,
    *rounds.ROUTES,
    *totals.ROUTES,
    *log.ROUTES,
    *rights.ROUTES,
    *settings.ROUTES,
    *live.ROUTES,
    *help_.ROUTES,
)
