"""Invented persons, and strategies that make more of them."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st
from sluis_protocol.record import BirthDate, CaseGround, Family, Person, Record

GROUND = CaseGround("Z-1", "demo-grondslag", date(2026, 1, 1), None, None, "iemand@example.org")


def person(
    given: str = "Anna Maria",
    surname: str = "Jansen",
    born: tuple[int, int, int] | None = (1980, 3, 12),
    *,
    prefix: str = "",
    bsn: str | None = None,
    person_id: str = "p1",
    postcode: str = "",
    house_number: str = "",
) -> Person:
    birth_date = BirthDate(*born) if born else None
    return Person(person_id, bsn, given, prefix, surname, birth_date, postcode, house_number)


def family(family_id: str, *members: Person) -> Family:
    return Family(family_id, tuple(Record(member, GROUND) for member in members))


birth_dates = st.none() | st.builds(
    BirthDate,
    st.just(0) | st.integers(1850, 2026),
    st.integers(0, 12),
    st.integers(0, 28),
)
persons = st.builds(
    Person,
    person_id=st.text(min_size=1, max_size=8),
    bsn=st.none() | st.sampled_from(["999990019", "999991644"]),
    given_names=st.text(max_size=30),
    prefix=st.text(max_size=10),
    surname=st.text(max_size=30),
    birth_date=birth_dates,
    postcode=st.text(max_size=8) | st.just("2511 ca"),
    house_number=st.text(max_size=8) | st.just("12 A"),
)
