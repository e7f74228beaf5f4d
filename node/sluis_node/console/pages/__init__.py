"""All pages of the console for somebody who is logged in, as one table. `login` is beside it."""

from __future__ import annotations

from . import help_, rounds, start
from .route import PageRoute

ROUTES: tuple[PageRoute, ...] = (*start.ROUTES, *rounds.ROUTES, *help_.ROUTES)
