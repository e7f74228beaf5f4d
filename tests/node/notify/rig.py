"""A node's database with an outbox, a clock that tests turn, and servers that really listen."""

from __future__ import annotations

import asyncio
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_node.notify import Notice, NotifySettings, Outbox, Sender
from sluis_node.notify.webhook import EventSigner
from sluis_node.store import Store
from sluis_node.vault import Vault

KEY = bytes(range(32))
OIN = "00000099000000001001"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Office:
    """An outbox with its sender."""

    def __init__(self, folder: Path, settings: NotifySettings) -> None:
        self.now = START
        self.settings = settings
        vault = Vault.of(KEY, os.urandom)
        self.store = Store.open(folder / "node.sqlite", vault)
        self.outbox = Outbox(self.store.engine, vault, settings, os.urandom)
        self.key = Ed25519PrivateKey.generate()
        self.sender = self.with_settings(settings)

    def with_settings(self, settings: NotifySettings) -> Sender:
        """A sender that was configured otherwise since."""
        return Sender(self.outbox, settings, EventSigner(OIN, self.key), lambda: self.now)

    def tell(self, notice: Notice) -> bool:
        with self.store.transaction() as connection:
            return self.outbox.enqueue(connection, notice, self.now)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


# A mail server.


@dataclass
class Mailbox:
    """What an SMTP server was given, and what it says to it."""

    received: list[tuple[list[str], bytes]] = field(default_factory=list)
    answer: str = "250 OK"
    refused: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.received.append((list(envelope.rcpt_tos), content))
        return self.answer


class _AnyPort(Controller):
    """A controller that listens on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types there


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[Controller]:
    """A real SMTP server on this machine."""
    controller = _AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def only_with(user: str, password: str) -> Any:
    """An authenticator for that one login."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    return check


# A webhook.


@dataclass
class Hook:
    """What an HTTP server was sent, and what it answers."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


@contextmanager
def web_server(hook: Hook) -> Iterator[Hook]:
    """A real HTTP server on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            hook.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, content))
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_port}/events?from=sluis"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def plain(message: EmailMessage) -> str:
    """The text of a message."""
    content = message.get_content()
    assert isinstance(content, str)
    return content
