"""For the administrator: the covenant, who can log in, messages that did not arrive, and what went wrong elsewhere."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

from sluis_protocol.errors import InputError
from starlette.responses import Response

from ...notify import DeliveryState
from ..people import Permission
from ..visit import Form, Visit
from .route import PageRoute


async def show(visit: Visit) -> Response:
    """The settings as they are in force; changing them is for node.toml."""
    console = visit.console
    counts = await asyncio.to_thread(console.node.notice_counts)
    dead = await asyncio.to_thread(console.node.notices, DeliveryState.DEAD)
    settings = console.settings
    return visit.page(
        "settings.html",
        known=console.node.about(),
        version=version("sluis"),
        settings=settings,
        logged_in=sum(one.person is not None for one in console.sessions.all()),
        counts={str(state): count for state, count in counts.items()},
        dead=dead,
    )


async def dead_letter(visit: Visit, form: Form) -> Response:
    """Send a message again, or throw it away."""
    number = int(form["number"]) if form["number"].isdecimal() and len(form["number"]) < 18 else 0
    node = visit.console.node
    verb = node.discard_notice if form["do"] == "discard" else node.retry_notice
    try:
        await asyncio.to_thread(verb, number)
    except InputError:
        return visit.go("/settings", "Somebody else dealt with this message already.", kind="info")
    if form["do"] == "discard":
        return visit.go("/settings", "The message was thrown away.")
    visit.console.something_to_send()
    return visit.go("/settings", "The message is sent again.")


async def anomalies(visit: Visit) -> Response:
    """What nobody honest would have done, the newest first."""
    found = await asyncio.to_thread(visit.console.node.anomalies)
    return visit.page("anomalies.html", anomalies=list(reversed(found)))


ROUTES = (
    PageRoute("/settings", Permission.SETTINGS, show),
    PageRoute("/settings/message", Permission.SETTINGS, None, dead_letter),
    PageRoute("/anomalies", Permission.SETTINGS, anomalies),
)
