"""At the end of a round a key holder signs what it counted, into the coordinator's log, where every node reads it.

Its word is final: once it is signed, this holder evaluates nothing more for that round, whatever the clock says. So
what the log has is all that was ever answered. The counts are in `quota`; here they are signed and sent, as often as
it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import wire
from sluis_protocol.errors import SluisError, Unreachable
from sluis_protocol.log_messages import MemberUsage, Usage
from sluis_protocol.messages import Empty, RoundStatus
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.wire.methods import REPORT_USAGE
from sluis_runtime import logs
from sluis_runtime.channel import Channel

from .quota import Open, Quota

log = logs.logger("reports")
ListRounds = Callable[[str], Awaitable[Sequence[RoundStatus]]]
_CALL_SECONDS = 30.0
LOOK_SECONDS = 2.0  # how often a holder looks whether a round that it answered in is over


@dataclass(frozen=True, slots=True)
class Reports:
    """One holder's reports; `tolerance` after a round was to close it is over by our own clock."""

    oin: str
    signing_key: Ed25519PrivateKey = field(repr=False)
    quota: Quota = field(repr=False)
    list_rounds: ListRounds = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    tolerance: timedelta

    async def run(self, channel: Channel) -> None:
        """Report whatever is due, until cancelled. What fails now is tried again at the next look."""
        while True:
            try:
                await self.report_due(channel)
            except SluisError as error:
                log.info("no report for now", code=error.code, what=error.what)
            await asyncio.sleep(LOOK_SECONDS)

    async def report_due(self, channel: Channel) -> int:
        """Sign and send the counts of all rounds that are over; how many the coordinator took."""
        sent = 0
        for one in await asyncio.to_thread(self.quota.not_taken):
            if one.report is None and not await self._is_over(one):
                continue
            message = await asyncio.to_thread(self._final, one)
            try:
                await channel.call(REPORT_USAGE, message, Empty, timeout=_CALL_SECONDS)
            except Unreachable:
                raise
            except SluisError as error:
                log.warning("the coordinator takes no report", round=one.round_id, code=error.code, what=error.what)
                continue
            await asyncio.to_thread(self.quota.mark_taken, one.round_id)
            log.info("reported", round=one.round_id)
            sent += 1
        return sent

    async def _is_over(self, one: Open) -> bool:
        """By our clock, or because the operator closed it early: then it may be final earlier, never later."""
        if self.clock() > one.closes_at + self.tolerance:
            return True
        for status in await self.list_rounds(one.purpose):
            if status.announcement.envelope.round_id == one.round_id:
                return status.state not in ("announced", "collecting")
        return True

    def _final(self, one: Open) -> SignedMessage:
        def signed(members: tuple[MemberUsage, ...]) -> SignedMessage:
            payload = wire.encode(Usage(one.purpose, members))
            envelope = Envelope(Kind.USAGE, self.oin, one.covenant_hash, one.round_id, self.clock(), payload)
            return sign(envelope, self.signing_key)

        return self.quota.finish(one.round_id, signed)
