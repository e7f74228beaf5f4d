"""What node.toml says of notifications: `[notify]`. Without it nothing is sent, and everything is in the console."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from sluis_runtime.config import FilePath, Section

from .notice import Audience

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
Address = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254)
]


class MailSettings(Section):
    """`[notify.mail]`: the municipality's mail server, and the mailboxes, shared ones, of each audience."""

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    authorities: FilePath | None = None  # who vouches for the server, where the system's authorities don't
    sender: Address
    user: str = ""
    password: FilePath | None = None
    to: dict[Audience, tuple[Address, ...]]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.security == "none" and self.host not in _LOCAL:
            raise ValueError("mail without TLS goes to this machine only: set security to starttls or tls")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        return self


class WebhookSettings(Section):
    """`[[notify.webhooks]]`: an address that gets signed CloudEvents."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    url: Annotated[str, Field(max_length=500)]
    audiences: Annotated[tuple[Audience, ...], Field(min_length=1)]
    authorities: FilePath | None = None
    secret: FilePath | None = None  # sign with this shared secret (base64, 32 bytes or more), not with signing_key

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("the address is not an https address")
        if parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise ValueError("events without TLS go to this machine only: use https")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("the address holds a user, a password or a fragment")
        return self


class NotifySettings(Section):
    """`[notify]`."""

    language: Literal["nl", "en"] = "nl"
    console: Annotated[
        str, Field(pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?[^\s?#]*)?$")
    ] = ""
    mail: MailSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        if len({hook.name for hook in self.webhooks}) != len(self.webhooks):
            raise ValueError("two webhooks have the same name")
        return self

    def link(self, page: str | None) -> str:
        """The address of a page of the console; "" where there is none."""
        return f"{self.console.rstrip('/')}/{page}" if self.console and page is not None else ""
