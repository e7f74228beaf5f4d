"""Between browsers and sessions: the cookie, where a form comes from, and the way to the login and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .language import Language
from .sessions import Session
from .visit import Console, Form

_MOST_FIELDS = 200
_NEXT = "next"
BY_ITSELF = "x-by-itself"


@dataclass(frozen=True, slots=True)
class Doorway:
    """What pages and the login share."""

    console: Console

    @property
    def cookie(self) -> str:
        """The session cookie's name; with the prefix, browsers take it only from us and only over https."""
        return "__Host-sluis" if self.console.settings.encrypted else "sluis"

    def session(self, request: Request) -> Session | None:
        """The session that a request belongs to. What our script asks for by itself doesn't keep it alive."""
        token, by_itself = self.token(request), request.headers.get(BY_ITSELF) is not None
        return self.console.sessions.find(token, agent_of(request), touch=not by_itself) if token else None

    def token(self, request: Request) -> str:
        """What the browser shows."""
        return request.cookies.get(self.cookie, "")

    def give(self, response: Response, token: str) -> None:
        """Have the browser keep a session's token until it is closed."""
        response.set_cookie(
            self.cookie, token, path="/", httponly=True, samesite="lax", secure=self.console.settings.encrypted
        )

    def take_back(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(
            self.cookie, path="/", httponly=True, samesite="lax", secure=self.console.settings.encrypted
        )

    def comes_from_us(self, request: Request) -> bool:
        """Whether a form was sent from one of our own pages; every browser says so."""
        return request.headers.get("origin") == self.console.settings.address

    def to_login(self, request: Request) -> Response:
        """Log in first, then come back to where a page was asked for."""
        ended = bool(self.token(request))
        query = "?ended" if ended else ""
        response = RedirectResponse(f"/login{query}", 303)
        if request.method == "GET" and request.url.path not in ("/", "/live", "/session"):
            response.set_cookie(
                _NEXT, request.url.path, max_age=600, path="/", httponly=True, samesite="lax",
                secure=self.console.settings.encrypted,
            )  # fmt: skip
        if ended:
            self.take_back(response)
        return response

    def after_login(self, request: Request) -> str:
        """Where to go now: a path of ours, whatever stands in the cookie."""
        path = request.cookies.get(_NEXT, "/")
        parts = urlsplit(path)
        safe = path.startswith("/") and not path.startswith("//") and "\\" not in path
        return path if safe and not parts.netloc and not parts.query and path.isprintable() else "/"

    def outside(self, language: Language, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page for somebody who isn't logged in."""
        around: dict[str, Any] = {
            "person": None,
            "path": "",
            "notices": [],
            "now": self.console.now(),
            "permissions": frozenset(),
        }
        return self.console.views.render(language, template, around | context, status=status)


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")


async def read_form(request: Request) -> Form:
    """The fields of a form, URL-encoded (`guard` has limited its size); anything else is an empty form."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return Form({})
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Form({})
    return Form({name: tuple(values) for name, values in fields.items()})
