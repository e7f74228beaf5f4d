"""What several pages do: ask the desk in a thread, and tell what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from sluis_protocol.errors import DecisionRefused, FourEyes, NotFound, Overtaken, SluisError, TooLate
from starlette.responses import Response

from ...handshake.model import Case
from ..trouble import problem, told
from ..visit import Form, FormError, Visit

T = TypeVar("T")
SEEN = "seen"


async def case_of(visit: Visit) -> Case:
    """The case that the address names, as the visitor may act on it."""
    return await asyncio.to_thread(visit.console.desk.case, visit.part("match"), by=visit.person.id)


def seen_of(form: Form) -> int:
    """The revision of the case that the visitor looked at when they filled in the form."""
    text = form[SEEN]
    return int(text) if text.isdecimal() and len(text) < 10 else -1


async def act(visit: Visit, verb: Callable[[], object], back: str, message: str) -> Response:
    """Have the desk do something, then lead back to a page that says so.

    FormError where a field is wrong. Where somebody was first, or it is too late, the page says that instead.
    """
    try:
        await asyncio.to_thread(verb)
    except DecisionRefused as error:
        if isinstance(error, FourEyes) or not error.where.get("field"):
            said = told(error, visit.language)
            return visit.go(back, f"{said.title}. {said.text}", kind="warning")
        raise FormError(dict([problem(error, visit.language)])) from error
    except (Overtaken, TooLate) as error:
        said = told(error, visit.language)
        return visit.go(back, f"{said.title}. {said.text}", kind="warning")
    except NotFound:
        raise
    except SluisError as error:
        said = told(error, visit.language)
        raise FormError({"": f"{said.title}. {said.text}"}) from error
    visit.console.something_to_send()
    return visit.go(back, message)


def read_date(text: str) -> date | None:
    """A day as date fields send it; None for nothing or nonsense."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
