"""The synthetic caseloads have the format of the trial data and the truth that they claim, and name no group."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_demo.clerk import Person, enter_again
from sluis_demo.synthetic import COLUMNS, write_caseloads
from sluis_protocol.errors import InputError
from stdnum.nl import bsn as eleven_test

from tests.shared import shared

MUNICIPALITIES = [("GM0014", "Een"), ("GM0344", "Twee"), ("GM0363", "Drie"), ("GM0518", "Vier"), ("GM1916", "Vijf")]
Rows = dict[str, list[dict[str, str]]]
Caseloads = tuple[Path, Rows, list[tuple[str, str, str, str]]]


def read(folder: Path) -> Rows:
    found = {}
    for path in sorted(folder.glob("GM*.csv")):
        text = path.read_text("utf-8-sig")
        delimiter = ";" if ";" in text.splitlines()[0] else ","
        found[path.stem] = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    return found


@pytest.fixture(scope="module")
def caseloads(tmp_path_factory: pytest.TempPathFactory) -> Caseloads:
    folder = tmp_path_factory.mktemp("caseloads")
    truth = write_caseloads(folder, municipalities=MUNICIPALITIES, families=300, seed=7)
    return folder, read(folder), truth


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_caseloads(tmp_path / name, municipalities=MUNICIPALITIES, families=20, seed=seed, faults=True)
    a, b, c = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc")
    assert a == b
    assert all(a[name] != c[name] for name in a)


def test_the_columns_are_those_of_the_trial_data() -> None:
    header = shared("data/brp-personas/GM0014.csv").read_text("utf-8").splitlines()[0]
    assert ",".join(COLUMNS) == header


def test_files_come_with_both_delimiters_and_with_and_without_bom(caseloads: Caseloads) -> None:
    starts = [
        (path.read_bytes()[:3] == b"\xef\xbb\xbf", b";" in path.read_bytes()[:60])
        for path in sorted(caseloads[0].glob("GM*"))
    ]
    assert set(starts) >= {(False, False), (True, True)}
    assert len(set(starts)) > 2


def test_a_bsn_passes_the_eleven_test_and_belongs_to_one_person(caseloads: Caseloads) -> None:
    rows = [row for file in caseloads[1].values() for row in file]
    bsns = Counter(row["burgerservicenummer"] for row in rows)
    without = bsns.pop("")
    assert 0.05 < without / len(rows) < 0.35
    assert all(bsn.startswith("9999") and eleven_test.is_valid(bsn) for bsn in bsns)
    # Known twice only where one family was entered twice.
    families = defaultdict(set)
    for code, file in caseloads[1].items():
        for row in file:
            families[row["burgerservicenummer"]].add((code, row["gezin"]))
    truth = {frozenset([(a, x), (b, y)]) for a, x, b, y in caseloads[2]}
    twice = [pair for bsn, known in families.items() if bsn for pair in combinations(known, 2)]
    assert twice
    assert all(frozenset(pair) in truth for pair in twice)


def test_the_truth_is_complete_over_three_municipalities_and_names_entries_that_exist(
    caseloads: Caseloads,
) -> None:
    folder, files, truth = caseloads
    with (folder / "truth.csv").open(newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("gemeente_a", "gezin_a", "gemeente_b", "gezin_b"), *truth]
    known = {(code, row["gezin"]) for code, rows in files.items() for row in rows}
    partners: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for a, x, b, y in truth:
        assert a < b
        assert {(a, x), (b, y)} <= known
        partners[a, x].add((b, y))
        partners[b, y].add((a, x))
    assert 0.2 * 300 < len(truth) < 0.8 * 300
    assert any(len(others) == 2 for others in partners.values())
    for entry, others in partners.items():
        assert all(partners[other] | {other} == others | {entry} for other in others)


def test_a_family_entered_again_looks_like_itself_and_has_another_address(
    caseloads: Caseloads,
) -> None:
    _, files, truth = caseloads
    members = defaultdict(list)
    for code, rows in files.items():
        for row in rows:
            members[code, row["gezin"]].append(row)
    differ = 0
    for a, x, b, y in truth:
        here, there = members[a, x], members[b, y]
        addresses = [{(row["postcode"], row["huisnummer"]) for row in rows} - {("", "")} for rows in (here, there)]
        assert not addresses[0] & addresses[1]
        years = [{row["geboortedatum"][:4] for row in rows} for rows in (here, there)]
        assert years[0] & years[1]
        names = [{(row["voornamen"], row["geslachtsnaam"]) for row in rows} for rows in (here, there)]
        differ += names[0] != names[1]
    assert differ > len(truth) / 2


def test_near_misses_share_surname_and_date_or_the_whole_name_without_being_the_same(
    caseloads: Caseloads,
) -> None:
    _, files, truth = caseloads
    same = {frozenset([(a, x), (b, y)]) for a, x, b, y in truth}
    rows = [(code, row) for code, file in files.items() for row in file]
    counts: Counter[str] = Counter()
    for (code, one), (other_code, other) in combinations(rows, 2):
        if code == other_code or frozenset([(code, one["gezin"]), (other_code, other["gezin"])]) in same:
            continue
        surname = one["geslachtsnaam"] == other["geslachtsnaam"]
        counts["twin or stranger"] += surname and one["geboortedatum"] == other["geboortedatum"]
        counts["namesake"] += surname and one["voornamen"] == other["voornamen"]
    assert counts["twin or stranger"] >= 10
    assert counts["namesake"] >= 10


def test_names_carry_prefixes_marks_and_second_surnames_and_dates_may_be_partial(
    caseloads: Caseloads,
) -> None:
    rows = [row for file in caseloads[1].values() for row in file]
    letters = {letter for row in rows for letter in row["voornamen"] + row["geslachtsnaam"]}
    assert set("ćđşłé") <= letters
    assert {"van der", "el", "de"} <= {row["voorvoegsel"] for row in rows}
    assert any("-" in row["geslachtsnaam"] for row in rows)
    assert any(row["geboortedatum"].endswith("00") for row in rows)
    assert all(len(row["geboortedatum"]) == 8 and row["geslachtsnaam"] and row["voornamen"] for row in rows)


def test_faulty_lines_leave_the_truth_alone(tmp_path: Path) -> None:
    truth = write_caseloads(tmp_path, municipalities=MUNICIPALITIES, families=40, seed=3, faults=True)
    faulty = {(code, row["gezin"]) for code, rows in read(tmp_path).items() for row in rows if row["gezin"][0] == "F"}
    assert faulty
    assert not faulty & {entry for a, x, b, y in truth for entry in ((a, x), (b, y))}


@pytest.mark.parametrize(
    ("municipalities", "families"),
    [
        ([], 5),
        (MUNICIPALITIES[:1], 5),
        ([MUNICIPALITIES[0], MUNICIPALITIES[0], MUNICIPALITIES[1]], 5),
        (MUNICIPALITIES, 0),
    ],
)
def test_nothing_to_share_is_refused(tmp_path: Path, municipalities: list[tuple[str, str]], families: int) -> None:
    with pytest.raises(InputError):
        write_caseloads(tmp_path, municipalities=municipalities, families=families, seed=1)
    assert not list(tmp_path.iterdir())


dates = st.dates().map(lambda day: f"{day:%Y%m%d}".rjust(8, "0"))
names = st.text("abcdeé 'ćŁ-", min_size=1).filter(str.strip)
persons = st.builds(
    Person,
    bsn=st.sampled_from(["", "999990019"]),
    given=names,
    prefix=st.sampled_from(["", "van der"]),
    surname=names,
    born=dates,
)


@given(st.lists(persons, min_size=1, max_size=5), st.integers(0, 2**32))
def test_a_clerk_invents_no_person_and_no_bsn(family: list[Person], seed: int) -> None:
    entered = enter_again(family, [("de", "Boer")], random.Random(seed))
    assert max(1, len(family) - 1) <= len(entered) <= len(family)
    assert {person.bsn for person in entered} <= {person.bsn for person in family} | {""}
    assert Counter(p.born[:4] for p in entered) <= Counter(p.born[:4] for p in family)
