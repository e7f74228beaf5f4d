"""What `sluis-node check` tells about a caseload before any round."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from datetime import date

import pytest
from sluis_node import show
from sluis_node.caseload.columns import COLUMNS, OPTIONAL
from sluis_node.caseload.quality import assess
from sluis_node.caseload.reading import Caseload, read_caseload
from sluis_protocol.rules import load_rules

RULES = load_rules()
TODAY = date(2026, 6, 1)
# Family, person, BSN, given names, prefix, surname, date of birth, postcode, house number.
GOOD = ("A", "1", "999990019", "Sanne Maria", "de", "Vries", "19900304", "1234AB", "5")
ROWS = (
    GOOD,
    ("B", "1", "", "S.", "", "Bakker", "19910000", "", ""),
    ("C", "1", "", "", "", "Visser", "", "", ""),
    ("D", "1", "", "Daan", "", "Mulder", "20010203", "", ""),
    ("E", "1", "", "Daan", "", "Mulder", "20010203", "", ""),
    ("F", "1", "999990019", "Sanne", "", "Vries", "19900304", "", ""),
)


def caseload(*rows: tuple[str, ...]) -> Caseload:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column for column in COLUMNS if column not in OPTIONAL])
    for row in rows:
        writer.writerow([*row, f"ZAAK-{row[0]}", "demo-grondslag", "2026-01-05", "", "w1@example"])
    return read_caseload(io.BytesIO(text.getvalue().encode()), name="x.csv", today=TODAY)


def test_what_is_missing_is_counted() -> None:
    found = assess(caseload(*ROWS), RULES)
    assert found.persons == found.families == 6
    assert found.missing == {
        "no BSN": 4,
        "no given name": 1,
        "initials only": 1,
        "no surname": 0,
        "no date of birth": 1,
        "part of the date of birth unknown": 1,
        "no address": 5,
    }


def test_who_is_there_twice_is_named_by_line() -> None:
    assert assess(caseload(*ROWS), RULES).twice == ((2, 7), (5, 6))


def test_namesakes_with_two_bsns_are_two_people() -> None:
    namesakes = ("G", "1", "999990020", "Daan", "", "Mulder", "20010203", "", "")
    other = ("H", "1", "999990032", "Daan", "", "Mulder", "20010203", "", "")
    found = assess(caseload(ROWS[3], namesakes, other), RULES)
    assert found.twice == ()
    assert {use.kind: use.shared for use in found.keys}["surname-sound+date"] == 3


def test_entries_by_number_and_by_name_are_one_person() -> None:
    by_name = ("G", "1", "", "Sanne Maria", "de", "Vries", "19900304", "", "")
    assert assess(caseload(GOOD, ROWS[5], by_name), RULES).twice == ((2, 3, 4),)


def test_who_cannot_be_found_is_named_by_line() -> None:
    found = assess(caseload(*ROWS), RULES)
    assert found.unfindable == (3, 4)
    assert found.families_unfindable >= 2
    assert found.too_few_keys == pytest.approx(2 / 6)


def test_a_good_caseload_has_nothing_to_say() -> None:
    found = assess(caseload(GOOD), RULES)
    assert (found.unfindable, found.twice, found.with_family_only, found.families_unfindable) == ((), (), 0, 0)
    assert found.average_keys > 5
    assert not any(use.shared for use in found.keys)


def test_an_empty_caseload_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    found = assess(caseload(), RULES)
    assert (found.persons, found.too_few_keys, found.average_keys) == (0, 0.0, 0.0)
    show.print_quality(found)
    assert capsys.readouterr().out == ""


def test_nothing_personal_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    read = caseload(*ROWS)
    found = assess(read, RULES)
    show.print_quality(found)
    said = capsys.readouterr().out + str(found) + str(found.as_json())
    assert "lines 2, 7 are one person" in said
    people = [member.person for family in read.families for member in family.members]
    for person in people:
        for one in fields(person):
            value = str(getattr(person, one.name) or "")
            assert len(value) < 4 or value not in said, one.name
