"""A municipality's caseload: from CSV to families, and an account of every line (rules 1 and 3).

Nothing is stored or sent, and there is no clock. Whether a case is open, and its legal basis in the covenant, is the
business of `gates`. A line that can't be used is refused with its number, its field, a reason and what helps; a reason
never repeats what the field says, because reports end up in logs (rule 17). Columns that Sluis doesn't know are never
kept, and a column that it must not hold stops the import before the first row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeVar

from sluis_protocol import normalise
from sluis_protocol.errors import InputError
from sluis_protocol.notation import read_birth_date, read_bsn, read_day
from sluis_protocol.record import CaseGround, Family, Person, Record

from sluis_node.caseload.columns import LINE, find_columns

LONGEST = 400  # characters of a field; the register's longest surname has 200
_YES = frozenset({"ja", "j", "yes", "y", "true", "waar", "x"})
_NO = frozenset({"nee", "n", "neen", "no", "false", "onwaar", "-"})
T = TypeVar("T")
Ids = tuple[str, str]  # family id, person id


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line that doesn't take part: where, why, and what to do. Holds nothing personal."""

    line: int
    field: str
    reason: str
    do: str

    @classmethod
    def of(cls, line: int, fault: InputError) -> Refusal:
        """What a fault in one line says; without a field it concerns the whole line."""
        return cls(line, fault.where.get("field", LINE), fault.what, fault.do)


@dataclass(frozen=True, slots=True)
class Caseload:
    """Families that may take part and an account of all `read` data lines.

    Every data line is a member of a family, or refused, or one of the `closed` cases. `lines` has the physical line
    (from 1, the header included) of each member.
    """

    name: str
    families: tuple[Family, ...]
    refused: tuple[Refusal, ...] = ()
    closed: int = 0
    warnings: tuple[str, ...] = ()
    read: int = 0
    lines: Mapping[Ids, int] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def persons(self) -> int:
        """How many members all families have together."""
        return sum(len(family.members) for family in self.families)


def read_caseload(source: Path | BinaryIO, *, name: str, today: date) -> Caseload:
    """The caseload in a CSV file: semicolon or comma, UTF-8 with or without BOM, Dutch headers in any order.

    `name` stands for the file in messages. Raises `InputError` for a file that can't be read as a whole, naming the
    line or the missing columns, and `ForbiddenData` for a column that Sluis must not hold (rule 1).
    """
    rows = _rows(_decode(_content(source, name), name), name)
    header = next(rows, None)
    if header is None:
        raise InputError("the file is empty", do="Export the caseload again, with a header line.", file=name)
    columns, unknown = find_columns(header.fields, name)
    reading = _Reading(today)
    for row in rows:
        reading.take(row, columns, len(header.fields))
    if unknown:
        named = ", ".join(unknown)
        reading.warnings.append(f"{name}: not kept, because Sluis has no use for it: {named}")
    if not reading.read:
        reading.warnings.append(f"{name}: there is a header, but not one person")
    return Caseload(
        name=name,
        families=tuple(Family(family_id, tuple(members)) for family_id, members in reading.families.items()),
        refused=tuple(reading.refused),
        warnings=tuple(reading.warnings),
        read=reading.read,
        lines=MappingProxyType(reading.lines),
    )


# From bytes to rows.


@dataclass(frozen=True, slots=True)
class _Row:
    """The fields of one line, or why it has none; `line` is where it starts."""

    line: int
    fields: list[str] = field(repr=False)
    fault: str = ""


def _content(source: Path | BinaryIO, name: str) -> bytes:
    if not isinstance(source, Path):
        return source.read()
    try:
        return source.read_bytes()
    except OSError as fault:
        what = f"the caseload can't be read: {fault.strerror}"
        raise InputError(what, do="Check the path and the rights on the file.", file=name) from fault


def _decode(content: bytes, name: str) -> str:
    save = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:200]:
        raise InputError("the file is UTF-16, not UTF-8", do=save, file=name)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        # utf-8-sig counts from behind the BOM, which has no line ends.
        before = content.removeprefix(codecs.BOM_UTF8)[: fault.start]
        line = 1 + len(re.findall(rb"\r\n|\r|\n", before))
        # The cause is left out: it would carry the bytes of a name.
        raise InputError("the file is not UTF-8", do=save, file=name, line=line) from None


def _rows(text: str, name: str) -> Iterator[_Row]:
    """The rows that are not empty, the header first. A broken line is a row with a fault, unless it hides others."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num > line:
                do = 'Close the quotation mark on that line; one that belongs to a name is written "".'
                what = "a quotation mark is opened and not closed"
                raise InputError(what, do=do, file=name, line=line) from None
            yield _Row(line, [], "the quotation marks on this line are not in pairs")
            continue
        if any(text.strip() for text in fields):
            yield _Row(line, fields)


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(";,", key=header.count)


# From rows to records.


class _Reading:
    """The account while rows come in."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.read = 0
        self.families: dict[str, list[Record]] = {}
        self.lines: dict[Ids, int] = {}
        self.refused: list[Refusal] = []
        self.warnings: list[str] = []
        self._bsns: dict[str, list[Ids]] = {}

    def take(self, row: _Row, columns: Mapping[str, int], width: int) -> None:
        """One line: kept, or refused with the first thing that is wrong with it."""
        self.read += 1
        try:
            if row.fault:
                raise InputError(row.fault, do='Write " inside a field as "".')
            if len(row.fields) != width:
                do = "Put a field that holds the separator or a line end between quotation marks."
                raise InputError(f"the line has {len(row.fields)} fields, the header has {width}", do=do)
            values = {column: _clean(column, row.fields[at]) for column, at in columns.items()}
            family_id = _filled(values, "gezin")
            record = _record(values, self.today)
            self._check_duplicate((family_id, record.person.person_id), record.person.bsn, row.line)
        except InputError as fault:
            self.refused.append(Refusal.of(row.line, fault))
            return
        self.families.setdefault(family_id, []).append(record)
        self.lines[family_id, record.person.person_id] = row.line

    def _check_duplicate(self, ids: Ids, bsn: str | None, line: int) -> None:
        if ids in self.lines:
            what = f"line {self.lines[ids]} has the same family and person"
            raise InputError(what, do="Keep one of the two lines.", field="persoon")
        if bsn is None:
            return
        others = self._bsns.setdefault(bsn, [])
        for other in others:
            if other[0] == ids[0]:
                what = f"line {self.lines[other]} has the same BSN in the same family"
                raise InputError(what, do="Keep one of the two lines.", field="burgerservicenummer")
        if others:
            at = self.lines[others[0]]
            self.warnings.append(f"lines {at} and {line} have the same BSN in two families; check which one is meant")
        others.append(ids)


def _clean(column: str, text: str) -> str:
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise InputError(f"the field is longer than {LONGEST} characters", do="Shorten it.", field=column)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise InputError("the field has control characters", do="Type it anew.", field=column)
    return text


def _filled(values: Mapping[str, str], column: str) -> str:
    if not values[column]:
        raise InputError("the field is empty", do="Fill it in; nobody takes part without it (rule 3).", field=column)
    return values[column]


def _record(values: Mapping[str, str], today: date) -> Record:
    if not values["geslachtsnaam"] and not values["voornamen"]:
        raise InputError("the person has no name at all", do="Give at least one name.", field="geslachtsnaam")
    person = Person(
        person_id=_filled(values, "persoon"),
        bsn=_parsed(values, "burgerservicenummer", read_bsn),
        given_names=values["voornamen"],
        prefix=values["voorvoegsel"],
        surname=values["geslachtsnaam"],
        birth_date=_parsed(values, "geboortedatum", read_birth_date),
        postcode=values["postcode"],
        house_number=_parsed(values, "huisnummer", _house_number) or "",
    )
    born = person.birth_date
    if born is not None and born.starts_after(today):
        raise InputError("the date of birth is in the future", do="Correct the date.", field="geboortedatum")
    ground = CaseGround(
        case=_filled(values, "zaak"),
        legal_basis=_filled(values, "grondslag"),
        start=_parsed({"startdatum": _filled(values, "startdatum")}, "startdatum", read_day) or today,
        end=_parsed(values, "einddatum", read_day),
        review=_parsed(values, "herzieningsdatum", read_day),
        professional=_filled(values, "behandelaar"),
    )
    for column, day in (("einddatum", ground.end), ("herzieningsdatum", ground.review)):
        if day is not None and day < ground.start:
            raise InputError("the date is before the start date", do="Correct one of the two.", field=column)
    secrecy, doubt = (_parsed(values, column, _flag) or False for column in ("geheimhouding", "onderzoek"))
    return Record(person, ground, secrecy, doubt)


def _parsed(values: Mapping[str, str], column: str, parse: Callable[[str], T | None]) -> T | None:
    """The field parsed, or None where it is empty; a fault gets the name of its field."""
    text = values.get(column, "")
    if not text:
        return None
    try:
        return parse(text)
    except InputError as fault:
        raise InputError(fault.what, do=fault.do, field=column) from None


def _flag(text: str) -> bool:
    """A yes or no in words, or the register's own code: every number but 0 is a yes (rule 18)."""
    word = text.casefold()
    if word in _YES or (word.isascii() and word.isdigit() and int(word)):
        return True
    if word in _NO or (word.isascii() and word.isdigit()):
        return False
    raise InputError("this is neither a yes nor a no", do="Write ja or nee, or the register's number; empty means no.")


def _house_number(text: str) -> str:
    if not normalise.house_number(text):
        raise InputError("the house number has no number", do="Start with the number, or leave it empty.")
    return text
