"""The directory of partners: which roles may sit at the table of a joint approach, and on which ground.

A role takes part per case, with a legal basis out of the purpose's closed list. Roles of criminal justice need one of
the bases that the covenant names for them, and are off where it names none (rule 13). The Zorg- en Veiligheidshuis
asks for its criteria besides (`approach.py`). Roles are declared in `partners_1.toml`; a code is never reused.
No persons, no addresses.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import Field, ValidationError, model_validator

from .covenant import Purpose, Strict, problems
from .errors import ApproachError, ConfigError, LegalGroundMissing

CURRENT = "partners_1.toml"
_CODE = re.compile(r"[a-z][a-z-]{1,62}")


class Group(StrEnum):
    """Where a role belongs: how a list of roles is ordered, and nothing more."""

    MUNICIPALITY = "municipality"
    EDUCATION = "education"
    HEALTH = "health"
    YOUTH = "youth"
    HOUSING = "housing"
    PROTECTION = "protection"
    CRIMINAL_JUSTICE = "criminal justice"
    NATIONAL = "national"


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its code, what it is called, and what it takes to sit at the table."""

    code: str
    nl: str
    en: str
    group: Group
    criminal_justice: bool
    needs_criteria: bool

    def named(self, language: str) -> str:
        """Its name in Dutch ("nl"), or else in English."""
        return self.nl if language == "nl" else self.en

    def bases(self, purpose: Purpose) -> tuple[str, ...]:
        """The legal bases that it may take part on; none: it may not."""
        return purpose.criminal_justice_bases if self.criminal_justice else purpose.legal_bases

    def require(self, basis: str, purpose: Purpose) -> None:
        """Raise LegalGroundMissing unless it may take part on that basis."""
        allowed = self.bases(purpose)
        if not allowed:
            raise LegalGroundMissing(
                "the covenant has no legal basis for partners of criminal justice in this purpose",
                do="leave this partner out; only a new covenant version can admit it",
                role=self.code,
                purpose=purpose.id,
            )
        if basis not in allowed:
            raise LegalGroundMissing(
                "a partner needs a legal basis from the purpose's list",
                do="choose one of: " + ", ".join(allowed),
                role=self.code,
                purpose=purpose.id,
            )


class _Entry(Strict):
    code: str
    nl: str = Field(min_length=1)
    en: str = Field(min_length=1)
    group: Group = Field(strict=False)
    criminal_justice: bool = False
    needs_criteria: bool = False


class _Directory(Strict):
    version: int
    role: tuple[_Entry, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _consistent(self) -> _Directory:
        codes = [entry.code for entry in self.role]
        if len(set(codes)) != len(codes):
            raise ValueError("a code is there twice")
        if not all(map(_CODE.fullmatch, codes)):
            raise ValueError("a code has lower-case letters and hyphens")
        if any(entry.group is Group.CRIMINAL_JUSTICE and not entry.criminal_justice for entry in self.role):
            raise ValueError("the group of criminal justice has roles of criminal justice only")
        return self


def load_roles(content: bytes | None = None) -> Mapping[str, Role]:
    """The packaged directory, or the one in `content` (TOML, UTF-8), by code and in its order. Raises ConfigError."""
    if content is None:
        content = files("sluis_protocol").joinpath(CURRENT).read_bytes()
    try:
        directory = _Directory.model_validate(tomllib.loads(content.decode()))
    except ValidationError as error:
        raise ConfigError(f"the directory of partners is not well formed: {problems(error)}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("the directory of partners is no TOML", do="take the file of a release, unchanged") from error
    return {
        entry.code: Role(entry.code, entry.nl, entry.en, entry.group, entry.criminal_justice, entry.needs_criteria)
        for entry in directory.role
    }


@cache
def roles() -> Mapping[str, Role]:
    """The packaged directory."""
    return load_roles()


def role(code: str) -> Role:
    """The role with that code; raise ApproachError if there is none."""
    if found := roles().get(code):
        return found
    raise ApproachError("the directory of partners has no such role", do="choose one of its codes")
