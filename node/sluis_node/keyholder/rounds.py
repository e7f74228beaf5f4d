"""The rounds that a key holder evaluates for: as the coordinator signed them, and pinned: none changes later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import CovenantError, MalformedMessage, Replayed, RoundError
from sluis_protocol.messages import Announcement, RoundStatus
from sluis_protocol.rounds import check_round_id
from sluis_protocol.signed import Kind, SignedMessage, open_signed

from .quota import Quota

ListRounds = Callable[[str], Awaitable[Sequence[RoundStatus]]]


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it was announced."""

    round_id: str
    purpose: str
    opens_at: datetime
    closes_at: datetime

    def check_open(self, now: datetime, tolerance: timedelta) -> None:
        """Raise RoundError unless the round collects now, give or take the clocks' tolerance."""
        if not self.opens_at - tolerance <= now <= self.closes_at + tolerance:
            raise RoundError(
                f"the round collects from {self.opens_at:%Y-%m-%d %H:%M:%S} to {self.closes_at:%H:%M:%S} UTC only",
                do="wait for the next round; if it should be open, check the clocks (NTP)",
                round=self.round_id,
            )


def read_announcement(covenant: Covenant, message: SignedMessage, round_id: str) -> Round:
    """A round that the coordinator announced under this covenant.

    1. signed by the coordinator, for this covenant and this round; 2. the id fits the opening time; 3. the covenant's
    rule set; 4. it collects no longer than the covenant's schedule lets it.
    """
    envelope = open_signed(message, covenant, Kind.ANNOUNCEMENT, round_id=round_id, now=None)
    announced = wire.decode(Announcement, envelope.payload)
    check_round_id(round_id, announced.opens_at)
    if announced.rule_set_sha256.hex() != covenant.terms.rule_set.sha256:
        raise CovenantError("the round was announced under another rule set than the covenant's", round=round_id)
    longest = timedelta(minutes=covenant.terms.schedule.collecting_minutes)
    if announced.closes_at - announced.opens_at > longest:
        raise MalformedMessage(f"a round collects longer than the covenant's {longest}", round=round_id)
    return Round(round_id, announced.purpose, announced.opens_at, announced.closes_at)


class RoundBook:
    """The rounds met so far; an unknown one is asked of the coordinator, once at a time."""

    def __init__(self, covenant: Covenant, quota: Quota, list_rounds: ListRounds) -> None:
        self._covenant = covenant
        self._quota = quota
        self._list_rounds = list_rounds
        self._known: dict[str, Round] = {}
        self._asking = asyncio.Lock()

    async def find(self, round_id: str, purpose: str) -> Round:
        """The round with this id; raise Replayed if the coordinator has no such round of the purpose."""
        found = self._known.get(round_id) or await self._ask(round_id, purpose)
        if found.purpose != purpose:
            raise Replayed("the message belongs to a round of another purpose", round=round_id, purpose=purpose)
        return found

    async def _ask(self, round_id: str, purpose: str) -> Round:
        async with self._asking:
            if round_id in self._known:
                return self._known[round_id]  # learnt while this one waited
            for status in await self._list_rounds(purpose):
                if status.announcement.envelope.round_id == round_id:
                    self._known[round_id] = await self._learn(status.announcement, round_id)
                    return self._known[round_id]
        raise Replayed("the message belongs to no round of this purpose", round=round_id, purpose=purpose)

    async def _learn(self, announcement: SignedMessage, round_id: str) -> Round:
        found = read_announcement(self._covenant, announcement, round_id)
        terms = self._covenant.terms
        await asyncio.to_thread(
            self._quota.pin_round,
            round_id,
            found.purpose,
            announcement.body,
            found.closes_at,
            terms.schedule,
            self._covenant.hash,
        )
        # Each new round ends what was kept for older ones, however long this connection lasts.
        tolerance = timedelta(seconds=terms.limits.clock_tolerance_seconds)
        await asyncio.to_thread(self._quota.forget_batches, found.opens_at - tolerance)
        return found
