"""Every word of the report, from `nl.toml` and `en.toml`; the two have the same names."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def texts(language: str) -> dict[str, Any]:
    """The words of a language, by name; `months` is a list."""
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
