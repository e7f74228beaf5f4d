"""Which municipalities take part: one caseload file each, given or made up.

It looks at file names and counts lines; what is in them is read by the nodes alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sluis_protocol.errors import InputError

from .synthetic import write_caseloads

# For names only. The codes are those of the population register's table 33.
NAMES = {
    "GM0014": "Groningen", "GM0344": "Utrecht", "GM0363": "Amsterdam", "GM0599": "Rotterdam", "GM0935": "Maastricht",
    "GM0034": "Almere", "GM0080": "Leeuwarden", "GM0106": "Assen", "GM0153": "Enschede", "GM0193": "Zwolle",
    "GM0202": "Arnhem", "GM0228": "Ede", "GM0268": "Nijmegen", "GM0518": "'s-Gravenhage", "GM0530": "Hellevoetsluis",
    "GM0627": "Waddinxveen", "GM0758": "Breda", "GM0772": "Eindhoven", "GM0855": "Tilburg", "GM1674": "Roosendaal",
    "GM1916": "Leidschendam-Voorburg",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseloadFile:
    """A municipality (code, name) and its caseload."""

    code: str
    name: str
    path: Path

    def lines(self) -> int:
        """How many persons there can be at most: all lines but the header."""
        return max(0, len(self.path.read_bytes().splitlines()) - 1)


def find_caseloads(folder: Path) -> list[CaseloadFile]:
    """The files `GMxxxx.csv` of a folder, by code; raise InputError unless there are at least two."""
    if not folder.is_dir():
        raise InputError("this is not a folder", do="give the folder with the caseloads (GMxxxx.csv)", file=folder)
    found = []
    for path in sorted(folder.glob("GM*.csv")):
        if not re.fullmatch(r"GM[0-9]{4}", path.stem):
            raise InputError("a caseload's file name is not a municipality code", do="name it GMxxxx.csv", file=path)
        found.append(CaseloadFile(path.stem, NAMES.get(path.stem, path.stem), path.resolve()))
    if len(found) < 2:
        raise InputError(
            f"to share families takes at least two caseloads, here are {len(found)}",
            do="give a folder with one GMxxxx.csv per municipality",
            file=folder,
        )
    return found


def make_caseloads(folder: Path, *, municipalities: int, families: int, seed: int, today: date) -> list[CaseloadFile]:
    """Synthetic caseloads with some wrong lines among them, and `truth.csv` beside them."""
    chosen = list(NAMES.items())[:municipalities]
    write_caseloads(folder, municipalities=chosen, families=families, seed=seed, faults=True, today=today)
    return find_caseloads(folder)
