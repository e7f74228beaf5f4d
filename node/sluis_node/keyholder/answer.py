"""Answer an evaluation request: every check of protocol.md, 3, then the count, then the evaluation.

What comes in is whatever the relay passes on; nothing about it is believed before its signature is verified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol import group, threshold, wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import BadQuorum, MalformedMessage
from sluis_protocol.group import ELEMENT_BYTES, Random
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest
from sluis_protocol.signed import Envelope, Kind, SignedMessage, open_signed, sign
from sluis_protocol.threshold import KeyShare

from .quota import Quota
from .rounds import RoundBook


@dataclass(frozen=True, slots=True)
class Answerer:
    """One holder under one covenant."""

    covenant: Covenant
    oin: str
    share: KeyShare
    signing_key: Ed25519PrivateKey = field(repr=False)
    quota: Quota = field(repr=False)
    rounds: RoundBook = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    random: Random = field(repr=False)

    async def answer(self, message: SignedMessage) -> SignedMessage:
        """The signed answer to a signed request.

        1. The request is signed by a member of the covenant that was not revoked, under this covenant version, lately;
        2. it is for a round of its purpose that the coordinator announced, and that collects now;
        3. the purpose has a legal basis in force today;
        4. the quorum is one of the covenant's, and this holder is in it;
        5. the batch is within the covenant's limits, bit 255 of every element is clear, and none is the identity;
        6. the member's quota for the round and its requests of the day allow it, and it is counted, durably.
        Only then is it evaluated: an element that can't be decoded is refused there, and the batch has been counted.
        Raises the SluisError of the first check that fails.
        """
        envelope, request = await asyncio.to_thread(self._open, message)
        found = await self.rounds.find(envelope.round_id, request.purpose)
        now = self.clock()
        found.check_open(now, timedelta(seconds=self.covenant.terms.limits.clock_tolerance_seconds))
        self.covenant.purpose(request.purpose, now.date())
        self._check_quorum(request)
        return await asyncio.to_thread(self._evaluate, message, envelope, request)

    def _open(self, message: SignedMessage) -> tuple[Envelope, EvaluationRequest]:
        # The round that the message names is looked up next, so naming it here takes nothing for granted.
        round_id = message.envelope.round_id
        envelope = open_signed(message, self.covenant, Kind.EVALUATION_REQUEST, round_id=round_id, now=self.clock())
        return envelope, wire.decode(EvaluationRequest, envelope.payload)

    def _check_quorum(self, request: EvaluationRequest) -> None:
        threshold.check_quorum(self.covenant.joint_key, request.quorum)
        if self.share.index not in request.quorum:
            raise BadQuorum(
                "this key holder is not in the quorum", quorum=list(request.quorum), holder=self.share.index
            )

    def _evaluate(self, message: SignedMessage, envelope: Envelope, request: EvaluationRequest) -> SignedMessage:
        limits = self.covenant.terms.limits
        least, most = limits.batch_minimum, limits.batch_elements
        if len(request.elements) < least * ELEMENT_BYTES:
            raise MalformedMessage(
                f"a batch of {len(request.elements) // ELEMENT_BYTES} elements",
                do=f"add random elements: {least} are the fewest, so that small numbers don't show",
            )
        if len(request.elements) > most * ELEMENT_BYTES:
            raise MalformedMessage(
                f"a batch of {len(request.elements) // ELEMENT_BYTES} elements", do=f"send at most {most} at a time"
            )
        group.screen_elements(request.elements)  # the rest shows in decoding them, below
        member = self.covenant.member(envelope.sender)
        self.quota.count(
            envelope.round_id,
            member.oin,
            request.elements,
            member.quota,
            today=self.clock().date(),
            requests_a_day=limits.requests_a_day,
        )
        evaluated = threshold.evaluate(self.share, request.quorum, request.elements, self.random)
        answer = EvaluationAnswer(
            message.digest,
            self.share.index,
            evaluated.elements,
            evaluated.proof,
            evaluated.composites,
        )
        payload = wire.encode(answer)
        own = Envelope(Kind.EVALUATION_ANSWER, self.oin, self.covenant.hash, envelope.round_id, self.clock(), payload)
        return sign(own, self.signing_key)
