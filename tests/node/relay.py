"""A node's tagging before a relay and key holders in memory, who do as they are told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sluis_node.coordinator import Coordinator
from sluis_node.round.quorums import Complaint, Fault, Quorums
from sluis_node.round.tagging import Tagging
from sluis_node.signer import Signer
from sluis_protocol import group, oprf, threshold, wire
from sluis_protocol.covenant import Limits
from sluis_protocol.errors import (
    SluisError,
)
from sluis_protocol.messages import EvaluationRequest, HolderAnswer
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire.methods import Method

from ..world import PURPOSE, World, make_world, member_oin
from .rig import Twist, evaluate, honest, receipt_for

T = TypeVar("T")
ROUND = "r20260101t000000z-0000000000000000"
INPUTS = [b"input %d" % number for number in range(10)]
OIN = member_oin(1)
Answer = Callable[[int, SignedMessage], HolderAnswer | None]


class Relay:
    """A wire to holders in memory. `behave` says what is answered for a holder (default: an honest evaluation)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.twists: dict[int, Twist] = {}
        self.answers: dict[int, Answer] = {}
        self.late: set[int] = set()
        self.failures: list[SluisError] = []
        self.requests: list[EvaluationRequest] = []

    async def call(self, method: Method, request: object, response: type[T], *, timeout: float) -> T:
        raise AssertionError("tagging makes no such call")

    async def upload(self, method: Method, parts: AsyncIterator[object], response: type[T], *, timeout: float) -> T:
        raise AssertionError("tagging makes no such call")

    async def stream(
        self, method: Method, request: object, response: type[T], *, timeout: float | None
    ) -> AsyncIterator[T]:
        assert isinstance(request, SignedMessage)
        if self.failures:
            raise self.failures.pop(0)
        said = wire.decode(EvaluationRequest, request.envelope.payload)
        self.requests.append(said)
        yield cast("T", HolderAnswer(0, self.receipt(request)))
        for index in said.quorum:
            if index in self.late:
                await asyncio.Event().wait()
            answer = self._answer(index, request)
            if answer is not None:
                # Over the wire and back, as it would be.
                yield cast("T", wire.decode(HolderAnswer, wire.encode(answer)))

    def receipt(self, request: SignedMessage) -> SignedMessage:
        return receipt_for(self.world, "evaluation", request.digest, ROUND)

    def _answer(self, index: int, request: SignedMessage) -> HolderAnswer | None:
        if index in self.answers:
            return self.answers[index](index, request)
        signed = evaluate(self.world, index, request, twist=self.twists.get(index, honest))
        return HolderAnswer(index, signed) if signed else None


class Trial:
    """A node's tagging before a relay."""

    def __init__(self, *, batch: int = 4, needed: int = 2, holders: int = 3, **options: Any) -> None:
        self.world = make_world(
            needed=needed, holders=holders, limits=Limits(batch_elements=batch, evaluation_seconds=1)
        )
        self.relay = Relay(self.world)
        self.faults: list[Fault] = []
        self.receipts: list[tuple[SignedMessage, str, int]] = []
        self.slept: list[float] = []
        self.waking: Callable[[], object] = lambda: None
        covenant = self.world.covenant
        self.quorums = Quorums(covenant.holders, covenant.terms.threshold, os.urandom)
        self.tagging = Tagging(
            Coordinator(self.relay, "nowhere:1", os.urandom, self._sleep, 5.0),
            Signer(OIN, self.world.signing[OIN], lambda: datetime.now(UTC)),
            covenant,
            ROUND,
            PURPOSE,
            os.urandom,
            self.quorums,
            lambda receipt, oin, elements: self.receipts.append((receipt, oin, elements)),
            self.faults.append,
            **options,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.waking()
        await asyncio.sleep(0)

    async def run(self, seed: bytes = bytes(32)) -> list[bytes]:
        """Tag all inputs and check that each output is the function's own."""
        done: list[int] = []
        outputs = await self.tagging.run(INPUTS, seed, lambda now, total: done.append(now))
        assert outputs == self.expected()
        assert done[0] == 0
        assert done[-1] == len(INPUTS)
        assert done == sorted(done)
        return outputs

    def expected(self) -> list[bytes]:
        """The outputs under the joint key, which exists nowhere but here."""
        shares = self.world.shares[: self.world.covenant.terms.threshold]
        quorum = [share.index for share in shares]
        secret = bytes(32)
        for share in shares:
            part = group.multiply_scalars(share.secret, threshold.lagrange(quorum, share.index))
            secret = group.add_scalars(secret, part)
        return oprf.evaluate(secret, INPUTS)

    def complaints(self) -> dict[int, Complaint]:
        """What is held against whom."""
        return {fault.index: fault.complaint for fault in self.faults}


def in_turn(first: Sequence[tuple[int, ...]], trial: Trial) -> Callable[[], tuple[int, ...] | None]:
    """A quorum of our choice first, then the usual."""
    usual, rest = trial.quorums.choose, [first[0]]
    return lambda: rest.pop() if rest else usual()
