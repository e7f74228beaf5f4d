"""Numbers and dates as Dutch administrations write them: BSN, and dates with unknown parts (protocol.md, 2).

Pure functions on text. Each takes one field's text without surrounding space, and raises `InputError`, which says what
to do and doesn't repeat the text (rule 17). Names and addresses are in `normalise`: there nothing is refused.
"""

from __future__ import annotations

import re
from datetime import date

from stdnum.nl import bsn as eleven_test

from sluis_protocol.errors import InputError
from sluis_protocol.record import BirthDate

_MONTH_NAMES = (
    ("januari", "jan"), ("februari", "feb"), ("maart", "mrt"), ("april", "apr"), ("mei", "mei"), ("juni", "jun"),
    ("juli", "jul"), ("augustus", "aug"), ("september", "sep"), ("oktober", "okt"), ("november", "nov"),
    ("december", "dec"),
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names} | {"sept": 9}
# Day before month, as everywhere in the Netherlands; "-" and "." alike; "/" is refused, since programs write the
# month first with it. A part that isn't known is 0, or left out from the right (ISO) or from the left (Dutch).
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",  # LO3
        r"(?P<y>[0-9]{4})(?:-(?P<m>[0-9]{2})(?:-(?P<d>[0-9]{2}))?)?",  # ISO 8601
        r"(?:(?:(?P<d>[0-9]{1,2})(?P<sep>[-.]))?(?P<m>[0-9]{1,2})(?(sep)(?P=sep)|[-.]))(?P<y>[0-9]{4})",
        rf"(?:(?P<d>[0-9]{{1,2}}) )?(?P<month>{'|'.join(_MONTHS)})\.? (?P<y>[0-9]{{4}})",
    )
)


def read_bsn(text: str) -> str:
    """Nine digits that pass the eleven-test; one of eight digits has lost its leading zero in a spreadsheet."""
    digits = re.sub(r"[ .]", "", text)
    if not re.fullmatch(r"[0-9]{8,9}", digits):
        do = "Give nine digits; in a spreadsheet, make the column text. Leave it empty if it isn't known."
        raise InputError("the BSN is not a number of nine digits", do=do)
    if not eleven_test.is_valid(digits.zfill(9)):
        raise InputError("the BSN fails the eleven-test", do="Correct it, or leave it empty if it isn't known.")
    return digits.zfill(9)


def read_birth_date(text: str) -> BirthDate | None:
    """A date of birth of which parts may be unknown: 19800300, 1980-03, 0-3-1980, maart 1980; None if all are."""
    parts = _parts(text)
    return BirthDate(*parts) if any(parts) else None


def read_day(text: str) -> date:
    """A whole date: 20260131, 2026-01-31, 31-1-2026, 31 januari 2026."""
    try:
        return date(*_parts(text))
    except ValueError:
        raise InputError("no calendar has this date", do="Give a complete date, such as 2026-01-31.") from None


def _parts(text: str) -> tuple[int, int, int]:
    """(year, month, day), 0 where a part is unknown."""
    for form in _FORMS:
        if found := form.fullmatch(text.casefold()):
            part = found.groupdict()
            month = _MONTHS[part["month"]] if part.get("month") else int(part.get("m") or 0)
            return int(part["y"]), month, int(part["d"] or 0)
    raise InputError("the date can't be read", do="Write it as YYYYMMDD, with 00 for a part that isn't known.")
