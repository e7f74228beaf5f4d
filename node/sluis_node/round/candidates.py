"""A candidate's way from claim to match: examined, answered, and proven by the counterpart (protocol.md, 6).

A claim that doesn't hold gets random bytes for an answer, which only its counterpart can tell from a confirmation. So
the coordinator doesn't learn from a false claim which families, persons or tags are real, or of what kind they are.
Works inside the caller's transaction and sends nothing; what an honest party would not have said is an Anomaly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sluis_protocol.confirm import MAC_BYTES, SEALED_REFERENCE_BYTES, confirm_key, examine
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import Anomaly, BadSeal, LegalGroundMissing, NotAMember
from sluis_protocol.messages import Claim, Confirmation, Unconfirmed
from sluis_protocol.rules import RuleSet
from sluis_protocol.signed import Envelope, Kind
from sluis_runtime.logs import logger
from sqlalchemy import Connection

from ..anomalies import REPORT
from ..handshake.casebook import Casebook
from ..notify.notice import Notice, NoticeKind
from ..parts import Parts
from ..processing.activity import Activity
from .ledger import OUTSTANDING, Answered, ClaimState
from .own_family import shown
from .own_round import OwnRound, RoundState

log = logger("candidates")


@dataclass(frozen=True, slots=True)
class KnownRound:
    """A round of ours with the covenant that it began under, and the newest one."""

    own: OwnRound
    covenant: Covenant
    newest: Covenant
    rules: RuleSet | None


class Candidates:
    """Deals with what is said about candidates."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._casebook = Casebook(parts.store.vault)

    def claim(self, connection: Connection, known: KnownRound, payload: bytes, claim: Claim) -> Anomaly | None:
        """Answer a claim, once: a confirmation if it holds, random bytes if it doesn't, a refusal if we may not say.

        Returns what is wrong with a claim that is answered all the same; its `payload` is as it was signed.
        """
        said = hashlib.sha256(payload).digest()
        before = self._parts.ledger.claim(connection, claim.candidate_id, self._parts.oin)
        if before is not None:
            if (before.said, before.round_id) != (said, known.own.round_id):
                raise Anomaly("a candidate is claimed in two ways", do=REPORT)
            return None
        own = self._parts.store.read_round(connection, known.own.round_id)
        if own is None or own.state in (RoundState.JOINED, RoundState.FINISHED):
            return None  # too late to answer: the openings are gone
        fault, answered, reply = None, None, Confirmation(claim.candidate_id, b"", b"")
        try:
            if self._may_answer(known, claim.counterpart):
                random = self._parts.random
                reply = Confirmation(claim.candidate_id, random(MAC_BYTES), random(SEALED_REFERENCE_BYTES))
                answered = self._examine(connection, known, claim)
        except Anomaly as error:
            fault = error
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
        self.forget_when_complete(connection, known.own.round_id)
        return fault

    def forget_when_complete(self, connection: Connection, round_id: str) -> None:
        """Once all claims that were published are answered, the openings have done their work."""
        own = self._parts.store.read_round(connection, round_id)
        if own is None or own.state is not RoundState.PUBLISHED:
            return
        if self._parts.ledger.answered_claims(connection, round_id) >= own.claims:
            self._parts.store.forget_openings(connection, round_id)

    def _log(self, connection: Connection, name: str, answered: Answered, reference: str) -> None:
        """What this node does by itself with persons' data stands in the processing log, too."""
        self._parts.processing.record(
            connection, Activity.CONFIRM, name, actor="", persons=answered.shown.persons, reference=reference
        )

    def _may_answer(self, known: KnownRound, counterpart: str) -> bool:
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

    def _examine(self, connection: Connection, known: KnownRound, claim: Claim) -> Answered | None:
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

    def unconfirmed(self, connection: Connection, known: KnownRound, said: Unconfirmed) -> None:
        """A candidate of this round will not become a match."""
        claim = self._parts.ledger.claim(connection, said.candidate_id, self._parts.oin)
        if claim is not None and claim.round_id == known.own.round_id:
            self._parts.ledger.settle(connection, said.candidate_id, ClaimState.UNCONFIRMED)
        elif known.own.state is not RoundState.FINISHED:
            raise Anomaly("a candidate that was never claimed is unconfirmed", do=REPORT)

    def confirmation(self, connection: Connection, known: KnownRound, envelope: Envelope, said: Confirmation) -> None:
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
