"""Which round to take part in: announcements are verified, and what contradicts them is refused.

Asks the coordinator, changes nothing. A round is what the coordinator signed, never what it says beside it; the state
that comes with an announcement only decides whether we wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluis_protocol import wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import MalformedMessage, Replayed, RoundError, WrongClock, WrongCovenant
from sluis_protocol.messages import Announcement, RoundList, RoundQuery, RoundStatus
from sluis_protocol.rounds import check_round_id
from sluis_protocol.signed import Kind, open_signed
from sluis_protocol.wire import methods

from ..parts import Parts
from ..progress import Progress, Step
from .ledger import Ledger
from .own_round import NewRound, OwnRound, RoundState

_LONGEST_POLL = 2.0


@dataclass(frozen=True, slots=True)
class AnnouncedRound:
    """A verified announcement, and the state that the coordinator says the round is in."""

    new: NewRound
    announcement: Announcement
    state: str
    submissions: int

    @property
    def round_id(self) -> str:
        """The round's id."""
        return self.new.round_id


def verify_announcement(status: RoundStatus, covenant: Covenant, purpose: str, now: datetime) -> AnnouncedRound:
    """A round as its announcement says it is.

    1. The coordinator signed it, under this covenant. 2. Its id tells its opening time. 3. It is for the purpose that
    we asked for, with the covenant's rule set. 4. It neither collects nor awaits confirmations for longer than the
    covenant says, so openings need not be kept longer either.
    5. By our clock, within the covenant's tolerance, it is not collecting before it opens or after it closes.
    """
    claimed = status.announcement.envelope
    round_id = claimed.round_id
    envelope = open_signed(status.announcement, covenant, Kind.ANNOUNCEMENT, round_id=round_id, now=None)
    said = wire.decode(Announcement, envelope.payload)
    check_round_id(round_id, said.opens_at)
    if said.purpose != purpose:
        raise MalformedMessage("the round is for another purpose than was asked for", round=round_id)
    if said.rule_set_sha256.hex() != covenant.terms.rule_set.sha256:
        raise MalformedMessage("the round has another rule set than the covenant", round=round_id)
    schedule, second = covenant.terms.schedule, timedelta(seconds=1)  # times are in whole seconds
    if said.closes_at - said.opens_at > timedelta(minutes=schedule.collecting_minutes) + second:
        raise MalformedMessage("the round collects for longer than the covenant allows", round=round_id)
    if said.confirm_until - said.closes_at > timedelta(hours=schedule.confirmation_hours) + second:
        raise MalformedMessage("the round awaits confirmations for longer than the covenant allows", round=round_id)
    tolerance = timedelta(seconds=covenant.terms.limits.clock_tolerance_seconds)
    if status.state == "collecting" and not said.opens_at - tolerance <= now <= said.closes_at + tolerance:
        raise WrongClock(
            f"the round collects from {said.opens_at:%Y-%m-%d %H:%M} to {said.closes_at:%Y-%m-%d %H:%M} UTC, our clock "
            f"says {now:%Y-%m-%d %H:%M}",
            do="check the clock of this machine (NTP), then the coordinator's",
            round=round_id,
        )
    new = NewRound(round_id, said.purpose, status.announcement, said.closes_at, said.confirm_until)
    return AnnouncedRound(new, said, status.state, status.submissions)


async def list_rounds(parts: Parts, covenant: Covenant, purpose: str) -> list[AnnouncedRound]:
    """The rounds of a purpose under this covenant, the newest first.

    Raises WrongCovenant if one that is still to come, or collecting, is under another covenant: ours is out of date.
    """
    listing = await parts.coordinator.call(methods.LIST_ROUNDS, RoundQuery(purpose), RoundList)
    found = []
    for status in listing.rounds:
        envelope = status.announcement.envelope
        if envelope.covenant_hash == covenant.hash:
            found.append(verify_announcement(status, covenant, purpose, parts.now()))
        elif status.state in ("announced", "collecting"):
            raise WrongCovenant(
                "the coordinator works under another covenant version",
                do="fetch the covenant in force: sluis-node covenant fetch",
                round=envelope.round_id,
            )
    return found


async def find_round(
    parts: Parts, covenant: Covenant, purpose: str, *, wait: float, progress: Progress
) -> tuple[AnnouncedRound, OwnRound | None]:
    """The round to go on with, and what is on file of it. Waits up to `wait` seconds for one; RoundError without.

    1. One that collects, before all others one that we began. 2. One that we handed in for and whose outcome is
    outstanding, if it closed no longer than `wait` ago. 3. Otherwise we wait for a new one, and go on with an older
    one only if none opens: no round is missed for an outcome, since mail comes for all rounds.
    """
    waited, tried = 0.0, 0
    while True:
        rounds = await list_rounds(parts, covenant, purpose)
        on_file = await asyncio.to_thread(_look_up, parts, rounds)
        for found in rounds:
            _check_known(found, on_file[found.round_id])
        collecting = [found for found in rounds if found.state == "collecting"]
        if collecting:
            first = next((found for found in collecting if on_file[found.round_id]), collecting[0])
            return first, on_file[first.round_id]
        begun = await asyncio.to_thread(_outstanding, parts.ledger, rounds, on_file)
        if begun and (waited >= wait or parts.now() <= begun[0].announcement.closes_at + timedelta(seconds=wait)):
            return begun[0], on_file[begun[0].round_id]
        if waited >= wait:
            coming = [found for found in rounds if found.state == "announced"]
            raise RoundError(
                "no round of this purpose is open"
                + (f"; the next opens at {coming[-1].announcement.opens_at:%Y-%m-%d %H:%M} UTC" if coming else ""),
                do="wait longer (--wait), or ask the operator of the coordinator when the next round is",
                purpose=purpose,
            )
        progress(Step.WAIT, 0, 0)
        tried += 1
        pause = min(parts.coordinator.pause(tried), _LONGEST_POLL)
        await parts.coordinator.sleep(pause)
        waited += pause


def _look_up(parts: Parts, rounds: Sequence[AnnouncedRound]) -> dict[str, OwnRound | None]:
    return {found.round_id: parts.store.round(found.round_id) for found in rounds}


def _outstanding(
    ledger: Ledger, rounds: Sequence[AnnouncedRound], on_file: Mapping[str, OwnRound | None]
) -> list[AnnouncedRound]:
    """The rounds for which what we have ready may have arrived, and whose outcome is not complete."""
    return [
        found
        for found in rounds
        if (own := on_file[found.round_id]) and own.state is not RoundState.JOINED and not ledger.is_complete(own)
    ]


def _check_known(found: AnnouncedRound, own: OwnRound | None) -> None:
    """Refuse a round that collects though we know it to be over, or that is announced in two ways."""
    if own is None:
        return
    said = found.new.announcement.envelope
    if (own.announcement, own.covenant_hash) != (said.payload, said.covenant_hash):
        what = "a round is announced a second time"
    elif found.state in ("announced", "collecting") and own.state in (RoundState.PUBLISHED, RoundState.FINISHED):
        what = "the coordinator announces a round that is over"
    else:
        return
    raise Replayed(
        what, do="report it to the operator of the coordinator: round ids never return", round=found.round_id
    )
