"""Each indicator against databases made by hand: what counts, in which period, and at which of two municipalities."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_node.handshake.casebook import Casebook
from sluis_node.handshake.model import Draft, What, Whose
from sluis_node.handshake.papers import draft_name, write_draft
from sluis_node.handshake.review import Reason
from sluis_node.round.ledger import Answered, ClaimOnFile, ClaimState, Ledger
from sluis_node.round.own_family import Member, Shown
from sluis_node.store import Store
from sluis_node.totals.counting import Counting
from sluis_node.vault import Vault
from sluis_protocol.approach import Approach, Partner
from sluis_protocol.confirm import REFERENCE_BYTES, ConfirmKey
from sluis_protocol.handshake import Closed, Side, State, Withdrawn
from sluis_protocol.indicators import DAY_LIMITS, ENDINGS, Indicator, cells_of, counts_match
from sluis_protocol.periods import days_of
from sluis_protocol.rules import Grade
from sluis_protocol.stored import write_state

from ...world import PURPOSE, member_oin

US, THEM = member_oin(1), member_oin(2)
Q1, Q2 = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
YES = {"answer": "yes", "reason": ""}


def no(reason: Reason) -> dict[str, str]:
    return {"answer": "no", "reason": reason}


class Town:
    """A municipality's database, and what it counts."""

    def __init__(self, folder: Path) -> None:
        self.vault = Vault.of(bytes(range(32)), os.urandom)
        self.store = Store.open(folder / "node.sqlite", self.vault)
        self.ledger = Ledger(self.store.engine, self.vault, os.urandom)
        self.casebook = Casebook(self.vault)
        self.made = 0

    def match(self, at: datetime, *members: Member) -> str:
        self.made += 1
        shown = Shown(f"F{self.made}", ("case",), ("person",), members)
        answered = Answered(Grade.BSN, ConfirmKey((US, THEM), bytes(32)), os.urandom(REFERENCE_BYTES), shown)
        claim = ClaimOnFile(os.urandom(16), "round", THEM, b"", ClaimState.MATCHED, answered)
        with self.store.transaction() as connection:
            return self.ledger.record_match(connection, claim, answered, bytes(REFERENCE_BYTES), PURPOSE, at).match

    def handshake(
        self,
        match: str,
        *steps: tuple[What, datetime] | tuple[What, datetime, Mapping[str, str]],
        counts: str = US,
        known: bool = False,
        lead: str = "",
        roles: tuple[str, ...] = (),
        ended: tuple[State, datetime] | None = None,
        purpose: str = PURPOSE,
    ) -> None:
        name = os.urandom(16)
        while counts_match(name, (US, THEM)) != counts:
            name = os.urandom(16)
        with self.store.transaction() as connection:
            made = self.casebook.add(
                connection, name, match=match, known=known, purpose=purpose, counterpart=THEM, now=steps[0][1]
            )
            for what, at, *details in steps:
                self.casebook.add_step(
                    connection, name, what, Whose.OURS, at=at, digest=os.urandom(32), details=dict(*details)
                )
            if lead:
                self.casebook.put_paper(connection, name, draft_name(1), draft(name, lead, roles), Q1)
            if ended:
                values: dict[str, Any] = {**write_state(ended[0]), "ended_at": int(ended[1].timestamp() * 1000)}
                self.casebook.change(connection, made, **values)

    def counted(self, label: str) -> dict[str, int]:
        cells = cells_of(Indicator)
        counting = Counting(US, self.ledger, self.casebook, PURPOSE, days_of(label), cells)
        with self.store.transaction() as connection:
            figures = counting.count(connection).figures
        assert tuple(figures) == cells
        return {str(cell): value for cell, value in figures.items() if value}


def draft(name: bytes, lead: str, roles: tuple[str, ...]) -> bytes:
    partners = tuple(Partner(role=role, basis="demo-grondslag", since=date(2026, 1, 1)) for role in roles)
    approach = Approach(
        handshake=name.hex(), nonce="00" * 32, covenant="00" * 32, purpose=PURPOSE, parties=(US, THEM), lead=lead,
        partners=partners, start=date(2026, 1, 1), end=date(2026, 12, 31),
    )  # fmt: skip
    return write_draft(Draft(1, Side.A, approach))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_matches_and_decisions(town: Town) -> None:
    for details in (YES, no(Reason.NOT_SAME_FAMILY), no(Reason.ALREADY_IN_CONTACT), no(Reason.NO_NEED)):
        town.handshake(town.match(Q1), (What.DECIDED, Q1, details))
    town.handshake(town.match(Q1), (What.DECIDED, Q1, YES), counts=THEM)  # the other side's to count
    town.handshake(town.match(Q2), (What.FOUND, Q2))
    town.handshake(town.match(Q1), (What.DECIDED, Q1, YES), purpose="another")
    expected = {f"matches-{name}": 1 for name in ("followed-up", "wrong", "already-known")}
    assert town.counted("2026-q1") == {"matches-proven": 4, **expected}
    assert town.counted("2026-q2") == {"matches-proven": 1}
    assert town.counted("2026-m02") == town.counted("2026-q1")


def test_a_decision_that_is_taken_anew_counts_once(town: Town) -> None:
    """In its first period, as it stood at that one's end; whatever comes later, in the same handshake or another."""
    match = town.match(Q1)
    wrong, week = no(Reason.NOT_SAME_FAMILY), timedelta(days=7)
    town.handshake(match, (What.DECIDED, Q1, wrong), (What.DECIDED, Q1 + week, YES), (What.DECIDED, Q2, wrong))
    town.handshake(match, (What.DECIDED, Q2 + week, YES), known=True)
    assert town.counted("2026-q1") == {"matches-proven": 1, "matches-followed-up": 1}
    assert town.counted("2026-q2") == {}


def test_a_pair_that_nobody_decided_on_until_it_was_found_again(town: Town) -> None:
    """The side that its first handshake names counts it, whichever side the second one names."""
    for counts in (US, THEM):
        match = town.match(Q1)
        town.handshake(match, (What.FOUND, Q1), counts=counts)
        town.handshake(match, (What.DECIDED, Q2, YES), known=True, counts=THEM if counts == US else US)
    assert town.counted("2026-q1") == {"matches-proven": 1}
    assert town.counted("2026-q2") == {"matches-followed-up": 1}


@pytest.mark.parametrize(("days", "bucket"), [(0, "up-to-2"), (DAY_LIMITS[-1], "up-to-84"), (85, "longer")])
def test_agreements_and_days_to_contact(town: Town, days: int, bucket: str) -> None:
    found = datetime(2026, 1, 1, tzinfo=UTC)
    for counts in (US, THEM):
        town.handshake(town.match(found), (What.AGREED, found + timedelta(days=days)), counts=counts)
    assert town.counted("2026-q1") == {
        "matches-proven": 1, "approaches-agreed": 1, f"days-to-contact:{bucket}": 1,
    }  # fmt: skip


def test_only_the_leading_municipality_counts_an_approach(town: Town) -> None:
    child = Member("p1", "case", sixteen_on=date(2030, 1, 1))
    grown = Member("p2", "case", sixteen_on=date(1999, 1, 1))
    unknown = Member("p3", "case")
    outreach = ("steun-aan-professionals",)
    for lead, counts in ((US, THEM), (THEM, US)):
        match = town.match(Q1 - timedelta(days=90), child, grown, unknown, child)
        closed = (What.CLOSED, Q2, {"outcome": "goals-reached"})
        town.handshake(
            match, (What.ACTIVE, Q1), closed, counts=counts, lead=lead, roles=outreach, ended=(Closed(Side.A), Q2)
        )
    assert town.counted("2026-q1") == {"approaches-active": 1, "outreach-requested": 1}
    assert town.counted("2026-q2") == {"approaches-ended:goals-reached": 1, "children:goals-reached": 2}


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_ending(town: Town, ending: str) -> None:
    """What never was active has not ended as an approach."""
    steps = [] if ending in ("expired", "withdrawn") else [(What.CLOSED, Q1, {"outcome": ending})]
    state = Withdrawn(Side.B) if ending == "withdrawn" else Closed(None if ending == "expired" else Side.A)
    match = town.match(Q1 - timedelta(days=90))
    town.handshake(match, (What.ACTIVE, Q1), *steps, lead=US, counts=THEM, ended=(state, Q1))
    town.handshake(match, (What.AGREED, Q1), lead=US, counts=THEM, ended=(Withdrawn(Side.A), Q1))
    assert town.counted("2026-q1") == {"approaches-active": 1, f"approaches-ended:{ending}": 1}


def test_dilemmas_count_at_who_asks(town: Town) -> None:
    town.handshake(town.match(Q1), (What.ESCALATED, Q2), (What.ESCALATED, Q2), counts=THEM)
    assert town.counted("2026-q2") == {"dilemmas-escalated": 1}
    with town.store.transaction() as connection:
        (one,) = town.casebook.all(connection)
        town.casebook.add_step(connection, one.id, What.ESCALATED, Whose.THEIRS, at=Q1, digest=os.urandom(32))
    assert town.counted("2026-q1") == {}


def test_both_sides_together_count_everything_once() -> None:
    """Whatever the id, exactly one of the two counts."""
    named = Counter(counts_match(os.urandom(16), pair) for pair in ((US, THEM), (THEM, US)) for _ in range(200))
    assert set(named) == {US, THEM}
    for name in (os.urandom(16) for _ in range(50)):
        assert counts_match(name, (US, THEM)) == counts_match(name, (THEM, US))
