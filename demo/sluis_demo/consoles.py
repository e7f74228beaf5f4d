"""The two consoles that `sluis-demo --keep` leaves open: who may log in, where they are, and starting them.

The password is made for this one demo. Both listen on this machine only.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from .processes import Child, Programs, together
from .world import Node

# Logins by the roles of the console. The first two are those who acted in the demo.
LOGINS = (
    ("anna", "Anna Visser", "coordinator", "process coordinator"),
    ("bram", "Bram Mulder", "reviewer", "second reviewer"),
    ("petra", "Petra Smit", "privacy", "privacy officer"),
    ("arie", "Arie Bos", "admin", "administrator"),
)
# Browsers keep cookies by host and not by port: under two names, one can be logged in at both.
_HOSTS = ("127.0.0.1", "localhost")
_TOLD = re.compile(r'"event": "console"')
_PATIENCE, _POLL = 60.0, 0.1
_FETCH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class OpenConsole:
    """A console that answers."""

    node: Node
    address: str


async def open_consoles(towns: Sequence[Node], programs: Programs) -> tuple[str, list[OpenConsole]]:
    """Start the consoles of two municipalities; the password of all their logins, and where they are."""
    password = secrets.token_hex(4)
    return password, await together(
        *(_open(node, host, password, programs) for node, host in zip(towns, _HOSTS, strict=True))
    )


async def _open(node: Node, host: str, password: str, programs: Programs) -> OpenConsole:
    port = _free_port()
    # It listens on one address, whatever the name stands for besides.
    node.add(_settings(f"127.0.0.1:{port}", f"http://{host}:{port}", password))
    child = programs.serve(*node.command("console"), name=f"{node.name} console")
    await programs.told(child, _TOLD, timeout=_PATIENCE)
    await _answers(child, port)
    return OpenConsole(node, f"http://{host}:{port}")


def _settings(listen: str, url: str, password: str) -> str:
    quoted = json.dumps  # a TOML string is one of JSON
    tables = [f"[console]\nlisten = {quoted(listen)}\nurl = {quoted(url)}\nfetch_seconds = {_FETCH_SECONDS}\n"]
    for login, name, role, _ in LOGINS:
        tables.append(
            f"[console.local.{login}]\nname = {quoted(name)}\npassword = {quoted(password)}\nroles = [{quoted(role)}]\n"
        )
    return "\n".join(tables)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _answers(child: Child, port: int) -> None:
    """Wait until the console takes connections."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while not child.ended:
                with suppress(ConnectionRefusedError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return
                await asyncio.sleep(_POLL)
    raise child.failure("does not answer")
