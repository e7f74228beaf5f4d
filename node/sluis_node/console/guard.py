"""What holds for every request before a page sees it: host, size, rate; and the headers that every answer has.

`Guard` knows nobody: who is logged in is `app`'s affair.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..signer import Clock
from .limits import Limit

MOST_BODY = 65_536
# What a page may do: load our own style, script, fonts and pictures, send forms to us, and nothing else.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'{also}; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex, nofollow",
}


class Guard:
    """The outermost layer around the pages."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: str,
        clock: Clock,
        provider: str = "",
        limit: Limit | None = None,
    ) -> None:
        """`address`: as browsers see us; `provider`: the identity provider's origin, where logging out may lead."""
        self._app = app
        parts = urlsplit(address)
        self._host = parts.netloc
        self._clock = clock
        self._limit = limit or Limit(burst=300, per_minute=1800)
        self._headers = dict(_HEADERS)
        self._headers["content-security-policy"] = _POLICY.format(also=f" {provider}" if provider else "")
        if parts.scheme == "https":
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no websockets here

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        request = Request(scope)
        if refusal := self._refusal(request):
            await refusal(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _refusal(self, request: Request) -> PlainTextResponse | None:
        # Another name than ours is a page elsewhere that had its name point to us.
        if request.headers.get("host", "") != self._host:
            return PlainTextResponse("Onbekend adres. Unknown address.\n", 421)
        # Without a length it would be read before it is known to be too long.
        length = request.headers.get("content-length", "" if request.method == "POST" else "0")
        if not length.isdecimal() or int(length) > MOST_BODY or "transfer-encoding" in request.headers:
            return PlainTextResponse("Te groot. Too large.\n", 413)
        counted = not request.url.path.startswith("/static/")
        if counted and (wait := self._limit.wait(client_of(request), self._clock())):
            return PlainTextResponse(
                "Te veel verzoeken; wacht even. Too many requests; wait a moment.\n", 429, {"retry-after": str(wait)}
            )
        return None


def client_of(request: Request) -> str:
    """Whom a request is counted for before anybody is known."""
    return request.client.host if request.client else ""
