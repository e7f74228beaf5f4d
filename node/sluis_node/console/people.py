"""Who uses the console, in which roles, and what each role may do. Whoever isn't told may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """A role of the console; one person may have several."""

    COORDINATOR = "coordinator"  # process coordinator: matches, decisions, approaches
    REVIEWER = "reviewer"  # second reviewer: sees matches, decides as the second pair of eyes
    PRIVACY = "privacy"  # privacy officer: logs and people's rights, never cases
    ADMIN = "admin"  # keeps the console going: settings, rounds, undelivered messages; never cases


class Permission(StrEnum):
    """What can be allowed."""

    CASES = "cases"  # see matches and the own family's data
    DECIDE = "decide"
    APPROACH = "approach"  # draft, sign, withdraw and close
    ROUNDS = "rounds"
    LOG = "log"
    RIGHTS = "rights"
    SETTINGS = "settings"


ALLOWED: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.COORDINATOR: frozenset({Permission.CASES, Permission.DECIDE, Permission.APPROACH, Permission.ROUNDS}),
        Role.REVIEWER: frozenset({Permission.CASES, Permission.DECIDE}),
        Role.PRIVACY: frozenset({Permission.LOG, Permission.RIGHTS, Permission.ROUNDS}),
        Role.ADMIN: frozenset({Permission.SETTINGS, Permission.ROUNDS}),
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who logged in. `id` is the provider's `sub`: what decisions are laid to."""

    id: str
    name: str
    roles: frozenset[Role]

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the person's roles allow."""
        return frozenset[Permission]().union(*(ALLOWED[role] for role in self.roles))

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles allows it."""
        return permission in self.permissions
