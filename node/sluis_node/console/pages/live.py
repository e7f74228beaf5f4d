"""Live updates: tells a page, by server-sent events, that something changed. What it is, the page asks for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.responses import JSONResponse, Response, StreamingResponse

from ..visit import Visit
from .route import PageRoute

EVERY = 2.0  # seconds
_MOST_STREAMS = 8  # open pages of one session


async def stream(visit: Visit) -> Response:
    """Events until the page is left, the session ends or the console stops."""
    if visit.session.streams >= _MOST_STREAMS:
        return Response(status_code=429, headers={"retry-after": "60"})
    return StreamingResponse(_events(visit), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(visit: Visit) -> AsyncIterator[str]:
    console, session = visit.console, visit.session
    session.streams += 1
    try:
        yield f"retry: {int(EVERY * 5000)}\n\n"
        last = ""
        while not console.closing.is_set() and console.sessions.is_on(session):
            state = await asyncio.to_thread(console.node.pulse)
            # A line now and then also shows whether the page is still there.
            yield f"event: state\ndata: {state}\n\n" if state != last else ": still here\n\n"
            last = state
            with suppress(TimeoutError):
                await asyncio.wait_for(console.closing.wait(), EVERY)
        yield "event: end\ndata: \n\n"
    finally:
        session.streams -= 1


async def left(visit: Visit) -> Response:
    """How many seconds the session has left, and how long before its end to warn. Asking by hand begins them anew."""
    sessions = visit.console.sessions
    return JSONResponse({"left": sessions.left(visit.session), "warn": sessions.warn})


ROUTES = (PageRoute("/live", None, stream), PageRoute("/session", None, left))
