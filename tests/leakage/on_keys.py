"""Attacks on the key: wrong answers, too few shares, somebody else's elements.

The victim is a node's own tagging (`tests.node.relay`); the relay and the key holders do what the attack says.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from unittest import mock

from sluis_node.round import tagging
from sluis_protocol import group, oprf, threshold, wire
from sluis_protocol.batches import Points
from sluis_protocol.errors import HolderUnavailable, SluisError
from sluis_protocol.messages import EvaluationAnswer, EvaluationRequest, HolderAnswer
from sluis_protocol.oprf import Blinded
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.tag import prepare as prepared
from sluis_protocol.tag import prf_inputs
from sluis_protocol.threshold import ShareEvaluation

from ..node.people import family
from ..node.relay import INPUTS, ROUND, Trial
from ..node.rig import evaluate, sign_as
from ..world import COORDINATOR, holder_oin
from .attack import Attack, Tally, seeded
from .scene import RULES, Keys, context

ONE = (1).to_bytes(32, "little")


def without_proofs(
    joint: object, quorum: object, blinded: bytes, evaluations: Sequence[ShareEvaluation], random: object
) -> Points:
    """What `threshold.combine` would be if it just added the answers."""
    answers = [answer.elements for answer in evaluations]
    hows, no_matter = [oprf.weighing(group.GENERATOR)] * len(answers), bytes(64 * len(answers))
    return group.verify(hows, no_matter, blinded, answers)[1]


def unblinded_under(public: bytes) -> Callable[[object, Blinded, Points], list[bytes]]:
    """What `threshold.finalize` would be if it took the public key from who answers, and not from the covenant."""
    return lambda joint, blinded, sums: group.finalize(blinded.inputs, blinded.blinds, public, sums)


def forged_proofs(elements: bytes, answer: EvaluationAnswer) -> Iterator[EvaluationAnswer]:
    """Some ways to dress up wrong elements: the honest proof, one under a key of one's own, none, a random one."""

    def dressed(proof: bytes, composites: bytes) -> EvaluationAnswer:
        return EvaluationAnswer(answer.request_sha256, answer.index, elements, proof, composites)

    yield dressed(answer.proof, answer.composites)
    own = seeded("a key of one's own")
    secret = group.random_scalars(1, own)
    public = group.base_multiply(secret)
    composites = oprf.compute_composites(public, elements, group.multiply(secret, elements))
    yield dressed(oprf.generate_proof(secret, public, composites, own), composites)
    yield dressed(bytes(64), answer.composites)
    yield dressed(group.reduce_scalars(own(64)) + group.reduce_scalars(own(64)), composites)


def split_of(quorum: Sequence[int], index: int, secret: bytes) -> bytes:
    """Shares of a known scalar that need no λ: the last holder's part is what is left."""
    part = (7).to_bytes(32, "little")
    if index != max(quorum):
        return part
    left = secret
    for _ in quorum[1:]:
        left = group.subtract_scalars(left, part)
    return left


def tried(defended: bool, prepare: Callable[[Trial, int], None], known: bytes, forgeries: int) -> Tally:
    """Let a victim tag its inputs before liars; success: an input whose tag can be told with the known key alone."""
    predicted, found = set(oprf.evaluate(known, INPUTS)), 0
    for forgery in range(forgeries):
        trial = Trial()
        prepare(trial, forgery)
        with ExitStack() as off:
            if not defended:
                off.enter_context(mock.patch.object(threshold, "combine", without_proofs))
                off.enter_context(mock.patch.object(threshold, "finalize", unblinded_under(group.base_multiply(known))))
                off.enter_context(mock.patch.object(tagging, "open_signed", _trusting))
            try:
                outputs = asyncio.run(trial.tagging.run(INPUTS, bytes(32), lambda done, total: None))
            except HolderUnavailable:
                continue
            except SluisError as error:  # all holders said this
                if not defended:
                    raise AssertionError("the attack itself failed") from error
                continue
            found += len(predicted & set(outputs))
    return Tally(found, forgeries * len(INPUTS))


def _trusting(message: SignedMessage, *args: object, **options: object) -> object:
    """`open_signed` without a look at the signature."""
    return message.envelope


def holders_with_a_known_key(defended: bool) -> Tally:
    """All holders of the quorum lie together: the key is 1, and each signs its own answer."""

    def prepare(trial: Trial, forgery: int) -> None:
        def twist(answer: EvaluationAnswer, request: EvaluationRequest) -> EvaluationAnswer:
            elements = group.multiply(split_of(request.quorum, answer.index, ONE), request.elements)
            return list(forged_proofs(elements, answer))[forgery]

        trial.relay.twists = dict.fromkeys((1, 2, 3), twist)

    return tried(defended, prepare, ONE, 4)


def relay_with_a_known_key(defended: bool) -> Tally:
    """The coordinator alone answers in the holders' names with the key 1; it can sign as itself only."""

    def prepare(trial: Trial, forgery: int) -> None:
        def answer(index: int, request: SignedMessage) -> HolderAnswer:
            said = wire.decode(EvaluationRequest, request.envelope.payload)
            elements = group.multiply(split_of(said.quorum, index, ONE), said.elements)
            honest = EvaluationAnswer(hashlib.sha256(request.body).digest(), index, elements, bytes(64), bytes(64))
            payload = wire.encode(list(forged_proofs(elements, honest))[forgery])
            signed = sign_as(trial.world, COORDINATOR, Kind.EVALUATION_ANSWER, payload, ROUND)
            if forgery % 2:  # the holder's name over the coordinator's signature
                body = signed.body.replace(COORDINATOR.encode(), holder_oin(index).encode())
                signed = SignedMessage(body, signed.signature)
            return HolderAnswer(index, signed)

        trial.relay.answers = dict.fromkeys((1, 2, 3), answer)

    return tried(defended, prepare, ONE, 4)


def a_holder_that_cancels_the_honest_share(defended: bool) -> Tally:
    """The coordinator shows holder 1 what holder 2 answers before it answers itself: x·B less that."""
    known = group.random_scalars(1, seeded("cancel"))

    def prepare(trial: Trial, forgery: int) -> None:
        def answer(index: int, request: SignedMessage) -> HolderAnswer:
            said = wire.decode(EvaluationRequest, request.envelope.payload)
            honest = evaluate(trial.world, index, request)
            assert honest is not None
            others = [other for other in said.quorum if other != 1]
            if index != 1 or others == list(said.quorum):
                return HolderAnswer(index, honest)
            seen = evaluate(trial.world, others[0], request)
            assert seen is not None
            theirs = wire.decode(EvaluationAnswer, seen.envelope.payload).elements
            minus = group.multiply(group.subtract_scalars(bytes(32), ONE), theirs)
            elements = group.add(group.multiply(known, said.elements), minus)
            mine = wire.decode(EvaluationAnswer, honest.envelope.payload)
            forged = wire.encode(list(forged_proofs(elements, mine))[forgery])
            return HolderAnswer(index, sign_as(trial.world, holder_oin(index), Kind.EVALUATION_ANSWER, forged, ROUND))

        trial.relay.answers = dict.fromkeys((1, 2, 3), answer)
        # Until it is caught, the liar is in every quorum.
        trial.quorums.choose = _with_the_liar(trial.quorums.choose)  # type: ignore[method-assign] # the attack's luck

    return tried(defended, prepare, known, 4)


def _with_the_liar(choose: Callable[[], tuple[int, ...] | None]) -> Callable[[], tuple[int, ...] | None]:
    first = [(1, 2)] * 3  # one for each batch of the victim

    def chosen() -> tuple[int, ...] | None:
        return first.pop() if first else choose()

    return chosen


def too_few_shares(defended: bool) -> Tally:
    """The coordinator, t−1 holders and a node: all tags of a round, a dictionary of every true key, one share."""
    keys, random = Keys.of("too few"), seeded("too few")
    persons = prepared([family(f"F{number}", number) for number in range(12)], RULES)
    victims = {key.tag for person in keys.tag(persons, random) for key in person.keys}
    inputs = prf_inputs(persons, context())
    held = keys.shares[: 1 if defended else 2]
    guesses = [share.secret for share in held]
    for quorum in ((1, 2), (1, 3), (2, 3)):
        parts = [
            group.multiply_scalars(share.secret, threshold.lagrange(quorum, share.index))
            for share in held
            if share.index in quorum
        ]
        total = bytes(32)
        for part in parts:
            total = group.add_scalars(total, part)
        guesses += [*parts, total]
    # The node adds what it may: its own evaluation of other values, which it can use as if they were its victim's.
    found = {output[:16] for secret in dict.fromkeys(guesses) for output in oprf.evaluate(secret, inputs)} & victims
    return Tally(len(found), len(victims))


def somebody_elses_elements(defended: bool) -> Tally:
    """A node has another's blinded elements evaluated on its own quota, and tries the true inputs on the answer."""
    keys, random = Keys.of("replay"), seeded("replay")
    persons = prepared([family(f"F{number}", number) for number in range(8)], RULES)
    inputs = prf_inputs(persons, context())
    with ExitStack() as off:
        if not defended:  # blinds that blind nothing
            off.enter_context(mock.patch.object(group, "random_scalars", lambda count, random: ONE * count))
        blinded = threshold.blind(inputs, random)
    answers = [threshold.evaluate(share, (1, 2), blinded.elements, os.urandom) for share in keys.shares[:2]]
    sums = threshold.combine(keys.joint, (1, 2), blinded.elements, answers, os.urandom)
    victims = set(threshold.finalize(keys.joint, blinded, sums))
    replayed = set(threshold.finalize(keys.joint, replace(blinded, blinds=ONE * len(inputs)), sums))
    return Tally(len(victims & replayed), len(victims))


ATTACKS = (
    Attack(
        "k = 1 by the relay",
        "the coordinator, which answers for the key holders",
        "keys whose tag it can compute offline",
        "verification of signatures and of proofs, under the covenant's key",
        "0: proofs are sound but for 2⁻²⁵²",
        relay_with_a_known_key,
    ),
    Attack(
        "A known key by the key holders",
        "the coordinator and all holders of a quorum, each signing",
        "keys whose tag it can compute offline",
        "verification of proofs, under the covenant's key",
        "0: K is in the covenant",
        holders_with_a_known_key,
    ),
    Attack(
        "Cancelling the honest share",
        "the coordinator, t−1 key holders and a node",
        "keys whose tag it can compute offline",
        "verification of proofs, under the covenant's key",
        "0: each share is proved by itself",
        a_holder_that_cancels_the_honest_share,
    ),
    Attack(
        "A dictionary with t−1 shares",
        "the coordinator, t−1 key holders and a node",
        "tags told by a dictionary that has every true key",
        "the sharing: the adversary has t shares",
        "0: fewer than t shares say nothing of K",
        too_few_shares,
    ),
    Attack(
        "Another node's blinded elements",
        "the coordinator and a node with its quota",
        "tags told by trying every true input on the evaluation",
        "the blinds",
        "0: a blind is uniformly random",
        somebody_elses_elements,
    ),
)
