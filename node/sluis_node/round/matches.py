"""Matches as they are shown: that the other municipality has the same family, how sure that is, and nothing else.

No score, no reason, no tags (rule 8). A match by name is marked as one that people must verify first (rule 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sluis_protocol.covenant import Covenant
from sluis_protocol.rules import Grade

from .ledger import StoredMatch

VERIFY_FIRST = "found without a BSN that both know: people must verify the identity before any contact"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The other municipality."""

    oin: str
    municipality: str
    name: str


@dataclass(frozen=True, slots=True)
class FamilyMatch:
    """A family of ours that the counterpart helps, too.

    `family`, `cases` and `persons` are our own ids (gezin, zaak, persoon). `new`: not seen in an earlier round.
    """

    match: str
    round_id: str
    purpose: str
    counterpart: Counterpart
    grade: Grade
    family: str = field(repr=False)
    cases: tuple[str, ...] = field(repr=False)
    persons: tuple[str, ...] = field(repr=False)
    found_at: datetime
    new: bool

    @property
    def hint(self) -> str:
        """What must happen before anything else; "" if nothing."""
        return VERIFY_FIRST if self.grade is Grade.NAME else ""

    def as_json(self) -> dict[str, Any]:
        """For `sluis-node matches --json`."""
        shown: dict[str, Any] = {
            "match": self.match,
            "round": self.round_id,
            "purpose": self.purpose,
            "counterpart": {
                "oin": self.counterpart.oin,
                "municipality": self.counterpart.municipality,
                "name": self.counterpart.name,
            },
            "grade": str(self.grade),
            "family": self.family,
            "cases": list(self.cases),
            "persons": list(self.persons),
            "found_at": self.found_at.isoformat(),
            "new": self.new,
        }
        if self.hint:
            shown["hint"] = self.hint
        return shown


def present(stored: Sequence[StoredMatch], covenant: Covenant | None) -> list[FamilyMatch]:
    """The matches with their counterparts' names, where a covenant tells them."""
    names: Mapping[str, Counterpart] = {}
    if covenant is not None:
        names = {m.oin: Counterpart(m.oin, m.municipality, m.name) for m in covenant.terms.members}
    return [
        FamilyMatch(
            match=found.match,
            round_id=found.round_id,
            purpose=found.purpose,
            counterpart=names.get(found.counterpart, Counterpart(found.counterpart, "", "")),
            grade=found.grade,
            family=found.shown.family,
            cases=found.shown.cases,
            persons=found.shown.persons,
            found_at=found.found_at,
            new=found.round_id == found.last_round,
        )
        for found in stored
    ]
