"""Making and changing the plan: who leads, which partners on which ground, from when to when (rule 13).

Without scripts: a row for each partner, and a button for one more row, which brings the page back as it was filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from pydantic import ValidationError
from sluis_protocol.approach import MOST_PARTNERS, Criteria, Partner
from sluis_protocol.covenant import Purpose
from sluis_protocol.partners import Group, Role, roles
from starlette.responses import RedirectResponse, Response

from ...handshake.model import Case, Phase, Plan
from ..menu import N_
from ..people import Permission
from ..visit import Form, FormError, Visit
from .common import act, case_of, read_date, seen_of
from .route import PageRoute

_SPARE = 1
_PROPOSED = N_("The plan was proposed.")
_AMENDED = N_("The plan was changed. Both municipalities sign it anew.")
_SHORTEST_WHY, _LONGEST_WHY = 20, 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A partner as it stands in the form."""

    role: str = ""
    basis: str = ""
    organisation: str = ""
    since: str = ""

    @property
    def is_empty(self) -> bool:
        """Nobody was chosen."""
        return not self.role


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in."""

    lead: str
    start: str
    end: str
    rows: tuple[Row, ...]
    several_areas: bool = False
    crime_or_nuisance: bool = False
    several_chains: bool = False
    why: str = ""


async def show(visit: Visit) -> Response:
    """An empty form, or the newest draft to be changed."""
    case = await case_of(visit)
    if case.phase not in (Phase.AGREED, Phase.DRAFTING):
        return RedirectResponse(f"/approach/{case.match.match}", 303)
    return _page(visit, case, _from(case, visit.console.now().date()))


def _from(case: Case, today: date) -> Filled:
    draft = case.draft
    if draft is None:
        return Filled("", today.isoformat(), (today + timedelta(days=182)).isoformat(), ())
    approach, criteria = draft.approach, draft.approach.criteria
    return Filled(
        approach.lead,
        approach.start.isoformat(),
        approach.end.isoformat(),
        tuple(Row(one.role, one.basis, one.organisation or "", one.since.isoformat()) for one in approach.partners),
        criteria is not None and criteria.several_areas,
        criteria is not None and criteria.crime_or_nuisance,
        criteria is not None and criteria.several_chains,
        criteria.why if criteria else "",
    )


def _page(
    visit: Visit, case: Case, filled: Filled, *, problems: Mapping[str, str] | None = None, rows: int = 0
) -> Response:
    purpose = visit.console.node.about().purpose(case.match.purpose)
    spare = max(rows, len(filled.rows) + _SPARE) - len(filled.rows)
    about = visit.console.node.about()
    return visit.page(
        "plan.html",
        status=422 if problems else 200,
        case=case,
        plan=filled,
        rows=list(enumerate((*filled.rows, *(Row() for _ in range(spare))))),
        groups=_groups(purpose),
        purpose=purpose,
        parties=[(oin, name) for oin, name in about.members if oin in (about.oin, case.match.counterpart.oin)],
        longest=visit.console.node.about().longest_days,
        problems=dict(problems or {}),
    )


def _groups(purpose: Purpose) -> list[tuple[Group, list[Role]]]:
    """The roles that may sit at the table, by group; those of criminal justice only where the covenant admits them."""
    allowed = [role for role in roles().values() if role.bases(purpose)]
    return [(group, found) for group in Group if (found := [role for role in allowed if role.group is group])]


def read(form: Form) -> Filled:
    """The form's fields; a row from which somebody was taken out is left out."""
    rows = [
        Row(*values)
        for values in zip(
            form.all("role"), form.all("basis"), form.all("organisation"), form.all("since"), strict=False
        )
    ]
    return Filled(
        form["lead"],
        form["start"],
        form["end"],
        tuple(row for row in rows if not row.is_empty)[:MOST_PARTNERS],
        form["several_areas"] == "yes",
        form["crime_or_nuisance"] == "yes",
        form["several_chains"] == "yes",
        form["why"],
    )


async def submit(visit: Visit, form: Form) -> Response:
    """Propose the plan, or the change; or one more row."""
    match = visit.part("match")
    case = await case_of(visit)
    filled = read(form)
    if form["more"]:
        return _page(visit, case, filled, rows=len(filled.rows) + 2)
    try:
        made = _plan(visit, case, filled)
        desk = visit.console.desk
        # By what the visitor saw: a first draft, or a change of the newest.
        amends = form["act"] == "amend"
        verb = desk.amend if amends else desk.propose
        message = _AMENDED if amends else _PROPOSED
        done = partial(verb, match, by=visit.person.id, plan=made, seen=seen_of(form))
        return await act(visit, done, f"/approach/{match}", message)
    except FormError as wrong:
        return _page(visit, case, filled, problems=wrong.problems)


def _plan(visit: Visit, case: Case, filled: Filled) -> Plan:
    """The plan, or FormError with everything that is wrong with it."""
    problems: dict[str, str] = {}
    about = visit.console.node.about()
    if filled.lead not in (about.oin, case.match.counterpart.oin):
        problems["lead"] = visit.text("Choose who leads.")
    start, end = read_date(filled.start), read_date(filled.end)
    if start is None:
        problems["start"] = visit.text("Give the first day.")
    if end is None:
        problems["end"] = visit.text("Give the last day.")
    longest = visit.console.node.about().longest_days
    today = visit.console.now().date()
    if start and end:
        if end < start or end < today:
            problems["end"] = visit.text("The last day comes after the first, and after today.")
        elif (end - start).days > longest or (end - today).days > longest:
            problems["end"] = visit.text("An approach lasts at most %(days)s days.", days=longest)
    partners = [_partner(visit, case, filled, at, problems) for at in range(len(filled.rows))]
    asks = any(row.role in roles() and roles()[row.role].needs_criteria for row in filled.rows)
    criteria = _criteria(visit, filled, problems) if asks else None
    if problems or start is None or end is None:
        raise FormError(problems)
    return Plan(filled.lead, start, end, tuple(one for one in partners if one), criteria)


def _partner(visit: Visit, case: Case, filled: Filled, at: int, problems: dict[str, str]) -> Partner | None:
    row = filled.rows[at]
    purpose = visit.console.node.about().purpose(case.match.purpose)
    role = roles().get(row.role)
    if role is None or not role.bases(purpose):
        problems[f"role-{at}"] = visit.text("This partner can't take part: the covenant has no ground for it.")
        return None
    if row.basis not in role.bases(purpose):
        problems[f"basis-{at}"] = visit.text("Choose the ground on which this partner takes part.")
    since = read_date(row.since or filled.start)
    if since is None or not filled.start <= since.isoformat() <= filled.end:
        problems[f"since-{at}"] = visit.text("A partner takes part within the dates of the approach.")
    if problems or since is None:
        return None
    try:
        return Partner(role=role.code, basis=row.basis, since=since, organisation=row.organisation or None)
    except ValidationError:
        problems[f"organisation-{at}"] = visit.text("Write the organisation's name on one short line.")
        return None


def _criteria(visit: Visit, filled: Filled, problems: dict[str, str]) -> Criteria | None:
    for name in ("several_areas", "crime_or_nuisance", "several_chains"):
        if not getattr(filled, name):
            problems["criteria"] = visit.text("A Zorg- en Veiligheidshuis takes a case only when all three hold.")
    why = " ".join(filled.why.split())
    if not _SHORTEST_WHY <= len(why) <= _LONGEST_WHY or not why.isprintable():
        problems["why"] = visit.text("Say in a sentence or two why the ordinary chain can't act.")
    if "criteria" in problems or "why" in problems:
        return None
    return Criteria(several_areas=True, crime_or_nuisance=True, several_chains=True, why=why)


ROUTES = (PageRoute("/approach/{match}/plan", Permission.APPROACH, show, submit),)
