"""What the node does by itself once people have approved: enrol, contribute, and say the last word, once each.

Whatever is signed is kept first and sent as often as it takes. The last word is said for one list of contributors of a
period, whatever the coordinator shows afterwards: two of them would tell what lies between. If the period came to
nothing and is opened again, it is said once more, for the same municipalities with the same figures and no others.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sluis_protocol import totals as protocol
from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import SluisError, TotalsError, Unreachable
from sluis_protocol.messages import Contributors, EnrolRequest, PeriodList, PeriodQuery, PeriodStatus
from sluis_protocol.periods import days_of
from sluis_protocol.promises import check_receipt
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.totals import Period
from sluis_protocol.wire import methods
from sluis_runtime.logs import logger

from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from ..retention.rules import before
from ..transparency import owed
from .periods import OVER, OwnPeriod, Periods, Progress

REMINDED_DAYS = 3  # before figures can be approved no more
log = logger("totals")


class TakingPart:
    """Takes a node's periods on, as far as they go now."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._periods = Periods(parts.store.vault)

    async def run(self) -> None:
        """Look at all periods of all purposes, and do what is due. What is refused is logged; raise Unreachable."""
        covenant = await asyncio.to_thread(self._parts.newest_covenant)
        if covenant is None or covenant.terms.totals is None:
            return
        for purpose in covenant.terms.purposes:
            found = await self._parts.coordinator.call(methods.LIST_PERIODS, PeriodQuery(purpose.id), PeriodList)
            for status in found.periods:
                await self._look(status, covenant)

    async def _look(self, status: PeriodStatus, covenant: Covenant) -> None:
        claimed = status.opening.envelope
        try:
            if claimed.covenant_hash != covenant.hash:
                await asyncio.to_thread(self._over, status)
                return
            period = protocol.read_period(status.opening, covenant)
            await self._go_on(period, status)
        except Unreachable:
            raise
        except SluisError as error:
            log.warning("the period can't go on here", period=claimed.round_id, code=error.code, what=error.what)

    async def _go_on(self, period: Period, status: PeriodStatus) -> None:
        if status.state in ("released", "abandoned"):
            await asyncio.to_thread(self._over, status)
            return
        own = await asyncio.to_thread(self._noted, period, status.opening)
        if status.state == "enrolling" and own.progress is Progress.APPROVED and own.enrolment and own.proof:
            request = EnrolRequest(own.enrolment, own.proof)
            receipt = await self._parts.coordinator.call(methods.ENROL, request, SignedMessage)
            await asyncio.to_thread(self._taken, period, own.enrolment, receipt, own)
        elif status.state == "contributing" and status.roster and own.enrolment:
            message = await asyncio.to_thread(self._contribution, period, own, status.roster)
            receipt = await self._parts.coordinator.call(methods.CONTRIBUTE, message, SignedMessage)
            await asyncio.to_thread(self._taken, period, message, receipt)
        elif status.state == "closing" and status.contributors and own.contribution:
            message = await asyncio.to_thread(self._unmasking, period, own, status)
            receipt = await self._parts.coordinator.call(methods.UNMASK, message, SignedMessage)
            await asyncio.to_thread(self._taken, period, message, receipt)

    def _noted(self, period: Period, opening: SignedMessage) -> OwnPeriod:
        """The period on file. People are told when it begins, and again when there is little time left.

        A period so old that what we said in it may be deleted is refused: it could be asked for twice.
        """
        parts = self._parts
        now, until = parts.now(), period.content.enrol_until
        if min(days_of(period.content.label)[1], until.date()) < before(now, parts.settings.retention.totals).date():
            raise TotalsError("the period is too long ago", do="nothing needs to be done", period=period.id)
        with parts.store.transaction() as connection:
            own = self._periods.note(connection, period, opening)
            if own.progress is Progress.OPEN and now < until:
                soon = " soon" if until - now < timedelta(days=REMINDED_DAYS) else ""
                parts.notices.enqueue(connection, Notice(NoticeKind.TOTALS_WAIT, own.id + soon), now)
            return own

    def _taken(
        self, period: Period, ours: SignedMessage, receipt: SignedMessage, enrolled: OwnPeriod | None = None
    ) -> None:
        """The coordinator has a step of ours, and promises to have it in its log."""
        kind = str(ours.envelope.kind)  # of these three the leaf's kind is the message's
        check_receipt(receipt, period.covenant, kind, ours.digest, period.id)
        with self._parts.store.transaction() as connection:
            owed.note_promise(connection, receipt, party=self._parts.oin)
            if enrolled is not None:
                self._periods.move(connection, enrolled, Progress.ENROLLED)

    def _contribution(self, period: Period, own: OwnPeriod, roster: SignedMessage) -> SignedMessage:
        """Made once, for the first roster that was shown; another roster of the same period gets nothing."""
        if own.contribution is not None and own.roster is not None:
            if own.roster.body != roster.body:
                raise TotalsError("the coordinator shows a second roster", do="report it", period=period.id)
            return own.contribution
        if own.enrolment is None:
            raise TotalsError("nothing was approved", period=period.id)
        parts = self._parts
        with parts.store.transaction() as connection:
            packed, secret = self._periods.secret(connection, own.id)
            masks = protocol.masks_of(period, roster, parts.oin, parts.sealing, secret)
            content = protocol.contribute(period, roster, own.enrolment, packed, masks, parts.random)
            message = self._signed(Kind.CONTRIBUTION, content, period)
            self._periods.move(connection, own, Progress.CONTRIBUTED, roster=roster, contribution=message)
            owed.note_promise(connection, roster)
        return message

    def _unmasking(self, period: Period, own: OwnPeriod, status: PeriodStatus) -> SignedMessage:
        """Said once: the same again, whatever list is shown later.

        If it was said in an earlier period of this label, then only for the same municipalities again.
        """
        if own.unmasking is not None:
            return own.unmasking
        if own.roster is None or status.contributors is None:
            raise TotalsError("this node isn't on the roster", period=period.id)
        parts = self._parts
        with parts.store.transaction() as connection:
            for before in self._periods.earlier(connection, own):
                if before.contributors and _oins(before.contributors) != _oins(status.contributors):
                    raise TotalsError(
                        "the last word for this period was said before, for other municipalities",
                        do="nothing is lost: the next period is counted anew",
                        period=before.id,
                    )
            _, secret = self._periods.secret(connection, own.id)
            masks = protocol.masks_of(period, own.roster, parts.oin, parts.sealing, secret)
            content = protocol.unmask(period, status.contributors, own.roster, parts.oin, masks, status.shares)
            message = self._signed(Kind.UNMASKING, content, period)
            self._periods.move(connection, own, Progress.UNMASKED, contributors=status.contributors, unmasking=message)
            owed.note_promise(connection, status.contributors)
        return message

    def _over(self, status: PeriodStatus) -> None:
        """Whether our figures are in the sum says the list that we answered for, or else the one that is shown."""
        if status.state not in ("released", "abandoned"):
            return
        with self._parts.store.transaction() as connection:
            own = self._periods.find(connection, status.opening.envelope.round_id)
            if own is None or own.progress in OVER:
                return
            listed = own.contributors or status.contributors
            ours = status.state == "released" and listed is not None and self._parts.oin in _oins(listed)
            self._periods.move(connection, own, Progress.RELEASED if ours else Progress.MISSED)

    def _signed(self, kind: Kind, content: object, period: Period) -> SignedMessage:
        return self._parts.signer.sign(kind, content, covenant_hash=period.covenant.hash, round_id=period.id)


def _oins(contributors: SignedMessage) -> tuple[str, ...]:
    return wire.decode(Contributors, contributors.envelope.payload).oins
