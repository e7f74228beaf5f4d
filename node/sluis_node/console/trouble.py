"""Errors in the visitor's language: what happened and what helps, by the error's class; never a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sluis_protocol.errors import (
    ConfigError,
    DecisionRefused,
    FourEyes,
    LegalGroundMissing,
    NotFound,
    Overtaken,
    SluisError,
    StorageError,
    TooLate,
    Unreachable,
    WrongCovenant,
)

from .language import Language
from .menu import N_


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a page shows it."""

    title: str
    text: str
    code: str
    status: int


# The first class that fits: what happened, what helps, and the status of the answer.
_TOLD: tuple[tuple[type[SluisError], str, str, int], ...] = (
    (Unreachable, N_("The coordinator can't be reached"), N_("Nothing is lost. Try again later."), 503),
    (StorageError, N_("The database is not available"), N_("Nothing was changed. Tell the administrator."), 503),
    (ConfigError, N_("The console is not set up well"), N_("Nothing was changed. Tell the administrator."), 500),
    (NotFound, N_("This page doesn't exist"), N_("Perhaps it was there, and its time is over."), 404),
    (Overtaken, N_("Somebody was first"), N_("This changed while you looked at it. Below is how it stands now."), 409),
    (TooLate, N_("Too late"), N_("The deadline has passed. Nothing was changed."), 409),
    (
        FourEyes,
        N_("It takes a second person"),
        N_("You gave the first opinion yourself. A colleague decides."),
        403,
    ),
    (
        LegalGroundMissing,
        N_("A legal ground is missing"),
        N_("The covenant has no ground for this. Nothing was changed."),
        409,
    ),
    (
        WrongCovenant,
        N_("There is a new covenant"),
        N_("Nothing was changed. Tell the administrator to fetch it."),
        409,
    ),
)

# What is wrong with a field that the desk refuses.
_FIELDS: Mapping[str, str] = {
    "reason": N_("Choose a reason."),
    "identity_verified": N_("First verify that it is the same family, and say so."),
    "informing": N_("First record that the family was informed, or why not yet."),
    "parents": N_("Say when the parents were informed; not in the future."),
    "young_persons": N_("A young person from 16 is informed, too: say when; not in the future."),
    "postponed": N_("It is either done or postponed."),
    "until": N_("A postponement ends on a day after today, within half a year."),
    "board": N_("Ask the innovation platform first."),
    "lead": N_("Only the leading municipality can finish it."),
}
_PERSONAL: Mapping[str, str] = {
    "a BSN": N_("a BSN"),
    "a date": N_("a date"),
    "a postcode": N_("a postcode"),
    "a mail address": N_("a mail address"),
    "a telephone number": N_("a telephone number"),
    "a name of the family's": N_("a name from the family"),
    "a number of the family's file": N_("a number of the family's file"),
}


def told(error: SluisError, language: Language) -> Told:
    """What to show of a refusal."""
    code = f"SLUIS-{error.code}"
    for kind, title, text, status in _TOLD:
        if isinstance(error, kind):
            return Told(language.text(title), language.text(text), code, status)
    if isinstance(error, DecisionRefused):
        return Told(language.text("That can't be done like this"), problem(error, language)[1], code, 409)
    return Told(language.text("That was refused"), f"{error.what}. {error.do}".strip(), code, 409)


def problem(error: DecisionRefused, language: Language) -> tuple[str, str]:
    """The field that a refusal is about ("" for none), and what to say of it."""
    field = error.where.get("field", "")
    if field == "question":
        found = [language.text(word) for phrase, word in _PERSONAL.items() if phrase in error.what]
        if found:
            return field, language.text("Leave out what is about persons: %(found)s.", found=", ".join(found))
        return field, language.text("Write the question, in at most 2000 characters.")
    if field in _FIELDS:
        return field, language.text(_FIELDS[field])
    return field, f"{error.what}. {error.do}".strip()
