"""Runs the console beside an open node: serves pages, and fetches the node's mail now and then.

One process. What it prints is the address; the server's own log of requests is off, as addresses hold match ids.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import uvicorn
from sluis_protocol.errors import ConfigError, SluisError
from sluis_protocol.group import Random
from sluis_runtime.logs import logger
from starlette.types import ASGIApp

from ..node import Node
from ..signer import Clock
from .app import make_app
from .doorway import Doorway
from .login import Login
from .menu import MENU
from .sessions import Sessions
from .settings import ConsoleSettings
from .views import Views
from .visit import Console

_log = logger("console")
_WAIT = 2.0  # seconds for mail to come; what people do meanwhile is sent after it


def build(
    node: Node, settings: ConsoleSettings, *, clock: Clock, random: Random = os.urandom
) -> tuple[Console, ASGIApp]:
    """The console around an open node; ConfigError if nobody could log in, or a demo's login is for real cases."""
    about = node.about()
    if not settings.local and settings.oidc is None:
        raise ConfigError("nobody can log in", do="add [console.oidc] to the configuration", setting="console.oidc")
    if settings.local and about.mode != "demo":
        raise ConfigError(
            "demo logins are not for real cases", do="log in with [console.oidc]", setting="console.local"
        )
    views = Views(settings, {"about": about, "menu": MENU})
    sessions = Sessions(
        clock,
        random,
        idle=timedelta(minutes=settings.idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )
    names = {f"demo:{login}": one.name for login, one in settings.local.items()}
    console = Console(node, settings, views, sessions, clock, random, names=names)
    doorway = Doorway(console)
    return console, make_app(doorway, Login(doorway))


def server_config(settings: ConsoleSettings, app: ASGIApp) -> uvicorn.Config:
    """How the server runs: quiet, for it knows addresses; patient with nobody."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls.certificate if settings.tls else None,
        ssl_keyfile=settings.tls.key if settings.tls else None,
        access_log=False,
        server_header=False,
        log_level="warning",
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies) or None,
        timeout_graceful_shutdown=3,
        lifespan="off",
        limit_concurrency=500,
        h11_max_incomplete_event_size=32_768,
    )


async def serve(node: Node, settings: ConsoleSettings, *, clock: Clock) -> None:
    """Serve until a signal comes."""
    console, app = build(node, settings, clock=clock)
    server = Server(server_config(settings, app), console)
    async with fetching(console):
        _log.info("console", address=settings.address)
        await server.serve()


class Server(uvicorn.Server):
    """A server that tells live updates to end before it waits for them."""

    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._console.closing.set()
        await super().shutdown(sockets)


@asynccontextmanager
async def fetching(console: Console) -> AsyncIterator[None]:
    """Carry the node's mail now and then while the context is open, and soon after somebody did something."""

    async def fetch() -> None:
        while True:
            console.wake.clear()
            try:
                await console.node.receive(wait=_WAIT)
            except SluisError as error:
                _log.warning("mail not fetched", code=error.code)
            with suppress(TimeoutError):
                await asyncio.wait_for(console.wake.wait(), console.settings.fetch_seconds)

    task = asyncio.create_task(fetch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
