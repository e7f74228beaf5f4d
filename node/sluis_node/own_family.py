"""A family of one's own as a node keeps it during a round: what it needs to understand a claim and to show a match.

Only translation to and from bytes; `store` keeps them, sealed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sluis_protocol.record import Family
from sluis_protocol.submission import OwnFamily
from sluis_protocol.tag import OwnPerson, TaggedKey


@dataclass(frozen=True, slots=True)
class FamilyOnFile:
    """An own family by its handles, with the case of each person id."""

    own: OwnFamily
    cases: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a match shows of one's own side: the family, and the cases and persons that it is about."""

    family: str = field(repr=False)
    cases: tuple[str, ...] = field(repr=False)
    persons: tuple[str, ...] = field(repr=False)

    def serialise(self) -> bytes:
        """As JSON."""
        return json.dumps([self.family, self.cases, self.persons]).encode()

    @classmethod
    def parse(cls, data: bytes) -> Shown:
        """What `serialise` wrote."""
        family, cases, persons = json.loads(data)
        return cls(family, tuple(cases), tuple(persons))


def cases_of(families: Sequence[Family]) -> dict[str, dict[str, str]]:
    """family id → person id → case."""
    return {
        family.family_id: {record.person.person_id: record.ground.case for record in family.members}
        for family in families
    }


def shown(file: FamilyOnFile, handles: Sequence[int]) -> Shown:
    """What to show of these members."""
    persons = sorted(file.own.members[handle].person_id for handle in handles)
    cases = dict.fromkeys(file.cases[person] for person in persons if person in file.cases)
    return Shown(file.own.family_id, tuple(cases), tuple(persons))


def write_family(file: FamilyOnFile) -> bytes:
    """A family as JSON."""
    return json.dumps(
        {
            "family": file.own.family_id,
            "cases": dict(file.cases),
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
    """What `write_family` wrote."""
    content = json.loads(data)
    family = content["family"]
    members = {
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
    return FamilyOnFile(OwnFamily(family, members), content["cases"])


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
