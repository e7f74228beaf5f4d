"""A family of one's own as a node keeps it during a round: what it needs to understand a claim and to show a match.

Only translation to and from bytes; `store` keeps them, sealed. Of a member's name nothing is kept but look-up values,
which tell whether a text names somebody, and not who.
"""

from __future__ import annotations

import base64
import calendar
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sluis_protocol.normalise import fold
from sluis_protocol.record import BirthDate, Family, Record
from sluis_protocol.submission import OwnFamily
from sluis_protocol.tag import OwnPerson, TaggedKey

GROWN_UP, OWN_SAY = 18, 16  # years: from 16 on, a young person is informed, too (rule 14)
NAME_BYTES = 8
# The look-up value of a word (`vault.lookup`), cut to NAME_BYTES.
LookUp = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an own family: the case, the register's two flags (rule 18), and from when to inform them.

    `sixteen_on` is None where the date of birth isn't known well enough. `names` are look-up values.
    """

    person: str = field(repr=False)
    case: str = field(repr=False)
    legal_basis: str = ""
    start: date | None = None
    professional: str = field(repr=False, default="")
    secrecy: bool = False
    doubt: bool = False
    sixteen_on: date | None = field(repr=False, default=None)
    names: tuple[bytes, ...] = field(repr=False, default=())

    def has_own_say(self, today: date) -> bool:
        """Whether this is a young person from 16 (rule 14): not yet grown up."""
        on = self.sixteen_on
        return on is not None and on <= today < _years_later(on, GROWN_UP - OWN_SAY)

    def is_child(self, day: date) -> bool:
        """Whether this is surely somebody under 18 on that day; not known well enough: no."""
        return self.sixteen_on is not None and day < _years_later(self.sixteen_on, GROWN_UP - OWN_SAY)


Members = Mapping[str, Member]  # by person id


@dataclass(frozen=True, slots=True)
class FamilyOnFile:
    """An own family by its handles, with its members by person id."""

    own: OwnFamily
    members: Members = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a match shows of one's own side: the family, the cases and persons that it is about, and all members."""

    family: str = field(repr=False)
    cases: tuple[str, ...] = field(repr=False)
    persons: tuple[str, ...] = field(repr=False)
    members: tuple[Member, ...] = field(repr=False, default=())

    def serialise(self) -> bytes:
        """As JSON."""
        return json.dumps(
            [self.family, self.cases, self.persons, [_write_member(one) for one in self.members]]
        ).encode()

    @classmethod
    def parse(cls, data: bytes) -> Shown:
        """What `serialise` wrote; what an earlier release wrote has no members."""
        family, cases, persons, *rest = json.loads(data)
        return cls(family, tuple(cases), tuple(persons), tuple(map(_read_member, rest[0] if rest else ())))


def members_of(families: Sequence[Family], look_up: LookUp) -> dict[str, dict[str, Member]]:
    """family id → person id → what is kept of that member."""
    return {
        family.family_id: {record.person.person_id: _member(record, look_up) for record in family.members}
        for family in families
    }


def words(text: str) -> list[str]:
    """The words of a text as names are compared: folded, without accents."""
    return fold(text).split()


def _member(record: Record, look_up: LookUp) -> Member:
    person, ground = record.person, record.ground
    names = dict.fromkeys(
        word for text in (person.given_names, person.surname) for word in words(text) if len(word) > 1
    )
    return Member(
        person.person_id,
        ground.case,
        ground.legal_basis,
        ground.start,
        ground.professional,
        record.secrecy,
        record.doubt,
        _sixteen_on(person.birth_date),
        tuple(look_up(name)[:NAME_BYTES] for name in names),
    )


def _sixteen_on(born: BirthDate | None) -> date | None:
    """The latest day that it can be, where only a part of the date of birth is known."""
    if born is None or not born.year:
        return None
    year, month = born.year + OWN_SAY, born.month or 12
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(born.day or last, last))


def _years_later(day: date, years: int) -> date:
    last = calendar.monthrange(day.year + years, day.month)[1]
    return date(day.year + years, day.month, min(day.day, last))


def shown(file: FamilyOnFile, handles: Sequence[int]) -> Shown:
    """What to show of these members."""
    persons = sorted(file.own.members[handle].person_id for handle in handles)
    cases = dict.fromkeys(file.members[person].case for person in persons if person in file.members)
    return Shown(file.own.family_id, tuple(cases), tuple(persons), tuple(file.members.values()))


def write_family(file: FamilyOnFile) -> bytes:
    """A family as JSON."""
    return json.dumps(
        {
            "family": file.own.family_id,
            "people": [_write_member(member) for member in file.members.values()],
            "members": [
                {
                    "handle": handle,
                    "person": person.person_id,
                    "bsn": person.has_bsn,
                    "keys": [[key.kind, _text(key.tag), _text(key.opening)] for key in person.keys],
                }
                for handle, person in file.own.members.items()
            ],
        }
    ).encode()


def read_family(data: bytes) -> FamilyOnFile:
    """What `write_family` wrote; an earlier release kept nothing of a member but the case."""
    content = json.loads(data)
    family = content["family"]
    handles = {
        member["handle"]: OwnPerson(
            family,
            member["person"],
            member["bsn"],
            tuple(
                TaggedKey(kind, base64.b64decode(tag), base64.b64decode(opening))
                for kind, tag, opening in member["keys"]
            ),
        )
        for member in content["members"]
    }
    people = [Member(person, case) for person, case in content.get("cases", {}).items()]
    people += map(_read_member, content.get("people", ()))
    return FamilyOnFile(OwnFamily(family, handles), {member.person: member for member in people})


def _write_member(member: Member) -> dict[str, Any]:
    return {
        "person": member.person,
        "case": member.case,
        "legal_basis": member.legal_basis,
        "start": member.start.isoformat() if member.start else None,
        "professional": member.professional,
        "secrecy": member.secrecy,
        "doubt": member.doubt,
        "sixteen_on": member.sixteen_on.isoformat() if member.sixteen_on else None,
        "names": [_text(name) for name in member.names],
    }


def _read_member(content: Mapping[str, Any]) -> Member:
    return Member(
        content["person"],
        content["case"],
        content["legal_basis"],
        date.fromisoformat(content["start"]) if content["start"] else None,
        content["professional"],
        content["secrecy"],
        content["doubt"],
        date.fromisoformat(content["sixteen_on"]) if content["sixteen_on"] else None,
        tuple(map(base64.b64decode, content["names"])),
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
