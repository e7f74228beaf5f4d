"""`sluis-node decide`, `reconsider` and `approach`: what people do with a match, on the command line.

A match may be given by the first digits of its id. Every command names who acts (rule 11), does its one step, sends
it and fetches what came of it; without a connection the step lies ready for `sluis-node receive`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sluis_protocol.approach import verify_approach
from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.covenant import Covenant, Purpose
from sluis_protocol.note import Verifier
from sluis_protocol.partners import roles
from sluis_runtime.files import read_text, write_atomically
from sluis_runtime.printing import say
from sluis_runtime.program import Program

from ..command import CONFIG, ConfigOption, JsonOption, with_node
from ..config import NodeSettings
from ..node import Node
from .model import Case, Informing, Postponement
from .options import (
    AreasOption,
    ChainsOption,
    CrimeOption,
    EndOption,
    LeadOption,
    MailboxOption,
    MatchArgument,
    PartnerOption,
    PersonOption,
    ReviewerOption,
    RoleOption,
    StartOption,
    TelephoneOption,
    WhyOption,
    contact_card,
    criteria_of,
    day,
    find_match,
    plan_of,
    print_case,
    take_step,
)
from .review import Answer, Reason

_MOST_FILE = 1_048_576
_MOST_NOTE = 8_388_608
approach = Program(help="Work on a joint approach with the other municipality, once both want it.")


def decide(
    match: MatchArgument,
    answer: Annotated[Answer, typer.Argument(help="Whether you want a joint approach.")],
    reviewer: ReviewerOption,
    reason: Annotated[Reason | None, typer.Option(help="Why not; a no needs it, and it stays in this node.")] = None,
    identity_verified: Annotated[
        bool, typer.Option("--identity-verified", help="You verified that it is the same family.")
    ] = False,
    role: RoleOption = "",
    mailbox: MailboxOption = "",
    telephone: TelephoneOption = "",
    person: PersonOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Decide on a match: the first person recommends, the second, another one, decides.

    The other municipality learns of a yes only if it says yes, too, and never of a no.
    """
    card = contact_card(role, mailbox, telephone, person) if role or mailbox or telephone else None
    take_step(
        match,
        lambda desk, found: desk.decide(
            found, by=reviewer, answer=answer, reason=reason, identity_verified=identity_verified, card=card
        ),
        config,
        reviewer,
        as_json=as_json,
    )


def reconsider(
    match: MatchArgument, reviewer: ReviewerOption, as_json: JsonOption = False, config: ConfigOption = CONFIG
) -> None:
    """Take up again what two people decided, before the deadline. A yes is taken back, if it isn't too late."""
    take_step(match, lambda desk, found: desk.reconsider(found, by=reviewer), config, reviewer, as_json=as_json)


@approach.command("show")
def show_(
    match: MatchArgument, reviewer: ReviewerOption, as_json: JsonOption = False, config: ConfigOption = CONFIG
) -> None:
    """Show a match and all that came after it."""

    async def work(node: Node) -> Case:
        return await asyncio.to_thread(lambda: node.desk.case(find_match(node, match), by=reviewer))

    print_case(with_node(config, work), as_json=as_json)


@approach.command()
def propose(
    match: MatchArgument,
    reviewer: ReviewerOption,
    lead: LeadOption,
    start: StartOption,
    end: EndOption,
    partner: PartnerOption = None,
    several_areas: AreasOption = False,
    crime_or_nuisance: CrimeOption = False,
    several_chains: ChainsOption = False,
    why: WhyOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Propose a draft: who leads, who takes part on which ground, from when to when.

    A Zorg- en Veiligheidshuis takes part only when its three criteria hold, and the ordinary chain can't act.
    """
    criteria = criteria_of(several_areas, crime_or_nuisance, several_chains, why)
    plan = plan_of(lead, start, end, partner or [], criteria)
    take_step(match, lambda desk, found: desk.propose(found, by=reviewer, plan=plan), config, reviewer, as_json=as_json)


@approach.command()
def amend(
    match: MatchArgument,
    reviewer: ReviewerOption,
    lead: LeadOption,
    start: StartOption,
    end: EndOption,
    partner: PartnerOption = None,
    several_areas: AreasOption = False,
    crime_or_nuisance: CrimeOption = False,
    several_chains: ChainsOption = False,
    why: WhyOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Replace the newest draft by another one; both sign anew."""
    criteria = criteria_of(several_areas, crime_or_nuisance, several_chains, why)
    plan = plan_of(lead, start, end, partner or [], criteria)
    take_step(match, lambda desk, found: desk.amend(found, by=reviewer, plan=plan), config, reviewer, as_json=as_json)


@approach.command()
def sign(
    match: MatchArgument,
    reviewer: ReviewerOption,
    draft: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="The draft that you read.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Sign the newest draft. First it must be on record that the family was informed, or why not yet."""
    take_step(
        match, lambda desk, found: desk.sign(found, by=reviewer, version=draft), config, reviewer, as_json=as_json
    )


@approach.command()
def withdraw(
    match: MatchArgument,
    reviewer: ReviewerOption,
    reason: Annotated[WithdrawalReason, typer.Option(help="Why; the other side is told.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """End it from our side, whatever the other wants."""
    take_step(
        match, lambda desk, found: desk.withdraw(found, by=reviewer, reason=reason), config, reviewer, as_json=as_json
    )


@approach.command()
def close(
    match: MatchArgument,
    reviewer: ReviewerOption,
    outcome: Annotated[Outcome, typer.Option(help="What came of it.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """End an approach that we lead."""
    take_step(
        match, lambda desk, found: desk.close(found, by=reviewer, outcome=outcome), config, reviewer, as_json=as_json
    )


@approach.command()
def card(
    match: MatchArgument,
    reviewer: ReviewerOption,
    role: RoleOption,
    mailbox: MailboxOption,
    telephone: TelephoneOption,
    person: PersonOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Give the other side a contact card, or a new one."""
    new = contact_card(role, mailbox, telephone, person)
    take_step(
        match, lambda desk, found: desk.send_card(found, by=reviewer, card=new), config, reviewer, as_json=as_json
    )


@approach.command()
def inform(
    match: MatchArgument,
    reviewer: ReviewerOption,
    parents: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="When the parents were informed.")
    ] = None,
    young_persons: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="When young persons from 16 were informed."),
    ] = None,
    postpone: Annotated[Postponement | None, typer.Option(help="Why that is not done yet.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Until when it is postponed.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Record that the family was informed, or why not yet and until when."""
    informing = Informing(day(parents), day(young_persons), postpone, day(until))
    take_step(
        match,
        lambda desk, found: desk.inform(found, by=reviewer, informing=informing),
        config,
        reviewer,
        as_json=as_json,
    )


@approach.command()
def dilemma(
    match: MatchArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, without personal data.")],
    reviewer: ReviewerOption,
    board: Annotated[bool, typer.Option("--board", help="To the strategic board, after the platform.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Put what the two can't solve to the innovation platform, as a question about nobody."""
    take_step(
        match,
        lambda desk, found: desk.ask(found, by=reviewer, question=question, board=board),
        config,
        reviewer,
        as_json=as_json,
    )


@approach.command()
def export(
    match: MatchArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    reviewer: ReviewerOption,
    config: ConfigOption = CONFIG,
) -> None:
    """Write the contract that both signed to a file, for `verify`."""

    async def work(node: Node) -> str:
        return await asyncio.to_thread(lambda: node.desk.export(find_match(node, match), by=reviewer))

    write_atomically(file, with_node(config, work))
    say(f"the contract is in {file}")


@approach.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` wrote.")],
    covenant: Annotated[Path, typer.Option(metavar="NOTE", help="The covenant version that the contract names.")],
    authority: Annotated[
        str, typer.Option(metavar="LINE", help="The covenant authority's verifier line; else the configuration's.")
    ] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Check a signed contract, offline. Whether it was ended since, no file can say."""
    verifier = Verifier.parse(authority) if authority else NodeSettings.load(config).verifier()
    known = Covenant.verify(read_text(covenant, most=_MOST_NOTE, what="the covenant"), verifier)
    terms = known.terms
    steps = [f"the covenant {terms.id} v{terms.version} is signed by {verifier.name}"]
    verified = verify_approach(read_text(file, most=_MOST_FILE, what="the contract"), known)
    for number, step in enumerate((*steps, *verified.steps), start=1):
        say(f"{number}. {step}")
    contract = verified.approach
    say(f"it holds from {contract.start} to {contract.end}, unless it was ended before")


@approach.command()
def partners(
    purpose: Annotated[
        str | None, typer.Option(metavar="ID", help="A purpose of the covenant; needed where it has several.")
    ] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """List the roles that may take part, and the legal bases that they may take part on."""

    async def work(node: Node) -> Purpose:
        return await asyncio.to_thread(node.purpose, purpose)

    agreed = with_node(config, work)
    for role in roles().values():
        bases = ", ".join(role.bases(agreed)) or "no legal basis in this covenant"
        asks = "; asks for criteria" if role.needs_criteria else ""
        say(f"{role.code}: {role.nl} ({role.group}): {bases}{asks}")
