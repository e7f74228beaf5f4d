"""The main menu, and the names of roles, as every page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from .people import Permission


@dataclass(frozen=True, slots=True)
class Item:
    """An entry; only who has the permission sees it."""

    path: str
    name: str
    permission: Permission | None


def N_(message: str) -> str:  # noqa: N802 (gettext's name for a message that is translated later)
    """Mark a message for the catalogues."""
    return message


MENU = (
    Item("/inbox", N_("Inbox"), Permission.CASES),
    Item("/matches", N_("Matches"), Permission.CASES),
    Item("/rounds", N_("Rounds"), Permission.ROUNDS),
    Item("/totals", N_("Totals"), Permission.APPROACH),
    Item("/log", N_("Processing log"), Permission.LOG),
    Item("/rights", N_("Rights"), Permission.RIGHTS),
    Item("/retention", N_("Retention"), Permission.RIGHTS),
    Item("/settings", N_("Settings"), Permission.SETTINGS),
    Item("/anomalies", N_("Irregularities"), Permission.SETTINGS),
    Item("/help", N_("Help"), None),
)

ROLE_NAMES = {
    "coordinator": N_("Process coordinator"),
    "reviewer": N_("Second reviewer"),
    "privacy": N_("Privacy officer"),
    "admin": N_("Administrator"),
}
