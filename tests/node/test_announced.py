"""What an announcement may say: within the covenant, and nothing that contradicts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sluis_node.round.announced import AnnouncedRound, verify_announcement
from sluis_protocol import wire
from sluis_protocol.covenant import round_window
from sluis_protocol.errors import BadSignature, MalformedMessage, NotAMember, SluisError
from sluis_protocol.messages import Announcement, RoundStatus
from sluis_protocol.rounds import new_round_id
from sluis_protocol.signed import Kind

from ..world import COORDINATOR, PURPOSE, make_world, member_oin
from .rig import sign_as

WORLD = make_world()
OPENS = datetime(2026, 5, 1, 6, tzinfo=UTC)
CLOSES, UNTIL = round_window(OPENS, WORLD.covenant.terms.schedule)
SAID = Announcement(PURPOSE, bytes.fromhex(WORLD.covenant.terms.rule_set.sha256), OPENS, CLOSES, UNTIL)
ROUND = new_round_id(OPENS, lambda size: bytes(size))


def announced(said: Announcement, *, sender: str = COORDINATOR, round_id: str = ROUND) -> RoundStatus:
    message = sign_as(WORLD, sender, Kind.ANNOUNCEMENT, wire.encode(said), round_id, now=OPENS)
    return RoundStatus(message, "collecting", 0)


def verify(status: RoundStatus) -> AnnouncedRound:
    return verify_announcement(status, WORLD.covenant, PURPOSE, OPENS + timedelta(minutes=1))


def test_a_round_by_the_schedule() -> None:
    found = verify(announced(SAID))
    assert (found.round_id, found.new.closes_at, found.new.confirm_until) == (ROUND, CLOSES, UNTIL)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "error", "what"),
    [
        (announced(replace(SAID, closes_at=CLOSES + HOUR)), MalformedMessage, "collects for longer"),
        (announced(replace(SAID, confirm_until=UNTIL + HOUR)), MalformedMessage, "awaits confirmations for longer"),
        (announced(replace(SAID, purpose="other")), MalformedMessage, "another purpose"),
        (announced(replace(SAID, rule_set_sha256=bytes(32))), MalformedMessage, "another rule set"),
        (announced(replace(SAID, opens_at=OPENS - HOUR)), MalformedMessage, "opening time"),
        (announced(SAID, round_id="r20260501t050000z-0000000000000000"), MalformedMessage, "opening time"),
        (announced(SAID, sender=member_oin(1)), NotAMember, "only the coordinator"),
        (replace(announced(SAID), announcement=replace(announced(SAID).announcement, signature=bytes(64))),
         BadSignature, "does not verify"),
    ],
)  # fmt: skip
def test_a_round_that_can_not_be(status: RoundStatus, error: type[SluisError], what: str) -> None:
    with pytest.raises(error, match=what):
        verify(status)
