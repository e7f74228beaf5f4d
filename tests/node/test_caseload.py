"""Caseloads: every line accounted for, what is refused and why, and the gates of the covenant."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_node.caseload.columns import COLUMNS, OPTIONAL, is_forbidden
from sluis_node.caseload.gates import gates, is_test_bsn
from sluis_node.caseload.reading import Caseload, read_caseload
from sluis_protocol.errors import ForbiddenData, InputError
from sluis_protocol.record import BirthDate

from tests.shared import shared

TODAY = date(2026, 6, 1)
GOOD = {
    "gezin": "G1",
    "persoon": "G1-1",
    "burgerservicenummer": "999990019",
    "voornamen": "Anna Maria",
    "voorvoegsel": "van",
    "geslachtsnaam": "Dijkgraaf",
    "geboortedatum": "19800312",
    "postcode": "2511CA",
    "huisnummer": "12",
    "zaak": "Z-1",
    "grondslag": "demo-grondslag",
    "startdatum": "2026-01-15",
    "einddatum": "",
    "behandelaar": "iemand@example.org",
}
HEADER = list(GOOD)


def lines(*rows: Mapping[str, str], header: Sequence[str] = HEADER, delimiter: str = ";", end: str = "\r\n") -> str:
    text = io.StringIO()
    # The writer quotes a lone carriage return only where it is part of the line end.
    alone = any("\r" in value for row in rows for value in row.values())
    quoting: Literal[0, 1] = csv.QUOTE_ALL if alone else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    writer.writerows([row.get(column, "") for column in header] for row in rows)
    return text.getvalue()


def read(content: str | bytes) -> Caseload:
    raw = content if isinstance(content, bytes) else content.encode()
    return read_caseload(io.BytesIO(raw), name="caseload.csv", today=TODAY)


def one(**changes: str) -> dict[str, str]:
    return GOOD | changes


def members(caseload: Caseload) -> list[tuple[str, str]]:
    return [(family.family_id, record.person.person_id) for family in caseload.families for record in family.members]


def test_a_good_line_becomes_a_record() -> None:
    found = read(lines(GOOD))
    assert not found.refused
    assert not found.warnings
    assert (found.read, found.persons, found.lines["G1", "G1-1"]) == (1, 1, 2)
    (family,) = found.families
    person, ground = family.members[0].person, family.members[0].ground
    assert (person.bsn, person.given_names, person.prefix, person.surname) == (
        "999990019",
        "Anna Maria",
        "van",
        "Dijkgraaf",
    )
    assert person.birth_date == BirthDate(1980, 3, 12)
    assert (person.postcode, person.house_number) == ("2511CA", "12")
    assert (ground.case, ground.legal_basis, ground.professional) == ("Z-1", "demo-grondslag", "iemand@example.org")
    assert (ground.start, ground.end, ground.review) == (date(2026, 1, 15), None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"burgerservicenummer": "999990018"}, "burgerservicenummer"),
        ({"burgerservicenummer": "12345"}, "burgerservicenummer"),
        ({"burgerservicenummer": "9,9999E+08"}, "burgerservicenummer"),
        ({"burgerservicenummer": "000000000"}, "burgerservicenummer"),
        ({"burgerservicenummer": "٩٩٩٩٩٠٠١٩"}, "burgerservicenummer"),
        ({"geboortedatum": "19800230"}, "geboortedatum"),
        ({"geboortedatum": "19801301"}, "geboortedatum"),
        ({"geboortedatum": "1980031"}, "geboortedatum"),
        ({"geboortedatum": "198003121"}, "geboortedatum"),
        ({"geboortedatum": "12/03/1980"}, "geboortedatum"),
        ({"geboortedatum": "12-03-80"}, "geboortedatum"),
        ({"geboortedatum": "20260602"}, "geboortedatum"),
        ({"geboortedatum": "20260700"}, "geboortedatum"),
        ({"voornamen": "", "geslachtsnaam": " "}, "geslachtsnaam"),
        ({"voornamen": "A" * 500}, "voornamen"),
        ({"voornamen": "An\x07na"}, "voornamen"),
        ({"gezin": ""}, "gezin"),
        ({"persoon": ""}, "persoon"),
        ({"zaak": ""}, "zaak"),
        ({"grondslag": ""}, "grondslag"),
        ({"startdatum": ""}, "startdatum"),
        ({"startdatum": "20260100"}, "startdatum"),
        ({"startdatum": "20260231"}, "startdatum"),
        ({"behandelaar": ""}, "behandelaar"),
        ({"einddatum": "2026-01-14"}, "einddatum"),
        ({"einddatum": "ooit"}, "einddatum"),
        ({"huisnummer": "twaalf"}, "huisnummer"),
    ],
)
def test_a_wrong_line_is_refused_with_its_field_and_without_its_contents(changes: dict[str, str], field: str) -> None:
    wrong = one(gezin="G2", persoon="G2-1", burgerservicenummer="999991644") | changes
    found = read(lines(GOOD, wrong, one(gezin="G3", persoon="G3-1", burgerservicenummer="")))
    assert members(found) == [("G1", "G1-1"), ("G3", "G3-1")]
    (refusal,) = found.refused
    assert (refusal.line, refusal.field) == (3, field)
    assert refusal.do
    for value in wrong.values():
        assert len(value) < 4 or value not in refusal.reason + refusal.do or value == "demo-grondslag"


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("19800300", BirthDate(1980, 3, 0)),
        ("19800000", BirthDate(1980, 0, 0)),
        ("00000000", None),
        ("", None),
        ("1980-03-12", BirthDate(1980, 3, 12)),
        ("12-03-1980", BirthDate(1980, 3, 12)),
        ("1-3-1980", BirthDate(1980, 3, 1)),
        ("20260601", BirthDate(2026, 6, 1)),
    ],
)
def test_birth_dates_may_be_partial_and_in_any_unambiguous_form(text: str, born: BirthDate | None) -> None:
    assert read(lines(one(geboortedatum=text))).families[0].members[0].person.birth_date == born


def test_a_bsn_that_lost_its_zero_gets_it_back() -> None:
    assert read(lines(one(burgerservicenummer="10755561"))).families[0].members[0].person.bsn == "010755561"


def test_duplicates_are_refused_in_a_family_and_warned_about_between_families() -> None:
    found = read(lines(GOOD, GOOD, one(persoon="G1-2"), one(gezin="G2", persoon="G2-1")))
    assert [(refusal.line, refusal.field) for refusal in found.refused] == [(3, "persoon"), (4, "burgerservicenummer")]
    assert members(found) == [("G1", "G1-1"), ("G2", "G2-1")]
    (warning,) = found.warnings
    assert "lines 2 and 5" in warning
    assert "999990019" not in warning


def test_line_numbers_are_physical_even_behind_quoted_line_ends_and_blank_lines() -> None:
    two_lines = one(voornamen="Anna\nMaria")
    text = lines(two_lines, one(gezin="", persoon="x"), end="\n") + "\n;;;;;;;;;;;;;\n" + ";".join(["x"] * 3) + "\n"
    found = read(text)
    assert [(refusal.line, refusal.field) for refusal in found.refused] == [(4, "gezin"), (7, "regel")]
    assert found.lines == {("G1", "G1-1"): 2}
    assert found.families[0].members[0].person.given_names == "Anna Maria"
    assert found.read == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, False) for text in ("", "-", "nee", "0", "000000")),
        *((text, True) for text in ("ja", "J", "1", "7", "010000")),
    ],
)
def test_the_registers_flags_travel_with_a_record(text: str, expected: bool) -> None:
    """Rule 18."""
    header = [*HEADER, "Indicatie geheim", "In_onderzoek"]
    found = read(lines(one(**{"Indicatie geheim": text, "In_onderzoek": "nee"}), header=header))
    record = gate(found).families[0].members[0]
    assert (record.secrecy, record.doubt) == (expected, False)
    found = read(lines(one(**{"Indicatie geheim": "", "In_onderzoek": text}), header=header))
    record = gate(found).families[0].members[0]
    assert (record.secrecy, record.doubt) == (False, expected)


def test_a_flag_that_is_neither_yes_nor_no_is_refused() -> None:
    found = read(lines(one(geheimhouding="misschien"), header=[*HEADER, "geheimhouding"]))
    (refusal,) = found.refused
    assert refusal.field == "geheimhouding"
    assert "misschien" not in refusal.reason + refusal.do


def test_a_broken_quotation_is_one_refused_line_unless_it_swallows_others() -> None:
    good, broken = lines(GOOD, end="\n"), '"G9"x;' + ";".join([""] * 13) + "\n"
    found = read(good + broken)
    assert [(refusal.line, refusal.field) for refusal in found.refused] == [(3, "regel")]
    with pytest.raises(InputError, match="line 3"):
        read(good + '"G9;a;b\n' + good)


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in OPTIONAL])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(InputError, match=f"missing: {column}"):
        read(lines(GOOD, header=[name for name in HEADER if name != column]))


@pytest.mark.parametrize(
    "title",
    [
        "nationaliteit",
        "Nationaliteit_code",
        "geb_land",
        "geboorteplaats",
        "GEBOORTE GEMEENTE",
        "birth_country",
        "place of birth",
        "herkomst",
        "etniciteit",
        "ethnicity",
        "afkomst_ouders",
        "migratieachtergrond",
        "verblijfstitel",
        "residence permit",
        "religie",
        "geloofsovertuiging",
        "moedertaal",
        "voorkeurstaal",
        "language",
        "woningtype",
        "type_woning",
        "soort_standplaats",
        "dwelling",
    ],
)
def test_a_forbidden_column_stops_everything_and_is_named(title: str) -> None:
    with pytest.raises(ForbiddenData) as fault:
        read(lines(GOOD | {title: "geheim"}, header=[*HEADER, title]))
    assert title in fault.value.what
    assert "geheim" not in str(fault.value.diagnostics())


@pytest.mark.parametrize("title", ["opmerking", "telefoon", "totaal", "betaalwijze", "plaats", "oorspronkelijke zaak"])
def test_another_column_is_named_once_and_not_kept(title: str) -> None:
    assert not is_forbidden(title)
    found = read(
        lines(GOOD | {title: "geheim"}, GOOD | {"persoon": "2", "burgerservicenummer": ""}, header=[*HEADER, title])
    )
    assert len(found.warnings) == 1
    assert title in found.warnings[0]
    assert "geheim" not in repr(found) + str([record.person for family in found.families for record in family.members])


def test_headers_go_by_other_names_and_in_any_order() -> None:
    aliases = {"burgerservicenummer": "B S N", "geslachtsnaam": "Achternaam", "voorvoegsel": "tussen_voegsel"}
    header = [aliases.get(name, name.upper()) for name in reversed(HEADER)]
    row = {aliases.get(name, name.upper()): value for name, value in GOOD.items()}
    assert read(lines(row, header=header)).families == read(lines(GOOD)).families


def test_a_column_twice_or_no_header_is_refused_without_repeating_a_person() -> None:
    with pytest.raises(InputError, match="twice: burgerservicenummer"):
        read(lines(GOOD, header=[*HEADER, "bsn"]))
    with pytest.raises(InputError, match="not a header") as fault:
        read(lines(GOOD).split("\r\n", 1)[1])
    assert "Dijkgraaf" not in fault.value.diagnostics()


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="empty"):
        read(content)


def test_only_a_header_is_nobody() -> None:
    found = read(lines())
    assert found.families == ()
    assert "not one person" in found.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised(encoding: str) -> None:
    with pytest.raises(InputError, match="UTF-16") as fault:
        read(lines(GOOD).encode(encoding))
    assert "UTF-8" in fault.value.do


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_another_encoding_is_refused_at_its_line(bom: bytes, end: str) -> None:
    content = bom + lines(GOOD, one(voornamen="Zoë"), end=end).encode("latin-1")
    with pytest.raises(InputError, match="line 3") as fault:
        read(content)
    assert "UTF-8" in fault.value.do
    assert fault.value.__suppress_context__


def test_a_path_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_caseload(tmp_path / "none.csv", name="none.csv", today=TODAY)
    (tmp_path / "some.csv").write_text(lines(GOOD))
    assert read_caseload(tmp_path / "some.csv", name="some.csv", today=TODAY).persons == 1


fields = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
rows = st.builds(
    lambda family, person, changes: one(gezin=family, persoon=person, burgerservicenummer="") | changes,
    st.sampled_from(["G1", "G2", ""]),
    st.sampled_from(["1", "2", "3"]),
    st.dictionaries(st.sampled_from(HEADER[2:]), fields | st.sampled_from(["2025-01-01", "2027-01-01", "999990019"])),
)


@given(st.lists(rows, max_size=8))
def test_no_line_is_lost(made: list[dict[str, str]]) -> None:
    found = read(lines(*made))
    assert found.read == len(made) == found.persons + len(found.refused)
    assert len({refusal.line for refusal in found.refused}) == len(found.refused)
    assert set(members(found)) == set(found.lines)
    left = gate(found, maximum=99)
    assert left.persons + len(left.refused) + left.closed == found.read


@given(st.lists(rows, max_size=5), st.sampled_from(";,"), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_separator_bom_and_line_ends_make_no_difference(
    made: list[dict[str, str]], delimiter: str, bom: bool, end: str
) -> None:
    text = lines(*made, delimiter=delimiter, end=end)
    assert read(text.encode("utf-8-sig" if bom else "utf-8")) == read(lines(*made))


# The gates.


def gate(
    caseload: Caseload,
    *,
    today: date = TODAY,
    bases: Sequence[str] = ("demo-grondslag",),
    maximum: int = 10,
    test_identities: bool | None = None,
) -> Caseload:
    return gates(
        caseload,
        today=today,
        legal_bases=bases,
        maximum=maximum,
        review_after_days=180,
        test_identities=test_identities,
    )


def test_a_closed_case_is_counted_and_its_family_vanishes() -> None:
    ended, ends_today = one(einddatum="2026-05-31"), one(gezin="G2", persoon="2", einddatum="20260601")
    left = gate(read(lines(ended, ends_today)))
    assert (members(left), left.closed, left.refused) == ([("G2", "2")], 1, ())
    assert set(left.lines) == {("G2", "2")}


def test_a_legal_basis_outside_the_covenant_is_refused_at_its_line() -> None:
    left = gate(read(lines(GOOD, one(gezin="G2", persoon="2", burgerservicenummer="", grondslag="iets"))))
    assert members(left) == [("G1", "G1-1")]
    assert [(refusal.line, refusal.field) for refusal in left.refused] == [(3, "grondslag")]


def test_a_case_without_an_end_gets_a_review_and_an_overdue_one_is_refused() -> None:
    found = read(lines(GOOD))
    review = date(2026, 1, 15) + timedelta(days=180)
    assert gate(found, today=review).families[0].members[0].ground.review == review
    overdue = gate(found, today=review + timedelta(days=1))
    assert overdue.families == ()
    assert [(refusal.line, refusal.field) for refusal in overdue.refused] == [(2, "herzieningsdatum")]


def test_a_review_date_can_be_in_the_file() -> None:
    header = [*HEADER, "herzieningsdatum"]
    kept = gate(read(lines(one(herzieningsdatum="2026-12-31"), header=header)), today=date(2026, 12, 31))
    assert kept.persons == 1
    assert gate(read(lines(one(herzieningsdatum="2026-05-31"), header=header))).persons == 0
    before_start = read(lines(one(herzieningsdatum="2026-01-01"), header=header))
    assert before_start.refused[0].field == "herzieningsdatum"


def test_the_ceiling_counts_open_persons_only() -> None:
    found = read(lines(GOOD, one(persoon="2", burgerservicenummer=""), one(gezin="G2", einddatum="2026-02-01")))
    assert gate(found, maximum=2).persons == 2
    with pytest.raises(InputError, match="2 open persons, the covenant allows 1"):
        gate(found, maximum=1)


def test_a_case_that_starts_later_is_pointed_out() -> None:
    left = gate(read(lines(one(startdatum="2026-07-01"))))
    assert left.persons == 1
    assert "1 cases start after today" in left.warnings[0]


def test_demo_and_production_have_their_own_identities() -> None:
    found = read(lines(GOOD, one(gezin="G2", burgerservicenummer="010755561"), one(gezin="G3", burgerservicenummer="")))
    assert [refusal.line for refusal in gate(found, test_identities=True).refused] == [3]
    assert [refusal.line for refusal in gate(found, test_identities=False).refused] == [2]
    assert is_test_bsn("999990019")
    assert is_test_bsn("000009891")
    assert not is_test_bsn("010755561")


def test_the_persona_caseloads_are_read_but_for_two_lines() -> None:
    folder = shared("data/brp-personas")
    found = [read_caseload(path, name=path.name, today=date(2026, 12, 31)) for path in sorted(folder.glob("GM*.csv"))]
    assert len(found) == 12
    assert sum(one.read for one in found) == 1283
    assert {refusal.field for one in found for refusal in one.refused} == {"burgerservicenummer", "geboortedatum"}
    assert sum(len(one.refused) for one in found) == 2
    assert not any(one.warnings for one in found)
