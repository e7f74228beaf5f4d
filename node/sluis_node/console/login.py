"""Logging in and out, and the choice of a language: the pages that need nobody to be logged in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from sluis_runtime.logs import logger
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .doorway import Doorway, agent_of, read_form
from .guard import client_of
from .limits import Limit
from .local import check_password
from .oidc import LoginRefused, Oidc
from .people import Person
from .views import LANGUAGE_COOKIE

_log = logger("console")
_YEAR = 365 * 24 * 3600
BACK = "/login/back"


class Login:
    """Lets people in: by the identity provider, or in a demo by a password."""

    def __init__(self, doorway: Doorway) -> None:
        self._way = doorway
        self._console = doorway.console
        settings = self._console.settings
        self._oidc = Oidc(settings.oidc, settings.address + BACK) if settings.oidc else None
        self._guesses = Limit(burst=10, per_minute=5)  # passwords
        self._walks = Limit(burst=60, per_minute=60)  # to the provider and back; a town hall may have one address

    @property
    def provider(self) -> str:
        """The identity provider's origin; "" without one."""
        if self._console.settings.oidc is None:
            return ""
        parts = urlsplit(self._console.settings.oidc.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def routes(self) -> list[Route]:
        """The pages."""
        return [
            Route("/login", self._show, methods=["GET"]),
            Route("/login", self._limited(self._password, self._guesses), methods=["POST"]),
            Route("/login/start", self._limited(self._start, self._walks), methods=["GET"]),
            Route(BACK, self._limited(self._back, self._walks), methods=["GET"]),
            Route("/logout", self._out, methods=["POST"]),
            Route("/language", self._language, methods=["POST"]),
        ]

    def _page(self, request: Request, *, why: str = "", status: int = 200, name: str = "") -> Response:
        language = self._console.views.language_of(request)
        provider = self._oidc is not None
        return self._way.outside(language, "login.html", status=status, why=why, provider=provider, filled_name=name)

    def _limited(
        self, page: Callable[[Request], Awaitable[Response]], limit: Limit
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if wait := limit.wait(client_of(request), self._console.now()):
                _log.warning("too many logins")
                response = self._page(request, why="often", status=429)
                response.headers["retry-after"] = str(wait)
                return response
            return await page(request)

        return endpoint

    async def _show(self, request: Request) -> Response:
        session = self._way.session(request)
        if session is not None and session.person is not None:
            return RedirectResponse("/", 303)
        # From the provider one comes back with the state that logging out had.
        known = {"ended": "ended", "out": "out", "state": "out"}
        why = next((known[one] for one in known if one in request.query_params), "")
        return self._page(request, why=why)

    # In a demo.

    async def _password(self, request: Request) -> Response:
        if self._oidc is not None or not self._way.comes_from_us(request):
            return self._page(request, why="failed", status=403)
        form = await read_form(request)
        person = check_password(self._console.settings, form["name"], form["password"])
        if person is None:
            _log.warning("login refused", why="password")
            return self._page(request, why="password", status=401, name=form["name"])
        self._guesses.forgive(client_of(request))
        return self._let_in(request, person)

    # With an identity provider.

    async def _start(self, request: Request) -> Response:
        if self._oidc is None:
            return RedirectResponse("/login", 303)
        token, session = self._console.sessions.start(agent_of(request), None)
        request.scope["session"] = session.data
        try:
            response = await self._oidc.leave_for(request, self._console.views.language_of(request).code)
        except LoginRefused as refused:
            self._console.sessions.end(token)
            return self._refused(request, refused)
        self._way.give(response, token)
        return response

    async def _back(self, request: Request) -> Response:
        session = self._way.session(request)
        if self._oidc is None or session is None or session.person is not None:
            return self._page(request, why="failed", status=403)
        request.scope["session"] = session.data
        try:
            known = await self._oidc.come_back(request)
        except LoginRefused as refused:
            return self._refused(request, refused)
        finally:
            self._console.sessions.end(self._way.token(request))
        return self._let_in(request, known.person, id_token=known.id_token)

    def _refused(self, request: Request, refused: LoginRefused) -> Response:
        _log.warning("login refused", why=refused.why, detail=str(refused))
        status = {"unreachable": 503, "misconfigured": 500}.get(refused.why, 403)
        response = self._page(request, why=refused.why, status=status)
        self._way.take_back(response)
        return response

    # Both.

    def _let_in(self, request: Request, person: Person, *, id_token: str = "") -> Response:
        """A new session, whatever the browser showed before."""
        self._console.sessions.end(self._way.token(request))
        self._console.names[person.id] = person.name or person.id
        token, _ = self._console.sessions.start(agent_of(request), person, {"id_token": id_token})
        response = RedirectResponse(self._way.after_login(request), 303)
        response.delete_cookie("next", path="/")
        self._way.give(response, token)
        _log.info("logged in", roles=sorted(person.roles))
        return response

    async def _out(self, request: Request) -> Response:
        """End the session here and at the provider."""
        session = self._way.session(request)
        if not self._way.comes_from_us(request):
            return self._page(request, why="failed", status=403)
        leads_to = "/login?out"
        if session is not None:
            self._console.sessions.end(self._way.token(request))
            id_token = session.data.get("id_token")
            if self._oidc is not None and id_token:
                try:
                    leads_to = await self._oidc.way_out(id_token, f"{self._console.settings.address}/login") or leads_to
                except LoginRefused as refused:
                    _log.warning("not logged out at the provider", why=refused.why)
        response = RedirectResponse(leads_to, 303)
        self._way.take_back(response)
        return response

    async def _language(self, request: Request) -> Response:
        form = await read_form(request)
        if not self._way.comes_from_us(request) or form["language"] not in self._console.views.languages:
            return RedirectResponse("/", 303)
        path = form["path"]
        response = RedirectResponse(path if path.startswith("/") and path[1:2] not in ("/", "\\") else "/", 303)
        response.set_cookie(
            LANGUAGE_COOKIE, form["language"], max_age=_YEAR, path="/", httponly=True, samesite="lax",
            secure=self._console.settings.encrypted,
        )  # fmt: skip
        return response
