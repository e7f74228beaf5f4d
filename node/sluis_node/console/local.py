"""Logins for a demo: names and passwords in the configuration. Never for real cases (`serve` refuses it)."""

from __future__ import annotations

import hmac

from .people import Person
from .settings import ConsoleSettings


def check_password(settings: ConsoleSettings, name: str, password: str) -> Person | None:
    """Who it is, or None; takes as long for a name that doesn't exist."""
    login = settings.local.get(name)
    expected = login.password if login else "\0"
    if not hmac.compare_digest(expected.encode(), password.encode()) or login is None:
        return None
    return Person(f"demo:{name}", login.name, frozenset(login.roles))
