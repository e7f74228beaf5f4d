"""What a node's mail means: publications, claims, confirmations (protocol.md, 6).

`Mail.handle` deals with deliveries in one transaction and may see each of them many times: the second time changes
nothing. It sends nothing; `receive` does. Mail that an honest party would not have sent is noted as an anomaly, with
the signed message, and never becomes a match.

A claim that doesn't hold gets random bytes for an answer, which only its counterpart can tell from a confirmation. So
the coordinator doesn't learn from a false claim which families, persons or tags are real, or of what kind they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluis_protocol import wire
from sluis_protocol.confirm import MAC_BYTES, SEALED_REFERENCE_BYTES, confirm_key, examine
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    Anomaly,
    BadSeal,
    ConfigError,
    LegalGroundMissing,
    MalformedMessage,
    NotAMember,
    SluisError,
    StorageError,
    WrongCovenant,
)
from sluis_protocol.messages import Claim, Confirmation, Delivery, Publication, Unconfirmed
from sluis_protocol.rules import RuleSet
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed
from sluis_runtime.logs import logger
from sqlalchemy import Connection

from ..anomalies import REPORT
from ..handshake.arrivals import Arrivals
from ..handshake.casebook import Casebook
from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from ..processing.activity import Activity
from ..transparency import owed
from .ledger import OUTSTANDING, Answered, ClaimState
from .own_family import shown
from .own_round import OwnRound, RoundState

_AWAITING = (RoundState.READY, RoundState.SUBMITTED)
_HANDSHAKE = re.compile(r"[0-9a-f]{32}")
log = logger("mail")


@dataclass(frozen=True, slots=True)
class _Round:
    """A round of ours with the covenant that it began under, and the newest one."""

    own: OwnRound
    covenant: Covenant
    newest: Covenant
    rules: RuleSet | None


class Mail:
    """Deals with deliveries."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._arrivals = Arrivals(parts)
        self._casebook = Casebook(parts.store.vault)
        self._waiting: dict[str, int] = {}  # handshake → the delivery that waits for a newer covenant

    def handle(self, deliveries: Sequence[Delivery]) -> set[int]:
        """Deal with these, all or none; raise StorageError only. Then those that are named may be acknowledged.

        The others are of handshakes that go on under a covenant version which isn't on file yet.
        """
        handled = set()
        rounds = {round_id: self._find(round_id) for round_id in {delivery.round_id for delivery in deliveries}}
        with self._parts.store.transaction() as connection:
            for delivery in deliveries:
                if not _HANDSHAKE.fullmatch(delivery.round_id):
                    self._one(connection, delivery, rounds[delivery.round_id])
                elif not self._handshake(connection, delivery):
                    continue
                handled.add(delivery.delivery_id)
        return handled

    def _handshake(self, connection: Connection, delivery: Delivery) -> bool:
        """Deal with mail of a handshake; False if it, or something before it, needs a covenant that isn't here yet."""
        name, number = delivery.round_id, delivery.delivery_id
        if number > self._waiting.get(name, number):
            return False
        try:
            faults = self._arrivals.handle(connection, name, delivery.message)
        except StorageError:
            raise
        except WrongCovenant:
            self._waiting[name] = number
            return False
        except SluisError as error:
            faults = (error,)
        self._waiting.pop(name, None)
        for fault in faults:
            self._keep(connection, name, delivery.message, fault, fault.where.get("party", ""))
        return True

    def _find(self, round_id: str) -> _Round | None:
        own = self._parts.store.round(round_id)
        if own is None:
            return None
        covenant = self._parts.covenant_of_round(own.covenant_hash)
        try:
            rules = self._parts.rules(covenant)
        except ConfigError as error:  # this version of Sluis is newer than the round
            log.warning("no claim of this round can be examined", round=round_id, what=error.what)
            rules = None
        return _Round(own, covenant, self._parts.newest_covenant() or covenant, rules)

    def _one(self, connection: Connection, delivery: Delivery, known: _Round | None) -> None:
        """Open a delivery and deal with it.

        1. It is of a round that we took part in. 2. It verifies under that round's covenant. 3. It means something.
        """
        message = delivery.message
        sender = ""  # who it claims to be from says nothing before it is verified
        try:
            if known is None:
                raise Anomaly("mail of a round that this node takes no part in", do=REPORT)
            kind = message.envelope.kind
            # Deliveries may have waited for days, so their age says nothing.
            envelope = open_signed(message, known.covenant, kind, round_id=delivery.round_id, now=None)
            sender = envelope.sender
            match kind:
                case Kind.PUBLICATION:
                    outcome = wire.decode(Publication, envelope.payload)
                    owed.note_promise(connection, message, party=self._parts.oin, count=outcome.claims)
                    self._publication(connection, known, outcome)
                case Kind.CLAIM:
                    self._owed_unproven(connection, "claim", message, envelope)
                    self._claim(connection, known, message, wire.decode(Claim, envelope.payload))
                case Kind.CONFIRMATION:
                    self._owed_unproven(connection, "outcome", message, envelope)
                    self._confirmation(connection, known, envelope, wire.decode(Confirmation, envelope.payload))
                case Kind.UNCONFIRMED:
                    owed.note_promise(connection, message, party=self._parts.oin)
                    self._unconfirmed(connection, known, wire.decode(Unconfirmed, envelope.payload))
                case _:
                    raise MalformedMessage(f"a {kind} is no mail for a node")
        except StorageError:
            raise
        except SluisError as error:
            self._note(connection, known, message, error, sender)

    def _owed_unproven(self, connection: Connection, kind: str, message: SignedMessage, envelope: Envelope) -> None:
        """The log has that this was told to us. If it is left out, that is our word: we keep no proof of it.

        A claim has tags, which nobody else should see; the counterpart's answer the coordinator doesn't sign.
        """
        one = owed.Owed(kind, message.digest, self._parts.now(), envelope.round_id, self._parts.oin)
        owed.note(connection, one)

    def _note(
        self, connection: Connection, known: _Round | None, message: SignedMessage, error: SluisError, sender: str = ""
    ) -> None:
        """Keep an anomaly. It is laid to `sender`, or to who passed the mail on: the coordinator.

        Mail of a round that isn't ours is noted once and not kept: it may be somebody else's.
        """
        coordinator = known.covenant.terms.coordinator if known else None
        party = sender or (coordinator.oin if coordinator else "")
        self._keep(connection, known.own.round_id if known else "", message if known else None, error, party)

    def _keep(
        self, connection: Connection, round_id: str, message: SignedMessage | None, error: SluisError, party: str
    ) -> None:
        log.warning("anomaly", round=round_id, party=party, code=error.code, what=error.what)
        self._parts.anomalies.note(
            connection,
            round_id=round_id,
            party=party,
            code=error.code,
            what=error.what,
            do=error.do or REPORT,
            evidence=wire.encode(message) if message else b"",
            now=self._parts.now(),
        )

    def _publication(self, connection: Connection, known: _Round, said: Publication) -> None:
        """The round is published, or abandoned. What is not needed for claims goes at once."""
        store, round_id = self._parts.store, known.own.round_id
        now_known = store.read_round(connection, round_id) or known.own
        if now_known.state is RoundState.FINISHED:
            return
        if now_known.state is RoundState.JOINED:
            raise Anomaly("a round is published to this node, which handed nothing in", do=REPORT)
        if now_known.state is RoundState.PUBLISHED:
            if (said.participants, said.claims, said.abandoned) != (now_known.participants, now_known.claims, ""):
                raise Anomaly("a round is published in two ways", do=REPORT)
            return
        if said.abandoned:
            store.finish(connection, round_id, abandoned=said.abandoned)
            return
        fewest, most = known.covenant.terms.schedule.minimum_participants, len(known.covenant.members)
        if not fewest <= said.participants <= most:
            raise Anomaly(
                f"a round is published with {said.participants} participants; the covenant allows {fewest} to {most}",
                do=REPORT,
            )
        counts = {"participants": said.participants, "claims": said.claims, "rows": None}
        store.move(connection, round_id, _AWAITING, RoundState.PUBLISHED, **counts)
        self._forget_when_complete(connection, round_id)

    def _forget_when_complete(self, connection: Connection, round_id: str) -> None:
        """Once all claims that were published are answered, the openings have done their work."""
        own = self._parts.store.read_round(connection, round_id)
        if own is None or own.state is not RoundState.PUBLISHED:
            return
        if self._parts.ledger.answered_claims(connection, round_id) >= own.claims:
            self._parts.store.forget_openings(connection, round_id)

    def _claim(self, connection: Connection, known: _Round, message: SignedMessage, claim: Claim) -> None:
        """Answer a claim, once: a confirmation if it holds, random bytes if it doesn't, a refusal if we may not say."""
        said = hashlib.sha256(message.envelope.payload).digest()
        before = self._parts.ledger.claim(connection, claim.candidate_id, self._parts.oin)
        if before is not None:
            if (before.said, before.round_id) != (said, known.own.round_id):
                raise Anomaly("a candidate is claimed in two ways", do=REPORT)
            return
        own = self._parts.store.read_round(connection, known.own.round_id)
        if own is None or own.state in (RoundState.JOINED, RoundState.FINISHED):
            return  # too late to answer: the openings are gone
        answered, reply = None, Confirmation(claim.candidate_id, b"", b"")
        try:
            if self._may_answer(known, claim.counterpart):
                random = self._parts.random
                reply = Confirmation(claim.candidate_id, random(MAC_BYTES), random(SEALED_REFERENCE_BYTES))
                answered = self._examine(connection, known, claim)
        except Anomaly as error:
            self._note(connection, known, message, error)
        if answered:
            sealed = answered.key.seal_reference(self._parts.oin, answered.reference)
            reply = Confirmation(claim.candidate_id, answered.key.mac(self._parts.oin), sealed)
        answer = self._parts.signer.sign(
            Kind.CONFIRMATION, reply, covenant_hash=known.covenant.hash, round_id=known.own.round_id
        )
        self._parts.ledger.record_claim(
            connection,
            candidate_id=claim.candidate_id,
            round_id=known.own.round_id,
            counterpart=claim.counterpart,
            said=said,
            answer=answer,
            answered=answered,
        )
        if answered:
            self._log(connection, "answer claim", answered, known.own.round_id)
        self._forget_when_complete(connection, known.own.round_id)

    def _log(self, connection: Connection, name: str, answered: Answered, reference: str) -> None:
        """What this node does by itself with persons' data stands in the processing log, too."""
        self._parts.processing.record(
            connection, Activity.CONFIRM, name, actor="", persons=answered.shown.persons, reference=reference
        )

    def _may_answer(self, known: _Round, counterpart: str) -> bool:
        """Whether we may confirm anything to that counterpart; depends on nothing that we handed in.

        1. The counterpart is another member of the round's covenant (Anomaly). 2. We have the round's rules. 3. Under
        the newest covenant, too, both of us are members, and the purpose is in force today (rule 20).
        """
        if counterpart == self._parts.oin or counterpart not in known.covenant.members:
            raise Anomaly("a candidate names a counterpart that can't be one", do=REPORT)
        if known.rules is None:
            return False
        try:
            known.newest.member(self._parts.oin)
            known.newest.member(counterpart)
            known.newest.purpose(known.own.purpose, self._parts.now().date())
        except (NotAMember, LegalGroundMissing) as error:
            log.warning("a claim is refused", round=known.own.round_id, counterpart=counterpart, what=error.what)
            return False
        return True

    def _examine(self, connection: Connection, known: _Round, claim: Claim) -> Answered | None:
        """What a claim comes to from our side; None where the rules don't make it a match.

        1. The family is one that we handed in. 2. Persons and tags are that family's (`join.check_claim`). 3. The
        rules make it a match.
        """
        file = self._parts.store.family(connection, known.own.round_id, claim.family)
        if file is None:
            raise Anomaly("a candidate names a family that this node didn't hand in", do=REPORT)
        if known.rules is None:
            return None
        claimed = {person.person: person.tags for person in claim.persons}
        evidence = examine(file.own, claimed, known.rules)
        if evidence is None:
            return None
        key = confirm_key(
            evidence.openings,
            candidate_id=claim.candidate_id,
            covenant_hash=known.covenant.hash,
            round_id=known.own.round_id,
            oins=(self._parts.oin, claim.counterpart),
        )
        reference = self._parts.ledger.reference(connection, known.own.purpose, file.own.family_id, claim.counterpart)
        return Answered(evidence.grade, key, reference, shown(file, list(claimed)))

    def _unconfirmed(self, connection: Connection, known: _Round, said: Unconfirmed) -> None:
        """A candidate of this round will not become a match."""
        claim = self._parts.ledger.claim(connection, said.candidate_id, self._parts.oin)
        if claim is not None and claim.round_id == known.own.round_id:
            self._parts.ledger.settle(connection, said.candidate_id, ClaimState.UNCONFIRMED)
        elif known.own.state is not RoundState.FINISHED:
            raise Anomaly("a candidate that was never claimed is unconfirmed", do=REPORT)

    def _confirmation(self, connection: Connection, known: _Round, envelope: Envelope, said: Confirmation) -> None:
        """The counterpart's answer: a match if its code is right.

        1. It is about a claim of this round, and comes from that claim's counterpart. 2. The claim isn't settled.
        3. Neither side refused. 4. The code is right, in constant time. 5. The family reference opens.
        """
        claim = self._parts.ledger.claim(connection, said.candidate_id, self._parts.oin)
        if claim is None or claim.round_id != known.own.round_id:
            if known.own.state is RoundState.FINISHED:
                return
            raise Anomaly("a confirmation of a candidate that was never claimed", do=REPORT)
        if claim.counterpart != envelope.sender:
            raise Anomaly("a confirmation comes from a third party", do=REPORT)
        if claim.state not in OUTSTANDING:
            return
        if said.refused or claim.answered is None:
            self._parts.ledger.settle(connection, said.candidate_id, ClaimState.UNCONFIRMED)
            return
        key = claim.answered.key
        try:
            if not key.check(envelope.sender, said.mac):
                raise Anomaly(
                    "a confirmation has a wrong code: the counterpart doesn't hold the same identifiers, or was told "
                    "of other ones",
                    do=REPORT,
                )
            theirs = key.open_reference(envelope.sender, said.sealed_reference)
        except (Anomaly, BadSeal):
            self._parts.ledger.settle(connection, said.candidate_id, ClaimState.ANOMALOUS)
            raise
        now = self._parts.now()
        recorded = self._parts.ledger.record_match(connection, claim, claim.answered, theirs, known.own.purpose, now)
        self._casebook.add(
            connection,
            claim.candidate_id,
            match=recorded.match,
            known=not recorded.new,
            purpose=known.own.purpose,
            counterpart=claim.counterpart,
            now=now,
        )
        self._log(connection, "keep match", claim.answered, recorded.match)
        if recorded.new:
            self._parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, recorded.match), now)
        self._parts.ledger.settle(connection, said.candidate_id, ClaimState.MATCHED)
