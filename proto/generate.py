"""Generate the wire's Python stubs from `proto/sluis/v1/*.proto` into `sluis_protocol/_wire`.

    python proto/generate.py            write them
    python proto/generate.py --check    write nothing; exit status 1 and a list if they are not current

Imports among the generated modules are made relative, so that they live inside the package under any name.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROTO = Path(__file__).resolve().parent
WIRE = PROTO.parent / "protocol" / "sluis_protocol" / "_wire"
IMPORT = re.compile(r"^from sluis\.v1 import (?=\w+_pb2)", re.MULTILINE)


def generate(folder: Path) -> dict[str, bytes]:
    """What belongs under `_wire`, by path relative to it; protoc works in `folder`, which is empty."""
    sources = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.glob("sluis/*/*.proto"))
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "pyi")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}", *outputs, *sources], check=True)
    found = {
        path.relative_to(folder).as_posix(): IMPORT.sub("from . import ", path.read_text("utf-8")).encode()
        for path in folder.rglob("*_pb2*.py*")
    }
    packages = {parent.as_posix() for path in found for parent in Path(path).parents}
    return found | {(Path(package) / "__init__.py").as_posix(): b"" for package in packages}


def differences(wanted: dict[str, bytes]) -> list[str]:
    """The paths under `_wire` that are missing, different or too many."""
    there = {
        path.relative_to(WIRE).as_posix(): path.read_bytes() for path in WIRE.rglob("*.py*") if path.suffix != ".pyc"
    }
    return sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))


def main(arguments: list[str]) -> int:
    """The command; returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ or "")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        wanted = generate(Path(folder))
    changed = differences(wanted)
    if arguments:
        for path in changed:
            sys.stderr.write(f"not current: {path}\n")
        return 1 if changed else 0
    for path in changed:
        target = WIRE / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[path])
        else:
            target.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
