"""The demo takes one file per municipality and says what is wrong with the folder before it starts anything."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sluis_demo.caseloads import NAMES, find_caseloads, make_caseloads
from sluis_protocol.errors import InputError


def test_files_are_found_by_code_whatever_else_is_there(tmp_path: Path) -> None:
    for name in ("GM0363.csv", "GM0014.csv", "truth.csv", "GM0001.txt"):
        (tmp_path / name).write_text("gezin\na\nb\n")
    found = find_caseloads(tmp_path)
    assert [(caseload.code, caseload.name, caseload.lines()) for caseload in found] == [
        ("GM0014", "Groningen", 2),
        ("GM0363", "Amsterdam", 2),
    ]


@pytest.mark.parametrize(("names", "told"), [([], "here are 0"), (["GM0014"], "here are 1"), (["GM14"], r"GM14\.csv")])
def test_a_folder_without_caseloads_is_refused(tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        (tmp_path / f"{name}.csv").touch()
    with pytest.raises(InputError, match=told):
        find_caseloads(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        find_caseloads(tmp_path / "absent")


def test_made_up_cases_are_open_today(tmp_path: Path) -> None:
    made = make_caseloads(tmp_path, municipalities=3, families=10, seed=1, today=date(2031, 5, 1))
    assert [caseload.code for caseload in made] == sorted(list(NAMES)[:3])
    text = made[0].path.read_text("utf-8-sig")
    assert "2030-" in text
    assert (tmp_path / "truth.csv").exists()
