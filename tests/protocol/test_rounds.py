"""A round's states: every pair of a state and an event, and the ids."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from sluis_protocol.errors import MalformedMessage, RoundError
from sluis_protocol.rounds import STATES, TRANSITIONS, Event, advance, check_round_id, diagram, new_round_id

OPENS = datetime(2026, 5, 1, 6, 30, 15, 999_999, tzinfo=UTC)
EXPECTED = {
    ("announced", "open"): "collecting",
    ("announced", "abandon"): "purged",
    ("collecting", "close"): "joining",
    ("collecting", "abandon"): "purged",
    ("joining", "publish"): "published",
    ("joining", "abandon"): "purged",
    ("published", "purge"): "purged",
}


@pytest.mark.parametrize(("state", "event"), list(product(STATES, Event)))
def test_every_pair_leads_where_it_should_or_is_refused(state: str, event: Event) -> None:
    if following := EXPECTED.get((state, event.value)):
        assert advance(STATES[state], event) is STATES[following]
    else:
        with pytest.raises(RoundError) as raised:
            advance(STATES[state], event)
        assert STATES[state].next_actor in raised.value.diagnostics()


def test_every_state_is_reached_and_only_one_is_the_end() -> None:
    assert set(TRANSITIONS.values()) | {"announced"} == set(STATES)
    assert {state for state, _ in TRANSITIONS} == set(STATES) - {"purged"}
    assert all(state.next_actor for state in STATES.values())


def test_the_diagram_shows_the_whole_table() -> None:
    drawn = diagram()
    assert all(f"{state} --> {following}: {event}" in drawn for (state, event), following in EXPECTED.items())


def test_a_new_id_fits_its_opening_time_only() -> None:
    round_id = new_round_id(OPENS, os.urandom)
    check_round_id(round_id, OPENS)
    check_round_id(round_id, OPENS.astimezone(timezone(timedelta(hours=2))))
    with pytest.raises(MalformedMessage):
        check_round_id(round_id, OPENS + timedelta(seconds=1))
    assert new_round_id(OPENS, os.urandom) != round_id


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text + "\n",
        lambda text: text + "0",
        lambda text: text[:-1],
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("2026", "２０２６"),
    ],
)
def test_an_id_of_another_form_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedMessage):
        check_round_id(change(new_round_id(OPENS, os.urandom)), OPENS)
