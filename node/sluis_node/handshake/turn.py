"""One turn of one of our people: the frame that every verb of the desk runs in.

1. Somebody is named (rule 11). 2. The case is the one that was looked at. 3. This very turn wasn't taken before. 4. It
stands in the processing log. 5. It happens wholly or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sluis_protocol.chain import require_ground
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import HandshakeError, Overtaken, TooLate
from sluis_protocol.handshake import Event, Side, State, advance
from sqlalchemy import Connection

from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from ..processing.activity import Activity
from ..round.ledger import StoredMatch
from .casebook import Casebook, Handshake
from .cases import Cases
from .model import What, Whose
from .moves import Moves, newest
from .review import check_reviewer


@dataclass(frozen=True, slots=True, repr=False)
class Turn:
    """What a verb works with; `again` says that it was done before, so there is nothing left to do."""

    parts: Parts
    casebook: Casebook
    moves: Moves
    connection: Connection
    found: Handshake
    stored: StoredMatch
    covenant: Covenant
    names: Covenant | None
    now: datetime
    by: str
    digest: bytes
    again: bool

    @property
    def side(self) -> Side:
        """Which side we are."""
        return self.found.side(self.parts.oin)

    @property
    def state(self) -> State:
        """The handshake's state; Overtaken if it has none yet."""
        if self.found.state is None:
            raise Overtaken(
                "the coordinator has not opened this yet", do="fetch the mail (sluis-node receive), then try again"
            )
        return self.found.state

    def check(self, event: Event, *, ground: bool = True) -> None:
        """Refuse what the table of transitions doesn't allow now; TooLate after the deadline.

        With `ground`, refuse too what the covenant has no ground for any more (rule 20).
        """
        state = self.state
        if state.deadline is not None and self.now >= state.deadline:
            raise TooLate(
                f"the deadline was {state.deadline:%Y-%m-%d %H:%M} UTC", do="nothing can be done in this case any more"
            )
        chained = self.found.chained(self.parts.oin)
        if ground and chained is not None:
            require_ground(chained, self.covenant, event.act, self.now)
        terms = self.covenant.terms.handshake
        try:
            advance(state, event, self.now, terms)
        except HandshakeError as error:
            if self.found.is_final:
                raise TooLate(error.what, do="this case has ended") from error
            raise

    def papers(self) -> Mapping[str, bytes]:
        """The case's papers."""
        return self.casebook.papers(self.connection, self.found.id)

    def put(self, name: str, content: bytes) -> None:
        """Keep a paper."""
        self.casebook.put_paper(self.connection, self.found.id, name, content, self.now)

    def step(self, what: What, details: Mapping[str, str] | None = None) -> None:
        """Keep what was done."""
        self.casebook.add_step(
            self.connection,
            self.found.id,
            what,
            Whose.OURS,
            at=self.now,
            digest=self.digest,
            by=self.by,
            details=details,
        )

    def tell(self, kind: NoticeKind, *, text: str = "") -> None:
        """Notify our people, or the platform and the board."""
        about = f"{self.found.id.hex()} {self.found.revision}"
        self.parts.notices.enqueue(self.connection, Notice(kind, about, text), self.now)


class Turns:
    """Makes turns."""

    def __init__(self, parts: Parts, casebook: Casebook, moves: Moves, cases: Cases) -> None:
        self._parts = parts
        self._casebook = casebook
        self._moves = moves
        self._cases = cases

    @contextmanager
    def take(
        self,
        match: str,
        verb: str,
        *,
        by: str,
        seen: int | None,
        activity: Activity,
        arguments: Mapping[str, object],
        changes: bool = True,
    ) -> Iterator[Turn]:
        """A turn in the case of a match; `arguments` tell it from another one. Where it `changes` nothing: only logged.

        The transaction is open while the turn lasts.
        """
        parts, casebook = self._parts, self._casebook
        check_reviewer(by)
        covenant, names, now = newest(parts.newest_covenant()), parts.names(), parts.now()
        with parts.store.transaction() as connection:
            found = casebook.current(connection, match)
            stored = self._cases.match(connection, match)
            said = json.dumps(dict(arguments), sort_keys=True, default=str)
            revision = found.revision if seen is None else seen
            digest = casebook.digest(found.id, verb, by, said, str(revision))
            again = changes and casebook.was_done(connection, digest)
            if changes and not again:
                if revision != found.revision:
                    raise Overtaken(
                        "somebody else acted on this case in the meantime", do="look at it again, then decide"
                    )
                casebook.change(connection, found)
                found = casebook.required(connection, found.id)
            persons = [member.person for member in stored.shown.members] or stored.shown.persons
            parts.processing.record(connection, activity, verb, actor=by, persons=persons, reference=match)
            yield Turn(parts, casebook, self._moves, connection, found, stored, covenant, names, now, by, digest, again)
