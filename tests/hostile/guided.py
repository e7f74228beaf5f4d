"""Coverage-guided fuzzing of every parser: `tox -e fuzz -- -max_total_time=600`, options being libFuzzer's.

The first byte chooses the parser; the rest is its input. A minute unless told otherwise; an input that takes longer
than 20 s ends it as a fault. What it finds is kept as a file `crash-…` or `timeout-…` in the working directory, and
`tox -e fuzz -- crash-…` shows it again. Needs atheris, which only this environment has.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["sluis_protocol", "sluis_runtime.trace", "sluis_node.caseload.reading", "sluis_node.caseload.columns"]
):
    from tests.hostile.targets import run, targets

TARGETS = list(targets().items())


def once(raw: bytes) -> None:
    """One input; an exception that is no refusal ends the run."""
    if raw:
        run(TARGETS[raw[0] % len(TARGETS)][1], raw[1:])


def main() -> None:
    """Fuzz, beginning with the examples; or run the files that are named, and nothing else."""
    if any(Path(argument).is_file() for argument in sys.argv[1:]):
        atheris.Setup(sys.argv, once)
        atheris.Fuzz()
        return
    with tempfile.TemporaryDirectory() as corpus:
        for number, (_, target) in enumerate(TARGETS):
            (Path(corpus) / f"example-{number}").write_bytes(bytes([number]) + target.example)
        atheris.Setup([*sys.argv, corpus], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
