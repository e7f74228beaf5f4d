"""Claims and what became of them: answers, family references, matches (protocol.md, 6).

Works inside the caller's transaction, so that a piece of mail is dealt with wholly or not at all. Personal fields and
keys are sealed. Nothing here verifies anything: `receive` does, before it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sluis_protocol.confirm import REFERENCE_BYTES, ConfirmKey, match_id
from sluis_protocol.encoding import millis, moment
from sluis_protocol.group import Random
from sluis_protocol.rules import Grade
from sluis_protocol.signed import SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, Engine, RowMapping, func, insert, select, update

from ..tables import claims, family_references, matches
from ..transparency import owed
from ..vault import Vault
from .own_family import Shown
from .own_round import OwnRound, RoundState


class ClaimState(StrEnum):
    """How far a claim is."""

    ANSWERED = "answered"  # our confirmation, or refusal, is stored and has to be sent
    SENT = "sent"  # the coordinator has it; the counterpart's turn
    MATCHED = "matched"
    UNCONFIRMED = "unconfirmed"  # one side refused
    ANOMALOUS = "anomalous"  # the counterpart's code is wrong
    EXPIRED = "expired"  # our answer came too late


OUTSTANDING = (ClaimState.ANSWERED, ClaimState.SENT)


@dataclass(frozen=True, slots=True)
class Answered:
    """A claim that we confirm: what is needed to understand the counterpart's answer."""

    grade: Grade
    key: ConfirmKey
    reference: bytes = field(repr=False)
    shown: Shown


@dataclass(frozen=True, slots=True)
class ClaimOnFile:
    """A claim that was answered; `answered` is None where we refused, or where the round is over."""

    candidate_id: bytes
    round_id: str
    counterpart: str
    said: bytes
    state: ClaimState
    answered: Answered | None


@dataclass(frozen=True, slots=True)
class StoredMatch:
    """A proven match as the database has it."""

    match: str
    round_id: str
    last_round: str
    purpose: str
    counterpart: str
    grade: Grade
    found_at: datetime
    shown: Shown


@dataclass(frozen=True, slots=True)
class Recorded:
    """A match that was just proven; `new`: not seen in an earlier round."""

    match: str
    new: bool


class Ledger:
    """Claims, references and matches in the node's database."""

    def __init__(self, engine: Engine, vault: Vault, random: Random) -> None:
        self._engine = engine
        self._vault = vault
        self._random = random

    # Claims.

    def record_claim(
        self,
        connection: Connection,
        *,
        candidate_id: bytes,
        round_id: str,
        counterpart: str,
        said: bytes,
        answer: SignedMessage,
        answered: Answered | None,
    ) -> None:
        """Keep a claim with our signed answer to it, which is to be sent."""
        sealed: dict[str, bytes] = {}
        if answered is not None:
            for column, content in (
                ("secret", answered.key.secret),
                ("reference", answered.reference),
                ("content", answered.shown.serialise()),
            ):
                sealed[column] = self._vault.seal(content, table="claims", column=column, row=candidate_id)
        connection.execute(
            insert(claims).values(
                candidate_id=candidate_id,
                round_id=round_id,
                counterpart=counterpart,
                said=said,
                state=ClaimState.ANSWERED,
                grade=answered.grade if answered else "",
                answer=answer.body,
                signature=answer.signature,
                **sealed,
            )
        )

    def claim(self, connection: Connection, candidate_id: bytes, own_oin: str) -> ClaimOnFile | None:
        """A claim on file."""
        row = connection.execute(select(claims).where(claims.c.candidate_id == candidate_id)).mappings().first()
        if row is None:
            return None
        answered = None
        if row["secret"] is not None:

            def opened(column: str) -> bytes:
                return self._vault.open(row[column], table="claims", column=column, row=candidate_id)

            lower, higher = sorted((own_oin, row["counterpart"]))
            key = ConfirmKey((lower, higher), opened("secret"))
            answered = Answered(Grade(row["grade"]), key, opened("reference"), Shown.parse(opened("content")))
        return ClaimOnFile(
            candidate_id, row["round_id"], row["counterpart"], row["said"], ClaimState(row["state"]), answered
        )

    def settle(
        self, connection: Connection, candidate_id: bytes, end: ClaimState, start: Sequence[ClaimState] = OUTSTANDING
    ) -> bool:
        """Compare-and-set: False if the claim was settled already. What is settled needs no keys any more."""
        values: dict[str, Any] = {"state": end}
        if end not in OUTSTANDING:
            values |= {"secret": None, "reference": None, "content": None}
        changed = connection.execute(
            update(claims)
            .where(claims.c.candidate_id == candidate_id, claims.c.state.in_(list(start)))
            .values(**values)
        )
        return changed.rowcount == 1

    def to_send(self) -> list[tuple[bytes, SignedMessage]]:
        """The answers that the coordinator has not taken yet, by candidate id."""
        with transaction(self._engine) as connection:
            query = select(claims).where(claims.c.state == ClaimState.ANSWERED).order_by(claims.c.candidate_id)
            return [
                (row["candidate_id"], SignedMessage(row["answer"], row["signature"]))
                for row in connection.execute(query).mappings()
            ]

    def sent(self, candidate_id: bytes, receipt: SignedMessage, oin: str) -> None:
        """The coordinator took this node's answer, and promised to have it in its log."""
        with transaction(self._engine) as connection:
            owed.note_promise(connection, receipt, party=oin)
            self.settle(connection, candidate_id, ClaimState.SENT, (ClaimState.ANSWERED,))

    def expired(self, candidate_id: bytes) -> None:
        """The coordinator will never take it."""
        with transaction(self._engine) as connection:
            self.settle(connection, candidate_id, ClaimState.EXPIRED, (ClaimState.ANSWERED,))

    def counts(self, round_id: str | None = None) -> dict[ClaimState, int]:
        """How many claims are in each state, in a round or in all."""
        query = select(claims.c.state, func.count()).group_by(claims.c.state)
        with transaction(self._engine) as connection:
            found = connection.execute(query if round_id is None else query.where(claims.c.round_id == round_id))
            return {ClaimState(state): count for state, count in found}

    def answered_claims(self, connection: Connection, round_id: str) -> int:
        """How many claims of a round are answered."""
        query = select(func.count()).select_from(claims).where(claims.c.round_id == round_id)
        return connection.scalar(query) or 0

    def is_complete(self, own: OwnRound) -> bool:
        """Whether a round is published, all its claims came, and all are settled; or it is over."""
        if own.state is RoundState.FINISHED:
            return True
        counts = self.counts(own.round_id)
        came = sum(counts.values()) >= own.claims
        return own.state is RoundState.PUBLISHED and came and not any(counts.get(state) for state in OUTSTANDING)

    # References and matches.

    def reference(self, connection: Connection, purpose: str, family_id: str, counterpart: str) -> bytes:
        """Our reference for a family towards a counterpart: random, and the same in every round of the purpose."""
        row = self._vault.lookup("family reference", purpose, family_id, counterpart)
        table, column = "family_references", "reference"
        sealed = connection.scalar(select(family_references.c.reference).where(family_references.c.family == row))
        if sealed is not None:
            return self._vault.open(sealed, table=table, column=column, row=row)
        reference = self._random(REFERENCE_BYTES)
        sealed = self._vault.seal(reference, table=table, column=column, row=row)
        connection.execute(insert(family_references).values(family=row, reference=sealed))
        return reference

    def record_match(
        self, connection: Connection, claim: ClaimOnFile, answered: Answered, theirs: bytes, purpose: str, now: datetime
    ) -> Recorded:
        """Keep a proven match; a pair that was known only gets its last round, its grade and what it shows anew."""
        match = match_id(purpose, answered.reference, theirs)
        content = self._vault.seal(answered.shown.serialise(), table="matches", column="content", row=match)
        latest: dict[str, Any] = {
            "last_round": claim.round_id,
            "last_at": millis(now),
            "grade": answered.grade,
            "content": content,
        }
        if connection.execute(update(matches).where(matches.c.match == match).values(**latest)).rowcount:
            return Recorded(match, new=False)
        connection.execute(
            insert(matches).values(
                match=match,
                round_id=claim.round_id,
                purpose=purpose,
                counterpart=claim.counterpart,
                found_at=millis(now),
                **latest,
            )
        )
        return Recorded(match, new=True)

    def matches(self, round_id: str | None = None) -> list[StoredMatch]:
        """All matches, or those seen last in one round, the newest first."""
        with transaction(self._engine) as connection:
            return self.read_matches(connection, round_id)

    def read_matches(self, connection: Connection, round_id: str | None = None) -> list[StoredMatch]:
        """The same, within a transaction."""
        query = select(matches).order_by(matches.c.found_at.desc(), matches.c.match)
        found = connection.execute(query if round_id is None else query.where(matches.c.last_round == round_id))
        return [self._match(row) for row in found.mappings()]

    def match(self, connection: Connection, match: str) -> StoredMatch | None:
        """One match, or None."""
        row = connection.execute(select(matches).where(matches.c.match == match)).mappings().first()
        return None if row is None else self._match(row)

    def _match(self, row: RowMapping) -> StoredMatch:
        content = self._vault.open(row["content"], table="matches", column="content", row=row["match"])
        return StoredMatch(
            row["match"],
            row["round_id"],
            row["last_round"],
            row["purpose"],
            row["counterpart"],
            Grade(row["grade"]),
            moment(row["found_at"]),
            Shown.parse(content),
        )
