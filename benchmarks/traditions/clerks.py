"""How two clerks write the same person down: one model for all traditions.

The first writes what the register has. The second has another system, a form filled in by hand, a telephone line: the
`RATES` say how often what happens. They were set beforehand and are the same for every name; where a name has nothing
to change (no prefix, no diacritics) nothing happens. `Slips` are drawn apart from the names, so that the same slips
befall the same households in all traditions. The second clerk never knows the BSN: what is measured is what names and
dates find.
"""

from __future__ import annotations

import calendar
import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.traditions.people import Born, Someone
from benchmarks.traditions.tradition import Name, Spelling, Tradition

RATES: Mapping[str, float] = MappingProxyType(
    {
        "given typo": 0.04,  # a letter left out, doubled, changed, or two that changed places
        "surname typo": 0.04,
        "initials": 0.05,
        "fewer given names": 0.40,  # of several: only the name that the person goes by, or the first
        "respelt": 0.20,  # where a name has spellings, if the tradition is `transliterated`; a fifth of it elsewhere
        "plain letters": 0.30,  # diacritics left out
        "prefix moved": 0.30,  # into the surname, behind it, glued to it, abbreviated or left out
        "swapped": 0.01,  # given name and surname; thrice as often where the family name comes first
        "second surname dropped": 0.30,
        "married name": 0.04,  # the partner's surname instead of one's own, or before it
        "day and month": 0.01,
        "unknown day": 0.01,
        "only the year": 0.01,
        "wrong digit": 0.02,  # in the date of birth
        "still at the old address": 0.10,  # else the family has moved, as families do that two municipalities help
    }
)
_BARE = str.maketrans("đĐłŁıøØßæ", "dDlLioOsa")
_TWO_LETTERS = {"đ": "dj", "Đ": "Dj", "ö": "oe", "Ö": "Oe", "ü": "ue", "Ü": "Ue", "ä": "ae", "ß": "ss", "ø": "oe"}


@dataclass(frozen=True, slots=True)
class Written:
    """A person's names and date as a clerk entered them; `respelt`: in another spelling than the register's."""

    given_names: str
    prefix: str
    surname: str
    born: Born
    respelt: bool = False


@dataclass(frozen=True, slots=True)
class Slips:
    """A number between 0 and 1 for each of `RATES`; what is below the rate happens."""

    draws: Mapping[str, float]

    def happens(self, what: str, times: float = 1.0) -> bool:
        """Whether it does, at the rate multiplied by `times`."""
        return self.draws[what] < RATES[what] * times


def draw_slips(rng: random.Random) -> Slips:
    """For one person; always as many draws."""
    return Slips({what: rng.random() for what in RATES})


def register(person: Someone) -> Written:
    """As the population register has it: all given names, the prefix apart, the whole surname."""
    surname = [name.registered for name in person.surname]
    given = " ".join(name.registered.text for name in person.given)
    return Written(given, surname[0].prefix, _full(surname), person.born)


def enter(person: Someone, tradition: Tradition, slips: Slips, rng: random.Random) -> Written:
    """As the second clerk has it."""
    given, surname, respelt = _spelt(person, tradition, slips, rng)
    if person.partner and slips.happens("married name"):
        surname = _married(person.partner.registered, surname, tradition.married_suffix, rng)
    elif len(surname) > 1 and slips.happens("second surname dropped"):
        kept = 1 if tradition.surname == "mother father" else 0
        surname = [surname[kept if rng.random() < 0.85 else 1 - kept]]
    words = [one.text for one in given]
    if len(words) > 1 and slips.happens("fewer given names"):
        words = [words[person.called if rng.random() < 0.7 else 0]]
    prefix, name = surname[0].prefix, _full(surname)
    if words and slips.happens("given typo"):
        words[0] = _typo(words[0], rng)
    if slips.happens("surname typo"):
        name = _typo(name, rng)
    if slips.happens("plain letters"):
        two = rng.random() < 0.3
        words, name = [_plain(word, two) for word in words], _plain(name, two)
    if words and slips.happens("initials"):
        words = [" ".join(f"{word[0].upper()}." for word in words)]
    if prefix and slips.happens("prefix moved"):
        prefix, name = _move_prefix(prefix, name, rng)
    given_names = " ".join(words)
    if slips.happens("swapped", 3 if tradition.family_first else 1) or (not words and rng.random() < 0.3):
        given_names, prefix, name = f"{prefix} {name}".strip(), "", given_names
    return Written(given_names, prefix, name, _date(person.born, slips, rng), respelt)


def _spelt(
    person: Someone, tradition: Tradition, slips: Slips, rng: random.Random
) -> tuple[list[Spelling], list[Spelling], bool]:
    """Given names and surname as this clerk spells them, and whether that differs from the register."""
    given = [name.registered for name in person.given]
    surname = [name.registered for name in person.surname]
    before = (given, surname)
    if slips.happens("respelt", 1 if tradition.transliterated else 0.2):
        which = rng.choices(("given", "surname", "both"), (3, 3, 2))[0]
        original = rng.random() < 0.05  # copied from a document in the other script
        if which != "surname":
            given = [_other(name, rng, original) for name in person.given]
        if which != "given":
            surname = [_other(name, rng, original) for name in person.surname]
    return given, surname, (given, surname) != before


def _other(name: Name, rng: random.Random, original: bool) -> Spelling:
    others = name.spellings[1:]
    fitting = [one for one in others if one.latin != original] or [one for one in others if one.latin]
    return rng.choice(fitting) if fitting else name.registered


def _married(partner: Spelling, own: Sequence[Spelling], suffix: str, rng: random.Random) -> list[Spelling]:
    theirs = Spelling(partner.prefix, partner.text + suffix)
    return [theirs, *own[-1:]] if rng.random() < 0.5 else [theirs]


def _full(parts: Sequence[Spelling]) -> str:
    """The surname field; the prefix of the first part is in a field of its own."""
    return " ".join([parts[0].text, *(f"{one.prefix} {one.text}".strip() for one in parts[1:])])


def _move_prefix(prefix: str, name: str, rng: random.Random) -> tuple[str, str]:
    short = ".".join(word[0] for word in prefix.replace("'", "").split()) + "."
    return rng.choice(
        (
            ("", f"{prefix} {name}"),
            ("", f"{name}, {prefix}"),
            ("", f"{prefix}{name}".replace(" ", "").capitalize()),
            (short, name),
            ("", f"{name}, {short}"),
            ("", name),
        )
    )


def _plain(text: str, two_letters: bool) -> str:
    """Without diacritics; now and then with the two letters that stand for one, as in Muenchen."""
    if two_letters:
        text = "".join(_TWO_LETTERS.get(character, character) for character in text)
    bare = "".join(c for c in unicodedata.normalize("NFD", text.translate(_BARE)) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


def _typo(text: str, rng: random.Random) -> str:
    """One slip of the finger, rarely in the first letter; what was copied from a document stays as it is."""
    if len(text) == 1 or not Spelling("", text).latin:
        return text
    at = rng.randrange(len(text)) if rng.random() < 0.2 else rng.randrange(1, len(text))
    match rng.choice(("out", "twice", "other", "turned")):
        case "out" if len(text) > 2:
            return text[:at] + text[at + 1 :]
        case "twice":
            return text[:at] + text[at] + text[at:]
        case "turned" if at + 1 < len(text):
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        case _:
            return text[:at] + rng.choice("abcdefghijklmnoprstuvwyz") + text[at + 1 :]


def _date(born: Born, slips: Slips, rng: random.Random) -> Born:
    year, month, day = born
    if slips.happens("wrong digit"):
        part = rng.choice(("year", "month", "day"))
        if part == "year":
            year += rng.choice((-10, -1, 1, 10))
        elif part == "month" and month:
            month = 1 + (month + rng.choice((-2, 0))) % 12
        elif day:
            day = 1 + (day + rng.choice((-2, 0))) % 28
    if slips.happens("day and month") and 0 < day <= 12:
        month, day = day, month
    if slips.happens("only the year"):
        month = day = 0
    elif slips.happens("unknown day"):
        day = 0
    return (min(year, 2025), month, min(day, calendar.monthrange(year, month)[1] if month else 31))
