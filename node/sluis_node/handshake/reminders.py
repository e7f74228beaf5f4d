"""Reminders: what is almost due, told once for each deadline. `Node.receive` looks each time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from sluis_protocol.encoding import millis
from sluis_protocol.handshake import Active, Agreed, Deciding, Drafting

from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from .casebook import Casebook, Handshake
from .model import Informing
from .papers import read_informing
from .review import Review, Stage

DECISION_DAYS, DRAFT_DAYS, END_DAYS, INFORMING_DAYS = 3, 5, 21, 5  # before the deadline


def remind(parts: Parts) -> None:
    """Tell of what is due soon."""
    casebook, now = Casebook(parts.store.vault), parts.now()
    with parts.store.transaction() as connection:
        for found in casebook.open(connection):
            if not found.match or found.state is None:
                continue
            review = casebook.review(connection, found)
            informing = read_informing(casebook.papers(connection, found.id))
            for kind, due in _due(parts, found, review, informing):
                days = {NoticeKind.DECISION_DUE: DECISION_DAYS, NoticeKind.DRAFT_DUE: DRAFT_DAYS}.get(kind)
                days = days or (END_DAYS if kind is NoticeKind.APPROACH_ENDS else INFORMING_DAYS)
                if due - timedelta(days=days) <= now < due:
                    parts.notices.enqueue(connection, Notice(kind, f"{found.id.hex()} {millis(due)}"), now)


def _due(
    parts: Parts, found: Handshake, review: Review, informing: Informing | None
) -> Iterator[tuple[NoticeKind, datetime]]:
    """What of ours has a deadline, and when."""
    state = found.state
    untouched = found.known and not review.opinions and not review.attempt
    match state:
        case Deciding() if review.stage in (Stage.FIRST, Stage.SECOND) and not untouched:
            yield NoticeKind.DECISION_DUE, state.deadline
        case Agreed():
            yield NoticeKind.DRAFT_DUE, state.deadline
        case Drafting() if found.side(parts.oin) not in state.signed:
            yield NoticeKind.DRAFT_DUE, state.deadline
        case Active():
            yield NoticeKind.APPROACH_ENDS, state.until
    if not isinstance(state, Deciding) and informing is not None and informing.until is not None:
        # Until the end of its last day.
        yield NoticeKind.INFORMING_DUE, datetime.combine(informing.until + timedelta(days=1), time(), UTC)
