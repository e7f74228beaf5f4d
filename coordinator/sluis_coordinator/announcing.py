"""Announcing rounds: on the operator's word, or by the covenant's schedule."""

from __future__ import annotations

from datetime import datetime, timedelta

from sluis_protocol.covenant import round_window
from sluis_protocol.messages import Announcement
from sluis_protocol.rounds import new_round_id
from sluis_protocol.signed import Kind
from sluis_runtime.database import transaction

from . import store
from .coordinator import Coordinator


def announce(
    coordinator: Coordinator, purpose: str, *, opens_at: datetime, collect: timedelta | None = None
) -> store.Round:
    """Announce a round of a purpose that is in force when it opens (LegalGroundMissing otherwise).

    Times are whole seconds: the round id has its opening time in it. Without `collect` the schedule says how long.
    """
    covenant = coordinator.covenant
    opens_at = opens_at.replace(microsecond=0)
    covenant.purpose(purpose, opens_at.date())
    closes_at, confirm_until = round_window(opens_at, covenant.terms.schedule)
    if collect is not None:
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
        store.add_round(connection, new, coordinator.clock())
    return new


def next_opening(coordinator: Coordinator, purpose: str) -> datetime | None:
    """When the schedule wants the next round of a purpose to open; None while one is announced or collects."""
    now = coordinator.clock()
    with transaction(coordinator.engine) as connection:
        newest = store.find_rounds(connection, purpose=purpose, purged=True, most=1)
    if not newest:
        return now
    if newest[0].state.name in ("announced", "collecting"):
        return None
    return max(now, newest[0].opens_at + timedelta(hours=coordinator.covenant.terms.schedule.every_hours))
