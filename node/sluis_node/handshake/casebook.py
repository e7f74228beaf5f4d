"""What a node remembers of each handshake: its state, opinions, steps, papers. Personal fields are sealed.

Works inside the caller's transaction. Every change of a case raises its revision by compare-and-set, so two people who
act at once can't both be right. What a change means is the business of `desk` (our people) and `entries` (the chain).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sluis_protocol import chain
from sluis_protocol.chain import NO_HEAD
from sluis_protocol.encoding import lp_all, millis, moment
from sluis_protocol.errors import NotFound, Overtaken
from sluis_protocol.handshake import Final, Side, State
from sluis_protocol.stored import read_state, write_state
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from ..vault import Vault
from .model import Happening, What, Whose
from .review import Answer, Opinion, Reason, Review
from .tables import handshakes, opinions, papers, steps

NOT_OPENED = -1


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake as it is on file; `state` is None until the coordinator has opened it."""

    id: bytes
    match: str
    known: bool
    purpose: str
    counterpart: str
    state: State | None
    sequence: int
    head: bytes
    head_at: datetime
    attempt: int
    revision: int
    made_at: datetime
    ended_at: datetime | None

    def side(self, own_oin: str) -> Side:
        """Which side we are: A has the lower OIN."""
        return Side.A if own_oin < self.counterpart else Side.B

    def chained(self, own_oin: str) -> chain.Handshake | None:
        """The same as the protocol has it; None until it is opened."""
        if self.state is None:
            return None
        lower, higher = sorted((own_oin, self.counterpart))
        return chain.Handshake(
            self.id, self.purpose, (lower, higher), self.state, self.sequence, self.head, self.head_at
        )

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen in it."""
        return self.ended_at is not None


class Casebook:
    """The handshakes in the node's database."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    # Handshakes.

    def add(
        self,
        connection: Connection,
        handshake_id: bytes,
        *,
        match: str,
        known: bool,
        purpose: str,
        counterpart: str,
        now: datetime,
    ) -> Handshake:
        """The handshake of a candidate, made if it isn't there; its match is filled in once it is proven."""
        found = self.find(connection, handshake_id)
        if found is None:
            connection.execute(
                insert(handshakes).values(
                    id=handshake_id,
                    match=match,
                    known=int(known),
                    purpose=purpose,
                    counterpart=counterpart,
                    state="",
                    details="",
                    sequence=NOT_OPENED,
                    head=NO_HEAD,
                    head_at=millis(now),
                    attempt=0,
                    revision=0,
                    made_at=millis(now),
                )
            )
        elif match and not found.match:
            self.change(connection, found, match=match, known=int(known))
        return self.required(connection, handshake_id)

    def find(self, connection: Connection, handshake_id: bytes) -> Handshake | None:
        """The handshake with that id."""
        row = connection.execute(select(handshakes).where(handshakes.c.id == handshake_id)).mappings().first()
        return None if row is None else _handshake(row)

    def required(self, connection: Connection, handshake_id: bytes) -> Handshake:
        """The same, where it must be there."""
        row = connection.execute(select(handshakes).where(handshakes.c.id == handshake_id)).mappings().one()
        return _handshake(row)

    def of_match(self, connection: Connection, match: str) -> list[Handshake]:
        """All handshakes of a match, the oldest first."""
        query = select(handshakes).where(handshakes.c.match == match)
        found = connection.execute(query.order_by(handshakes.c.made_at, handshakes.c.id)).mappings()
        return [_handshake(row) for row in found]

    def current(self, connection: Connection, match: str) -> Handshake:
        """The handshake of a match that people work on; NotFound if there is none.

        The oldest that has not ended, because a pair that is found again gets another one each time; else the newest.
        """
        found = self.of_match(connection, match)
        if not found:
            raise NotFound("there is no such match", do="list them: sluis-node matches")
        going_on = [one for one in found if not one.is_final]
        return going_on[0] if going_on else found[-1]

    def open(self, connection: Connection) -> list[Handshake]:
        """All that have not ended."""
        query = select(handshakes).where(handshakes.c.ended_at.is_(None)).order_by(handshakes.c.made_at)
        return [_handshake(row) for row in connection.execute(query).mappings().all()]

    def all(self, connection: Connection) -> list[Handshake]:
        """All of them, the oldest first."""
        query = select(handshakes).order_by(handshakes.c.made_at, handshakes.c.id)
        return [_handshake(row) for row in connection.execute(query).mappings().all()]

    def matches(self, connection: Connection) -> list[str]:
        """The matches that have a handshake."""
        query = select(handshakes.c.match).where(handshakes.c.match != "").distinct()
        return list(connection.scalars(query))

    def change(self, connection: Connection, found: Handshake, **values: Any) -> None:
        """Compare-and-set: raise Overtaken if the case changed since it was read."""
        changed = connection.execute(
            update(handshakes)
            .where(handshakes.c.id == found.id, handshakes.c.revision == found.revision)
            .values(revision=found.revision + 1, **values)
        )
        if changed.rowcount != 1:
            raise Overtaken("somebody else acted on this case in the meantime", do="look at it again, then decide")

    def move(self, connection: Connection, found: Handshake, after: chain.Handshake) -> Handshake:
        """Keep what an entry led to."""
        values: dict[str, Any] = {"sequence": after.sequence, "head": after.head, "head_at": millis(after.at)}
        if isinstance(after.state, Final):
            values["ended_at"] = millis(after.at)
        self.change(connection, found, **write_state(after.state), **values)
        return self.required(connection, found.id)

    # Opinions.

    def review(self, connection: Connection, found: Handshake) -> Review:
        """What our people said."""
        query = select(opinions).where(opinions.c.handshake == found.id).order_by(opinions.c.attempt, opinions.c.eye)
        attempts: list[list[Opinion]] = [[] for _ in range(found.attempt + 1)]
        for row in connection.execute(query).mappings():
            attempts[row["attempt"]].append(self._opinion(row))
        return Review(tuple(map(tuple, attempts)))

    def add_opinion(self, connection: Connection, found: Handshake, opinion: Opinion) -> Review:
        """Keep one, and what the review is then; two who differ begin a new attempt."""
        handshake_id, review = found.id, self.review(connection, found)
        attempt, eye = review.attempt, len(review.opinions)
        after = review.with_opinion(opinion)
        self.begin_attempt(connection, found.id, after.attempt)
        content = {
            "reviewer": opinion.reviewer,
            "answer": opinion.answer,
            "reason": opinion.reason,
            "identity_verified": opinion.identity_verified,
        }
        row = lp_all((handshake_id, str(attempt), str(eye)))
        connection.execute(
            insert(opinions).values(
                handshake=handshake_id,
                attempt=attempt,
                eye=eye,
                reviewer=self._vault.lookup("reviewer", opinion.reviewer),
                content=self._vault.seal(json.dumps(content).encode(), table="opinions", column="content", row=row),
                at=millis(opinion.at) if opinion.at else 0,
            )
        )
        return after

    def begin_attempt(self, connection: Connection, handshake_id: bytes, attempt: int) -> None:
        """Which attempt counts from now on."""
        connection.execute(update(handshakes).where(handshakes.c.id == handshake_id).values(attempt=attempt))

    def forget_opinions(self, connection: Connection, handshake_id: bytes) -> None:
        """Delete who said what."""
        connection.execute(delete(opinions).where(opinions.c.handshake == handshake_id))

    def _opinion(self, row: RowMapping) -> Opinion:
        place = lp_all((row["handshake"], str(row["attempt"]), str(row["eye"])))
        content = json.loads(self._vault.open(row["content"], table="opinions", column="content", row=place))
        return Opinion(
            content["reviewer"],
            Answer(content["answer"]),
            Reason(content["reason"]) if content["reason"] else None,
            content["identity_verified"],
            moment(row["at"]),
        )

    # Steps.

    def was_done(self, connection: Connection, digest: bytes) -> bool:
        """Whether this very step was taken before: a form that was posted twice."""
        return connection.scalar(select(steps.c.number).where(steps.c.digest == digest)) is not None

    def digest(self, *parts: str | bytes) -> bytes:
        """The look-up value of a step."""
        return self._vault.lookup("step", *parts)

    def add_step(
        self,
        connection: Connection,
        handshake_id: bytes,
        what: What,
        whose: Whose,
        *,
        at: datetime,
        digest: bytes,
        by: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what happened."""
        content = json.dumps({"whose": whose, "by": by, "details": dict(details or {})}).encode()
        connection.execute(
            insert(steps).values(
                handshake=handshake_id,
                digest=digest,
                what=what,
                content=self._vault.seal(content, table="steps", column="content", row=digest),
                at=millis(at),
            )
        )

    def history(self, connection: Connection, handshake_id: bytes) -> list[Happening]:
        """What happened, the oldest first."""
        query = select(steps).where(steps.c.handshake == handshake_id).order_by(steps.c.number)
        return [self._happening(row) for row in connection.execute(query).mappings()]

    def _happening(self, row: RowMapping) -> Happening:
        content = json.loads(self._vault.open(row["content"], table="steps", column="content", row=row["digest"]))
        return Happening(
            What(row["what"]), Whose(content["whose"]), content["by"], moment(row["at"]), content["details"]
        )

    # Papers.

    def put_paper(self, connection: Connection, handshake_id: bytes, name: str, content: bytes, now: datetime) -> None:
        """Keep a paper, in place of one of the same name."""
        row = lp_all((handshake_id, name))
        sealed = self._vault.seal(content, table="papers", column="content", row=row)
        connection.execute(delete(papers).where(papers.c.handshake == handshake_id, papers.c.name == name))
        connection.execute(insert(papers).values(handshake=handshake_id, name=name, content=sealed, at=millis(now)))

    def papers(self, connection: Connection, handshake_id: bytes) -> dict[str, bytes]:
        """All papers of a handshake, by name."""
        return {
            row["name"]: self._vault.open(
                row["content"], table="papers", column="content", row=lp_all((handshake_id, row["name"]))
            )
            for row in connection.execute(select(papers).where(papers.c.handshake == handshake_id)).mappings()
        }


def _handshake(row: RowMapping) -> Handshake:
    return Handshake(
        row["id"],
        row["match"],
        bool(row["known"]),
        row["purpose"],
        row["counterpart"],
        read_state(row["state"], row["details"]) if row["state"] else None,
        row["sequence"],
        row["head"],
        moment(row["head_at"]),
        row["attempt"],
        row["revision"],
        moment(row["made_at"]),
        None if row["ended_at"] is None else moment(row["ended_at"]),
    )
