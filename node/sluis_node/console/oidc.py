"""Logging in with the municipality's identity provider: OpenID Connect Core 1.0, authorisation code with PKCE.

Authlib speaks the protocol (state, nonce, code challenge, token, signature). What is checked here on top: the issuer is
the configured one, also in the answer (RFC 9207); we are the audience; only asymmetric signatures count; the class of
authentication is strong enough; and the roles. Who somebody is, is `sub` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from sluis_protocol.errors import ConfigError
from starlette.requests import Request
from starlette.responses import RedirectResponse

from .people import Person, Role
from .settings import OidcSettings

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_TIMEOUT = 10.0
_LEEWAY = 60
_MOST_NAME = 80


class LoginRefused(Exception):
    """Nobody was let in; `why` is one of the reasons in the template, `detail` is for the log."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(detail or why)
        self.why = why


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who came back from the provider, and what logging out there needs."""

    person: Person
    id_token: str = field(repr=False)


class Oidc:
    """The identity provider."""

    def __init__(self, settings: OidcSettings, back: str) -> None:
        """`back`: the address that the provider sends browsers back to."""
        try:
            secret = settings.client_secret.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"the client secret can't be read: {error.strerror}",
                do="check the path",
                setting="console.oidc.client_secret",
            ) from error
        self._settings = settings
        self._back = back
        self._app = OAuth().register(
            name="provider",
            client_id=settings.client_id,
            client_secret=secret,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(settings.scopes),
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT,
                "follow_redirects": False,
            },
        )

    async def _metadata(self) -> Mapping[str, Any]:
        try:
            found: dict[str, Any] = await self._app.load_server_metadata()
        except (httpx2.HTTPError, ValueError) as error:
            raise LoginRefused("unreachable", type(error).__name__) from error
        if found.get("issuer") != self._settings.issuer:
            raise LoginRefused("misconfigured", "the provider calls itself by another name than the configured issuer")
        offered = found.get("id_token_signing_alg_values_supported", ["RS256"])
        found["id_token_signing_alg_values_supported"] = [one for one in offered if one in _ALGORITHMS]
        return found

    async def leave_for(self, request: Request, language: str) -> RedirectResponse:
        """Send the browser to the provider; what its way back must show is kept in the session."""
        await self._metadata()
        asked: dict[str, str] = {"ui_locales": language}
        if self._settings.acr:
            asked["acr_values"] = " ".join(self._settings.acr)
        response: RedirectResponse = await self._app.authorize_redirect(request, self._back, **asked)
        return response

    async def come_back(self, request: Request) -> LoggedIn:
        """Who the provider says it is, after all checks; raises LoginRefused."""
        metadata = await self._metadata()
        answered_by = request.query_params.get("iss")
        required = metadata.get("authorization_response_iss_parameter_supported", False)
        if (answered_by is None and required) or answered_by not in (None, self._settings.issuer):
            raise LoginRefused("failed", "the answer comes from another issuer")
        try:
            token: dict[str, Any] = await self._app.authorize_access_token(
                request,
                leeway=_LEEWAY,
                claims_options={
                    "iss": {"essential": True, "values": [self._settings.issuer]},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
            )
        except OAuthError as error:
            raise LoginRefused("denied" if error.error == "access_denied" else "failed", str(error.error)) from error
        except JoseError as error:
            raise LoginRefused("failed", f"the ID token is wrong: {error.error}") from error
        except httpx2.HTTPError as error:
            raise LoginRefused("unreachable", type(error).__name__) from error
        claims = token.get("userinfo")
        if not claims:
            raise LoginRefused("failed", "no ID token came")
        if self._settings.acr and claims.get("acr") not in self._settings.acr:
            raise LoginRefused("weak", "the class of authentication is too weak")
        return LoggedIn(await self._person(claims, token), str(token["id_token"]))

    async def _person(self, claims: Mapping[str, Any], token: Mapping[str, Any]) -> Person:
        """The person by the ID token, and by what the provider tells of them where the token has no roles."""
        known = dict(claims)
        if _nested(known, self._settings.roles_claim) is None:
            try:
                told = await self._app.userinfo(token=token)
            except (httpx2.HTTPError, KeyError, ValueError, OAuthError) as error:
                raise LoginRefused("unreachable", type(error).__name__) from error
            if told.get("sub") != known["sub"]:
                raise LoginRefused("failed", "the provider tells of somebody else")
            known = {**told, **known}
        roles = roles_in(known, self._settings)
        if not roles:
            raise LoginRefused("no-role", "none of the roles is one of the console's")
        name = str(known.get("name") or known.get("preferred_username") or "")[:_MOST_NAME]
        return Person(str(known["sub"]), name, roles)

    async def way_out(self, id_token: str, back: str) -> str | None:
        """Where to log out at the provider, too; None if it has no such place."""
        metadata = await self._metadata()
        if "end_session_endpoint" not in metadata:
            return None
        made = await self._app.create_logout_url(post_logout_redirect_uri=back, id_token_hint=id_token)
        return str(made["url"])


def roles_in(claims: Mapping[str, Any], settings: OidcSettings) -> frozenset[Role]:
    """The console's roles by the configured claim: a text, or a list of texts. Unknown ones give nothing."""
    found = _nested(claims, settings.roles_claim)
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(settings.roles[one] for one in named if isinstance(one, str) and one in settings.roles)


def _nested(claims: Mapping[str, Any], path: str) -> object:
    """What stands at `a.b.c`; a claim whose own name has dots goes before."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
