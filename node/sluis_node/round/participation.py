"""Take part in a round: prepare, tag, assemble, hand in, and wait for what comes of it (protocol.md, 1 to 6).

Every step leaves its result in the database before the next begins, so whoever is stopped starts again where it was.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import InputError, RoundError, WrongProof
from sluis_protocol.messages import Manifest, SubmissionPart
from sluis_protocol.promises import check_receipt
from sluis_protocol.record import Family
from sluis_protocol.rules import RuleSet
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import Submission, assemble, commit, pack, row_bytes
from sluis_protocol.tag import Context, PreparedPerson, attach, prepare, prf_inputs
from sluis_protocol.wire import methods
from sluis_runtime.logs import logger

from ..anomalies import REPORT
from ..caseload.reading import Caseload
from ..parts import Parts
from ..progress import Progress, Step
from .announced import AnnouncedRound, find_round
from .ledger import ClaimState
from .matches import FamilyMatch, present
from .own_family import FamilyOnFile, members_of
from .own_round import RoundState, Submitted
from .quorums import Complaint, Fault, Quorums
from .receive import Receiver
from .tagging import SEED_BYTES, Tagging

_PIECE_BYTES = 262_144
_UPLOAD_SECONDS = 300.0
log = logger("participation")


@dataclass(frozen=True, slots=True)
class HolderFault:
    """A key holder that could not be used in this round."""

    index: int
    oin: str
    name: str
    complaint: Complaint
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of taking part. `families` and `persons` are our real ones; `refused` and `closed` count lines.

    These four are of the caseload as it is now. Where a round is `resumed`, what was handed in may have been prepared
    from an earlier one.

    `published` is False if the round was not published while we waited; `abandoned` says why it never will be.
    `outstanding` claims still wait for their counterpart's answer. `matches` are those of this round, `new` ones and
    ones that were known.
    """

    round_id: str
    purpose: str
    resumed: bool
    families: int
    persons: int
    refused: int
    closed: int
    published: bool
    abandoned: str
    participants: int
    claims: int
    outstanding: int
    unconfirmed: int
    matches: tuple[FamilyMatch, ...]
    holder_faults: tuple[HolderFault, ...]
    anomalies: tuple[str, ...]

    @property
    def new_matches(self) -> int:
        """How many matches were not known before."""
        return sum(match.new for match in self.matches)


class Participation:
    """One node's part in one round."""

    def __init__(self, parts: Parts, covenant: Covenant, purpose: str, progress: Progress) -> None:
        self._parts = parts
        self._covenant = covenant
        self._rules: RuleSet = parts.rules(covenant)
        self._purpose = purpose
        self._progress = progress
        self._faults: list[Fault] = []

    async def run(self, caseload: Caseload, *, wait: float) -> Report:
        """Find a round, hand in, and wait up to `wait` seconds for each: a round, publication, confirmations."""
        found, own = await find_round(self._parts, self._covenant, self._purpose, wait=wait, progress=self._progress)
        resumed = own is not None
        log.info("taking part", round=found.round_id, purpose=self._purpose, persons=caseload.persons, resumed=resumed)
        if own is None or own.state is RoundState.JOINED:
            await self._prepare_and_tag(found, caseload.families)
        await self._submit(found.round_id)
        await self._await_outcome(found, wait)
        return await asyncio.to_thread(self._report, found.round_id, caseload, resumed)

    # Prepare and tag.

    async def _prepare_and_tag(self, found: AnnouncedRound, families: Sequence[Family]) -> None:
        parts, round_id = self._parts, found.round_id
        own, seed = await asyncio.to_thread(parts.store.join_round, found.new, parts.random(SEED_BYTES))
        if own.state is not RoundState.JOINED or seed is None:
            return  # another process of ours was faster
        self._progress(Step.PREPARE, 0, 1)
        persons: list[PreparedPerson] = await asyncio.to_thread(prepare, families, self._rules)
        terms = self._covenant.terms
        context = Context(terms.id, self._purpose, round_id, self._rules.identity)
        inputs = await asyncio.to_thread(prf_inputs, persons, context)
        self._progress(Step.PREPARE, 1, 1)
        tagging = Tagging(
            parts.coordinator,
            parts.signer,
            self._covenant,
            round_id,
            self._purpose,
            parts.random,
            Quorums(self._covenant.holders, terms.threshold, parts.random),
            on_receipt=self._parts.store.note_evaluation,
            on_fault=lambda fault: self._on_fault(round_id, fault),
        )
        outputs = await tagging.run(inputs, seed, lambda done, total: self._progress(Step.TAG, done, total))
        submission = await asyncio.to_thread(lambda: assemble(attach(persons, outputs), self._rules, parts.random))
        await asyncio.to_thread(self._keep, round_id, submission, families)

    def _keep(self, round_id: str, submission: Submission, families: Sequence[Family]) -> None:
        """Store the submission and what confirming will need, before anything is sent."""
        most = self._covenant.terms.limits.submission_persons
        if len(submission.rows) > most:
            raise InputError(
                f"the submission has {len(submission.rows)} persons, padding included; the covenant allows {most}",
                do="take part with fewer cases; a higher limit needs a new version of the covenant",
            )
        packed = pack(submission.rows)
        slots = self._rules.slots
        members = members_of(families, self._parts.store.vault.look_up_name)
        files = {handle: FamilyOnFile(own, members[own.family_id]) for handle, own in submission.own.items()}
        commitment = commit(round_id, self._parts.oin, slots, packed)
        submitted = Submitted(submission.families, len(submission.rows), slots, commitment)
        self._parts.store.prepare_submission(round_id, submitted, packed, files)

    def _on_fault(self, round_id: str, fault: Fault) -> None:
        """Remember a complaint for the report; what an honest holder wouldn't do is kept with its evidence."""
        self._faults.append(fault)
        if fault.complaint not in (Complaint.LIED, Complaint.UNVERIFIABLE):
            return
        holder = self._covenant.holders[fault.index]
        lied = fault.complaint is Complaint.LIED
        messages = [
            {"body": base64.b64encode(m.body).decode(), "signature": base64.b64encode(m.signature).decode()}
            for m in fault.evidence
        ]
        with self._parts.store.transaction() as connection:
            self._parts.anomalies.note(
                connection,
                round_id=round_id,
                party=holder.oin,
                code=WrongProof.code if lied else fault.error.code,
                what=f"{holder.name} (key holder {fault.index}) "
                + ("answered with another key than its own" if lied else f"can't be verified: {fault.error.what}"),
                do="report it to the key holder and to the covenant authority" if lied else fault.error.do or REPORT,
                evidence=json.dumps(messages).encode(),
                now=self._parts.now(),
            )

    # Hand in.

    async def _submit(self, round_id: str) -> None:
        """Hand in what is stored; the same again as often as it takes. Done if it is signed for."""
        parts = self._parts
        own = await asyncio.to_thread(parts.store.round, round_id)
        if own is None or own.state is not RoundState.READY:
            return
        packed = await asyncio.to_thread(parts.store.packed_rows, round_id)
        if packed is None or own.commitment is None:
            return
        manifest = Manifest(self._purpose, own.slots, own.families, own.persons, own.commitment)
        try:
            receipt = await parts.coordinator.persist(lambda: self._upload(round_id, manifest, packed))
        except RoundError:  # it closed, and what we have never arrived
            await asyncio.to_thread(parts.store.give_up, round_id)
            raise
        check_receipt(receipt, self._covenant, "commitment", own.commitment, round_id)
        await asyncio.to_thread(parts.store.mark_submitted, round_id, receipt, parts.oin)
        log.info("submitted", round=round_id, families=own.families, persons=own.persons)

    async def _upload(self, round_id: str, manifest: Manifest, packed: bytes) -> SignedMessage:
        signed = self._parts.signer.sign(Kind.MANIFEST, manifest, covenant_hash=self._covenant.hash, round_id=round_id)
        size = row_bytes(manifest.slots)
        piece = max(1, min(_PIECE_BYTES, self._covenant.terms.limits.message_bytes // 2) // size) * size

        async def pieces() -> AsyncIterator[object]:
            yield SubmissionPart(signed)
            for at in range(0, len(packed), piece):
                self._progress(Step.SUBMIT, at, len(packed))
                yield SubmissionPart(packed[at : at + piece])
            self._progress(Step.SUBMIT, len(packed), len(packed))

        return await self._parts.coordinator.wire.upload(
            methods.SUBMIT, pieces(), SignedMessage, timeout=_UPLOAD_SECONDS
        )

    # What comes of it.

    async def _await_outcome(self, found: AnnouncedRound, wait: float) -> None:
        """Wait for publication until the round closes and `wait` seconds, then `wait` seconds for confirmations."""
        parts, round_id = self._parts, found.round_id
        receiver = Receiver(parts)
        closing = max(0.0, (found.announcement.closes_at - parts.now()).total_seconds())

        def is_published() -> bool:
            own = parts.store.round(round_id)
            return own is None or own.state in (RoundState.PUBLISHED, RoundState.FINISHED)

        self._progress(Step.PUBLISH, 0, 0)
        if not await receiver.run(is_published, wait=closing + wait):
            return
        self._progress(Step.PUBLISH, 1, 1)

        def is_settled() -> bool:
            own = parts.store.round(round_id)
            return own is None or parts.ledger.is_complete(own)

        self._progress(Step.CONFIRM, 0, 0)
        await receiver.run(is_settled, wait=wait)
        self._progress(Step.CONFIRM, 1, 1)

    def _report(self, round_id: str, caseload: Caseload, resumed: bool) -> Report:
        own = self._parts.store.round(round_id)
        if own is None:
            raise RoundError("the round vanished from the database", round=round_id)
        counts = self._parts.ledger.counts(round_id)
        faults = {fault.index: fault for fault in self._faults}
        return Report(
            round_id=round_id,
            purpose=own.purpose,
            resumed=resumed,
            families=len(caseload.families),
            persons=caseload.persons,
            refused=len(caseload.refused),
            closed=caseload.closed,
            published=own.state in (RoundState.PUBLISHED, RoundState.FINISHED) and not own.abandoned,
            abandoned=own.abandoned,
            participants=own.participants,
            claims=own.claims,
            outstanding=counts.get(ClaimState.ANSWERED, 0) + counts.get(ClaimState.SENT, 0),
            unconfirmed=counts.get(ClaimState.UNCONFIRMED, 0),
            matches=tuple(present(self._parts.ledger.matches(round_id), self._covenant)),
            holder_faults=tuple(self._describe(fault) for _, fault in sorted(faults.items())),
            anomalies=tuple(anomaly.what for anomaly in self._parts.anomalies.all(round_id)),
        )

    def _describe(self, fault: Fault) -> HolderFault:
        holder = self._covenant.holders[fault.index]
        return HolderFault(fault.index, holder.oin, holder.name, fault.complaint, fault.error.what)
