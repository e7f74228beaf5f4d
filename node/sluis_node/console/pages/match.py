"""A match: the own family's data, what to be careful about, where it stands, and what happened so far."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...handshake.model import Case, Phase
from .. import drawing
from ..menu import N_
from ..people import Permission
from ..visit import Visit
from .common import case_of
from .route import PageRoute

_STATIONS = (N_("found"), N_("decide"), N_("contact"), N_("plan"), N_("approach"), N_("finished"))
_TOGETHER = (Phase.AGREED, Phase.DRAFTING, Phase.ACTIVE, Phase.CLOSED, Phase.WITHDRAWN)


async def show(visit: Visit) -> Response:
    """The match."""
    case = await case_of(visit)
    figures = drawing.figures(case.members, case.match.persons, visit.console.now().date())
    return visit.page(
        "match.html",
        case=case,
        figures=figures,
        family=drawing.family(figures) if figures else "",
        together=is_together(case),
        **journey_of(visit, case),
    )


def is_together(case: Case) -> bool:
    """Whether there is, or was, something that both sides have."""
    return case.phase in _TOGETHER or (case.phase is Phase.LAPSED and case.their_card is not None)


def journey_of(visit: Visit, case: Case) -> dict[str, Any]:
    """The way of the case: its picture, and the same as a list."""
    reached = drawing.station_of(case.phase, [step.what for step in case.history])
    names = [visit.text(name) for name in _STATIONS]
    return {
        "journey": drawing.journey(reached, names, ended=case.phase.is_final),
        "stations": list(enumerate(names)),
        "reached": reached,
    }


ROUTES = (PageRoute("/match/{match}", Permission.CASES, show),)
