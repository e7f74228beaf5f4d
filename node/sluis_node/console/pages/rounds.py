"""Rounds: what was sent, counted and found; and what nobody honest would have done."""

from __future__ import annotations

import asyncio

from sluis_protocol.errors import SluisError
from starlette.responses import Response

from ..people import Permission
from ..visit import Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """All rounds of all purposes, the newest first. What the coordinator says is left out where it can't be asked."""
    node = visit.console.node
    offline: SluisError | None = None
    try:
        rounds = await node.rounds()
    except SluisError as error:
        rounds, offline = [], error
    anomalies = await asyncio.to_thread(node.anomalies)
    return visit.page("rounds.html", rounds=rounds, anomalies=list(reversed(anomalies)), offline=offline)


ROUTES = (PageRoute("/rounds", Permission.ROUNDS, show),)
