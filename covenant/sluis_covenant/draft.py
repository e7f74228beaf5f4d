"""A covenant's draft: the steps that change it, as functions from terms to terms, and its file.

No signature and no key is made here. What the terms must be is checked by `sluis_protocol.covenant.Terms` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sluis_protocol.bulletin import without_keys
from sluis_protocol.card import Card, Role
from sluis_protocol.covenant import Covenant, Holder, Member, Party, Purpose, Terms, problems
from sluis_protocol.errors import CovenantError, InputError, SluisError
from sluis_protocol.note import Verifier
from sluis_protocol.rules import load_rules
from sluis_runtime.files import read_text, write_atomically

MOST_BYTES = 8_388_608
BATCH_MINIMUM = 64
"""Of new covenants: key holders see how much a member asks for in steps of this."""
_NOTE_MARK = "\n\n— "


def new_terms(**fields: Any) -> Terms:
    """Terms of version 1 without parties, under the packaged rule set. Raises CovenantError naming each wrong field."""
    rules = load_rules()
    rule_set = {"name": rules.identity, "sha256": rules.sha256}
    return _checked({"rule_set": rule_set, "limits": {"batch_minimum": BATCH_MINIMUM}, **fields})


def purpose(text: str, valid_from: date, valid_until: date) -> Purpose:
    """A purpose from `id:title:basis[,basis]...`. Raises InputError."""
    parts = text.split(":", 2)
    if len(parts) != 3:
        raise InputError("a purpose is written id:title:basis[,basis]...", do="separate its three parts with colons")
    bases = tuple(basis.strip() for basis in parts[2].split(",") if basis.strip())
    try:
        return Purpose(
            id=parts[0], title=parts[1].strip(), legal_bases=bases, valid_from=valid_from, valid_until=valid_until
        )
    except ValidationError as error:
        raise InputError(f"the purpose is wrong: {problems(error)}", do="correct these parts", purpose=text) from error


def add_party(terms: Terms, card: Card, role: Role, quota: int | None) -> Terms:
    """Terms with the party of a (checked) card, in this role; a party that is there already gets the card's keys.

    A member that was revoked is admitted again. With a new holder the joint key is dropped: it needs a new ceremony.
    """
    common = {"oin": card.oin, "name": card.name, "signing_key": card.signing_key}
    match role:
        case Role.COORDINATOR:
            return _checked(_fields(terms) | {"coordinator": Party(**common)})
        case Role.MEMBER:
            known = {member.oin: member for member in terms.members}
            before = known.get(card.oin)
            granted = quota or (before.quota if before else default_quota(terms))
            known[card.oin] = _party(
                Member, common | _sealing(card) | {"municipality": card.municipality, "quota": granted}
            )
            return _checked(_fields(terms) | {"members": tuple(known.values())})
        case Role.HOLDER:
            holders = {holder.oin: holder for holder in terms.holders}
            if there := holders.get(card.oin):
                holders[card.oin] = there.model_copy(update=common | _sealing(card))
            else:
                terms = without_keys(terms)
                holders = {holder.oin: holder for holder in terms.holders}
                holders[card.oin] = _party(Holder, common | _sealing(card) | {"index": len(holders) + 1})
            return _checked(_fields(terms) | {"holders": tuple(holders.values())})


def default_quota(terms: Terms) -> int:
    """What tagging the largest caseload allowed takes: every tag of every person, once, in whole steps of a batch."""
    tags = load_rules().slots * max((purpose.maximum_persons for purpose in terms.purposes), default=20_000)
    return -(-tags // terms.limits.batch_minimum) * terms.limits.batch_minimum


def revoke(terms: Terms, oin: str) -> Terms:
    """Terms in which this member takes part no more; it stays listed, so that nobody takes its place unnoticed."""
    if oin not in {member.oin for member in terms.members}:
        raise InputError("this OIN is not a member of the draft", do="see `sluis-covenant show DRAFT`", party=oin)
    members = tuple(
        member.model_copy(update={"revoked": True}) if member.oin == oin else member for member in terms.members
    )
    return _checked(_fields(terms) | {"members": members})


def next_version(terms: Terms) -> Terms:
    """The terms as the draft of the next version; parties and keys stay."""
    return _checked(_fields(terms) | {"version": terms.version + 1})


def read_draft(path: Path) -> Terms:
    """A draft's terms; errors name the file."""
    text = read_text(path, most=MOST_BYTES, what="the draft")
    if _NOTE_MARK in text:
        raise InputError(
            "this is a signed covenant, not a draft",
            do="first: sluis-covenant revise NOTE DRAFT",
            file=path,
        )
    return _of_file(path, text)


def read_any(path: Path) -> tuple[Terms, str]:
    """The terms of a draft, or of a note WITHOUT checking its signature, and which of the two it is."""
    text = read_text(path, most=MOST_BYTES, what="the covenant")
    body, mark, _ = text.rpartition(_NOTE_MARK)
    return (_of_file(path, body + "\n"), "signed, not verified here") if mark else (_of_file(path, text), "draft")


def read_note(path: Path, authority: Verifier) -> Covenant:
    """A signed covenant, verified; errors name the file."""
    text = read_text(path, most=MOST_BYTES, what="the covenant")
    try:
        return Covenant.verify(text, authority)
    except SluisError as error:
        error.where.setdefault("file", str(path))
        raise


def write_draft(path: Path, terms: Terms) -> None:
    """Replace a draft in one step."""
    write_atomically(path, terms.serialise())


def _of_file(path: Path, text: str) -> Terms:
    try:
        return Terms.parse(text)
    except CovenantError as error:
        error.where.setdefault("file", str(path))
        raise


def checked(terms: Terms, **changes: Any) -> Terms:
    """Terms with other fields; raise CovenantError if that makes no covenant."""
    return _checked(_fields(terms) | changes)


def _fields(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.model_fields}


def _checked(fields: Mapping[str, Any]) -> Terms:
    try:
        return Terms.model_validate(dict(fields))
    except ValidationError as error:
        raise CovenantError(f"that makes no covenant: {problems(error)}", do="correct these fields") from error


def _sealing(card: Card) -> dict[str, Any]:
    if card.sealing_key is None:
        raise InputError("the card has no sealing key", do="members and holders need one", party=card.oin)
    return {"sealing_key": card.sealing_key}


def _party(kind: Any, fields: Mapping[str, Any]) -> Any:
    try:
        return kind(**fields)
    except ValidationError as error:
        raise InputError(
            f"the card can't be used for this role: {problems(error)}", do="ask for a card of that role"
        ) from error
