"""The national picture: the coordinator takes what nodes commit to and send, and makes one sum (protocol.md, 9).

It sees ciphertexts under the board's key, and masks, and never a figure. What single nodes sent is deleted with the
sum; the release has none of it. There is one sum of a period and purpose, ever, and of no fewer contributors than the
covenant's minimum.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter

from sluis_protocol import totals as protocol
from sluis_protocol.errors import InputError, TotalsError
from sluis_protocol.masks import quorum
from sluis_protocol.messages import (
    Contributors,
    Enrolled,
    PeriodList,
    PeriodOpening,
    PeriodStatus,
    Release,
    Roster,
)
from sluis_protocol.periods import (
    Abandoned,
    Closing,
    Contributing,
    Enrolling,
    Event,
    State,
    days_of,
    new_period_id,
    newest_over,
)
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.totals import Period
from sluis_protocol.wire.totals import MOST_PERIODS
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger
from sqlalchemy import Connection

from . import totals_store as store
from .coordinator import Coordinator
from .totals_store import Signed, Step, StoredPeriod

FORMAT = "sluis-totals/1"
_ATTEMPTS = 2
log = logger("totals")


def open_period(
    coordinator: Coordinator,
    purpose: str,
    label: str,
    *,
    enrol: timedelta | None = None,
    contribute: timedelta | None = None,
    unmask: timedelta | None = None,
) -> StoredPeriod:
    """Open a period; how long its steps last, unless it is said here, is in the covenant.

    Outside a demo a period must be over: figures that can still change have no place in a sum that can't.
    """
    terms, now = coordinator.covenant.totals, coordinator.clock()
    coordinator.covenant.purpose(purpose, now.date())
    if days_of(label)[1] > now.date() and coordinator.covenant.terms.mode != "demo":
        raise InputError("this period isn't over", do="open it on the day after", period=label)
    enrol_until = now + (enrol if enrol is not None else timedelta(days=terms.enrol_days))
    contribute_until = enrol_until + (contribute if contribute is not None else timedelta(days=terms.contribute_days))
    unmask_until = contribute_until + (unmask if unmask is not None else timedelta(days=terms.close_days))
    content = PeriodOpening(purpose, label, terms.board.key.fingerprint, enrol_until, contribute_until, unmask_until)
    period_id = new_period_id(label, coordinator.random)
    opening = coordinator.sign(Kind.PERIOD, content, period_id, coordinator.covenant.hash, at=now)
    period = protocol.read_period(opening, coordinator.covenant)
    with transaction(coordinator.engine) as connection:
        store.add(connection, period, opening, now)
        return store.find(connection, period_id)


def open_due(coordinator: Coordinator, purpose: str) -> StoredPeriod | None:
    """Open the newest period that is over, by the covenant's schedule; None if there is nothing to open.

    What came to nothing is opened a second time by itself; after that people must look.
    """
    terms, today = coordinator.covenant.terms.totals, coordinator.clock().date()
    if terms is None:
        return None
    label = newest_over(today - timedelta(days=terms.open_after_days), terms.period)
    with transaction(coordinator.engine) as connection:
        before = [one.state for one in store.find_all(connection, purpose=purpose) if one.label == label]
    if len(before) >= _ATTEMPTS or any(not isinstance(state, Abandoned) for state in before):
        return None
    return open_period(coordinator, purpose, label)


def forget(coordinator: Coordinator) -> None:
    """Delete what was signed for periods that are past their term; that they were stays, so that none returns."""
    terms = coordinator.covenant.terms.totals
    if terms is not None:
        with transaction(coordinator.engine) as connection:
            store.forget(connection, coordinator.clock() - timedelta(days=terms.keep_days))


def look(coordinator: Coordinator, oin: str, purpose: str) -> PeriodList:
    """The newest periods of a purpose, with what is signed for them, and the shares that a member needs."""
    with transaction(coordinator.engine) as connection:
        found = store.find_all(connection, purpose=purpose, most=MOST_PERIODS)
        return PeriodList(tuple(_status(connection, one, oin) for one in found))


def _status(connection: Connection, found: StoredPeriod, oin: str) -> PeriodStatus:
    lists, shares = store.signed(connection, found.id), b""
    if isinstance(found.state, Closing):
        shares = b"".join(store.shares_for(connection, found.id, oin))
    return PeriodStatus(
        found.opening, found.state.name, lists.get(Signed.ROSTER), lists.get(Signed.CONTRIBUTORS), shares
    )


# What nodes send.

Lists = Mapping[Signed, SignedMessage]
Shares = Mapping[str, bytes]


def enrol(coordinator: Coordinator, oin: str, message: SignedMessage, proof: bytes) -> SignedMessage:
    """Take an enrolment: in time, the first of this member, under the covenant in force, with figures in range."""

    def check(period: Period, _lists: Lists) -> Shares:
        protocol.check_enrolment(message, proof, period, caller=oin)
        return {}

    return _take(coordinator, oin, message, Step.ENROLMENT, Enrolling, attrgetter("enrol_until"), check)


def contribute(coordinator: Coordinator, oin: str, message: SignedMessage) -> SignedMessage:
    """Take a masked ciphertext of a member on the roster, with the shares of its mask."""

    def check(period: Period, lists: Lists) -> Shares:
        protocol.check_contribution(message, period, lists[Signed.ROSTER], caller=oin)
        return protocol.shares_of(message, period, lists[Signed.ROSTER])

    return _take(coordinator, oin, message, Step.CONTRIBUTION, Contributing, attrgetter("contribute_until"), check)


def unmask(coordinator: Coordinator, oin: str, message: SignedMessage) -> SignedMessage:
    """Take a contributor's part of what takes the masks from the sum over the list."""

    def check(period: Period, lists: Lists) -> Shares:
        protocol.check_unmasking(message, period, lists[Signed.CONTRIBUTORS], caller=oin)
        return {}

    return _take(coordinator, oin, message, Step.UNMASKING, Closing, attrgetter("unmask_until"), check)


def _take(
    coordinator: Coordinator,
    oin: str,
    message: SignedMessage,
    step: Step,
    state: type[State],
    until: Callable[[StoredPeriod], datetime],
    check: Callable[[Period, Lists], Shares],
) -> SignedMessage:
    """1. The period exists; 2. the same again changes nothing, another one is refused; 3. it is in time; 4. `check`.

    Gives the receipt. The check takes its time, so it is made between two looks at the database.
    """
    now, period_id = coordinator.clock(), message.envelope.round_id

    def look_up(connection: Connection) -> StoredPeriod | None:
        found = store.find(connection, period_id)
        if store.was_taken(connection, found.id, step, oin, message):
            return None
        if not isinstance(found.state, state) or now >= until(found):
            raise TotalsError(
                f"the period takes no {step} now: it is {found.state.name}",
                do="nothing is lost for the next period",
                period=found.id,
            )
        return found

    with transaction(coordinator.engine) as connection:
        found = look_up(connection)
        lists = store.signed(connection, period_id)
    if found is not None:
        shares = check(_verified(coordinator, found), lists)
        with transaction(coordinator.engine) as connection:
            if look_up(connection) is not None:
                store.take(connection, period_id, step, oin, message, now, shares)
    return coordinator.receipt(f"totals {step}", message)


# What is due.


def unfinished(coordinator: Coordinator) -> list[StoredPeriod]:
    """The periods that something must still be done for."""
    with transaction(coordinator.engine) as connection:
        return store.find_all(connection, over=False)


def go_on(coordinator: Coordinator, found: StoredPeriod, *, now_due: bool = False) -> bool:
    """Take a period on if its step is over, or everybody has contributed, or a quorum said the last word; if it did.

    `now_due`: the operator ends the step, whatever the time.
    """
    now = coordinator.clock()
    if found.covenant_hash != coordinator.covenant.hash:
        return abandon(coordinator, found, "a new covenant version took effect")
    match found.state:
        case Enrolling() if now >= found.enrol_until or now_due:
            return _fix_roster(coordinator, found, now)
        case Contributing():
            return _fix_contributors(coordinator, found, now, late=now >= found.contribute_until or now_due)
        case Closing():
            return _release(coordinator, found, now, late=now >= found.unmask_until or now_due)
    return False


def _fix_roster(coordinator: Coordinator, found: StoredPeriod, now: datetime) -> bool:
    with transaction(coordinator.engine) as connection:
        enrolled = store.taken(connection, found.id, Step.ENROLMENT)
        if not _enough(coordinator, len(enrolled)):
            return _abandon(connection, found, now, f"{len(enrolled)} enrolled")
        entries = tuple(Enrolled(oin, message.digest) for oin, message in enrolled.items())
        content = Roster(found.opening.digest, entries)
        roster = coordinator.sign(Kind.ROSTER, content, found.id, found.covenant_hash, at=now)
        store.put_signed(connection, found.id, Signed.ROSTER, roster)
        digest = roster.digest
        store.move(connection, found, Event.ROSTER, now, digest, count=len(entries))
    log.info("period", period=found.id, state="contributing", enrolled=len(entries))
    return True


def _fix_contributors(coordinator: Coordinator, found: StoredPeriod, now: datetime, *, late: bool) -> bool:
    with transaction(coordinator.engine) as connection:
        oins = tuple(store.taken(connection, found.id, Step.CONTRIBUTION))
        if not late and len(oins) < len(store.taken(connection, found.id, Step.ENROLMENT)):
            return False
        roster = store.signed(connection, found.id)[Signed.ROSTER]
        if not _enough(coordinator, len(oins)) or len(oins) < quorum(len(protocol.roster_oins(roster))):
            return _abandon(connection, found, now, f"{len(oins)} contributed")
        content = Contributors(roster.digest, oins)
        contributors = coordinator.sign(Kind.CONTRIBUTORS, content, found.id, found.covenant_hash, at=now)
        store.put_signed(connection, found.id, Signed.CONTRIBUTORS, contributors)
        digest = contributors.digest
        store.move(connection, found, Event.CLOSE, now, digest, count=len(oins))
    log.info("period", period=found.id, state="closing", contributors=len(oins))
    return True


def _release(coordinator: Coordinator, found: StoredPeriod, now: datetime, *, late: bool) -> bool:
    with transaction(coordinator.engine) as connection:
        contributions = store.taken(connection, found.id, Step.CONTRIBUTION)
        unmaskings = store.taken(connection, found.id, Step.UNMASKING)
        signed = store.signed(connection, found.id)
        if len(unmaskings) < quorum(len(protocol.roster_oins(signed[Signed.ROSTER]))):
            return late and _abandon(connection, found, now, f"{len(unmaskings)} said their last word")
        period = _verified(coordinator, found)
        ciphertexts = [
            protocol.check_contribution(message, period, signed[Signed.ROSTER], caller=oin)
            for oin, message in contributions.items()
        ]
        answers = {
            oin: protocol.check_unmasking(message, period, signed[Signed.CONTRIBUTORS], caller=oin)
            for oin, message in unmaskings.items()
        }
        ciphertext = protocol.combine(period, signed[Signed.ROSTER], ciphertexts, answers, coordinator.random)
        enrolled = store.taken(connection, found.id, Step.ENROLMENT)
        content = Release(found.opening, tuple(enrolled[oin] for oin in contributions), ciphertext)
        release = coordinator.sign(Kind.RELEASE, content, found.id, found.covenant_hash, at=now)
        store.put_signed(connection, found.id, Signed.RELEASE, release)
        store.move(connection, found, Event.RELEASE, now, release.digest, count=len(contributions))
    log.info("period", period=found.id, state="released", contributors=len(contributions))
    return True


def abandon(coordinator: Coordinator, found: StoredPeriod, why: str) -> bool:
    """End a period without a sum."""
    with transaction(coordinator.engine) as connection:
        return _abandon(connection, found, coordinator.clock(), why)


def _abandon(connection: Connection, found: StoredPeriod, now: datetime, why: str) -> bool:
    digest = found.opening.digest
    store.move(connection, found, Event.ABANDON, now, digest, abandoned=why)
    log.warning("period abandoned", period=found.id, why=why)
    return True


def release_file(coordinator: Coordinator, period_id: str) -> str:
    """The release of a period as the file that goes to the board; TotalsError if there is none."""
    with transaction(coordinator.engine) as connection:
        found = store.find(connection, period_id)
        release = store.signed(connection, period_id).get(Signed.RELEASE)
    if release is None:
        raise TotalsError(
            f"the period is {found.state.name}: there is no sum", do=found.state.next_actor, period=period_id
        )
    fields = {"body": release.body, "signature": release.signature}
    texts = {name: base64.b64encode(raw).decode() for name, raw in fields.items()}
    return json.dumps({"format": FORMAT, **texts}, indent=2) + "\n"


def status(coordinator: Coordinator, period_id: str) -> dict[str, object]:
    """How far a period is."""
    with transaction(coordinator.engine) as connection:
        found = store.find(connection, period_id)
        counts = store.counts(connection, period_id)
    return {
        "period": found.id,
        "purpose": found.purpose,
        "label": found.label,
        "state": found.state.name,
        "next_actor": found.state.next_actor,
        "enrol_until": found.enrol_until.isoformat(),
        "contribute_until": found.contribute_until.isoformat(),
        "unmask_until": found.unmask_until.isoformat(),
        "abandoned": found.abandoned,
        **counts,
    }


def _enough(coordinator: Coordinator, count: int) -> bool:
    return count >= coordinator.covenant.totals.minimum_contributors


def _verified(coordinator: Coordinator, found: StoredPeriod) -> Period:
    return protocol.read_period(found.opening, coordinator.covenant_of(found.covenant_hash))
