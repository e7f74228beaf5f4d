"""What a node does beside rounds and handshakes: notices, the processing log, rights, retention. `Node` has it all."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

from sluis_protocol.errors import Unreachable
from sluis_runtime.logs import logger
from sluis_runtime.trace import within

from .caseload.reading import Caseload
from .handshake.desk import Desk
from .notify.outbox import Delivery, DeliveryState
from .notify.sender import Sender, Sent
from .notify.webhook import EventSigner
from .parts import Parts
from .processing import reading
from .processing.activity import Activity
from .processing.reading import Entry, Wanted
from .retention.retention import Deletion, Due, Retention
from .rights.leaving_out import leave_out
from .rights.requests import Requests
from .rights.rights import Rights
from .round.matches import FamilyMatch
from .totals.desk import TotalsDesk
from .totals.taking_part import TakingPart
from .transparency.desk import LogDesk
from .transparency.watch import Look, Watch

log = logger("services")


class Services(ABC):
    """The verbs of a node that talk to no other node."""

    @abstractmethod
    def _opened(self) -> Parts:
        """The node's parts; raise ConfigError if it isn't open."""

    # The coordinator's log.

    async def look_at_log(self, *, everything: bool = False) -> Look | None:
        """Check that the coordinator's log only grew, and has our events; also part of all that talks to it.

        Raises LogAlarm, and then everything that would be sent does, until somebody settles it (`log.resume`).
        """
        return await Watch(self._opened()).look(everything=everything)

    @property
    def log(self) -> LogDesk:
        """What people see of the coordinator's log, and do about it."""
        return LogDesk(self._opened())

    # Notices.

    async def send_notices(self) -> Sent:
        """Send the notices that are due, by mail and to webhooks. What fails is tried again the next time."""
        parts = self._opened()
        signer = EventSigner(parts.oin, parts.signer.key)
        return await Sender(parts.notices, parts.settings.notify, signer, parts.clock).send_due()

    def notices(self, state: DeliveryState | None = None) -> list[Delivery]:
        """The notices on their way, delivered, or dead letters, the newest first."""
        return self._opened().notices.all(state)

    def notice_counts(self) -> dict[DeliveryState, int]:
        """How many notices are in each state."""
        return self._opened().notices.counts()

    def retry_notice(self, delivery_id: int) -> None:
        """Send a dead letter again; raise InputError if it is none."""
        parts = self._opened()
        parts.notices.retry(delivery_id, parts.now())

    def discard_notice(self, delivery_id: int) -> None:
        """Throw a dead letter away; raise InputError if it is none."""
        parts = self._opened()
        parts.notices.discard(delivery_id, parts.now())

    # The processing log.

    def processing_log(self, wanted: Wanted | None = None, *, person: str | None = None) -> list[Entry]:
        """Who processed whose data, the newest first; with `person`, an own person id, what is about that one."""
        parts = self._opened()
        found = wanted or Wanted()
        if person is not None:
            found = replace(found, subject=parts.processing.subject(person))
        return reading.read(parts.store.engine, found)

    @asynccontextmanager
    async def _taking_part(self, purpose: str, caseload: Caseload) -> AsyncIterator[None]:
        """Log that everybody in a caseload takes part in a round, and how that ended."""
        log = self._opened().processing
        persons = [record.person.person_id for family in caseload.families for record in family.members]
        with ExitStack() as logged:
            begun = log.processing(Activity.TAKE_PART, "take part", actor="", persons=persons, reference=purpose)
            span = await asyncio.to_thread(logged.enter_context, begun)
            with within(span.context):  # a thread has a context of its own
                yield

    def _shown(self, found: Sequence[FamilyMatch]) -> None:
        """Log that matches are shown by another program, or on the command line."""
        parts, persons = self._opened(), {person for one in found for person in one.persons}
        if persons:
            with parts.store.transaction() as connection:
                parts.processing.record(connection, Activity.SHOW, "list matches", actor="", persons=persons)

    async def verify_processing_log(self) -> int:
        """How many entries it has; raise StorageError if one was altered or taken out."""
        return await asyncio.to_thread(self._opened().processing.verify)

    # The national totals.

    @property
    def totals(self) -> TotalsDesk:
        """What people see of the national totals, and approve."""
        return TotalsDesk(self._opened())

    async def take_part_in_totals(self) -> None:
        """Do what is due in the periods of the totals; also part of `receive`. Without a connection, later."""
        try:
            await TakingPart(self._opened()).run()
        except Unreachable as error:
            log.warning("totals have to wait", code=error.code)

    # Rights and retention.

    @property
    def rights(self) -> Rights:
        """Access, correction, objection and erasure for persons concerned."""
        parts = self._opened()
        return Rights(parts, Desk(parts))

    def _without_those_left_out(self, caseload: Caseload) -> Caseload:
        """The caseload without persons who objected or were erased."""
        parts = self._opened()
        with parts.store.transaction() as connection:
            out = Requests(parts.store.vault, parts.processing).left_out(connection)
        return leave_out(caseload, lambda person: parts.processing.subject(person) in out) if out else caseload

    def retention_due(self) -> list[Due]:
        """What is kept for how long, and how much of it is past its term now."""
        return self._retention().due(self._opened().now())

    def run_retention(self, *, by: str = "") -> list[Due]:
        """Delete what is past its term now: what it was. It also runs by itself, once a day."""
        parts = self._opened()
        parts.store.tidy(parts.now())
        return self._retention().run(parts.now(), by=by)

    def deletions(self) -> list[Deletion]:
        """What was deleted when, the newest first."""
        return self._retention().proofs()

    def _retention(self) -> Retention:
        parts = self._opened()
        return Retention(parts.store, parts.processing, parts.settings.retention)

    def _tidy(self) -> None:
        """Delete what is past its time: of rounds at once, of all else once a day."""
        parts = self._opened()
        parts.store.tidy(parts.now())
        self._retention().run_if_due(parts.now())
