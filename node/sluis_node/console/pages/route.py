"""A page's entry in the table of pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from ..people import Permission
from ..visit import Form, Visit

Show = Callable[[Visit], Awaitable[Response]]
Submit = Callable[[Visit, Form], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """Where a page is, who may see it (None: whoever is logged in), what shows it, and what takes its form."""

    path: str
    permission: Permission | None
    show: Show | None = None
    submit: Submit | None = None

    @property
    def methods(self) -> list[str]:
        """The methods that it knows."""
        return ["GET"] * bool(self.show) + ["POST"] * bool(self.submit)
