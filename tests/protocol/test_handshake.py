"""A handshake's states: every pair of a state and an event, deadlines, four copies that never differ, and storage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.covenant import HandshakeTerms
from sluis_protocol.errors import HandshakeError
from sluis_protocol.handshake import (
    BOTH,
    NOBODY,
    STATES,
    TRANSITIONS,
    Accept,
    Act,
    Active,
    Agreed,
    Amend,
    Close,
    Closed,
    Deciding,
    Drafting,
    Event,
    Lapse,
    Lapsed,
    Propose,
    Side,
    Sign,
    State,
    Withdraw,
    Withdrawn,
    advance,
    diagram,
    open_handshake,
)
from sluis_protocol.stored import read_state, write_state

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
DEADLINE = NOW + timedelta(days=14)
UNTIL = NOW + timedelta(days=100)
TERMS = HandshakeTerms()
A, B = Side.A, Side.B
JUST_A = frozenset({A})
D1, D2 = b"1" * 32, b"2" * 32

EVERY_STATE: dict[str, State] = {
    "deciding": Deciding(DEADLINE),
    "deciding, a accepted": Deciding(DEADLINE, JUST_A),
    "agreed": Agreed(DEADLINE),
    "drafting": Drafting(DEADLINE, 1, A, D1, UNTIL),
    "drafting, a signed": Drafting(DEADLINE, 1, A, D1, UNTIL, JUST_A),
    "active": Active(D1, UNTIL),
    "closed by a": Closed(A),
    "closed": Closed(None),
    "lapsed": Lapsed(),
    "withdrawn": Withdrawn(B),
}
EVERY_EVENT: dict[str, Event] = {
    "a accepts": Accept(A),
    "b accepts": Accept(B),
    "a proposes": Propose(A, 1, D1, UNTIL),
    "b proposes": Propose(B, 1, D2, UNTIL),
    "b proposes version 2": Propose(B, 2, D2, UNTIL),
    "a amends": Amend(A, 2, D2, UNTIL),
    "b amends": Amend(B, 2, D2, UNTIL),
    "b amends nothing": Amend(B, 2, D1, UNTIL),
    "b amends version 1": Amend(B, 1, D2, UNTIL),
    "b amends version 3": Amend(B, 3, D2, UNTIL),
    "a signs": Sign(A, D1),
    "b signs": Sign(B, D1),
    "b signs another": Sign(B, D2),
    "a closes": Close(A),
    "b closes": Close(B),
    "a withdraws": Withdraw(A),
    "b withdraws": Withdraw(B),
    "time passes": Lapse(),
}
# What leads somewhere, in time (a lapse: after the deadline). Every other pair is refused.
EXPECTED: dict[tuple[str, str], State] = {
    ("deciding", "a accepts"): Deciding(DEADLINE, JUST_A),
    ("deciding", "b accepts"): Deciding(DEADLINE, frozenset({B})),
    ("deciding", "time passes"): Lapsed(),
    ("deciding, a accepted", "b accepts"): Agreed(NOW + timedelta(days=30)),
    ("deciding, a accepted", "a withdraws"): Deciding(DEADLINE),
    ("deciding, a accepted", "time passes"): Lapsed(),
    ("agreed", "a proposes"): Drafting(DEADLINE, 1, A, D1, UNTIL),
    ("agreed", "b proposes"): Drafting(DEADLINE, 1, B, D2, UNTIL),
    ("agreed", "a withdraws"): Withdrawn(A),
    ("agreed", "b withdraws"): Withdrawn(B),
    ("agreed", "time passes"): Lapsed(),
    ("drafting", "a amends"): Drafting(DEADLINE, 2, A, D2, UNTIL),
    ("drafting", "b amends"): Drafting(DEADLINE, 2, B, D2, UNTIL),
    ("drafting", "a signs"): Drafting(DEADLINE, 1, A, D1, UNTIL, JUST_A),
    ("drafting", "b signs"): Drafting(DEADLINE, 1, A, D1, UNTIL, frozenset({B})),
    ("drafting", "a withdraws"): Withdrawn(A),
    ("drafting", "b withdraws"): Withdrawn(B),
    ("drafting", "time passes"): Lapsed(),
    ("drafting, a signed", "a amends"): Drafting(DEADLINE, 2, A, D2, UNTIL),
    ("drafting, a signed", "b amends"): Drafting(DEADLINE, 2, B, D2, UNTIL),
    ("drafting, a signed", "b signs"): Active(D1, UNTIL),
    ("drafting, a signed", "a withdraws"): Withdrawn(A),
    ("drafting, a signed", "b withdraws"): Withdrawn(B),
    ("drafting, a signed", "time passes"): Lapsed(),
    ("active", "a closes"): Closed(A),
    ("active", "b closes"): Closed(B),
    ("active", "a withdraws"): Withdrawn(A),
    ("active", "b withdraws"): Withdrawn(B),
    ("active", "time passes"): Closed(None),
}


@pytest.mark.parametrize(("before", "happens"), list(product(EVERY_STATE, EVERY_EVENT)))
def test_every_pair_leads_where_it_should_or_is_refused(before: str, happens: str) -> None:
    state, event = EVERY_STATE[before], EVERY_EVENT[happens]
    at = NOW if happens != "time passes" or state.deadline is None else state.deadline
    if (before, happens) in EXPECTED:
        assert advance(state, event, at, TERMS) == EXPECTED[before, happens]
        return
    with pytest.raises(HandshakeError) as raised:
        advance(state, event, at, TERMS)
    if (state.name, event.act) not in TRANSITIONS:
        assert state.next_actor in raised.value.diagnostics()


def test_the_table_has_every_state_and_act_and_no_more_than_happens() -> None:
    assert {kind.name for kind in STATES} == {state.name for state in EVERY_STATE.values()}
    assert set(Act) == {event.act for event in EVERY_EVENT.values()}
    seen: dict[tuple[str, Act], set[str]] = {}
    for (before, happens), after in EXPECTED.items():
        seen.setdefault((EVERY_STATE[before].name, EVERY_EVENT[happens].act), set()).add(after.name)
    assert seen == {pair: set(following) for pair, following in TRANSITIONS.items()}


@pytest.mark.parametrize(("before", "happens"), list(EXPECTED))
def test_nothing_but_a_lapse_happens_after_the_deadline_and_no_lapse_before_it(before: str, happens: str) -> None:
    state, event = EVERY_STATE[before], EVERY_EVENT[happens]
    assert state.deadline is not None
    instant = timedelta(milliseconds=1)
    if happens == "time passes":
        assert advance(state, event, state.deadline + timedelta(days=900), TERMS) == EXPECTED[before, happens]
        with pytest.raises(HandshakeError, match="has not passed yet"):
            advance(state, event, state.deadline - instant, TERMS)
    else:
        with pytest.raises(HandshakeError, match="has passed"):
            advance(state, event, state.deadline, TERMS)
        if event.act not in (Act.PROPOSE, Act.AMEND):
            advance(state, event, state.deadline - instant, TERMS)


def test_deadlines_come_from_the_covenant() -> None:
    terms = HandshakeTerms(decision_days=3, drafting_days=5, longest_days=7)
    first = open_handshake(NOW, terms)
    assert first == Deciding(NOW + timedelta(days=3))
    one = advance(first, Accept(B), NOW + timedelta(days=1), terms)
    agreed = advance(one, Accept(A), NOW + timedelta(days=2), terms)
    assert agreed == Agreed(NOW + timedelta(days=7))
    at = NOW + timedelta(days=3)
    latest = at + timedelta(days=8)
    drafting = advance(agreed, Propose(A, 1, D1, latest), at, terms)
    assert drafting.deadline == agreed.deadline  # drafts don't move it
    for until in (latest + timedelta(milliseconds=1), at, at - timedelta(days=1)):
        with pytest.raises(HandshakeError, match="within 7 days"):
            advance(agreed, Propose(A, 1, D1, until), at, terms)
        with pytest.raises(HandshakeError, match="within 7 days"):
            advance(drafting, Amend(B, 2, D2, until), at, terms)


def test_whose_turn_it_is() -> None:
    awaited = {name: state.awaits for name, state in EVERY_STATE.items()}
    assert awaited == {
        "deciding": BOTH,
        "deciding, a accepted": {B},
        "agreed": BOTH,
        "drafting": BOTH,
        "drafting, a signed": {B},
        "active": BOTH,
        "closed by a": NOBODY,
        "closed": NOBODY,
        "lapsed": NOBODY,
        "withdrawn": NOBODY,
    }
    for state in EVERY_STATE.values():
        assert (state.next_actor == "nobody") == (state.deadline is None) == (not state.awaits)


def test_there_is_no_act_for_a_refusal() -> None:
    """A refusal and a silence look the same (rule 12): a side that says no has nothing that it could send."""
    assert {act for _, act in TRANSITIONS} == {"accept", "propose", "amend", "sign", "close", "withdraw", "lapse"}
    refused_by_b = advance(Deciding(DEADLINE, JUST_A), Lapse(), DEADLINE, TERMS)
    silent = advance(Deciding(DEADLINE), Lapse(), DEADLINE, TERMS)
    taken_back = advance(Deciding(DEADLINE, JUST_A), Withdraw(A), NOW, TERMS)
    assert refused_by_b == silent == advance(taken_back, Lapse(), DEADLINE, TERMS) == Lapsed()


def test_the_diagram_shows_the_whole_table() -> None:
    drawn = diagram()
    for (state, act), following in TRANSITIONS.items():
        for name in following:
            assert f"    {state} --> {name}: {act}" in drawn
    assert drawn.count("-->") == sum(map(len, TRANSITIONS.values())) + 4


@pytest.mark.parametrize("name", EVERY_STATE)
def test_a_state_comes_back_from_storage_as_it_was(name: str) -> None:
    columns = write_state(EVERY_STATE[name])
    assert read_state(columns["state"], columns["details"]) == EVERY_STATE[name]


SIDES = st.sampled_from(Side)
DIGESTS = st.sampled_from([D1, D2])
UNTILS = st.integers(-10, 400).map(lambda days: NOW + timedelta(days=days))
EVENTS = st.one_of(
    st.builds(Accept, SIDES),
    st.builds(Propose, SIDES, st.integers(1, 3), DIGESTS, UNTILS),
    st.builds(Amend, SIDES, st.integers(1, 3), DIGESTS, UNTILS),
    st.builds(Sign, SIDES, DIGESTS),
    st.builds(Close, SIDES),
    st.builds(Withdraw, SIDES),
    st.just(Lapse()),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 20)), max_size=30))
def test_any_history_keeps_the_promises(history: Sequence[tuple[Event, int]]) -> None:
    """Active only after both accepted, and both signed that digest; an end is an end."""
    state: State = open_handshake(NOW, TERMS)
    at, happened = NOW, list[Event]()
    for event, days in history:
        at += timedelta(days=days)
        try:
            following = advance(state, event, at, TERMS)
        except HandshakeError:
            continue
        assert state.deadline is not None
        happened.append(event)
        if isinstance(following, Active) and not isinstance(state, Active):
            drafts = [at for at, one in enumerate(happened) if isinstance(one, Propose | Amend)]
            signed = [one for one in happened[drafts[-1] :] if isinstance(one, Sign)]
            assert {one.side for one in signed} == BOTH
            assert {one.digest for one in signed} == {following.digest}
        if isinstance(following, Agreed):
            assert {one.side for one in happened if isinstance(one, Accept)} == BOTH
        state = following
