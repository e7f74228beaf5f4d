"""Who takes part: persons with the ground on which they do, grouped in families (protocol.md, 2; rule 3).

Data only. No file is read here and nothing is normalised: see `sluis_node.caseload` and `sluis_protocol.normalise`.
There is no field for origin, nationality, religion, language or dwelling, and there must never be one (rule 1).
Nothing personal is in a `repr`, because those end up in logs and traces (rule 17).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date

from sluis_protocol.errors import InputError


@dataclass(frozen=True, slots=True, order=True)
class BirthDate:
    """A date of birth as the population register keeps it: a part that is 0 is unknown.

    Raises `InputError` for a date that no calendar has; the message does not repeat it.
    """

    year: int = field(repr=False)
    month: int = field(repr=False)
    day: int = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.year == 0 or 1800 <= self.year <= 9999):
            raise InputError("the year of birth is impossible", do="Give four digits from 1800 on, or 0000 if unknown.")
        if not 0 <= self.month <= 12:
            raise InputError("the month of birth is impossible", do="Give 01 to 12, or 00 if unknown.")
        if not 0 <= self.day <= self._longest_month():
            raise InputError("the month of birth has no such day", do="Correct the day, or give 00 if unknown.")

    def _longest_month(self) -> int:
        """The most days that the month can have, given what is known."""
        leap_year = 2000
        return calendar.monthrange(self.year or leap_year, self.month)[1] if self.month else 31

    def starts_after(self, today: date) -> bool:
        """True if the date is in the future whatever its unknown parts are."""
        return (self.year, self.month or 1, self.day or 1) > (today.year, today.month, today.day)

    @property
    def complete(self) -> bool:
        """True if year, month and day are all known."""
        return bool(self.year and self.month and self.day)


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the municipality knows them: text as it was entered, "" where nothing is known.

    `bsn` is nine digits that pass the eleven-test. `person_id` is the municipality's own and is unique in a family.
    """

    person_id: str = field(repr=False)
    bsn: str | None = field(repr=False)
    given_names: str = field(repr=False)
    prefix: str = field(repr=False)
    surname: str = field(repr=False)
    birth_date: BirthDate | None = field(repr=False)
    postcode: str = field(repr=False, default="")
    house_number: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class CaseGround:
    """Why a person takes part: the open case, its legal basis and who answers for it (rule 3)."""

    case: str = field(repr=False)
    legal_basis: str
    start: date
    end: date | None
    review: date | None
    professional: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """A person and the ground on which they take part.

    `secrecy` and `doubt` are the population register's flags for secrecy (geheimhouding) and for data under
    investigation (in onderzoek); they make no key, and warn people who review a match (rule 18).
    """

    person: Person
    ground: CaseGround
    secrecy: bool = False
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """The people whom one municipality helps together."""

    family_id: str = field(repr=False)
    members: tuple[Record, ...]
