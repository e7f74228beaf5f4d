"""Run the comparison with libsodium under gcc's sanitizers (address, undefined behaviour): `python -m native.sanitize`.

The module is built for it in a copy of the package; what is installed stays as it is. Exit status 1 at the first
access beyond a buffer, use after free, misaligned access, overflow of a signed number or impossible shift.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from native import build

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g")


def main() -> int:
    """Build, run, pass on the exit status."""
    elements = sys.argv[1] if len(sys.argv) > 1 else "3000"
    runtime = subprocess.run(
        [*build.compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="sluis-sanitize-") as name:
        copy = Path(name)
        for folder in ("native", "protocol"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        build.build(copy / "protocol" / "sluis_protocol", flags=FLAGS)
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(copy / "protocol"), str(copy))),
            "LD_PRELOAD": runtime,
            "ASAN_OPTIONS": "detect_leaks=0",  # Python's own are many
            "PYTHONMALLOC": "malloc",  # so that what Python gives us has guards, too
        }
        command = [sys.executable, "-m", "native.differential", "--elements", elements, "--seed", "1", "--first"]
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
