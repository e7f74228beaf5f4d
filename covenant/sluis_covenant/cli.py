"""`sluis-covenant`: the command line of the covenant authority. It works offline, on files."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sluis_protocol.board import Broken
from sluis_protocol.card import Card, Role
from sluis_protocol.covenant import Assessment, Covenant, Schedule, Terms, problems
from sluis_protocol.errors import CovenantError, InputError, SluisError
from sluis_protocol.note import Verifier
from sluis_runtime.files import read_text, write_atomically
from sluis_runtime.keyfiles import new_signing_key, read_signing_key
from sluis_runtime.printing import say
from sluis_runtime.program import Program

from . import ceremony as ceremonies
from . import draft as drafts
from . import totals
from .show import show_terms

app = Program(help="Make, change and sign a covenant: who takes part, for what, and with which key.")
ceremony_app = Program(help="The key ceremony, on a board: a shared folder, or one that is carried around.")
app.add_typer(ceremony_app, name="ceremony")
Draft = Annotated[Path, typer.Argument(metavar="DRAFT", help="The draft (JSON).")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The board's folder.")]
KeyFile = Annotated[Path, typer.Option("--key", metavar="KEYFILE", help="The authority's signing key.")]
AuthorityName = Annotated[str, typer.Option(metavar="NAME", help="The authority's name in signatures; no spaces.")]


class Mode(StrEnum):
    """With test identities, or with real ones."""

    DEMO = "demo"
    PRODUCTION = "production"


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The draft to make.")],
    identifier: Annotated[str, typer.Option("--id", help="The covenant's id: lower case, digits, hyphens.")],
    mode: Annotated[Mode, typer.Option(help="demo takes test OINs only, production none.")],
    threshold: Annotated[int, typer.Option(min=1, max=255, help="How many key holders make an evaluation.")],
    authority_name: AuthorityName,
    key: KeyFile,
    purpose: Annotated[list[str] | None, typer.Option(metavar="ID:TITLE:BASIS[,BASIS]...")] = None,
    minimum_participants: Annotated[int, typer.Option(help="A round with fewer publishes nothing.")] = 3,
    every_hours: Annotated[int, typer.Option(help="How often rounds are held.")] = 24,
    most_rounds: Annotated[int, typer.Option(help="Rounds of a purpose in that time; key holders serve no more.")] = 4,
    collecting_minutes: Annotated[int, typer.Option(help="How long a round collects.")] = 240,
    confirmation_hours: Annotated[int, typer.Option(help="How long confirmations are awaited.")] = 240,
    valid_from: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Default: today.")] = "",
    valid_until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Default: a year later.")] = "",
    assessment: Annotated[str, typer.Option(metavar="REFERENCE:YYYY-MM-DD", help="The DPIA and its approval.")] = "",
) -> None:
    """Write a draft, and make the authority's signing key if there is none yet."""
    start = _date(valid_from, "--valid-from") if valid_from else datetime.now(UTC).date()
    end = _date(valid_until, "--valid-until") if valid_until else start + timedelta(days=365)
    try:
        schedule = Schedule(
            minimum_participants=minimum_participants,
            every_hours=every_hours,
            most_rounds=most_rounds,
            collecting_minutes=collecting_minutes,
            confirmation_hours=confirmation_hours,
        )
    except ValidationError as error:
        raise InputError(f"the schedule is wrong: {problems(error)}", do="correct these options") from error
    terms = drafts.new_terms(
        id=identifier,
        mode=mode.value,
        threshold=threshold,
        valid_from=start,
        valid_until=end,
        assessment=_assessment(assessment) if assessment else None,
        purposes=tuple(drafts.purpose(text, start, end) for text in purpose or ()),
        schedule=schedule,
    )
    if file.exists() and drafts.read_draft(file) != terms:
        raise InputError("there is another draft already", do="choose another name, or move it away", file=file)
    verifier = Verifier.of(authority_name, read_signing_key(key) if key.exists() else new_signing_key(key))
    drafts.write_draft(file, terms)
    say(str(verifier))


@app.command()
def verifier(key: KeyFile, authority_name: AuthorityName) -> None:
    """Print the line that every party pins: the authority's name and public key."""
    say(str(Verifier.of(authority_name, read_signing_key(key))))


@app.command("add-member")
def add_member(
    draft: Draft,
    cards: Annotated[list[Path], typer.Argument(metavar="CARD...", help="Parties' cards (card.json).")],
    quota: Annotated[int | None, typer.Option(min=1, help="Evaluations a round. Default: a largest caseload.")] = None,
    role: Annotated[Role | None, typer.Option("--as", help="Another role than the card names.")] = None,
) -> None:
    """Take parties into the draft, or give them the keys of their new cards. Compare fingerprints with each of them."""
    before = terms = drafts.read_draft(draft)
    added = []
    for path in cards:
        try:
            card = Card.parse(read_text(path, most=drafts.MOST_BYTES, what="the card"))
            terms = drafts.add_party(terms, card, role or card.role, quota)
        except SluisError as error:
            error.where.setdefault("file", str(path))
            raise
        added.append(card)
    drafts.write_draft(draft, terms)
    for card in added:
        say(f"{role or card.role} {card.name} ({card.oin}), fingerprint {card.fingerprint}")
    if before.joint_key and not terms.joint_key:
        say("a key holder is new: hold a new ceremony", "yellow")


@app.command()
def board(
    draft: Draft,
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The board's card (board-card.json).")],
    period: Annotated[str | None, typer.Option(metavar="quarter|month", help="How long a period is.")] = None,
    minimum_contributors: Annotated[int | None, typer.Option(help="No sum of fewer municipalities.")] = None,
    suppress_below: Annotated[int | None, typer.Option(help="Smaller figures are not published.")] = None,
    open_after_days: Annotated[int | None, typer.Option(help="Opened so long after a period's last day.")] = None,
    goal: Annotated[list[str] | None, typer.Option(metavar="YEAR:PURPOSE:CHILDREN")] = None,
    noise: Annotated[str, typer.Option(metavar="EPSILON:BUDGET", help="Of a release, and of a year's.")] = "",
) -> None:
    """Put the board's key and the terms of the national totals into the draft. Compare the fingerprint."""
    found = totals.read_board_card(card)
    terms = totals.with_totals(
        drafts.read_draft(draft),
        found,
        goal or (),
        noise,
        period=period,
        minimum_contributors=minimum_contributors,
        suppress_below=suppress_below,
        open_after_days=open_after_days,
    )
    drafts.write_draft(draft, terms)
    say(f"board {found.name}, fingerprint {found.fingerprint}")


@app.command()
def revoke(draft: Draft, oin: Annotated[str, typer.Argument(metavar="OIN", help="The member's OIN.")]) -> None:
    """Let a member take part no more. It takes effect with the next signed version."""
    drafts.write_draft(draft, drafts.revoke(drafts.read_draft(draft), oin))
    say(f"revoked {oin}")


@app.command()
def revise(
    note: Annotated[Path, typer.Argument(metavar="NOTE", help="The covenant in force.")],
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="The draft to make.")],
    authority: Annotated[str, typer.Option(metavar="VERIFIER", help="Check the signature first.")] = "",
) -> None:
    """Make the draft of the next version; parties and keys stay."""
    before = drafts.read_note(note, Verifier.parse(authority)).terms if authority else drafts.read_any(note)[0]
    terms = drafts.next_version(before)
    if draft.exists() and drafts.read_draft(draft) != terms:
        raise InputError("there is another draft already", do="choose another name, or move it away", file=draft)
    drafts.write_draft(draft, terms)
    say(f"draft of {terms.id} version {terms.version}")


@app.command()
def sign(
    draft: Draft,
    key: KeyFile,
    authority_name: AuthorityName,
    out: Annotated[Path, typer.Option(metavar="NOTE", help="The signed covenant to write.")],
) -> None:
    """Sign a complete draft."""
    terms, signer = drafts.read_draft(draft), read_signing_key(key)
    covenant = Covenant.sign(terms, authority_name, signer)
    if out.exists():
        _check_successor(drafts.read_any(out)[0], terms, out)
    write_atomically(out, covenant.note)
    say(f"signed {terms.id} version {terms.version}, SHA-256 {covenant.hash.hex()}")


@app.command()
def show(file: Annotated[Path, typer.Argument(metavar="NOTE_OR_DRAFT")]) -> None:
    """Show a covenant or a draft for people to read. A signature is not checked: see `verify`."""
    terms, what = drafts.read_any(file)
    show_terms(terms, what, hashlib.sha256(terms.serialise().encode()).hexdigest())


@app.command()
def verify(
    note: Annotated[Path, typer.Argument(metavar="NOTE", help="The signed covenant.")],
    authority: Annotated[str, typer.Option(metavar="VERIFIER", help="The authority's verifier line.")],
) -> None:
    """Check a covenant's signature and that it is complete."""
    covenant = drafts.read_note(note, Verifier.parse(authority))
    terms = covenant.terms
    say(f"valid: {terms.id} version {terms.version}, SHA-256 {covenant.hash.hex()}")


@ceremony_app.command("open")
def ceremony_open(draft: Draft, folder: Folder) -> None:
    """Open the ceremony for the draft's key holders, on an empty board."""
    ceremony = ceremonies.open_ceremony(drafts.read_draft(draft), folder, secrets.token_bytes(32))
    names = ", ".join(holder.name for holder in ceremony.holders.values())
    say(f"ceremony {ceremony.id.hex()[:16]} for {ceremony.threshold} of {len(ceremony.holders)}: {names}")


@ceremony_app.command("status")
def ceremony_status(folder: Folder) -> None:
    """Say how far the ceremony is and whom it waits for. Exit status 1 if it is broken."""
    ceremony, found, state = ceremonies.look(folder)
    for index, holder in sorted(ceremony.holders.items()):
        given = [
            name
            for name, messages in (("deal", found.deals), ("verdict", found.verdicts), ("reply", found.replies))
            if index in messages
        ]
        say(f"holder {index} {holder.name}: {', '.join(given) or 'nothing yet'}")
    if isinstance(state, Broken):
        raise state.error()
    say(ceremonies.waits_for(ceremony, state))


@ceremony_app.command("finish")
def ceremony_finish(draft: Draft, folder: Folder) -> None:
    """Write the joint key, the public shares and the transcript hash into the draft."""
    terms = ceremonies.finish_ceremony(drafts.read_draft(draft), folder)
    drafts.write_draft(draft, terms)
    say(f"joint key {terms.joint_key}, transcript {terms.ceremony}")


def _check_successor(before: Terms, after: Terms, file: Path) -> None:
    """A signed covenant is replaced by a newer version of itself only."""
    if before.id != after.id or before.version > after.version or (before.version == after.version and before != after):
        raise CovenantError(
            f"the file has {before.id} v{before.version}, which {after.id} v{after.version} can't replace",
            do="make the draft of a next version with `sluis-covenant revise`",
            file=file,
        )


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} is not a date", do="write it as YYYY-MM-DD") from error


def _assessment(text: str) -> Assessment:
    reference, _, approved = text.rpartition(":")
    try:
        return Assessment(reference=reference, approved_on=_date(approved, "--assessment"))
    except ValidationError as error:
        raise InputError(f"the assessment is wrong: {problems(error)}", do="write it REFERENCE:YYYY-MM-DD") from error
