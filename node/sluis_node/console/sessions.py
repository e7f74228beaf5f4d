"""Sessions: who is logged in at which browser. Kept in memory only, so a restart logs everybody out.

A browser holds a random token, the server its SHA-256. A session ends by itself after some idle minutes, at the latest
after some hours; it ends at once if its token comes from another browser than it was made for. Logging in always makes
a new one, so a token that was known before is worth nothing after.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sluis_protocol.group import Random

from ..signer import Clock
from .people import Person

_TOKEN_BYTES = 32
_MOST_SESSIONS = 10_000
_MOST_FORMS = 200


@dataclass(slots=True, eq=False)
class Session:
    """One browser's session; `person` is None until somebody logged in."""

    key: bytes = field(repr=False)  # under which form tokens are made
    agent: bytes = field(repr=False)
    person: Person | None
    began: datetime
    seen: datetime
    data: dict[str, Any] = field(default_factory=dict, repr=False)
    notices: list[tuple[str, str]] = field(default_factory=list)  # kind and text, shown once
    streams: int = 0  # live updates that are open
    forms: OrderedDict[str, asyncio.Future[str]] = field(default_factory=OrderedDict, repr=False)

    def form_token(self, form_id: str) -> str:
        """What shows that a form is ours and this session's."""
        return hmac.digest(self.key, form_id.encode(), "sha256").hex()

    def begin_form(self, form_id: str) -> asyncio.Future[str] | None:
        """Mark a form as being dealt with; what became of it if it was posted before."""
        if known := self.forms.get(form_id):
            return known
        self.forms[form_id] = asyncio.get_running_loop().create_future()
        while len(self.forms) > _MOST_FORMS:
            self.forms.popitem(last=False)
        return None

    def end_form(self, form_id: str, leads_to: str | None) -> None:
        """Say where a form led; None: nothing was done, it may be posted again."""
        outcome = self.forms.get(form_id) if leads_to is not None else self.forms.pop(form_id, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(leads_to or "")


class Sessions:
    """All sessions of this console."""

    def __init__(self, clock: Clock, random: Random, *, idle: timedelta, longest: timedelta) -> None:
        self._clock = clock
        self._random = random
        self._idle = idle
        self._longest = longest
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def start(self, agent: str, person: Person | None, data: dict[str, Any] | None = None) -> tuple[str, Session]:
        """A new session, and the token for the browser."""
        now = self._clock()
        self._sweep(now)
        token = base64.urlsafe_b64encode(self._random(_TOKEN_BYTES)).decode().rstrip("=")
        session = Session(self._random(32), _digest(agent), person, now, now, data or {})
        self._sessions[_digest(token)] = session
        return token, session

    def find(self, token: str, agent: str, *, touch: bool = True) -> Session | None:
        """The session of a token, if it is still on; then it was seen just now, unless nobody did anything."""
        session = self._sessions.get(_digest(token))
        if session is None:
            return None
        now = self._clock()
        if self._is_over(session, now) or not hmac.compare_digest(session.agent, _digest(agent)):
            self.end(token)
            return None
        if touch:
            session.seen = now
        return session

    def is_on(self, session: Session) -> bool:
        """Whether a session still holds; asking doesn't keep it alive."""
        return session in self._sessions.values() and not self._is_over(session, self._clock())

    def left(self, session: Session) -> int:
        """Seconds until a session ends, if nobody does anything."""
        now = self._clock()
        return max(0, int(min(session.seen + self._idle - now, session.began + self._longest - now).total_seconds()))

    @property
    def warn(self) -> int:
        """How many seconds before its end people are warned."""
        return int(min(timedelta(minutes=2), self._idle / 4).total_seconds())

    def end(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(_digest(token), None)

    def end_all(self, person_id: str) -> int:
        """End all sessions of somebody: how many."""
        theirs = [key for key, one in self._sessions.items() if one.person and one.person.id == person_id]
        for key in theirs:
            del self._sessions[key]
        return len(theirs)

    def all(self) -> list[Session]:
        """All of them, the oldest first."""
        return list(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    def _is_over(self, session: Session, now: datetime) -> bool:
        return now - session.seen >= self._idle or now - session.began >= self._longest

    def _sweep(self, now: datetime) -> None:
        for key in [key for key, one in self._sessions.items() if self._is_over(one, now)]:
            del self._sessions[key]
        if len(self._sessions) >= _MOST_SESSIONS:
            # Who is logged in isn't pushed out by those who only knock.
            last = min(
                self._sessions, key=lambda key: (self._sessions[key].person is not None, self._sessions[key].seen)
            )
            del self._sessions[last]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
