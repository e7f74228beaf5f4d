"""Numbers and dates as they are written: every notation is read alike, and nothing ambiguous is read at all."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.errors import InputError
from sluis_protocol.notation import read_birth_date, read_bsn, read_day
from sluis_protocol.record import BirthDate


@given(st.dates(date(1800, 1, 1), date(2100, 12, 31)))
def test_every_notation_of_a_date_is_the_same_date(day: date) -> None:
    months = "jan feb mrt april mei juni juli aug sept okt november december"
    written = [
        f"{day:%Y%m%d}",
        day.isoformat(),
        f"{day.day}-{day.month}-{day.year}",
        f"{day:%d.%m.%Y}",
        f"{day.day} {months.split()[day.month - 1]} {day.year}",
        f"{day.day} {months.split()[day.month - 1].upper()} {day.year}",
    ]
    assert {read_day(text) for text in written} == {day}
    assert {read_birth_date(text) for text in written} == {BirthDate(day.year, day.month, day.day)}


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        (("19800300", "1980-03", "1980-03-00", "0-3-1980", "00-03-1980", "3-1980", "mrt 1980"), (1980, 3, 0)),
        (("19800000", "1980", "1980-00-00", "00-00-1980", "0.0.1980"), (1980, 0, 0)),
    ],
)
def test_parts_of_a_birth_date_may_be_unknown(written: tuple[str, ...], parts: tuple[int, int, int]) -> None:
    assert {read_birth_date(text) for text in written} == {BirthDate(*parts)}


def test_a_date_of_which_nothing_is_known_is_none() -> None:
    assert read_birth_date("00000000") is read_birth_date("0-0-0000") is read_birth_date("0000") is None


@pytest.mark.parametrize(
    "text", ["12-3-80", "12/03/1980", "1980-3-12", "12-3/1980", "198003", "12 foo 1980", "maart", "31-2-1980"]
)
def test_what_could_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError) as fault:
        read_birth_date(text)
    assert fault.value.do
    assert text not in str(fault.value)


@pytest.mark.parametrize("text", ["1980-03", "19800300", "1980-02-30"])
def test_a_day_has_all_its_parts(text: str) -> None:
    with pytest.raises(InputError, match="calendar"):
        read_day(text)


def test_a_number_that_lost_its_zero_is_found_again() -> None:
    assert read_bsn("12345672") == read_bsn("012345672") == read_bsn("0123.45.672") == "012345672"


@pytest.mark.parametrize("text", ["111222330", "1112223", "11122233x", "١١١٢٢٢٣٣٣", ""])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError) as fault:
        read_bsn(text)
    assert fault.value.do
