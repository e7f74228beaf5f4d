"""What the commands of a case share: their options, how these are read, and how one step is done and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sluis_protocol.approach import Criteria, Partner
from sluis_protocol.content import ContactCard
from sluis_protocol.covenant import problems
from sluis_protocol.errors import InputError, NotFound, Unreachable
from sluis_runtime.printing import print_json

from ..command import with_node
from ..node import Node
from . import show
from .desk import Desk
from .model import Case, Plan

SHORTEST = 4  # digits of a match's id
_PATIENCE = 5.0  # seconds: the step is safe, and receive sends it later
_WAIT = 2.0

MatchArgument = Annotated[str, typer.Argument(metavar="MATCH", help="The match, by its id or the first digits of it.")]
ReviewerOption = Annotated[str, typer.Option("--reviewer", metavar="ID", help="Who does this.")]
RoleOption = Annotated[str, typer.Option("--role", help="Whom they call: a role, not a person.")]
MailboxOption = Annotated[str, typer.Option("--mailbox", help="Its shared mailbox.")]
TelephoneOption = Annotated[str, typer.Option("--telephone", help="Its number.")]
PersonOption = Annotated[str, typer.Option("--person", help="A person's name, only if that person wants it.")]
PartnerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--partner", metavar="ROLE=BASIS", help="A partner and its legal basis; an organisation: ROLE/NAME=BASIS."
    ),
]
LeadOption = Annotated[str, typer.Option(metavar="OIN", help="Which of the two municipalities leads.")]
StartOption = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="When it starts.")]
EndOption = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Its last day.")]
AreasOption = Annotated[bool, typer.Option("--several-areas", help="There are problems in several areas of life.")]
CrimeOption = Annotated[
    bool, typer.Option("--crime-or-nuisance", help="There is crime or nuisance, or a threat of it.")
]
ChainsOption = Annotated[bool, typer.Option("--several-chains", help="Parties of several chains are needed.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why the ordinary chain can't act.")]


def take_step(match: str, verb: Callable[[Desk, str], Case], config: Path, reviewer: str, *, as_json: bool) -> None:
    """Fetch what is new, do one step, send it, fetch what came of it, and show the case."""

    async def work(node: Node) -> Case:
        found = await asyncio.to_thread(find_match, node, match)
        connected = await _exchange(node)
        case = await asyncio.to_thread(verb, node.desk, found)
        if not connected or not await _exchange(node):
            typer.echo("nothing was sent yet; sluis-node receive sends it", err=True)
            return case
        return await asyncio.to_thread(lambda: node.desk.case(found, by=reviewer))

    print_case(with_node(config, work, patience=_PATIENCE), as_json=as_json)


async def _exchange(node: Node) -> bool:
    """Send and fetch what there is; False if there is no connection."""
    try:
        await node.receive(wait=_WAIT)
    except Unreachable as error:
        typer.echo(error.diagnostics(), err=True)
        return False
    return True


def print_case(case: Case, *, as_json: bool) -> None:
    """A case as text or JSON."""
    if as_json:
        print_json(show.case_json(case))
    else:
        show.print_case(case)


def find_match(node: Node, match: str) -> str:
    """The whole id of a match."""
    found = [one.match for one in node.matches() if one.match.startswith(match.lower())]
    if len(match) < SHORTEST or not found:
        raise NotFound(
            f"there is no match that begins so, or fewer than {SHORTEST} digits were given",
            do="list them: sluis-node matches",
        )
    if len(found) > 1:
        raise InputError("several matches begin so", do="give more digits of the id")
    return found[0]


def contact_card(role: str, mailbox: str, telephone: str, person: str) -> ContactCard:
    """The card that the options describe; InputError if there can't be such a card."""
    try:
        return ContactCard(role=role, mailbox=mailbox, telephone=telephone, person=person or None)
    except ValidationError as error:
        raise InputError(f"the contact card can't be used: {problems(error)}", do="correct these options") from error


def criteria_of(areas: bool, crime: bool, chains: bool, why: str) -> Criteria | None:
    """The criteria that the options describe; None if there are none."""
    if not (areas or crime or chains or why):
        return None
    try:
        return Criteria(several_areas=areas, crime_or_nuisance=crime, several_chains=chains, why=why)
    except ValidationError as error:
        raise InputError(f"the criteria can't be used: {problems(error)}", do="say why, in a sentence") from error


def plan_of(lead: str, start: datetime, end: datetime, given: list[str], criteria: Criteria | None) -> Plan:
    """The plan that the options describe; partners take part from its start."""
    return Plan(lead, start.date(), end.date(), tuple(_partner(one, start.date()) for one in given), criteria)


def _partner(given: str, since: date) -> Partner:
    who, separator, basis = given.partition("=")
    role, _, organisation = who.partition("/")
    if not separator:
        raise InputError("a partner needs its legal basis", do="write --partner ROLE=BASIS", option="--partner")
    try:
        return Partner(role=role, basis=basis, since=since, organisation=organisation or None)
    except ValidationError as error:
        raise InputError(f"a partner can't be used: {problems(error)}", do="write --partner ROLE=BASIS") from error


def day(given: datetime | None) -> date | None:
    """The day of an option that takes a date."""
    return given.date() if given else None
