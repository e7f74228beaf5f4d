"""Languages: Dutch first, English second. Messages are written in English in the code; `locale/nl.po` is the
Dutch catalogue, compiled when the console starts (`locale/extract.py` finds what it lacks). Dates and times are shown
as Amsterdam has them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

_FOLDER = Path(__file__).parent / "locale"
_HERE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the console, with its messages and its way of writing dates."""

    code: str
    name: str
    locale: Locale
    messages: NullTranslations

    def text(self, message: str, /, **values: object) -> str:
        """A message in this language, with its %(name)s filled in."""
        found = self.messages.ugettext(message)
        return found % values if values else found

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """As `text`, in the singular or the plural; %(num)s is the number."""
        return self.messages.ungettext(one, many, number) % {"num": self.number(number), **values}

    def number(self, number: int) -> str:
        """A number with its separators."""
        return format_decimal(number, locale=self.locale)

    def day(self, day: date | datetime) -> str:
        """22 november 2026."""
        local = day.astimezone(_HERE).date() if isinstance(day, datetime) else day
        return format_date(local, "d MMMM y", self.locale)

    def short_day(self, day: date | datetime) -> str:
        """22 nov."""
        local = day.astimezone(_HERE).date() if isinstance(day, datetime) else day
        return format_date(local, "d MMM", self.locale)

    def last_day(self, until: datetime) -> str:
        """The last day of an approach that ends at that moment, which is the midnight (UTC) after it."""
        return format_date((until - timedelta(seconds=1)).astimezone(UTC).date(), "d MMM y", self.locale)

    def time(self, moment: datetime) -> str:
        """22 november 2026, 14:05."""
        return format_datetime(moment, "d MMMM y, HH:mm", _HERE, self.locale)

    def short_time(self, moment: datetime) -> str:
        """22 nov 2026, 14:05."""
        return format_datetime(moment, "d MMM y, HH:mm", _HERE, self.locale)

    def left(self, until: datetime, now: datetime) -> str:
        """How long until then, in whole days, as a person would say it."""
        days = (until.astimezone(_HERE).date() - now.astimezone(_HERE).date()).days
        if until <= now:
            return self.text("deadline passed")
        if days == 0:
            return self.text("today")
        if days == 1:
            return self.text("tomorrow")
        return self.count("in %(num)s day", "in %(num)s days", days)


def load_languages() -> Mapping[str, Language]:
    """All languages, by code, the first one first."""
    return {
        "nl": Language("nl", "Nederlands", Locale.parse("nl_NL"), _compile(_FOLDER / "nl.po")),
        "en": Language("en", "English", Locale.parse("en_GB"), NullTranslations()),
    }


def _compile(path: Path) -> NullTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
