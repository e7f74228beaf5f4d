"""Error codes are stable and documented: `docs/errors.md` lists them all."""

import re
from pathlib import Path

from sluis_protocol.errors import SluisError

from tests.shared import ROOT


def kinds(root: type[SluisError] = SluisError) -> list[type[SluisError]]:
    return [root, *(kind for below in root.__subclasses__() for kind in kinds(below))]


def test_no_code_is_used_twice() -> None:
    codes = [kind.code for kind in kinds() if kind.__module__ == SluisError.__module__]
    assert len(set(codes)) == len(codes)


def test_every_code_is_documented() -> None:
    page = Path(ROOT / "docs" / "errors.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.M))
    assert listed == {str(kind.code): kind.__name__ for kind in kinds() if kind.__module__ == SluisError.__module__}


def test_diagnostics_end_with_what_to_do() -> None:
    error = SluisError("the file is not there", do="give its path", file="a.csv", line=3)
    assert error.diagnostics() == "SLUIS-100: the file is not there (file a.csv, line 3)\n  → give its path"
