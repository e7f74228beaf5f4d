"""What a page works with: the console around it, and who visits it in which language."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sluis_protocol.group import Random
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..handshake.desk import Desk
from ..node import Node
from ..signer import Clock
from .language import Language
from .people import Permission, Person
from .sessions import Session, Sessions
from .settings import ConsoleSettings
from .views import Views

FORM_ID, FORM_TOKEN = "form", "token"


@dataclass(frozen=True, slots=True)
class Console:
    """The console's parts."""

    node: Node
    settings: ConsoleSettings
    views: Views
    sessions: Sessions
    clock: Clock = field(repr=False)
    random: Random = field(repr=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    closing: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    names: dict[str, str] = field(default_factory=dict, repr=False)
    """What people are called who logged in here, by id; what a decision is laid to stays the id."""

    @property
    def desk(self) -> Desk:
        """What people do with matches."""
        return self.node.desk

    def something_to_send(self) -> None:
        """Have the node's mail carried soon, not only at its next turn."""
        self.wake.set()

    def now(self) -> datetime:
        """The time, timezone-aware UTC."""
        return self.clock()


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in; a field that isn't there is ""."""

    fields: Mapping[str, tuple[str, ...]] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, ("",))[-1].strip()

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field that can be there several times."""
        return tuple(value.strip() for value in self.fields.get(name, ()))


class FormError(Exception):
    """A form can't be used as it was filled in: what is wrong with which field, in the visitor's language."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("the form is incomplete")
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in and may see the page."""

    console: Console
    request: Request
    session: Session
    person: Person
    language: Language
    pulse: str = ""
    """Whether anything changed since the page was made (`Node.pulse`)."""

    def may(self, permission: Permission) -> bool:
        """Whether the visitor is allowed something."""
        return self.person.may(permission)

    def name_of(self, person_id: str) -> str:
        """What a colleague is called, as far as this console knows."""
        return self.console.names.get(person_id, person_id)

    def municipality(self, oin: str) -> str:
        """What a municipality is called."""
        return self.console.node.about().name_of(oin)

    def part(self, name: str) -> str:
        """A part of the address, such as a match id."""
        return str(self.request.path_params[name])

    def text(self, message: str, /, **values: object) -> str:
        """A message in the visitor's language."""
        return self.language.text(message, **values)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page with everything around it."""
        return self.console.views.render(self.language, template, self.context() | context, status=status)

    def context(self) -> dict[str, Any]:
        """What every page shows: the visitor, the way elsewhere, and what happened just now."""
        notices, self.session.notices = self.session.notices, []
        return {
            "visit": self,
            "person": self.person,
            "permissions": self.person.permissions,
            "path": self.request.url.path,
            "notices": notices,
            "new_form": self.new_form,
            "now": self.console.now(),
            "problems": {},
            "filled": Form({}),
        }

    def new_form(self) -> dict[str, str]:
        """The hidden fields of a form: its id, and what shows that it is this session's."""
        form_id = self.console.random(16).hex()
        return {FORM_ID: form_id, FORM_TOKEN: self.session.form_token(form_id)}

    def go(self, path: str, message: str = "", *, kind: str = "ok", **values: object) -> Response:
        """On to another page, which shows the message."""
        if message:
            self.session.notices.append((kind, self.text(message, **values)))
        return RedirectResponse(path, 303)
