"""Records: dates that exist, and nothing personal in a repr."""

from __future__ import annotations

from datetime import date

import pytest
from sluis_protocol.errors import InputError
from sluis_protocol.record import BirthDate, CaseGround, Record

from tests.protocol.persons import family, person


@pytest.mark.parametrize("parts", [(1980, 3, 0), (1980, 0, 0), (0, 0, 0), (0, 2, 29), (2000, 2, 29), (1980, 0, 31)])
def test_a_part_of_a_birth_date_may_be_unknown(parts: tuple[int, int, int]) -> None:
    assert not BirthDate(*parts).starts_after(date(2026, 1, 1))


@pytest.mark.parametrize(
    "parts", [(1980, 13, 1), (1981, 2, 29), (1980, 4, 31), (80, 1, 1), (1980, 1, -1), (1980, 1, 32)]
)
def test_a_date_that_no_calendar_has_is_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(InputError) as fault:
        BirthDate(*parts)
    assert not any(character.isdigit() for character in fault.value.what)


def test_a_future_date_is_one_that_can_only_be_future() -> None:
    today = date(2026, 5, 15)
    assert BirthDate(2026, 5, 16).starts_after(today)
    assert BirthDate(2026, 6, 0).starts_after(today)
    assert not BirthDate(2026, 5, 0).starts_after(today)
    assert not BirthDate(2026, 0, 0).starts_after(today)
    assert not BirthDate(2026, 5, 15).starts_after(today)


def test_no_repr_shows_who_somebody_is() -> None:
    someone = person("Wilhelmina", "Dijkgraaf", bsn="999990019", prefix="van", postcode="2511CA", house_number="77")
    ground = CaseGround("ZAAK-9", "demo-grondslag", date(2026, 1, 1), None, None, "naam@example.org")
    shown = repr((someone, Record(someone, ground), family("f1", someone)))
    for secret in (
        "Wilhelmina",
        "Dijkgraaf",
        "999990019",
        "van",
        "2511CA",
        "77",
        "1980",
        "ZAAK-9",
        "naam@",
        "p1",
        "f1",
    ):
        assert secret not in shown
