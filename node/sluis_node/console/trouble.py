"""Errors in the visitor's language: what happened and what helps, by the error's class; never a traceback."""

from __future__ import annotations

from dataclasses import dataclass

from sluis_protocol.errors import SluisError, StorageError, Unreachable

from .language import Language


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a page shows it."""

    title: str
    text: str
    code: str
    status: int


def told(error: SluisError, language: Language) -> Told:
    """What to show of a refusal."""
    text = language.text
    code = f"SLUIS-{error.code}"
    if isinstance(error, Unreachable):
        return Told(text("The coordinator can't be reached"), text("Nothing is lost. Try again later."), code, 503)
    if isinstance(error, StorageError):
        return Told(
            text("The database is not available"), text("Nothing was changed. Tell the administrator."), code, 503
        )
    return Told(text("That was refused"), f"{error.what}. {error.do}".strip(), code, 409)
