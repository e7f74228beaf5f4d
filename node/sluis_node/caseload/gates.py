"""The gates between a caseload and a round: what the covenant lets take part (rules 3, 4, 5 and 22).

Pure; reads no file, has no clock and stores nothing. Each person who is left out is counted or refused with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType

from sluis_protocol.errors import InputError
from sluis_protocol.record import CaseGround, Family, Person
from sluis_protocol.wording import forbidden_word
from stdnum.nl import bsn as eleven_test

from sluis_node.caseload.reading import Caseload, Ids, Refusal


def gates(
    caseload: Caseload,
    *,
    today: date,
    legal_bases: Collection[str],
    maximum: int,
    review_after_days: int,
    test_identities: bool | None = None,
) -> Caseload:
    """What is left of a caseload under the covenant; a family of which nobody is left vanishes.

    1. A case that has ended is not open: dropped and counted (rule 4). The end date itself is still open.
    2. No case, no professional, or a legal basis that the covenant's purpose doesn't list: refused (rule 3). So is a
       case whose reference is a label of what Sluis must not hold (rule 1).
    3. A review date in the past: refused. A case with neither end nor review date gets a review `review_after_days`
       after its start.
    4. A BSN that fails the eleven-test: refused. `test_identities`: True (demo) refuses real BSNs, False (production)
       refuses test BSNs, None neither (rule 22).
    5. More than `maximum` persons left: `InputError` for the whole caseload (rule 5).
    """
    refused, closed, early, families = list(caseload.refused), caseload.closed, 0, []
    for family in caseload.families:
        members = []
        for record in family.members:
            ground = _with_review(record.ground, review_after_days)
            if ground.end is not None and ground.end < today:
                closed += 1
                continue
            try:
                _check_ground(ground, today, legal_bases)
                _check_identity(record.person, test_identities)
            except InputError as fault:
                refused.append(Refusal.of(caseload.lines[family.family_id, record.person.person_id], fault))
                continue
            early += ground.start > today
            members.append(replace(record, ground=ground))
        if members:
            families.append(Family(family.family_id, tuple(members)))
    warnings = list(caseload.warnings)
    if early:
        warnings.append(f"{caseload.name}: {early} cases start after today; check their start dates")
    left = replace(
        caseload,
        families=tuple(families),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.line)),
        closed=closed,
        warnings=tuple(warnings),
        lines=MappingProxyType({ids: caseload.lines[ids] for ids in _ids(families)}),
    )
    if left.persons > maximum:
        raise InputError(
            f"the caseload has {left.persons} open persons, the covenant allows {maximum}",
            do="Take part with fewer cases; a higher ceiling needs a new version of the covenant.",
            file=caseload.name,
        )
    return left


def is_test_bsn(bsn: str) -> bool:
    """Whether a BSN can't be a real person's.

    The population register's published test persons have numbers that start with a 9; with fewer than eight digits
    (padded to nine with zeros) none was ever issued.
    """
    return bsn.startswith(("9", "00"))


def _with_review(ground: CaseGround, days: int) -> CaseGround:
    if ground.end is not None or ground.review is not None:
        return ground
    return replace(ground, review=ground.start + timedelta(days=days))


def _check_ground(ground: CaseGround, today: date, legal_bases: Collection[str]) -> None:
    for field, value in (("zaak", ground.case), ("behandelaar", ground.professional)):
        if not value.strip():
            raise InputError("the field is empty", do="Fill it in; nobody takes part without it (rule 3).", field=field)
    if forbidden_word(ground.case):
        raise InputError(
            "the case is labelled with what Sluis must not hold (rule 1)",
            do="Give a reference that says nothing of a family's origin, belief, language or dwelling.",
            field="zaak",
        )
    if ground.legal_basis not in legal_bases:
        raise InputError(
            "the covenant doesn't list this legal basis for the purpose",
            do=f"Use one of: {', '.join(sorted(legal_bases))}.",
            field="grondslag",
        )
    if ground.review is not None and ground.review < today:
        raise InputError(
            "the review is overdue", do="Review the case and give a new date, or close it.", field="herzieningsdatum"
        )


def _check_identity(person: Person, test_identities: bool | None) -> None:
    if person.bsn is not None and not (len(person.bsn) == 9 and eleven_test.is_valid(person.bsn)):
        raise InputError(
            "the BSN fails the eleven-test", do="Correct it, or leave it out.", field="burgerservicenummer"
        )
    if person.bsn is None or test_identities is None or is_test_bsn(person.bsn) == test_identities:
        return
    what, do = (
        ("the BSN may be a real person's; this is a demo", "Use test BSNs, which start with a 9.")
        if test_identities
        else ("the BSN is a test number; this is production", "Remove the test person.")
    )
    raise InputError(what, do=do, field="burgerservicenummer")


def _ids(families: Sequence[Family]) -> Iterator[Ids]:
    return ((family.family_id, record.person.person_id) for family in families for record in family.members)
