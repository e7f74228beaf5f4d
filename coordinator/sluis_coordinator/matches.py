"""What a join leads to: claims for both nodes of a candidate, and their confirmations (protocol.md, 5 and 6).

Everything is put in the outbox in the transaction that it belongs to. The coordinator can't tell whether a
confirmation is right; it passes both on once both are in, and opens their handshake; neither if one of them refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluis_protocol import wire
from sluis_protocol.confirm import CANDIDATE_BYTES
from sluis_protocol.errors import Replayed, RoundError
from sluis_protocol.join import Candidate
from sluis_protocol.log_messages import NONCE_BYTES
from sluis_protocol.messages import Claim, Confirmation, Opening, PersonClaim, Publication, Unconfirmed
from sluis_protocol.rounds import Event, Published
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_runtime.database import transaction
from sqlalchemy import Connection, delete, insert, select

from . import events, handshakes, outbox, store
from .coordinator import Coordinator
from .schema import candidates, confirmations


def publish(coordinator: Coordinator, found: store.Round, oins: Sequence[str], joined: Sequence[Candidate]) -> None:
    """One transaction: the round is published, and every submitter's mail is in the outbox."""
    named = [(coordinator.random(CANDIDATE_BYTES), candidate) for candidate in joined]
    mail: dict[str, list[SignedMessage]] = {oin: [] for oin in oins}
    for candidate_id, candidate in named:
        for oin, content in _claims(candidate_id, candidate):
            mail[oin].append(coordinator.sign(Kind.CLAIM, content, found.id, found.covenant_hash))
    outcomes = {oin: _publication(coordinator, found, len(oins), len(claims)) for oin, claims in mail.items()}
    now = coordinator.clock()
    with transaction(coordinator.engine) as connection:
        store.move_round(connection, found, Event.PUBLISH, now, candidates=len(named))
        if named:
            connection.execute(
                insert(candidates),
                [
                    {"id": candidate_id, "round_id": found.id, "oin_a": one.oin_a, "oin_b": one.oin_b}
                    for candidate_id, one in named
                ],
            )
        happened = []
        for oin, claims in mail.items():
            outbox.put(connection, oin, found.id, outcomes[oin])
            digest = outcomes[oin].digest
            happened.append(events.Entry(events.Happened.PUBLICATION, now, digest, found.id, oin, len(claims)))
            for claim in claims:
                outbox.put(connection, oin, found.id, claim)
                digest = claim.digest
                happened.append(events.Entry(events.Happened.CLAIM, now, digest, found.id, oin))
        events.record_all(connection, happened)


def abandon(coordinator: Coordinator, found: store.Round, why: str) -> None:
    """One transaction: the round is over, and every submitter is told why. Deleting its files is left to the caller."""
    now = coordinator.clock()
    with transaction(coordinator.engine) as connection:
        store.move_round(connection, found, Event.ABANDON, now, abandoned=why)
        submitted = store.find_submissions(connection, found.id)
        for one in submitted:
            outcome = _publication(coordinator, found, len(submitted), 0, why)
            outbox.put(connection, one.oin, found.id, outcome)
            digest = outcome.digest
            events.record(connection, events.Happened.PUBLICATION, now, digest, round_id=found.id, party=one.oin)


def confirm(coordinator: Coordinator, oin: str, message: SignedMessage) -> tuple[SignedMessage, Sequence[str]]:
    """Take one side's confirmation or refusal; when both are in, tell both. The receipt, and whom there is mail for.

    1. its round is published, and goes on under the covenant that it was announced with; 2. one of the candidate's two
    nodes signed it, and is the caller; 3. it is that node's first answer, or the very same again, which changes
    nothing. It may have waited in the node, so its age doesn't matter.
    """
    with transaction(coordinator.engine) as connection:
        found = store.find_round(connection, message.envelope.round_id)
    covenant = coordinator.covenant_of(found.covenant_hash)
    envelope = open_signed(message, covenant, Kind.CONFIRMATION, round_id=found.id, now=None, caller=oin)
    confirmation = wire.decode(Confirmation, envelope.payload)
    with transaction(coordinator.engine) as connection:
        told = _take(coordinator, connection, store.find_round(connection, found.id), oin, confirmation, message)
    return coordinator.receipt(events.Happened.CONFIRMATION, message), told


def _take(
    coordinator: Coordinator,
    connection: Connection,
    found: store.Round,
    oin: str,
    confirmation: Confirmation,
    message: SignedMessage,
) -> Sequence[str]:
    if found.state != Published():
        raise RoundError(
            f"the round is {found.state.name}: confirmations are no longer taken", round=found.id, party=oin
        )
    candidate = connection.execute(
        select(candidates).where(candidates.c.id == confirmation.candidate_id, candidates.c.round_id == found.id)
    ).one_or_none()
    if candidate is None or oin not in (candidate.oin_a, candidate.oin_b):
        raise Replayed("this round has no such candidate of this node", round=found.id, party=oin)
    answers = {
        row.oin: row
        for row in connection.execute(select(confirmations).where(confirmations.c.candidate_id == candidate.id))
    }
    if earlier := answers.get(oin):
        if earlier.body != message.body:
            raise Replayed("this candidate was answered otherwise before", do="the first answer counts", party=oin)
        return ()
    now = coordinator.clock()
    connection.execute(
        insert(confirmations).values(
            candidate_id=candidate.id,
            oin=oin,
            refused=confirmation.refused,
            body=message.body,
            signature=message.signature,
        )
    )
    digest = message.digest
    events.record(connection, events.Happened.CONFIRMATION, now, digest, round_id=found.id, party=oin)
    other = candidate.oin_b if oin == candidate.oin_a else candidate.oin_a
    if other not in answers:
        return ()
    if confirmation.refused or answers[other].refused:
        unconfirmed = Unconfirmed(candidate.id)
        outcome = coordinator.sign(Kind.UNCONFIRMED, unconfirmed, found.id, found.covenant_hash)
        to_self = to_other = outcome
    else:
        to_self = SignedMessage(answers[other].body, answers[other].signature)
        to_other = message
    for recipient, mail in ((oin, to_self), (other, to_other)):
        outbox.put(connection, recipient, found.id, mail)
        digest = mail.digest
        events.record(connection, events.Happened.OUTCOME, now, digest, round_id=found.id, party=recipient)
    if to_self is not to_other:
        # Whether the confirmations are right, the coordinator can't tell: where they aren't, the handshake just lapses.
        handshakes.begin(
            coordinator, connection, candidate.id, Opening(found.purpose, (candidate.oin_a, candidate.oin_b))
        )
    return oin, other


def forget(connection: Connection, round_id: str) -> None:
    """Delete a round's candidates and confirmations."""
    of_round = select(candidates.c.id).where(candidates.c.round_id == round_id)
    connection.execute(delete(confirmations).where(confirmations.c.candidate_id.in_(of_round)))
    connection.execute(delete(candidates).where(candidates.c.round_id == round_id))


def _publication(
    coordinator: Coordinator, found: store.Round, participants: int, claims: int, abandoned: str = ""
) -> SignedMessage:
    content = Publication(coordinator.random(NONCE_BYTES), participants, claims, abandoned)
    return coordinator.sign(Kind.PUBLICATION, content, found.id, found.covenant_hash)


def _claims(candidate_id: bytes, candidate: Candidate) -> Iterator[tuple[str, Claim]]:
    """What each of the two is told: its own handles and tags, and the other's OIN."""
    pairs = candidate.pairs
    yield (
        candidate.oin_a,
        Claim(
            candidate_id,
            candidate.oin_b,
            candidate.family_a,
            tuple(PersonClaim(pair.person_a, pair.tags) for pair in pairs),
        ),
    )
    yield (
        candidate.oin_b,
        Claim(
            candidate_id,
            candidate.oin_a,
            candidate.family_b,
            tuple(PersonClaim(pair.person_b, pair.tags) for pair in pairs),
        ),
    )
