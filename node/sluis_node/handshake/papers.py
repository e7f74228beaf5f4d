"""The papers of a case and their form in the database: contact cards, drafts and signatures, who was informed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date

from sluis_protocol.approach import Approach
from sluis_protocol.content import ContactCard
from sluis_protocol.handshake import Side

from .model import Draft, Informing, Postponement

OWN_CARD, THEIR_CARD = "own card", "their card"
INFORMING = "informing"
PENDING_DRAFT = "pending draft"  # ours, until it is entered
_DRAFT = "draft "


def draft_name(version: int) -> str:
    """The name of a draft's paper."""
    return f"{_DRAFT}{version:06}"


def write_card(card: ContactCard) -> bytes:
    """A contact card as JSON."""
    return card.model_dump_json().encode()


def read_card(papers: Mapping[str, bytes], name: str) -> ContactCard | None:
    """A contact card, if it is there."""
    return ContactCard.model_validate_json(papers[name]) if name in papers else None


def write_draft(draft: Draft) -> bytes:
    """A draft as JSON."""
    return json.dumps(
        {
            "version": draft.version,
            "proposed_by": draft.proposed_by,
            "approach": draft.approach.serialise(),
            "signatures": {side: base64.b64encode(one).decode() for side, one in draft.signatures.items()},
            "fault": draft.fault,
        }
    ).encode()


def read_draft(data: bytes) -> Draft:
    """What `write_draft` wrote."""
    content = json.loads(data)
    return Draft(
        content["version"],
        Side(content["proposed_by"]),
        Approach.parse(content["approach"]),
        {Side(side): base64.b64decode(one) for side, one in content["signatures"].items()},
        content["fault"],
    )


def read_drafts(papers: Mapping[str, bytes]) -> tuple[Draft, ...]:
    """All drafts, the oldest first."""
    return tuple(read_draft(papers[name]) for name in sorted(papers) if name.startswith(_DRAFT))


def write_informing(informing: Informing) -> bytes:
    """Who was informed, as JSON."""
    return json.dumps(
        {
            "parents": _day(informing.parents),
            "young_persons": _day(informing.young_persons),
            "postponed": informing.postponed,
            "until": _day(informing.until),
        }
    ).encode()


def read_informing(papers: Mapping[str, bytes]) -> Informing | None:
    """Who was informed, if that was recorded."""
    if INFORMING not in papers:
        return None
    content = json.loads(papers[INFORMING])
    return Informing(
        _date(content["parents"]),
        _date(content["young_persons"]),
        Postponement(content["postponed"]) if content["postponed"] else None,
        _date(content["until"]),
    )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
