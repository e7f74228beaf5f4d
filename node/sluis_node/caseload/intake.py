"""From what somebody hands in to families that may take part, and an account of what is left out (rules 3 to 5, 22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType

from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.errors import InputError
from sluis_protocol.record import Family

from .gates import gates
from .reading import Caseload, read_caseload

Source = Path | str | Sequence[Family]


def take_in(source: Source, covenant: Covenant, purpose: Purpose, today: date) -> Caseload:
    """The caseload of a CSV file, or of families as they are, past the covenant's gates.

    Families that don't come from a file are numbered from 1, person by person, where a line would be named.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        caseload = read_caseload(path, name=path.name, today=today)
    else:
        ids = [(family.family_id, member.person.person_id) for family in source for member in family.members]
        if len(set(ids)) != len(ids):
            raise InputError("two persons have the same family and person id", do="give every person one of their own")
        lines = {pair: number for number, pair in enumerate(ids, start=1)}
        caseload = Caseload("families", tuple(source), read=len(ids), lines=MappingProxyType(lines))
    return gates(
        caseload,
        today=today,
        legal_bases=purpose.legal_bases,
        maximum=purpose.maximum_persons,
        review_after_days=purpose.review_after_days,
        test_identities=covenant.terms.mode == "demo",
    )


def refuse_unless_told(caseload: Caseload, *, skip_refused: bool) -> None:
    """Take part with only the good lines where somebody said so, and else not at all."""
    if caseload.refused and not skip_refused:
        first = caseload.refused[0]
        raise InputError(
            f"{len(caseload.refused)} of {caseload.read} lines are refused; the first: line {first.line}, "
            f"{first.field}: {first.reason}",
            do="correct them (sluis-node check lists all), or take part without them: --skip-refused",
            file=caseload.name,
        )
