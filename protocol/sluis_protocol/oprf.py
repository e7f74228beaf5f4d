"""RFC 9497: the oblivious pseudorandom function with ristretto255 and SHA-512, modes OPRF (0x00) and VOPRF (0x01).

Batches throughout, as packed bytes (see `group`). The function names are the RFC's. One key holds here; `threshold`
shares it, and blinds in a way that costs less where the public key is known beforehand. No I/O, no clock, no randomness
of its own; who may ask what, and how often, is for the callers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from sluis_protocol import group
from sluis_protocol.batches import Weighing, outputs
from sluis_protocol.encoding import lp
from sluis_protocol.errors import BadElement, InputError, MalformedMessage, WrongProof
from sluis_protocol.group import ELEMENT_BYTES, SCALAR_BYTES, Random

OUTPUT_BYTES = 64
PROOF_BYTES = 2 * SCALAR_BYTES
COMPOSITES_BYTES = 2 * ELEMENT_BYTES
MAX_BATCH = 2**16 - 1
"""An index of a batch has two bytes (RFC 9497, 2.2.1)."""


class Mode(IntEnum):
    """The two modes that Sluis uses (RFC 9497, 3.1)."""

    OPRF = 0
    VOPRF = 1


@dataclass(frozen=True, slots=True)
class Blinded:
    """What `blind` gives: `elements` go to the holder, all the rest stays here."""

    elements: bytes
    blinds: bytes = field(repr=False)
    inputs: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a holder answers.

    `elements` and `proof` (c ‖ s) are the RFC's message. `composites` (M ‖ Z) are what the proof is about; a verifier
    can compute them itself, and `threshold` sends them to spare it half of that.
    """

    elements: bytes
    proof: bytes
    composites: bytes


def _context(mode: Mode) -> bytes:
    """The contextString (RFC 9497, 3.1)."""
    return b"OPRFV1-" + bytes([mode]) + b"-ristretto255-SHA512"


def hash_domain(mode: Mode = Mode.VOPRF) -> bytes:
    """The domain separation tag of HashToGroup (RFC 9497, 4.1)."""
    return b"HashToGroup-" + _context(mode)


def check_batch(elements: bytes, count: int | None = None) -> int:
    """The count, if this can be a batch. Raises BadElement, MalformedMessage.

    1. Whole elements, `count` of them. 2. Bit 255 is clear. 3. None is the identity. 4. A batch of the RFC's size.

    Left to the multiplication that follows, or to `group.check_elements`: that each encoding is canonical.
    """
    found = group.screen_elements(elements, count)
    check_size(found)
    return found


def check_size(count: int) -> None:
    """Raises MalformedMessage for more elements than a batch can have, or none."""
    if not 1 <= count <= MAX_BATCH:
        raise MalformedMessage(f"a batch of {count}", do=f"send 1 to {MAX_BATCH} elements at a time")


# Keys.


def derive_key_pair(seed: bytes, info: bytes, mode: Mode = Mode.VOPRF) -> tuple[bytes, bytes]:
    """DeriveKeyPair (RFC 9497, 3.2.1): the secret and the public key that belong to a seed of 32 bytes."""
    if len(seed) != 32:
        raise ValueError(f"a seed of {len(seed)} bytes")
    expand = group.expander(b"DeriveKeyPair" + _context(mode))
    for counter in range(256):
        secret = group.reduce_scalars(expand(seed + lp(info) + bytes([counter])))
        if secret != bytes(SCALAR_BYTES):
            return secret, group.base_multiply(secret)
    raise InputError("no key comes of this seed", do="take another seed")


# The client: Blind and Finalize.


def blind(inputs: Sequence[bytes], random: Random, mode: Mode = Mode.VOPRF) -> Blinded:
    """Blind (RFC 9497, 3.3.1 and 3.3.2), a fresh blind for each input. Raises BadElement if an input can't be used."""
    check_size(len(inputs))
    blinds = group.random_scalars(len(inputs), random)
    elements = group.multiply(blinds, group.hash_to_group(inputs, hash_domain(mode)))
    group.screen_elements(elements)  # no blind is zero: the identity can only come of an input
    return Blinded(elements, blinds, tuple(inputs))


def finalize(blinded: Blinded, evaluated: bytes) -> list[bytes]:
    """The second half of Finalize (RFC 9497, 3.3.1): 64 bytes an input.

    Only for elements whose proofs have been verified; with mode 0x00 there are none, and the RFC trusts the holder.
    """
    check_batch(evaluated, len(blinded.inputs))
    return outputs(blinded.inputs, group.multiply(group.invert_scalars(blinded.blinds), evaluated))


def evaluate(secret: bytes, inputs: Sequence[bytes], mode: Mode = Mode.VOPRF) -> list[bytes]:
    """Evaluate (RFC 9497, 3.3.1): the function itself, for who holds the key. What every other way must equal."""
    points = group.hash_to_group(inputs, hash_domain(mode))
    group.screen_elements(points)
    return outputs(inputs, group.multiply(secret, points))


# The holder: BlindEvaluate.


def blind_evaluate(secret: bytes, public: bytes, elements: bytes, random: Random) -> Evaluation:
    """BlindEvaluate (RFC 9497, 3.3.2) with one proof for the batch. `public` is the secret times the generator.

    (In mode 0x00 BlindEvaluate is `group.multiply(secret, elements)`.) Raises BadElement, MalformedMessage.
    """
    check_batch(elements)
    evaluated, m = group.evaluate(secret, weighing(public), elements)  # with ComputeCompositesFast (2.2.1)
    composites = m + group.multiply(secret, m)
    return Evaluation(evaluated, generate_proof(secret, public, composites, random), composites)


# Proofs that two discrete logarithms are equal.


def weighing(public: bytes) -> Weighing:
    """How ComputeComposites (RFC 9497, 2.2.1) hashes the weights d_i of a proof under this public key."""
    context = _context(Mode.VOPRF)
    return Weighing(b"HashToScalar-" + context, hashlib.sha512(lp(public) + lp(b"Seed-" + context)).digest())


def compute_composites(public: bytes, blinded: bytes, evaluated: bytes) -> bytes:
    """ComputeComposites (RFC 9497, 2.2.2): M = Σ d_i·C_i and Z = Σ d_i·D_i, as M ‖ Z."""
    return group.composites(weighing(public), blinded, evaluated)


def _challenge(public: bytes, composites: bytes, t2: bytes, t3: bytes) -> bytes:
    m, z = composites[:ELEMENT_BYTES], composites[ELEMENT_BYTES:]
    transcript = lp(public) + lp(m) + lp(z) + lp(t2) + lp(t3) + b"Challenge"
    return group.reduce_scalars(group.expander(b"HashToScalar-" + _context(Mode.VOPRF))(transcript))


def generate_proof(secret: bytes, public: bytes, composites: bytes, random: Random) -> bytes:
    """GenerateProof (RFC 9497, 2.2.1) from the composites on: c ‖ s."""
    r = group.random_scalars(1, random)
    c = _challenge(public, composites, group.base_multiply(r), group.multiply(r, composites[:ELEMENT_BYTES]))
    return c + group.subtract_scalars(r, group.multiply_scalars(c, secret))


def proves(public: bytes, composites: bytes, proof: bytes) -> bool:
    """The equation of VerifyProof (RFC 9497, 2.2.2): whether log(public) = log_M(Z), for composites M ‖ Z.

    It says nothing yet about a batch; for that, the composites must be its own. False for bytes of another length,
    scalars that are not reduced and elements that can't be decoded.
    """
    c, s = proof[:SCALAR_BYTES], proof[SCALAR_BYTES:]
    if not (group.is_scalar(c) and group.is_scalar(s)):
        return False
    try:
        group.screen_elements(composites, 2)
        m, z = composites[:ELEMENT_BYTES], composites[ELEMENT_BYTES:]
        left = group.base_multiply(s) + group.multiply(s, m)
        t = group.add(left, group.multiply(c, public + z))
    except BadElement:
        return False
    return _challenge(public, composites, t[:ELEMENT_BYTES], t[ELEMENT_BYTES:]) == c


def verify_proof(public: bytes, blinded: bytes, evaluated: bytes, proof: bytes) -> None:
    """VerifyProof (RFC 9497, 2.2.2). Raises WrongProof, or BadElement if an element is no element."""
    count = check_batch(blinded)
    check_batch(evaluated, count)
    if not proves(public, compute_composites(public, blinded, evaluated), proof):
        raise WrongProof("an evaluation was not made with the key that belongs to it")
