"""The console as an ASGI application: which address leads to which page, who may go there, and what refuses a form.

A page is reached in this order: `guard` (host, size, rate), a session with somebody logged in, the permission that the
page needs, and for a form: where it comes from, its token, and that it wasn't dealt with before.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sluis_protocol.errors import SluisError
from sluis_runtime.logs import logger
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .doorway import Doorway, read_form
from .guard import Guard
from .login import Login
from .pages import ROUTES
from .pages.route import PageRoute, Submit
from .trouble import told
from .visit import FORM_ID, FORM_TOKEN, Visit

_log = logger("console")


def make_app(doorway: Doorway, login: Login) -> ASGIApp:
    """The application around an open node."""
    door = Door(doorway)
    console = doorway.console

    async def static(request: Request) -> Response:
        return console.views.static.answer(request)

    routes = [Route(one.path, door.page(one), methods=one.methods) for one in ROUTES]
    routes += login.routes()
    routes.append(Route("/static/{name}", static, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: door.http_error, Exception: door.crash})
    return Guard(app, address=console.settings.address, clock=console.clock, provider=login.provider)


@dataclass(frozen=True, slots=True)
class Door:
    """Lets visitors in to pages, and tells the others why not."""

    way: Doorway

    def page(self, route: PageRoute) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a page."""

        async def endpoint(request: Request) -> Response:
            session = self.way.session(request)
            if session is None or session.person is None:
                return self.way.to_login(request)
            language = self.way.console.views.language_of(request)
            visit = Visit(self.way.console, request, session, session.person, language)
            if route.permission is not None and not visit.may(route.permission):
                return visit.page("trouble.html", status=403, kind="forbidden", told=None)
            try:
                # Before anything is read: what changes from now on is news for the page.
                visit = replace(visit, pulse=await asyncio.to_thread(self.way.console.node.pulse))
                if request.method == "POST" and route.submit is not None:
                    return await self._submit(visit, route.submit)
                if route.show is not None:
                    return await route.show(visit)
            except SluisError as error:
                _log.warning("refused", path=route.path, code=error.code)
                said = told(error, language)
                return visit.page("trouble.html", status=said.status, kind="refused", told=said)
            raise HTTPException(405)

        return endpoint

    async def _submit(self, visit: Visit, submit: Submit) -> Response:
        """Take a form: ours, this session's, and once."""
        form = await read_form(visit.request)
        form_id = form[FORM_ID]
        if not self.way.comes_from_us(visit.request) or not hmac.compare_digest(
            visit.session.form_token(form_id).encode(), form[FORM_TOKEN].encode()
        ):
            return visit.page("trouble.html", status=403, kind="form", told=None)
        # Where the same form did nothing, because something was wrong with it, it is a new one.
        while (before := visit.session.begin_form(form_id)) is not None:
            if path := await before:
                return visit.go(path, "This was done already; nothing was done twice.", kind="info")
        leads_to: str | None = None
        try:
            response = await submit(visit, form)
            # What was not done, because somebody was first or it is too late, is told again each time.
            if response.status_code == 303 and all(kind == "ok" for kind, _ in visit.session.notices):
                leads_to = response.headers["location"]
            return response
        finally:
            visit.session.end_form(form_id, leads_to)

    # What goes wrong outside a page.

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Pages that don't exist, and methods that they don't know."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._plain(request, status, "missing" if status == 404 else "broken")

    async def crash(self, request: Request, error: Exception) -> Response:
        """A bug; the log names its class only, since its text may hold what must not be in a log (rule 17)."""
        _log.error("the console failed", error=type(error).__name__)
        return self._plain(request, 500, "broken")

    def _plain(self, request: Request, status: int, kind: str) -> Response:
        session = self.way.session(request)
        language = self.way.console.views.language_of(request)
        if session is None or session.person is None:
            return self.way.outside(language, "trouble.html", status=status, kind=kind, told=None)
        visit = Visit(self.way.console, request, session, session.person, language)
        return visit.page("trouble.html", status=status, kind=kind, told=None)
