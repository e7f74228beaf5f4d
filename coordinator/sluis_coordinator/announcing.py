"""Announcing rounds: on the operator's word, or by the covenant's schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

from sluis_protocol.covenant import Schedule, round_window
from sluis_protocol.errors import RoundError
from sluis_protocol.messages import Announcement
from sluis_protocol.rounds import Announced, Collecting, new_round_id
from sluis_protocol.signed import Kind
from sluis_runtime.database import transaction
from sqlalchemy import Connection

from . import store
from .coordinator import Coordinator

_LATEST = 50  # rounds that say when the next is due


def announce(
    coordinator: Coordinator, purpose: str, *, opens_at: datetime, collect: timedelta | None = None
) -> store.Round:
    """Announce a round of a purpose that is in force when it opens (LegalGroundMissing otherwise).

    Times are whole seconds: the round id has its opening time in it. Without `collect` the schedule says how long.
    Raises RoundError for what key holders would refuse: a longer window, or more rounds than the schedule has.
    """
    covenant = coordinator.covenant
    opens_at = opens_at.replace(microsecond=0)
    covenant.purpose(purpose, opens_at.date())
    schedule = covenant.terms.schedule
    closes_at, confirm_until = round_window(opens_at, schedule)
    if collect is not None:
        if opens_at + collect > closes_at:
            raise RoundError(
                f"the covenant lets a round collect for {schedule.collecting_minutes} minutes at most",
                do="choose a shorter time, or leave it to the covenant",
            )
        confirm_until += opens_at + collect - closes_at
        closes_at = opens_at + collect
    round_id = new_round_id(opens_at, coordinator.random)
    content = Announcement(
        purpose=purpose,
        rule_set_sha256=bytes.fromhex(covenant.terms.rule_set.sha256),
        opens_at=opens_at,
        closes_at=closes_at,
        confirm_until=confirm_until,
    )
    new = store.Round(
        id=round_id,
        purpose=purpose,
        covenant_hash=covenant.hash,
        announcement=coordinator.sign(Kind.ANNOUNCEMENT, content, round_id, covenant.hash),
        opens_at=opens_at,
        closes_at=closes_at,
        confirm_until=confirm_until,
    )
    with transaction(coordinator.engine) as connection:
        _require_room(connection, new, schedule, coordinator.clock())
        store.add_round(connection, new, coordinator.clock())
    return new


def _never_opened(found: store.Round, now: datetime) -> bool:
    """Abandoned before it opened: a new covenant, or a clock that had jumped, mustn't cost the next round."""
    return bool(found.abandoned) and found.opens_at > now


def _require_room(connection: Connection, new: store.Round, schedule: Schedule, now: datetime) -> None:
    period = timedelta(hours=schedule.every_hours)
    others = store.find_rounds(connection, purpose=new.purpose, purged=True)
    near = [one for one in others if abs(one.closes_at - new.closes_at) < period and not _never_opened(one, now)]
    if len(near) >= schedule.most_rounds:
        raise RoundError(
            f"the covenant lets {schedule.most_rounds} rounds of a purpose close within {schedule.every_hours} h, "
            "and so many were announced",
            do=f"announce one that closes after {min(one.closes_at for one in near) + period:%Y-%m-%d %H:%M} UTC",
            purpose=new.purpose,
        )


def next_opening(coordinator: Coordinator, purpose: str) -> datetime | None:
    """When the schedule wants the next round of a purpose to open; None while one is announced or collects."""
    now = coordinator.clock()
    with transaction(coordinator.engine) as connection:
        rounds = store.find_rounds(connection, purpose=purpose, purged=True, most=_LATEST)
    if any(isinstance(one.state, Announced | Collecting) for one in rounds):
        return None
    held = [one.opens_at for one in rounds if not _never_opened(one, now)]
    if not held:
        return now
    return max(now, max(held) + timedelta(hours=coordinator.covenant.terms.schedule.every_hours))
