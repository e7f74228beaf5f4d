"""Naming traditions as data: one TOML file each, in `names/`.

Each name is written as the register would have it, then after slashes as other clerks write it; a prefix stands before
a bar: "de|Bruijn/de|Bruin". Read strictly; what doesn't fit is a `ValueError`. Draws nothing.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")
NAMES = Path(__file__).with_name("names")
SURNAMES = ("inherited", "mother father", "father mother", "father's given")


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a name."""

    prefix: str
    text: str

    @property
    def latin(self) -> bool:
        """False for the original in another script."""
        return all(ord(character) < 0x370 or 0x1E00 <= ord(character) < 0x2100 for character in self.text)


@dataclass(frozen=True, slots=True)
class Name:
    """A name: the register's spelling first, then those of other clerks."""

    spellings: tuple[Spelling, ...]

    @property
    def registered(self) -> Spelling:
        """How the register writes it."""
        return self.spellings[0]

    def ending(self, changes: tuple[tuple[str, str], ...]) -> Name:
        """The name with the first ending that fits replaced, in each of its spellings."""
        return Name(tuple(Spelling(one.prefix, _with_ending(one.text, changes)) for one in self.spellings))


@dataclass(frozen=True, slots=True)
class Tradition:
    """How persons are named.

    `surname`: how children get theirs. `family_first`: a clerk may take the first word for the given name. `called_by`:
    which given name is used in daily life. `transliterated`: the names are from another script, or have several systems
    of spelling. `steep`: few surnames are very frequent. `feminine`: endings of women's surnames. `patronymic`: endings
    of a second name after the father's. `days_*`: a first name by the day of the week. `middle_*`: stands before the
    given name. Shares are of persons, between 0 and 1.
    """

    label: str
    given_m: tuple[Name, ...]
    given_f: tuple[Name, ...]
    surnames: tuple[Name, ...]
    surname: str = "inherited"
    family_first: bool = False
    called_by: str = "first"
    transliterated: bool = False
    steep: bool = False
    two_given: float = 0.0
    hyphenated: float = 0.0
    father_in_given: float = 0.0
    single: float = 0.0
    wife_takes: float = 0.0
    married_suffix: str = ""
    feminine: tuple[tuple[str, str], ...] = ()
    patronymic: tuple[str, str] | None = None
    patronymic_share: float = 0.0
    middle_share: float = 0.0
    middle_m: tuple[Name, ...] = ()
    middle_f: tuple[Name, ...] = ()
    day_m: tuple[Name, ...] = ()
    day_f: tuple[Name, ...] = ()


def load_tradition(path: Path) -> Tradition:
    """The tradition in a file. Raises `ValueError` for what is missing, unknown or of another type."""
    table = _Table(tomllib.loads(path.read_text("utf-8")), path.name)
    label = table.take("label", str)
    father = table.take("surname", str, "inherited") == "father's given"
    tradition = Tradition(
        label=label,
        given_m=table.names("given_m", at_least=20),
        given_f=table.names("given_f", at_least=20),
        surnames=table.names("surnames", at_least=0 if father else 60),
        surname=table.choice("surname", SURNAMES),
        family_first=table.choice("order", ("given first", "family first")) == "family first",
        called_by=table.choice("called_by", ("first", "last", "any")),
        transliterated=table.take("transliterated", bool, False),
        steep=table.take("steep", bool, False),
        two_given=table.share("two_given"),
        hyphenated=table.share("hyphenated"),
        father_in_given=table.share("father_in_given"),
        single=table.share("single"),
        wife_takes=table.share("wife_takes"),
        married_suffix=table.take("married_suffix", str, ""),
        feminine=tuple((one, other) for one, other in table.take("feminine", list, [])),
        patronymic=_pair(table.take("patronymic", list, [])),
        patronymic_share=table.share("patronymic_share"),
        middle_share=table.share("middle_share"),
        middle_m=table.names("middle_m"),
        middle_f=table.names("middle_f"),
        day_m=table.names("day_m"),
        day_f=table.names("day_f"),
    )
    table.finish()
    return tradition


@cache
def traditions() -> tuple[Tradition, ...]:
    """All of them, by label."""
    return tuple(sorted(map(load_tradition, NAMES.glob("*.toml")), key=lambda one: one.label))


def parse_name(text: str) -> Name:
    """A name as the files have it."""
    spellings = []
    for written in text.split("/"):
        prefix, _, name = written.rpartition("|")
        if not name.strip() or name != name.strip():
            raise ValueError(f"no name: {text!r}")
        spellings.append(Spelling(prefix, name))
    return Name(tuple(spellings))


def _with_ending(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    for ending, other in changes:
        if text.endswith(ending):
            return text.removesuffix(ending) + other
    return text


def _pair(words: list[str]) -> tuple[str, str] | None:
    return (words[0], words[1]) if words else None


class _Table:
    """A TOML table of which every entry must be known and have its type."""

    def __init__(self, entries: dict[str, object], where: str) -> None:
        self.rest = set(entries)
        self.entries = entries
        self.where = where

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        value = self.entries.get(name, default)
        if not isinstance(value, kind):
            raise ValueError(f"{self.where}: {name} must be a {kind.__name__}")
        self.rest.discard(name)
        return value

    def share(self, name: str) -> float:
        value = self.take(name, float, 0.0)
        if not 0 <= value <= 1:
            raise ValueError(f"{self.where}: {name} must be between 0 and 1")
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        value = self.take(name, str, options[0])
        if value not in options:
            raise ValueError(f"{self.where}: {name} must be one of {options}")
        return value

    def names(self, name: str, *, at_least: int = 0) -> tuple[Name, ...]:
        names = cast("list[str]", self.take(name, list, []))
        if len(set(names)) < at_least:
            raise ValueError(f"{self.where}: {name} needs {at_least} different names")
        return tuple(map(parse_name, names))

    def finish(self) -> None:
        if self.rest:
            raise ValueError(f"{self.where}: unknown {', '.join(sorted(self.rest))}")
