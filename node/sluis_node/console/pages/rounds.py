"""Rounds: what was sent, counted and found."""

from __future__ import annotations

from sluis_protocol.errors import SluisError
from starlette.responses import Response

from ...node import RoundInfo
from ..people import Permission
from ..visit import Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """All rounds of all purposes, the newest first. What the coordinator says is left out where it can't be asked."""
    node = visit.console.node
    offline: SluisError | None = None
    found: list[RoundInfo] = []
    purposes = {purpose.id: purpose.title for purpose in node.about().purposes}
    try:
        for purpose in purposes:
            found += await node.rounds(purpose=purpose)
    except SluisError as error:
        offline = error
    found.sort(key=lambda one: one.closes_at, reverse=True)
    return visit.page("rounds.html", rounds=found, purposes=purposes, offline=offline)


ROUTES = (PageRoute("/rounds", Permission.ROUNDS, show),)
