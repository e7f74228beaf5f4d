"""The committed parity figures: `python -m tests.linkage.parity` writes them anew, and refuses to lower them.

`--lower` writes lower ones, which is a decision to explain in the commit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parity import measure

FILE = Path(__file__).with_suffix(".json")
PERSONS = 300
SEED = "committed"
RATIOS = ("families", "persons", "transliterated families", "transliterated persons")


def generate() -> dict[str, object]:
    """What the file must hold: ratios to four places, and counts of each tradition."""
    parity = measure(persons=PERSONS, seed=SEED)
    values = (parity.families, parity.persons, parity.transliterated_families, parity.transliterated_persons)
    return {
        "seed": SEED,
        "ratios": {name: round(value, 4) for name, value in zip(RATIOS, values, strict=True)},
        "right of known": {
            label: {
                "families": [one.families.right, one.families.known],
                "persons": [one.persons.right, one.persons.known],
                "wrong": one.persons.found - one.persons.right + one.families.found - one.families.right,
            }
            for label, one in parity.by_label.items()
        },
    }


def render(content: dict[str, object]) -> str:
    """The file's text."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def committed() -> dict[str, object]:
    """What the file holds."""
    content: dict[str, object] = json.loads(FILE.read_text("utf-8"))
    return content


def lowered(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The ratios that are lower than before."""
    old, new = before["ratios"], after["ratios"]
    if not isinstance(old, dict) or not isinstance(new, dict):
        raise TypeError("ratios must be a table")
    return [f"{name}: {old[name]} was, {new[name]} is" for name in RATIOS if new[name] < old[name]]


def main(arguments: Sequence[str]) -> int:
    """Write the file; status 1 if a ratio would fall."""
    content = generate()
    if FILE.exists() and "--lower" not in arguments and (worse := lowered(committed(), content)):
        sys.stderr.write("\n  ".join(["not written, these would be lower:", *worse]) + "\n")
        return 1
    FILE.write_text(render(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
