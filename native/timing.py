"""Run the timing test: `python -m native.timing [MEASUREMENTS]`. What it is stands in native/tests/timing.c."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from native import build


def main() -> int:
    """Compile as for service, run, and pass on the exit status."""
    count = sys.argv[1] if len(sys.argv) > 1 else "20000"
    with tempfile.TemporaryDirectory() as folder:
        objects = build.compile_backends(Path(folder), build.SOURCES)
        compiler = (os.environ.get("CC") or "cc").split()
        source = build.SOURCES.parent / "tests" / "timing.c"
        program = f"{folder}/timing"
        subprocess.run([*compiler, "-O2", str(source), *objects, "-lm", "-o", program], check=True)
        return subprocess.run([program, count], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
