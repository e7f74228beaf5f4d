"""Tag: have a quorum of key holders evaluate blinded keys, and believe none of them without proof (protocol.md, 3).

Batches go out a few at a time; the computations run in threads. Every proof is verified before a single element is
used. Where a holder is absent, refuses or lies, another quorum answers the whole batch anew, because λ depends on it.
Blinds come from a seed and the inputs: after a restart the same batch has the same elements, and counts once against
the quota (docs/adr/0007). What it does not do: it neither knows persons nor keeps tags.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sluis_protocol import threshold, wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.encoding import domain
from sluis_protocol.errors import HolderUnavailable, MalformedMessage, SluisError, WrongProof
from sluis_protocol.group import ELEMENT_BYTES, Random
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest, HolderAnswer, Refusal
from sluis_protocol.promises import check_receipt
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_protocol.threshold import ShareEvaluation
from sluis_protocol.wire import methods
from sluis_protocol.wire.status import by_code
from sluis_runtime.logs import logger

from ..coordinator import Coordinator
from ..signer import Signer
from .quorums import Complaint, Fault, Quorums, fault_of_refusal

SEED_BYTES = 32
IN_FLIGHT = 3
_GRACE_SECONDS = 5.0  # the relay reports a holder that is late; this much longer we wait for the relay
_NOBODY_SECONDS = 60.0  # how long absent holders are waited for
T = TypeVar("T")
log = logger("tagging")


def blinding(seed: bytes, inputs: Sequence[bytes]) -> Random:
    """Randomness for the blinds of these inputs: SHAKE-256 of the secret seed and all inputs, call by call."""
    # The lengths first, so that no other inputs run together to the same bytes; all at once, since there are thousands.
    lengths = struct.pack(f">{len(inputs) + 1}I", len(inputs), *map(len, inputs))
    digest = hashlib.sha256(lengths + b"".join(inputs)).digest()
    calls = 0

    def random(size: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(domain("blinds", seed, digest, calls.to_bytes(4, "big"))).digest(size)

    return random


def padded_inputs(inputs: Sequence[bytes], step: int, most: int, random: Random) -> list[bytes]:
    """The inputs, and random ones after them up to a multiple of `step`, `most` at the most.

    So a holder counts steps, not keys. Blinded, none of them can be told from another; they count against the quota.
    """
    wanted = min(-(-len(inputs) // step) * step, max(most, len(inputs)))
    return [*inputs, *(random(SEED_BYTES) for _ in range(wanted - len(inputs)))]


@dataclass(frozen=True, slots=True)
class Tagging:
    """The keys of one round at one node.

    `on_receipt` is called in a thread with what the coordinator signed for a request, our OIN and the number of
    elements, before an answer is used; `on_fault` hears of every complaint, once.
    """

    coordinator: Coordinator
    signer: Signer
    covenant: Covenant
    round_id: str
    purpose: str
    random: Random = field(repr=False)
    quorums: Quorums
    on_receipt: Callable[[SignedMessage, str, int], object]
    on_fault: Callable[[Fault], object]
    grace: float = _GRACE_SECONDS

    async def run(self, inputs: Sequence[bytes], seed: bytes, on_done: Callable[[int, int], object]) -> list[bytes]:
        """The PRF outputs (64 bytes each), in order.

        Raises HolderUnavailable (or what all holders said) if no quorum is left, Unreachable, or what the coordinator
        refused.
        """
        size = self.covenant.terms.limits.batch_elements
        batches = [inputs[at : at + size] for at in range(0, len(inputs), size)]
        gate, done = asyncio.Semaphore(IN_FLIGHT), 0

        async def one(batch: Sequence[bytes]) -> list[bytes]:
            nonlocal done
            async with gate:
                outputs = await self.batch(batch, seed)
            done += len(batch)
            on_done(done, len(inputs))
            return outputs

        on_done(0, len(inputs))
        return [output for outputs in await _all([one(batch) for batch in batches]) for output in outputs]

    async def batch(self, inputs: Sequence[bytes], seed: bytes) -> list[bytes]:
        """The outputs of one batch, from the first quorum whose answers all verify."""
        limits = self.covenant.terms.limits
        random = blinding(seed, inputs)
        padded = padded_inputs(inputs, limits.batch_minimum, limits.batch_elements, random)
        blinded = await asyncio.to_thread(threshold.blind, padded, random)
        waited = tried = 0.0
        while True:
            quorum = self.quorums.choose()
            if quorum is None:
                if waited > _NOBODY_SECONDS or not self.quorums.may_recover():
                    raise self.quorums.shortage()
                tried += 1
                pause = self.coordinator.pause(int(tried))
                log.warning("too few key holders for now, waiting", round=self.round_id, pause=round(pause, 2))
                await self.coordinator.sleep(pause)
                waited += pause
                self.quorums.forgive_absence()
                continue
            request, answers = await self._ask(quorum, blinded.elements)
            if len(answers) < len(quorum):
                continue
            evaluations = [evaluation for evaluation, _ in answers.values()]
            try:
                sums = await asyncio.to_thread(
                    threshold.combine,
                    self.covenant.joint_key,
                    quorum,
                    blinded.elements,
                    evaluations,
                    self.random,
                )
            except WrongProof as error:
                for index in error.culprits:
                    self._blame(Fault(index, Complaint.LIED, error, (request, answers[index][1])))
                continue
            outputs = await asyncio.to_thread(threshold.finalize, self.covenant.joint_key, blinded, sums)
            return outputs[: len(inputs)]

    async def _ask(
        self, quorum: tuple[int, ...], elements: bytes
    ) -> tuple[SignedMessage, dict[int, tuple[ShareEvaluation, SignedMessage]]]:
        """The request, and the well-formed answers of the quorum; who has none is blamed."""
        return await self.coordinator.persist(lambda: self._ask_once(quorum, elements))

    async def _ask_once(
        self, quorum: tuple[int, ...], elements: bytes
    ) -> tuple[SignedMessage, dict[int, tuple[ShareEvaluation, SignedMessage]]]:
        request = self.signer.sign(
            Kind.EVALUATION_REQUEST,
            EvaluationRequest(self.purpose, quorum, elements),
            covenant_hash=self.covenant.hash,
            round_id=self.round_id,
        )
        digest = request.digest  # of a whole batch, so once
        limit = self.covenant.terms.limits.evaluation_seconds + self.grace
        answers: dict[int, tuple[ShareEvaluation, SignedMessage]] = {}
        heard: set[int] = set()
        try:
            async with asyncio.timeout(limit):
                stream = self.coordinator.wire.stream(
                    methods.EVALUATE, request, HolderAnswer, timeout=limit + _GRACE_SECONDS
                )
                # What a stream is typed as has no aclose, but every one is a generator.
                async with aclosing(cast("Any", stream)):
                    await self._receipt(await anext(stream, None), digest, len(elements) // ELEMENT_BYTES)
                    async for answer in stream:
                        if answer.index not in quorum or answer.index in heard:
                            raise MalformedMessage("the relay answers for a holder that wasn't asked", field="index")
                        heard.add(answer.index)
                        if (evaluation := self._open(answer, request, digest)) is not None:
                            answers[answer.index] = evaluation
                        if len(heard) == len(quorum):
                            break
        except TimeoutError:
            log.warning("the relay is late", round=self.round_id, seconds=limit)
        for index in set(quorum) - heard:
            self._blame(Fault(index, Complaint.ABSENT, HolderUnavailable("no answer in time", holder=index)))
        return request, answers

    async def _receipt(self, first: HolderAnswer | None, digest: bytes, elements: int) -> None:
        """The coordinator's word that it logged how much we asked for, or no answer is worth anything to us."""
        if first is None or first.index != 0 or not isinstance(first.outcome, SignedMessage):
            raise MalformedMessage("the relay doesn't begin with its receipt", field="index")
        check_receipt(first.outcome, self.covenant, "evaluation", digest, self.round_id)
        await asyncio.to_thread(self.on_receipt, first.outcome, self.signer.oin, elements)

    def _open(
        self, answer: HolderAnswer, request: SignedMessage, digest: bytes
    ) -> tuple[ShareEvaluation, SignedMessage] | None:
        """A holder's evaluation, its proof not yet verified; None (and a complaint) if there is none to use.

        1. It is no refusal. 2. It is a fresh evaluation answer of this round, signed by the holder that was asked.
        3. It names that holder, and this very request.
        """
        index, message = answer.index, answer.outcome
        if isinstance(message, Refusal):
            self._blame(fault_of_refusal(index, by_code(message.code, message.what, message.do)))
            return None
        try:
            envelope = open_signed(
                message,
                self.covenant,
                Kind.EVALUATION_ANSWER,
                round_id=self.round_id,
                now=self.signer.clock(),
                caller=self.covenant.holders[index].oin,
            )
            said = wire.decode(EvaluationAnswer, envelope.payload)
            if said.index != index or said.request_sha256 != digest:
                raise MalformedMessage("the answer belongs to another request", holder=index)
        except SluisError as error:
            self._blame(Fault(index, Complaint.UNVERIFIABLE, error, (request, message)))
            return None
        return ShareEvaluation(index, said.elements, said.proof, said.composites), message

    def _blame(self, fault: Fault) -> None:
        if self.quorums.blame(fault):
            log.warning(
                "key holder set aside",
                round=self.round_id,
                holder=fault.index,
                oin=self.covenant.holders[fault.index].oin,
                complaint=str(fault.complaint),
                code=fault.error.code,
                what=fault.error.what,
            )
            self.on_fault(fault)


async def _all(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order; the first error ends everything, without wrapping it in a group."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
