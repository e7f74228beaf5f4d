"""What key holders counted in a round: each signs its counts once, into the log, and everybody may read them.

Who asked for far more than it handed in is flagged: it may have been guessing (protocol.md, Known leakage).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sluis_protocol import wire
from sluis_protocol.errors import Replayed, RoundError
from sluis_protocol.log_messages import Usage, UsageList
from sluis_protocol.rounds import Announced, Collecting
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_runtime.database import transaction
from sluis_runtime.logs import logger
from sqlalchemy import insert, select

from . import events, store
from .coordinator import Coordinator
from .schema import usages

FAR_MORE = 2
"""Times the tags that a member handed in; an honest one asks for fewer than it hands in, but for what padding needs."""

log = logger("usage")


def report(coordinator: Coordinator, oin: str, message: SignedMessage) -> None:
    """Keep a holder's counts, and their leaf.

    1. The round is closed; 2. the caller, a holder of the round's covenant, signed it for that round and its purpose;
    3. it is its first word on it, or the very same again, which changes nothing.
    """
    round_id = message.envelope.round_id
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, round_id)
    covenant = coordinator.covenant_of(found.covenant_hash)
    envelope = open_signed(message, covenant, Kind.USAGE, round_id=round_id, now=None, caller=oin)
    said = wire.decode(Usage, envelope.payload)
    if said.purpose != found.purpose:
        raise Replayed("the counts are of another purpose than the round", round=round_id, party=oin)
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, round_id)
        if isinstance(found.state, Announced | Collecting):
            raise RoundError("the round is not closed yet", do="report when it is", round=round_id)
        before = connection.scalar(select(usages.c.body).where(usages.c.round_id == round_id, usages.c.oin == oin))
        if before == message.body:
            return
        if before is not None:
            raise Replayed("this holder gave other counts of this round before", round=round_id, party=oin)
        connection.execute(
            insert(usages).values(round_id=round_id, oin=oin, body=message.body, signature=message.signature)
        )
        events.record(
            connection,
            events.Happened.USAGE,
            coordinator.clock(),
            message.digest,
            round_id=round_id,
            party=oin,
            count=said.elements,
        )
    log.info("usage", round=round_id, holder=oin, elements=said.elements)


def of_round(coordinator: Coordinator, round_id: str) -> UsageList:
    """The signed counts of a round that there are by now."""
    query = select(usages).where(usages.c.round_id == round_id).order_by(usages.c.oin)
    with transaction(coordinator.engine) as connection:
        return UsageList(tuple(SignedMessage(row.body, row.signature) for row in connection.execute(query)))


def by_holder(reported: UsageList) -> dict[str, Usage]:
    """Each holder's counts; they were verified when they came."""
    envelopes = [message.envelope for message in reported.usages]
    return {one.sender: wire.decode(Usage, one.payload) for one in envelopes}


def asked(counted: Mapping[str, Usage], threshold: int) -> dict[str, int]:
    """How many different elements each member had evaluated: each goes to `threshold` holders."""
    total: Counter[str] = Counter()
    for usage in counted.values():
        for one in usage.members:
            total[one.member] += one.elements
    return {member: -(-count // threshold) for member, count in sorted(total.items())}


def suspicious(asked_for: Mapping[str, int], handed_in: Mapping[str, int], slots: int) -> list[str]:
    """Who asked for far more than the tags that it handed in (persons by OIN, with so many slots each)."""
    return [oin for oin, count in asked_for.items() if count > FAR_MORE * slots * handed_in.get(oin, 0)]
