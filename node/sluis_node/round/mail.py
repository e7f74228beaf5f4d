"""What a node's mail is: publications, claims, confirmations, and what belongs to a handshake (protocol.md, 6).

`Mail.handle` deals with deliveries in one transaction and may see each of them many times: the second time changes
nothing. It sends nothing; `receive` does. Mail that an honest party would not have sent is noted as an anomaly, with
the signed message, and never becomes a match.

What a claim comes to is the business of `candidates`, and what handshakes come to of `arrivals`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sluis_protocol import wire
from sluis_protocol.errors import (
    Anomaly,
    ConfigError,
    MalformedMessage,
    SluisError,
    StorageError,
    WrongCovenant,
)
from sluis_protocol.messages import Claim, Confirmation, Delivery, Publication, Unconfirmed
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed
from sluis_runtime.logs import logger
from sqlalchemy import Connection

from ..anomalies import REPORT
from ..handshake.arrivals import Arrivals
from ..parts import Parts
from ..transparency import owed
from .candidates import Candidates, KnownRound
from .own_round import RoundState

_AWAITING = (RoundState.READY, RoundState.SUBMITTED)
_HANDSHAKE = re.compile(r"[0-9a-f]{32}")
log = logger("mail")


class Mail:
    """Deals with deliveries."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._arrivals = Arrivals(parts)
        self._candidates = Candidates(parts)
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

    def _find(self, round_id: str) -> KnownRound | None:
        own = self._parts.store.round(round_id)
        if own is None:
            return None
        covenant = self._parts.covenant_of_round(own.covenant_hash)
        try:
            rules = self._parts.rules(covenant)
        except ConfigError as error:  # this version of Sluis is newer than the round
            log.warning("no claim of this round can be examined", round=round_id, what=error.what)
            rules = None
        return KnownRound(own, covenant, self._parts.newest_covenant() or covenant, rules)

    def _one(self, connection: Connection, delivery: Delivery, known: KnownRound | None) -> None:
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
                    claim = wire.decode(Claim, envelope.payload)
                    self._owed_unproven(connection, "claim", message, envelope)
                    fault = self._candidates.claim(connection, known, envelope.payload, claim)
                    if fault is not None:
                        self._note(connection, known, message, fault)
                case Kind.CONFIRMATION:
                    self._owed_unproven(connection, "outcome", message, envelope)
                    confirmation = wire.decode(Confirmation, envelope.payload)
                    self._candidates.confirmation(connection, known, envelope, confirmation)
                case Kind.UNCONFIRMED:
                    owed.note_promise(connection, message, party=self._parts.oin)
                    self._candidates.unconfirmed(connection, known, wire.decode(Unconfirmed, envelope.payload))
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
        self,
        connection: Connection,
        known: KnownRound | None,
        message: SignedMessage,
        error: SluisError,
        sender: str = "",
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

    def _publication(self, connection: Connection, known: KnownRound, said: Publication) -> None:
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
        self._candidates.forget_when_complete(connection, round_id)
