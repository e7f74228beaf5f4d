"""Sending what is in the outbox: each delivery that is due, once an attempt, whoever else sends at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sluis_protocol.errors import InputError
from sluis_runtime.logs import logger

from . import mail, webhook
from .attempt import Failed
from .outbox import Channel, Delivery, Outbox
from .settings import NotifySettings
from .webhook import EventSigner

_AT_ONCE = 8
log = logger("notify")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: delivered, to be tried again, dead letters that were made now."""

    delivered: int = 0
    waiting: int = 0
    dead: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.delivered + other.delivered, self.waiting + other.waiting, self.dead + other.dead)


class Sender:
    """Sends notices by mail and to webhooks."""

    def __init__(
        self, outbox: Outbox, settings: NotifySettings, signer: EventSigner, clock: Callable[[], datetime]
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._signer = signer
        self._clock = clock

    async def send_due(self) -> Sent:
        """Send all that is due now, several at a time. What fails is in the outbox with why; nothing raises for it."""
        total = Sent()
        while taken := await asyncio.to_thread(self._outbox.take, self._clock(), most=_AT_ONCE):
            for sent in await asyncio.gather(*(asyncio.to_thread(self._one, one) for one in taken)):
                total += sent
        return total

    def _one(self, delivery: Delivery) -> Sent:
        try:
            self._attempt(delivery)
        except Failed as failure:
            now = self._clock()
            dead = self._outbox.failed(delivery, failure.what, now, final=failure.final, pause=failure.pause)
            log.warning(
                "a notice was not delivered",
                notice=delivery.notice_id,
                channel=str(delivery.channel),
                what=failure.what,
                attempts=delivery.attempts,
                dead=dead,
            )
            return Sent(dead=1) if dead else Sent(waiting=1)
        self._outbox.delivered(delivery, self._clock())
        return Sent(delivered=1)

    def _attempt(self, delivery: Delivery) -> None:
        try:
            if delivery.channel is Channel.MAIL:
                mail.send(delivery, self._settings)
            else:
                webhook.post(delivery, self._settings, self._signer, self._clock())
        except InputError as error:  # a password or a secret that can't be read: somebody will correct it
            raise Failed(error.what, final=False) from error
