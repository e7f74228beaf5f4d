"""Who is left out of a round because of a right that holds (rule 15). Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from sluis_protocol.record import Family

from ..caseload.reading import Caseload


def leave_out(caseload: Caseload, is_left_out: Callable[[str], bool]) -> Caseload:
    """The caseload without persons who objected or were erased; a warning counts them, and no more."""
    families, count = [], 0
    for family in caseload.families:
        members = tuple(record for record in family.members if not is_left_out(record.person.person_id))
        count += len(family.members) - len(members)
        if members:
            families.append(Family(family.family_id, members))
    if not count:
        return caseload
    kept = {(family.family_id, record.person.person_id) for family in families for record in family.members}
    persons = "1 person is" if count == 1 else f"{count} persons are"
    return replace(
        caseload,
        families=tuple(families),
        lines=MappingProxyType({ids: line for ids, line in caseload.lines.items() if ids in kept}),
        warnings=(*caseload.warnings, f"{caseload.name}: {persons} left out on request (sluis-node rights list)"),
    )
