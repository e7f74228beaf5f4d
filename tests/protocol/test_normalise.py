"""Two clerks, one form: prefixes, double surnames, initials, spellings, and no text that raises."""

from __future__ import annotations

import os
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol.normalise import (
    ATOMS,
    LONGEST,
    atoms,
    canon,
    first_given_name,
    fold,
    given_name_parts,
    house_number,
    postcode,
    skeleton,
    surname_parts,
)
from sluis_protocol.record import Person

from tests.protocol.persons import person, persons
from tests.shared import ROOT
from tests.vectors.generate_normalise import KEYS, NAMES, VALUES, keys, names, values, written

unruly = st.text(st.characters(), max_size=60)  # surrogates, controls and all


@given(unruly)
def test_folding_is_idempotent_and_gives_lower_case_ascii(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert set(folded) <= set(string.ascii_lowercase + " ")


@given(persons)
def test_no_valid_person_raises_and_atoms_are_declared(someone: Person) -> None:
    variants = atoms(someone)
    assert 1 <= len(variants) <= 2
    for variant in variants:
        assert set(variant) <= ATOMS
        assert all(value and len(value) <= 2 * LONGEST + 1 and "|" not in value for value in variant.values())


@given(unruly, unruly)
def test_no_text_at_all_raises(one: str, other: str) -> None:
    atoms(person(one, other, prefix=one, postcode=one, house_number=other))


@pytest.mark.parametrize(
    ("prefix", "surname"),
    [
        ("van der", "Ven"),
        ("", "van der Ven"),
        ("", "Ven, v.d."),
        ("v.d.", "Ven"),
        ("", "Ven"),
        ("", "VEN van der"),
        ("Van Der", "ven"),
        ("", "Vanderven"),
    ],
)
def test_a_prefix_makes_no_difference_wherever_it_is(prefix: str, surname: str) -> None:
    assert surname_parts(prefix, surname) == ("ven",)


@pytest.mark.parametrize(
    ("surname", "parts"),
    [
        ("Jansen-de Vries", ("jansen", "vries")),
        ("Acosta Fuentes", ("acosta", "fuentes")),
        ("El-Khatib", ("khatib",)),
        ("'t Hart", ("hart",)),
        ("d’Angelo", ("angelo",)),
        ("O'Brien", ("obrien",)),
        ("van Es", ("es",)),
        ("Van", ("van",)),
        ("Jansen Jansen", ("jansen",)),
        ("Jansen e/v de Boer", ("jansen", "boer")),
        ("Bakker geb. Smit", ("bakker", "smit")),
        ("Jansen – de Vries", ("jansen", "vries")),
        ("jonkheer de Wit", ("wit",)),
        ("baron van Heemstra", ("heemstra",)),
        ("de Graaf", ("graaf",)),
        ("Prins", ("prins",)),
        ("Mr.", ("mr",)),
        ("op ten Noort", ("noort",)),
        ("الحسن", ("hsn",)),
        ("Onbekend", ()),
        ("", ()),
        ("—", ()),
        ("Şahin", ("sahin",)),
        ("Großmann", ("grossmann",)),
        ("Bensalah", ("salah",)),
        ("Ben Salah", ("salah",)),
        ("Alhomsi", ("homsi",)),
        ("al-Homsi", ("homsi",)),
        ("Elouazzani", ("ouazzani",)),
        ("Ennasiri", ("nasiri",)),
        ("Alaoui", ("alaoui",)),
        ("Elia", ("elia",)),
        ("Anna", ("anna",)),
        ("Bender", ("bender",)),
    ],
)
def test_the_parts_of_a_surname(surname: str, parts: tuple[str, ...]) -> None:
    assert surname_parts("", surname) == parts


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Anna Maria", ("anna", "a")),
        ("J.P.", ("", "j")),
        ("J", ("", "j")),
        ("JP", ("", "j")),
        ("Chr.", ("", "c")),
        ("A. Peter", ("", "a")),
        ("JAN", ("jan", "j")),
        ("Hendrik-Jan", ("hendrik", "h")),
        ("Özlem", ("ozlem", "o")),
        ("", ("", "")),
        ("N.N.", ("", "n")),
        ("X.", ("", "x")),
        ("x", ("", "")),
        ("onbekend", ("", "")),
    ],
)
def test_the_first_given_name_or_its_initial(written: str, found: tuple[str, str]) -> None:
    assert first_given_name(written) == found


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Anna Maria Johanna", (("anna", "a"), ("johanna", "j"))),
        ("Anna", (("anna", "a"),)),
        ("Anna M.", (("anna", "a"),)),
        ("J.P.", (("", "j"), ("", "p"))),
        ("A. Peter", (("", "a"), ("peter", "p"))),
        ("Xiu-Lan", (("xiu", "x"), ("xiulan", "x"))),
        ("Xiulan", (("xiulan", "x"),)),
        ("Anna Mei\u2010Ling", (("anna", "a"), ("meiling", "m"))),
        ("Jan-Kees Pieter", (("jan", "j"), ("pieter", "p"))),
        ("Anna M.-J.", (("anna", "a"),)),
        ("", ()),
    ],
)
def test_the_first_and_the_last_given_name(written: str, found: tuple[tuple[str, str], ...]) -> None:
    assert given_name_parts(written) == found


@pytest.mark.parametrize(
    "spellings",
    [
        ("Djamila", "Jamila", "Djamilla"),
        ("Mohammed", "Muhammad", "Mohamed", "Muhamed"),
        ("Đorđević", "Djordjevic", "Djordjevich"),
        ("Şimşek", "Simsek", "Shimshek"),
        ("Christina", "Kristina", "Cristina"),
        ("Yusuf", "Joessoef", "Youssouf"),
        ("Dijk", "Dyk", "Deik"),
        ("Zhan", "Chan"),
        ("Jian", "Chien"),
        ("Qiuyun", "Chiuyun"),
        ("Xiulan", "Hsiulan"),
        ("Guangming", "Kuangming"),
        ("Xuseyn", "Husein"),
        ("Ximena", "Jimena"),
        ("Ksenia", "Xenia"),
        ("Cabdikariim", "Abdikarim"),
        ("Abderrazak", "Abdelrazak", "Abdirazak"),
        ("Raxmo", "Rahmo"),
        ("Maxamuud", "Mahamud"),
        ("Maksim", "Maxim"),
        ("Žarko", "Zarko", "Zharko"),
        ("Cvetomir", "Tsvetomir", "Tzvetomir"),
        ("Ouahiba", "Wahiba"),
        ("Jaouad", "Jawad"),
        ("Marouane", "Marwan"),
        ("Louise", "Luise"),
    ],
)
def test_spellings_of_one_sound_share_a_skeleton(spellings: tuple[str, ...]) -> None:
    assert len({skeleton(fold(spelling)) for spelling in spellings}) == 1


@given(unruly)
def test_a_skeleton_is_short_and_no_name_loses_it(text: str) -> None:
    for word in fold(text).split():
        assert len(skeleton(word)) <= 5
        assert bool(skeleton(word)) == bool(canon(word))


def test_somebody_with_one_name_has_the_same_atoms_in_either_field() -> None:
    assert atoms(person("Suharto", "")) == atoms(person("", "Suharto"))
    assert "one" not in atoms(person("S.", "Suharto"))[0]


def test_unknown_parts_of_a_date_are_absent() -> None:
    (some,) = atoms(person("Anna", born=(1980, 3, 0)))
    assert (some["y"], some["m"]) == ("1980", "03")
    assert not {"d", "ysw"} & set(some)
    assert not {"y", "y3", "m", "d", "ysw"} & set(atoms(person(born=None))[0])


def test_addresses() -> None:
    assert postcode(" 2511 ca ") == "2511CA"
    assert [postcode(text) for text in ("D-47533", "B 1000", "sw1a 1aa")] == ["D47533", "B1000", ""]
    assert [postcode(text) for text in ("", "0", "onbekend", "1234567890123")] == [""] * 4
    assert [house_number(text) for text in ("12", "012", " 12 ")] == ["12"] * 3
    assert [house_number(text) for text in ("12-A", "12 a", "012A", "12, á")] == ["12-a"] * 4
    assert [house_number(text) for text in ("12 bis", "12-14", "12-A 3")] == ["12-bis", "12-14", "12-a3"]
    assert [house_number(text) for text in ("", "0", "A1", "1234567")] == [""] * 4


@pytest.mark.parametrize("name", ["C", "C.UTF-8", "tr_TR.UTF-8", "az_AZ.UTF-8", "lt_LT.UTF-8"])
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_the_locale_of_the_process_makes_no_difference(name: str, utf8: str) -> None:
    settings = {"LC_ALL": name, "LANG": name, "PYTHONUTF8": utf8, "PYTHONHASHSEED": "7", "PATH": os.defpath}
    command = [sys.executable, "-m", "tests.vectors.generate_normalise", "--check"]
    subprocess.run(command, check=True, env=settings, cwd=ROOT)


def test_the_vectors_are_those_of_their_generator() -> None:
    for path, made in ((NAMES, names()), (KEYS, keys()), (VALUES, values())):
        assert path.read_text("utf-8") == written(made), "run python -m tests.vectors.generate_normalise"
