"""What `[console]` in node.toml says. Reads nothing but the files it names; `serve` uses it."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from sluis_runtime.config import FilePath, Section

from .people import Role

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConsoleTls(Section):
    """Where the console serves TLS itself; otherwise a proxy in front of it does."""

    certificate: FilePath
    key: FilePath


class OidcSettings(Section):
    """The municipality's identity provider (OpenID Connect, authorisation code with PKCE)."""

    issuer: str
    client_id: str
    client_secret: FilePath
    """A file with the secret and nothing else."""
    scopes: tuple[str, ...] = ("openid", "profile")
    roles_claim: str = "roles"
    """Where roles stand in the ID token, nested ones with dots: `realm_access.roles`."""
    roles: dict[str, Role] = Field(default_factory=lambda: {str(role): role for role in Role})
    """What the provider calls each role."""
    acr: tuple[str, ...] = ()
    """Classes of authentication that are strong enough (multi-factor); one of them must come back. Empty: any."""

    @field_validator("issuer")
    @classmethod
    def _issuer_is_safe(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("give an https address")
        return issuer


class LocalLogin(Section):
    """One demo login. Refused unless the covenant is a demo's and the console listens on this machine only."""

    name: str
    password: str = Field(repr=False)
    roles: tuple[Role, ...]


class ConsoleSettings(Section):
    """The console: where it listens, how browsers reach it, who logs in how, and what it looks like."""

    listen: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$")] = "127.0.0.1:8080"
    url: str = ""
    """The address that browsers see, such as https://sluis.example.nl; "" for http://<listen>."""
    tls: ConsoleTls | None = None
    oidc: OidcSettings | None = None
    local: dict[str, LocalLogin] = Field(default_factory=dict)
    proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For is believed."""
    theme: FilePath | None = None
    """A style sheet of the municipality's own, with NL Design System tokens."""
    theme_class: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")] = "sluis-theme"
    idle_minutes: Annotated[int, Field(ge=1, le=60)] = 20
    session_hours: Annotated[int, Field(ge=1, le=12)] = 8
    fetch_seconds: Annotated[int, Field(ge=1, le=3600)] = 10
    """How often the console fetches the node's mail while it runs."""

    @property
    def host(self) -> str:
        """What to listen on."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 for any."""
        return int(self.listen.rpartition(":")[2])

    @property
    def loopback(self) -> bool:
        """Nobody outside this machine can reach it."""
        return self.host in _LOOPBACK

    @property
    def address(self) -> str:
        """The address that browsers see, without a slash at its end."""
        return self.url.rstrip("/") or f"{'https' if self.tls else 'http'}://{self.listen}"

    @property
    def encrypted(self) -> bool:
        """Browsers reach it by https."""
        return self.address.startswith("https://")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
            raise ValueError("url: give scheme, host and port only, such as https://sluis.example.nl")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("url: browsers must reach the console by https, save on this machine")
        if self.local and self.oidc:
            raise ValueError("local: demo logins and an identity provider exclude one another")
        if self.local and not self.loopback:
            raise ValueError("local: demo logins are for a console that listens on this machine only")
        return self
