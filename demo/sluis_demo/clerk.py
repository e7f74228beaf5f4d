"""The same family, entered again by another clerk: habits, spellings and slips, all invented.

It changes how persons are written, never who they are. It draws from the `rng` that it is given and does nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

# How another clerk may hear or type a sound. Each row is one way; only rows that change the name count.
SPELLINGS = (
    ("ć", "c"), ("ć", "ch"), ("ć", "tj"), ("č", "c"), ("č", "ch"), ("đ", "dj"), ("Đ", "Dj"), ("đ", "d"), ("ş", "s"),
    ("ş", "sh"), ("Ş", "S"), ("Ş", "Sh"), ("š", "sj"), ("š", "s"), ("ž", "z"), ("Ž", "Z"), ("ż", "z"), ("ź", "z"),
    ("ł", "l"), ("Ł", "L"), ("ń", "n"), ("ś", "s"), ("ó", "o"), ("é", "e"), ("í", "i"), ("á", "a"), ("ã", "a"),
    ("ë", "e"), ("ï", "i"), ("ö", "o"), ("ö", "oe"), ("Ö", "O"), ("ü", "u"), ("ü", "ue"), ("ç", "c"), ("Ç", "C"),
    ("ğ", "g"), ("ı", "i"), ("İ", "I"), ("ą", "a"), ("ou", "oe"), ("ij", "y"), ("ch", "sj"), ("kh", "ch"),
    ("Kh", "Ch"), ("ei", "ij"), ("ss", "s"), ("Y", "J"), ("aa", "a"), ("c", "k"), ("ph", "f"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One person as a clerk writes them down; `born` is YYYYMMDD with 00 for what is unknown."""

    bsn: str
    given: str
    prefix: str
    surname: str
    born: str


def enter_again(
    persons: Sequence[Person], surnames: Sequence[tuple[str, str]], rng: random.Random
) -> tuple[Person, ...]:
    """The same family from another clerk's hand: habits that hold for all members, and a slip here and there.

    `surnames` (prefix, name) is where a second surname comes from. At least one member is always left.
    """
    knows_bsn = rng.random() < 0.4
    given_as = rng.choices((_as_it_is, _first_name, _initials), (5, 3, 2))[0]
    prefix_as = rng.choices((_as_it_is, _prefix_in_surname, _prefix_behind, _without_prefix), (6, 2, 1, 1))[0]
    latin = rng.random() < 0.5
    present = list(persons)
    if len(present) > 1 and rng.random() < 0.3:
        present.remove(rng.choice(present))
    entered = []
    for person in present:
        written = person if knows_bsn and rng.random() < 0.9 else replace(person, bsn="")
        if latin:
            written = _respell(written, rng)
        if rng.random() < 0.07:
            written = _second_surname(written, rng.choice(surnames)[1])
        if rng.random() < 0.15:
            written = _slip(written, rng)
        entered.append(prefix_as(given_as(written)))
    return tuple(entered)


def _respell(person: Person, rng: random.Random) -> Person:
    """Every letter with a mark becomes one of its plain spellings, and at most one sound is written differently."""
    given, surname = person.given, person.surname
    table = list(SPELLINGS)
    rng.shuffle(table)
    sounds = 1
    for heard, written in table:
        if heard not in given + surname or (heard.isascii() and sounds == 0):
            continue
        sounds -= heard.isascii()
        given, surname = given.replace(heard, written), surname.replace(heard, written)
    return replace(person, given=given, surname=surname)


def _second_surname(person: Person, partner: str) -> Person:
    """A double surname loses its second half; a single one gains one."""
    for between in "- ":
        if between in person.surname:
            return replace(person, surname=person.surname.split(between)[0])
    return replace(person, surname=f"{person.surname}-{partner}")


def _slip(person: Person, rng: random.Random) -> Person:
    """One mistake: a letter, day and month swapped, or a day not written down."""
    slip = rng.randrange(4)
    year, month, day = person.born[:4], person.born[4:6], person.born[6:]
    if slip == 0 and "01" <= day <= "12" and month != "00":
        return replace(person, born=year + day + month)
    if slip == 1:
        return replace(person, born=year + month + "00")
    if slip == 2:
        return replace(person, given=_typo(person.given, rng))
    return replace(person, surname=_typo(person.surname, rng))


def _typo(text: str, rng: random.Random) -> str:
    """Drop, double or swap a letter, never the first."""
    if len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 1)
    return rng.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def _as_it_is(person: Person) -> Person:
    return person


def _first_name(person: Person) -> Person:
    return replace(person, given=person.given.split()[0])


def _initials(person: Person) -> Person:
    return replace(person, given="".join(f"{name[0]}." for name in person.given.split()))


def _prefix_in_surname(person: Person) -> Person:
    return replace(person, prefix="", surname=f"{person.prefix} {person.surname}".strip())


def _prefix_behind(person: Person) -> Person:
    return replace(person, prefix="", surname=f"{person.surname} {person.prefix}".strip())


def _without_prefix(person: Person) -> Person:
    return replace(person, prefix="")
