"""Run the native backends under sanitizers: `python -m native.sanitize [ELEMENTS]`.

First all steps from C (`tests/memory.c`), each backend under the compiler's sanitizers of addresses and undefined
behaviour and, where there is clang, under that of uninitialised memory, which Python itself can't run under. Then the
module, in a copy of the package, beside libsodium; what is installed stays as it is. Exit status 1 at the first access
beyond a buffer, use after free, misaligned access, overflow of a signed number, impossible shift or use of a value that
was never written, and where results differ.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from native import build

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1")
UNINITIALISED = ("clang", "-fsanitize=memory", "-fsanitize-memory-track-origins", "-g1")


def steps_from_c(backend: str, command: Sequence[str], folder: Path) -> str:
    """The digest of all results. Raises SystemExit if a sanitizer ends the program, or a step goes wrong."""
    program = folder / "memory"
    sources = [build.SOURCES / f"{backend}.c", build.SOURCES / "scalar.c", ROOT / "native" / "tests" / "memory.c"]
    options = ["-std=gnu11", "-O1", "-w", *build.BACKENDS[backend], f"-I{build.SOURCES}", f"-DBACKEND=sluis_{backend}"]
    if command[0] == UNINITIALISED[0]:
        options = [option for option in options if not option.startswith("-fno-tree")]  # gcc's
    subprocess.run([*command, *options, *sources, "-o", program], check=True)
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{backend}: {done.stdout.strip() or 'a sanitizer ended the program'}")
    return done.stdout.strip()


def module_beside_libsodium(elements: str, copy: Path) -> int:
    """The exit status of `native.differential`."""
    runtime = subprocess.run(
        [*build.compiler(), "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
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


def main() -> int:
    """Build, run, pass on the exit status."""
    from sluis_protocol import group

    module, problem = group.native_module()
    if module is None:
        raise SystemExit(problem)
    commands: list[Sequence[str]] = [(*build.compiler(), *FLAGS)]
    if shutil.which(UNINITIALISED[0]):
        commands.append(UNINITIALISED)
    else:
        print("there is no clang: nothing looks for uninitialised memory", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="sluis-sanitize-") as name:
        digests = set()
        for backend in module.names():
            for command in commands:
                digests.add(steps_from_c(backend, command, Path(name)))
                print(f"{backend}: all steps from C under {command[0]}'s {command[1]}", flush=True)
        if len(digests) > 1:
            print("the backends' results differ", file=sys.stderr)
            return 1
        return module_beside_libsodium(sys.argv[1] if len(sys.argv) > 1 else "3000", Path(name) / "copy")


if __name__ == "__main__":
    sys.exit(main())
