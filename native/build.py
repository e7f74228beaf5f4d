"""Compile the extension module: `python native/build.py [--into FOLDER]`.

cc and Python's headers are all it needs. On x86-64 it has the backends ifma, avx2 and portable, elsewhere portable
alone; which of them run is decided by the CPU, at run time. It uses Python's limited interface, so one file serves
every Python from 3.11 on.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "src"
PACKAGE = SOURCES.parent.parent / "protocol" / "sluis_protocol"
NAME = "_native.abi3.so"
COMMON = ["-std=gnu11", "-fPIC", "-fvisibility=hidden", "-O3", "-g0", "-Wall", "-Wextra", "-fstack-protector-strong"]
# -O3 makes IFMA twice as fast as -O2; vectors made of the portable code by the compiler make it slower.
BACKENDS = {
    "portable": ["-fno-tree-vectorize", "-fno-tree-slp-vectorize"],
    "avx2": ["-mavx2"],
    "ifma": ["-mavx512f", "-mavx512ifma", "-mavx512dq", "-mavx512vl", "-mavx512bw"],
}
# Where the compiler knows them (gcc 12). Copies by whole vectors: without, "rep movs" costs AVX2 a fifth. Scheduling
# that minds the registers: AVX2 has 16, and saves another fifth. The portable code loses 6 % by being scheduled for an
# average CPU after registers are given out; CPUs that do without the other backends schedule by themselves.
BETTER = {
    "portable": ["-fno-schedule-insns2"],
    "avx2": ["-mmove-max=256", "-mstore-max=256", "-fschedule-insns", "-fsched-pressure", "-fno-tree-reassoc"],
    "ifma": ["-mmove-max=512", "-mstore-max=512"],
}


class CantBuild(Exception):
    """There is no compiler, there are no headers, or the compiler refused."""


def backends() -> list[str]:
    """What can be compiled for this machine's architecture."""
    return list(BACKENDS) if platform.machine() in ("x86_64", "AMD64") else ["portable"]


def _known(compiler: Sequence[str], flags: Sequence[str]) -> Sequence[str]:
    """The flags, if the compiler knows them."""
    empty = [*compiler, *flags, "-x", "c", "-fsyntax-only", "/dev/null"]
    return flags if subprocess.run(empty, capture_output=True, check=False).returncode == 0 else []


def compiler() -> list[str]:
    """`$CC`, or cc. Raises CantBuild if it isn't there."""
    command = (os.environ.get("CC") or "cc").split()
    if shutil.which(command[0]) is None:
        raise CantBuild(f"there is no C compiler ({command[0]})")
    return command


def compile_backends(
    folder: Path, sources: Path, flags: Sequence[str] = (), only: Sequence[str] | None = None, module: bool = False
) -> list[str]:
    """The object files: of the backends, the scalars and, if asked for, the Python module. Raises CantBuild."""
    command, chosen = compiler(), only or backends()
    parts = {name: [f"{name}.c", *BACKENDS[name], *_known(command, BETTER[name])] for name in chosen}
    parts["scalar"] = ["scalar.c"]
    if module:
        include = Path(sysconfig.get_paths()["include"])
        if not (include / "Python.h").exists():
            raise CantBuild(f"Python's headers are not in {include}")
        parts["module"] = ["module.c", *(f"-DSLUIS_{name.upper()}" for name in chosen), f"-I{include}"]
    running = []
    for name, (source, *own) in parts.items():
        words = [*command, *COMMON, *own, *flags, "-c", str(sources / source), "-o", str(folder / f"{name}.o")]
        running.append((source, subprocess.Popen(words, stderr=subprocess.PIPE, text=True)))
    said = [(source, process.communicate()[1], process.returncode) for source, process in running]
    for source, complaint, code in said:
        if code:
            raise CantBuild(f"{source} does not compile:\n{complaint}")
    return [str(folder / f"{name}.o") for name in parts]


def build(into: Path, *, flags: Sequence[str] = (), sources: Path = SOURCES, only: Sequence[str] | None = None) -> Path:
    """Compile, and put the module into a folder. `only`: these backends, and no others. Raises CantBuild."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = compile_backends(folder, sources, flags, only, module=True)
        linked = subprocess.run(
            [*compiler(), "-shared", *flags, "-o", str(folder / NAME), *objects],
            capture_output=True,
            text=True,
            check=False,
        )
        if linked.returncode:
            raise CantBuild(f"the module can't be linked:\n{linked.stderr}")
        into.mkdir(parents=True, exist_ok=True)
        # Replaced in one step: a process that has the old one loaded keeps it.
        beside = into / f".{NAME}.{os.getpid()}"
        shutil.copyfile(folder / NAME, beside)
        beside.replace(into / NAME)
    return into / NAME


def main() -> int:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Compile the native group backend.")
    parser.add_argument("--into", type=Path, default=PACKAGE, help="the folder (default: the package)")
    parser.add_argument("--flag", action="append", default=[], help="one more option for the compiler")
    options = parser.parse_args()
    try:
        print(build(options.into, flags=options.flag))
    except CantBuild as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
