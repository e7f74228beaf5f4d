"""A console in this process around a real node, and a real browser to look at it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import httpx2
from playwright.async_api import Browser, Page, ViewportSize, async_playwright
from sluis_node import Node
from sluis_node.console.serve import Server, build, fetching, server_config
from sluis_node.console.settings import ConsoleSettings
from sluis_node.console.visit import Console
from sluis_node.node import utc_now
from sluis_node.signer import Clock

CHROMIUM = "/usr/bin/chromium"
CALM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--lang=nl-NL"]
PHONE: ViewportSize = {"width": 320, "height": 700}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PASSWORD = "geheim genoeg"
LOGINS: Mapping[str, Any] = {
    "anna": {"name": "Anna de Boer", "password": PASSWORD, "roles": ["coordinator"]},
    "bilal": {"name": "Bilal Jansen", "password": PASSWORD, "roles": ["reviewer"]},
    "carla": {"name": "Carla Smit", "password": PASSWORD, "roles": ["privacy"]},
    "dirk": {"name": "Dirk Visser", "password": PASSWORD, "roles": ["admin"]},
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Running:
    """A console that answers at `address`."""

    console: Console
    address: str


@asynccontextmanager
async def running(
    node: Node, *, clock: Clock = utc_now, carries: bool = False, **settings: Any
) -> AsyncIterator[Running]:
    """Serve the console of an open node on loopback; with the demo's logins, unless told otherwise.

    With `carries`, it also carries the node's mail, as `sluis-node console` does.
    """
    port = int(settings.pop("port", 0)) or free_port()
    options: dict[str, Any] = (
        {"listen": f"127.0.0.1:{port}"} | ({} if "oidc" in settings else {"local": LOGINS}) | settings
    )
    console, app = build(node, ConsoleSettings.model_validate(options), clock=clock)
    server = Server(server_config(console.settings, app), console)
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
        async with fetching(console) if carries else nullcontext():
            yield Running(console, console.settings.address)
    finally:
        server.should_exit = True
        server.force_exit = True
        await serving


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=CALM)
        try:
            yield opened
        finally:
            await opened.close()


async def log_in(page: Page, console: Running, name: str) -> None:
    """By the demo's form."""
    await page.goto(f"{console.address}/login")
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.click("main button")


# A visitor without a browser's window.

AGENT = {"user-agent": "A browser"}


@asynccontextmanager
async def visitor(console: Running, who: str = "", **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody with a browser of their own, perhaps logged in."""
    headers = AGENT | {"origin": console.address} | options.pop("headers", {})
    async with httpx2.AsyncClient(base_url=console.address, headers=headers, **options) as client:
        if who:
            response = await client.post("/login", data={"name": who, "password": PASSWORD})
            assert response.status_code == 303
        yield client


def hidden(page: httpx2.Response, action: str = "") -> dict[str, str]:
    """The hidden fields of the first form that goes there."""
    start = page.text.index(f'action="{action}"') if action else page.text.index("<main")
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text[start:].split("</form>")[0])
    return dict(fields)
