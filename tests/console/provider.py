"""Identity providers for the tests: a certified one (npm's oidc-provider, in its own process), and one that lies."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .rig import free_port

PACKAGES = Path(__file__).parent / "npm"
SECRET = "a-secret-of-the-tests"
CLIENT = "sluis"


def settings(folder: Path, issuer: str, **more: Any) -> dict[str, Any]:
    """`[console.oidc]` for a provider of these."""
    secret = folder / "client.secret"
    secret.write_text(SECRET + "\n")
    return {
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": secret,
        "roles_claim": "realm_access.roles",
        "roles": {"sluis-coordinator": "coordinator", "sluis-reviewer": "reviewer"},
        "acr": ["urn:mfa"],
        **more,
    }


@asynccontextmanager
async def certified(address: str, *, roles_in: str = "id_token") -> AsyncIterator[str]:
    """npm's oidc-provider for a console at that address: its issuer."""
    if shutil.which("node") is None or not (PACKAGES / "node_modules" / "oidc-provider").is_dir():
        pytest.fail("install the tests' npm packages: (cd tests/console/npm && npm ci)")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "node", "provider.js", str(port), f"{address}/login/back", f"{address}/login",
        cwd=PACKAGES, stdout=PIPE, stderr=PIPE, env=os.environ | {"ROLES_IN": roles_in},
    )  # fmt: skip
    try:
        if process.stdout is not None:
            await asyncio.wait_for(process.stdout.readuntil(b"listening\n"), 20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


# A change to the claims or the key that an honest provider would have used.
Lie = Callable[[dict[str, Any]], None]


@dataclass
class Liar:
    """A provider that lets everybody in at once and says what it likes."""

    issuer: str
    claims: dict[str, Any] = field(default_factory=dict)
    signing: str = "RS256"
    answer: dict[str, str] = field(default_factory=dict)
    told: dict[str, Any] | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    nonces: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """Its pages."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/auth", self._authorise),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._keys),
                Route("/me", self._me),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/me",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _authorise(self, request: Request) -> Response:
        asked = request.query_params
        self.nonces.append(asked["nonce"])
        given = {"code": "code", "state": asked["state"], "iss": self.issuer} | self.answer
        return RedirectResponse(asked["redirect_uri"] + "?" + "&".join(f"{k}={v}" for k, v in given.items() if v))

    async def _token(self, _request: Request) -> Response:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "anna",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonces[-1],
            "acr": "urn:mfa",
            "name": "Anna",
            "realm_access": {"roles": ["sluis-coordinator"]},
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        key: Any = OctKey.import_key(SECRET) if self.signing == "HS256" else self.key
        if self.signing == "other":
            key, signing = RSAKey.generate_key(2048, {"kid": "one"}), "RS256"
        else:
            signing = self.signing
        token = jwt.encode({"alg": signing, "kid": "one"}, claims, key, algorithms=["RS256", "HS256"])
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _me(self, _request: Request) -> Response:
        return JSONResponse(self.told or {})


@asynccontextmanager
async def lying() -> AsyncIterator[Liar]:
    """A provider of whose honesty the test decides."""
    port = free_port()
    liar = Liar(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(liar.app(), port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
        yield liar
    finally:
        server.should_exit = True
        await serving
