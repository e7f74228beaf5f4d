"""The gates hold for whatever takes part, from a file or from another program's families (rules 3, 4, 5 and 22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sluis_node.caseload.intake import take_in
from sluis_node.caseload.reading import Caseload
from sluis_protocol.errors import InputError, Unreachable
from sluis_protocol.record import Family, Record

from ..world import make_world
from .desk import Desk
from .people import family

WORLD = make_world()
TODAY = date(2026, 6, 1)
REAL, TEST = "111222333", "999990019"


def taken(source: list[Family], **changes: Any) -> Caseload:
    """What is taken in under a covenant with other terms."""
    covenant = replace(WORLD.covenant, terms=WORLD.covenant.terms.model_copy(update=changes))
    return take_in(source, covenant, covenant.terms.purposes[0], TODAY)


def changed(change: Callable[[Record], Record]) -> list[Family]:
    """A family of two, of which the first is changed."""
    one = family("A1", 1)
    return [replace(one, members=(change(one.members[0]), one.members[1]))]


def person(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: replace(record, person=replace(record.person, **changes))


def ground(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: replace(record, ground=replace(record.ground, **changes))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (ground(case=" "), "zaak"),
        (ground(professional=""), "behandelaar"),
        (ground(legal_basis="another"), "grondslag"),
        (ground(review=TODAY - timedelta(days=1)), "herzieningsdatum"),
        (person(bsn="999990018"), "burgerservicenummer"),
        (person(bsn="99999001"), "burgerservicenummer"),
        (person(bsn=REAL), "burgerservicenummer"),
    ],
)
def test_who_is_refused(change: Callable[[Record], Record], field: str) -> None:
    left = taken(changed(change))
    assert left.persons == 1
    (refusal,) = left.refused
    assert (refusal.line, refusal.field) == (1, field)
    assert refusal.do
    for secret in (REAL, "99999001", "another"):
        assert secret not in f"{refusal.reason} {refusal.do}"


def test_a_case_that_has_ended_is_not_there() -> None:
    left = taken(changed(ground(end=TODAY - timedelta(days=1))))
    assert (left.persons, left.closed, left.refused) == (1, 1, ())


def test_production_refuses_test_persons_and_takes_real_ones() -> None:
    """Rule 22."""
    assert [one.field for one in taken([family("A1", 1)], mode="production").refused] == ["burgerservicenummer"] * 2
    assert not taken(changed(person(bsn=TEST))).refused
    left = taken(changed(person(bsn=REAL)), mode="production")
    assert [refusal.line for refusal in left.refused] == [2]


def test_more_than_the_ceiling_is_refused_as_a_whole() -> None:
    """Rule 5."""
    (purpose,) = WORLD.covenant.terms.purposes
    with pytest.raises(InputError, match="has 2 open persons, the covenant allows 1"):
        taken([family("A1", 1)], purposes=(purpose.model_copy(update={"maximum_persons": 1}),))


async def test_taking_part_goes_through_the_same_gates(desk: Desk) -> None:
    """A demo sends nothing of a real person; what is left of the caseload would go."""
    node = desk.nodes[0].node
    families = changed(person(bsn=REAL))
    with pytest.raises(InputError, match="line 1, burgerservicenummer: the BSN may be a real person's") as caught:
        await node.participate(families)
    assert REAL not in caught.value.diagnostics()
    with pytest.raises(Unreachable):
        await node.participate(families, skip_refused=True)
