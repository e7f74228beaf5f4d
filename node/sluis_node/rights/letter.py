"""The file that a person who asks for access gets: everything in their dossier, in Dutch or English, as plain text.

The words are in `nl.toml` and `en.toml`, which have the same names. Times are UTC.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from .dossier import Dossier, Held, Holding


class Language(StrEnum):
    """A language of the file."""

    NL = "nl"
    EN = "en"


@cache
def words(language: Language) -> dict[str, Any]:
    """Every word of the file, by name."""
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))


def letter(dossier: Dossier, language: Language) -> str:
    """The file: what is kept and how long, what was done, the requests so far, and what a person may ask for."""
    said = words(language)
    lines = [said["title"].format(person=dossier.person), "", said["lead"], ""]
    for one in dossier.holdings:
        lines += [said["held"][one.what], f"  {_kept(one, said)}", *_told(one.content, said, "  "), ""]
    if not dossier.holdings:
        lines += [said["nothing"], ""]
    lines += [said["processed"]]
    lines += [
        f"  {_time(entry.started_at)}  {said['activity'][entry.activity]} ({said['outcome'][entry.outcome]})"
        for entry in dossier.processings
    ]
    lines += ["", said["requests"]]
    for request in dossier.requests:
        right = f"{said['right'][request.right]} {request.file}".rstrip()
        lines += [f"  {request.recorded_at:%Y-%m-%d}  {right}: {said['state'][request.state]}"]
    return "\n".join([*lines, "", said["end"]]) + "\n"


def _kept(one: Holding, said: Mapping[str, Any]) -> str:
    if isinstance(one.until, datetime):
        text: str = said["until"].format(time=_time(one.until))
        return text
    return str(said["days_after_match" if one.what is Held.MATCH else "days_after_case"].format(days=one.until))


def _told(content: Mapping[str, Any], said: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Fields as lines, what is in them indented. A field has a name here, or this fails: none is left out."""
    for name, value in content.items():
        label = said["field"][name]
        if isinstance(value, Mapping):
            yield f"{indent}{label}:"
            yield from _told(value, said, indent + "  ")
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            yield f"{indent}{label}:"
            for one in value:
                yield f"{indent}  - " + ", ".join(line.strip() for line in _told(one, said, ""))
        else:
            yield f"{indent}{label}: {_plain(name, value, said)}"


def _plain(name: str, value: object, said: Mapping[str, Any]) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return str(said["unknown" if value is None else "yes" if value else "no"])
    if isinstance(value, StrEnum):
        return str(said[name][value])
    return str(value).removesuffix("+00:00")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
