"""The national totals: exactly the figures that are asked for, and their approval."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sluis_protocol.indicators import PARTS, Cell, Indicator
from starlette.responses import Response

from ..people import Permission
from ..visit import Form, Visit
from .common import act
from .route import PageRoute


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of an indicator."""

    indicator: Indicator
    cells: tuple[tuple[Cell, int], ...]

    @property
    def has_parts(self) -> bool:
        """Whether it is a list of parts."""
        return self.indicator in PARTS


def grouped(figures: Mapping[Cell, int]) -> list[Group]:
    """By indicator, those with parts last."""
    found = [
        Group(one, tuple((cell, value) for cell, value in figures.items() if cell.indicator is one))
        for one in dict.fromkeys(cell.indicator for cell in figures)
    ]
    return sorted(found, key=lambda group: group.has_parts)


async def show(visit: Visit) -> Response:
    """All periods; of one that waits, the figures as they would go."""
    found = await asyncio.to_thread(partial(visit.console.node.totals.periods, by=visit.person.id))
    return visit.page("totals.html", periods=found, grouped=grouped)


async def approve(visit: Visit, form: Form) -> Response:
    """Approve the figures that were seen."""
    desk = visit.console.node.totals
    verb = partial(desk.approve, form["period"], by=visit.person.id, seen=form["seen"])
    return await act(visit, verb, "/totals", "Approved. The figures go by themselves, and nobody can read them.")


ROUTES = (PageRoute("/totals", Permission.APPROACH, show, approve),)
