"""What a node does beside rounds and handshakes: notices, the processing log, rights, retention. `Node` has it all."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace

from .notify.outbox import Delivery, DeliveryState
from .notify.sender import Sender, Sent
from .notify.webhook import EventSigner
from .parts import Parts
from .processing import reading
from .processing.reading import Entry, Wanted


class Services(ABC):
    """The verbs of a node that talk to no other node."""

    @abstractmethod
    def _opened(self) -> Parts:
        """The node's parts; raise ConfigError if it isn't open."""

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

    async def verify_processing_log(self) -> int:
        """How many entries it has; raise StorageError if one was altered or taken out."""
        return await asyncio.to_thread(self._opened().processing.verify)
