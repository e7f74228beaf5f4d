"""The parity figures that are published with a rule set (rule 24), read from their JSON file.

The page shows how the names that do worst compare with those that do best, and no list of whose names these are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sluis_protocol.errors import InputError
from sluis_runtime.files import read_text

_MOST = 1_048_576


@dataclass(frozen=True, slots=True)
class Parity:
    """Of a trial with made-up families: how the worst off compare with the best off, and the errors of all."""

    families: float  # found among those who do worst, as a share of found among those who do best
    transliterated: float
    found: int
    known: int
    wrong: int
    groups: int


def read_parity(path: Path) -> Parity:
    """The figures; InputError if the file is another one."""
    try:
        content = json.loads(read_text(path, most=_MOST, what="the parity figures"))
        lines, ratios = list(content["right of known"].values()), content["ratios"]
        return Parity(
            float(ratios["families"]),
            float(ratios["transliterated families"]),
            sum(int(line["families"][0]) for line in lines),
            sum(int(line["families"][1]) for line in lines),
            sum(int(line["wrong"]) for line in lines),
            len(lines),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            "these are no parity figures", do="use the file of the rule set's release", file=path
        ) from error
