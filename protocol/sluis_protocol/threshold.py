"""The OPRF key shared among n holders, any t of whom evaluate (protocol.md, 3).

Shamir's scheme over the scalar field. For a quorum Q of exactly t holders, holder i answers Z_i = (λ_i·k_i)·B with the
proof of RFC 9497 under the public key λ_i·K_i; the sum of the answers is k·B, to the byte what the one key would give.
With t = n = 1 a holder's part *is* RFC 9497's.

Verifying t proofs costs 2t multiplications a key in the RFC's way, since it recomputes the composites
M = Σ d_i·C_i and Z = Σ d_i·D_i of every proof. Here each holder sends its composites along. The verifier checks each
proof's equation with the claimed ones, and then that all claims hold, at once: with ρ_h and ρ'_h drawn after the
answers are in,

    Σ_h (ρ_h·M_h + ρ'_h·Z_h)  =  Σ_i (Σ_h ρ_h·d_hi)·C_i  +  Σ_h Σ_i (ρ'_h·d_hi)·D_hi

which is t + 1 multiplications a key. A false claim passes with a probability of about 2^-252. If anything fails, each
holder's composites are recomputed alone, the RFC's way, and the liars are named (docs/adr/0002).

Blinding is additive: a node sends B = H(x) + r·G, and takes r·K off what comes back, K being the joint public key.
Both points are fixed, so r times each is a sum out of a table, a quarter of what the RFC's r·H(x) and its inverse
cost. Who sees B learns as little (it is uniformly random); the outputs are the same to the byte. It needs what holds
here, and not for every user of the RFC: K is known beforehand, and every answer is verified against it before the
blind comes off (docs/adr/0050).

No I/O, no clock, no randomness of its own. Left to the holder's program: who asks, for which round, and the quota.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sluis_protocol import group, oprf
from sluis_protocol.batches import Points
from sluis_protocol.errors import BadElement, BadQuorum, CovenantError, WrongProof
from sluis_protocol.group import ORDER, SCALAR_BYTES, Random
from sluis_protocol.oprf import Blinded

MAX_HOLDERS = 255


@dataclass(frozen=True, slots=True)
class KeyShare:
    """What holder `index` (from 1) keeps for itself: k_index."""

    index: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class JointKey:
    """What the covenant says of the key: t, K, and K_i of every holder i."""

    threshold: int
    public: bytes
    shares: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class ShareEvaluation:
    """The answer of holder `index`: the elements Z_i, the proof c ‖ s, and its composites M ‖ Z."""

    index: int
    elements: bytes
    proof: bytes
    composites: bytes


def split(secret: bytes, threshold: int, count: int, random: Random) -> tuple[JointKey, tuple[KeyShare, ...]]:
    """Shares a key that exists in one place: for tests, and for a single holder. Others hold a `ceremony`."""
    if not 1 <= threshold <= count <= MAX_HOLDERS:
        raise BadQuorum(f"{threshold} of {count} holders", do=f"choose 1 <= t <= n <= {MAX_HOLDERS}")
    coefficients = secret + group.random_scalars(threshold - 1, random)
    shares = tuple(KeyShare(index, polynomial(coefficients, index)) for index in range(1, count + 1))
    publics = {share.index: group.base_multiply(share.secret) for share in shares}
    return JointKey(threshold, group.base_multiply(secret), publics), shares


def polynomial(coefficients: bytes, index: int) -> bytes:
    """Σ_m coefficients[m]·index^m by Horner's rule. Constant time in the coefficients."""
    at = scalar(index)
    total = bytes(SCALAR_BYTES)
    for end in range(len(coefficients), 0, -SCALAR_BYTES):
        total = group.add_scalars(group.multiply_scalars(total, at), coefficients[end - SCALAR_BYTES : end])
    return total


def scalar(public: int) -> bytes:
    """A PUBLIC number as a scalar."""
    return (public % ORDER).to_bytes(SCALAR_BYTES, "little")


def lagrange(quorum: Sequence[int], index: int) -> bytes:
    """λ_index(quorum) = Π j / (j − index) over the others j, as a scalar."""
    _check_indices(quorum)
    if index not in quorum:
        raise BadQuorum("a holder that is not in its quorum", holder=index)
    above = below = 1
    for other in quorum:
        if other != index:
            above = above * other % ORDER
            below = below * (other - index) % ORDER
    return scalar(above * pow(below, -1, ORDER))


def _check_indices(quorum: Sequence[int]) -> None:
    if len(set(quorum)) != len(quorum) or not all(1 <= index <= MAX_HOLDERS for index in quorum):
        raise BadQuorum("a quorum names a holder twice, or one that can't exist", quorum=list(quorum))


def check_quorum(joint: JointKey, quorum: Sequence[int]) -> None:
    """Refuses what is not exactly t different holders of the covenant. Raises BadQuorum."""
    _check_indices(quorum)
    if len(quorum) != joint.threshold:
        raise BadQuorum(f"a quorum of {len(quorum)} where {joint.threshold} belong", quorum=list(quorum))
    if unknown := [index for index in quorum if index not in joint.shares]:
        raise BadQuorum("a quorum names a holder that the covenant doesn't", holder=unknown[0])


def check_joint_key(joint: JointKey) -> None:
    """Refuses a K and K_i that don't lie on one polynomial of degree t - 1. Raises CovenantError, BadElement.

    1. 1 <= t <= n. 2. All are elements. 3. K_1 … K_(t-1) with each other K_j interpolate to K; 4. by themselves they
    don't, or fewer than t holders could evaluate.
    """
    indices = sorted(joint.shares)
    if not 1 <= joint.threshold <= len(indices):
        raise CovenantError(f"a key for {joint.threshold} of {len(indices)} holders")
    _check_indices(indices)
    group.check_elements(joint.public, 1)
    for index in indices:
        group.check_elements(joint.shares[index], 1)
    first = indices[: joint.threshold - 1]
    for index in indices[joint.threshold - 1 :]:
        quorum = [*first, index]
        if interpolate(quorum, joint.shares) != joint.public:
            raise CovenantError("the public key shares don't belong to the joint key", holder=index)
    if interpolate(first, joint.shares) == joint.public:
        raise CovenantError(f"fewer than {joint.threshold} holders could evaluate", do="hold a new key ceremony")


def interpolate(quorum: Sequence[int], shares: Mapping[int, bytes]) -> bytes:
    """Σ λ_i·K_i over the quorum: the public key that these shares make."""
    factors = [int.from_bytes(lagrange(quorum, index), "little") for index in quorum]
    return group.weighted_sum(lambda at: (factors[at],), b"".join(shares[index] for index in quorum))


def blind(inputs: Sequence[bytes], random: Random) -> Blinded:
    """H(x) + r·G for each input x, r fresh for each. Raises MalformedMessage for more than a batch, or none."""
    oprf.check_size(len(inputs))
    blinds = group.random_scalars(len(inputs), random)
    return Blinded(group.blind(inputs, oprf.hash_domain(), blinds), blinds, tuple(inputs))


def evaluate(share: KeyShare, quorum: Sequence[int], elements: bytes, random: Random) -> ShareEvaluation:
    """The holder's answer, for a quorum that it is in. Raises BadQuorum, BadElement, MalformedMessage.

    Left to the caller, before: `check_quorum` against the covenant, and all else that protocol.md (3) lists.
    """
    secret = group.multiply_scalars(share.secret, lagrange(quorum, share.index))
    answer = oprf.blind_evaluate(secret, group.base_multiply(secret), elements, random)
    return ShareEvaluation(share.index, answer.elements, answer.proof, answer.composites)


@dataclass(frozen=True, slots=True)
class _Claim:
    """An answer, beside the public key λ_i·K_i that it has to be made with."""

    public: bytes
    answer: ShareEvaluation

    def is_consistent(self, count: int) -> bool:
        """Whether the lengths are right and the proof holds for the composites that came with it."""
        try:
            group.screen_elements(self.answer.elements, count)
        except BadElement:
            return False
        return oprf.proves(self.public, self.answer.composites, self.answer.proof)

    def is_about(self, blinded: bytes) -> bool:
        """Whether the composites are those of this batch, recomputed in the RFC's way."""
        try:
            return self.answer.composites == oprf.compute_composites(self.public, blinded, self.answer.elements)
        except BadElement:
            return False


def combine(
    joint: JointKey,
    quorum: Sequence[int],
    blinded: bytes,
    evaluations: Sequence[ShareEvaluation],
    random: Random,
) -> Points:
    """The sums of the answers, for `finalize`, and for nothing but: once every proof is verified.

    1. The quorum is one of the covenant's. 2. Each of its holders answered once, and nobody else. 3. Each proof holds
    for its composites. 4. All composites are those of the batch. Only then: the sum.
    Raises BadQuorum; BadElement or MalformedMessage if `blinded` is no batch; WrongProof, naming the holders that lied.
    """
    check_quorum(joint, quorum)
    if sorted(answer.index for answer in evaluations) != sorted(quorum):
        raise BadQuorum(
            "the answers are not those of the quorum",
            quorum=sorted(quorum),
            answered=[answer.index for answer in evaluations],
        )
    count = oprf.check_batch(blinded)
    claims = [
        _Claim(group.multiply(lagrange(quorum, answer.index), joint.shares[answer.index]), answer)
        for answer in evaluations
    ]
    sound = [claim for claim in claims if claim.is_consistent(count)]
    if len(sound) == len(claims) and (sums := _sums_if_all_about(blinded, claims, random)) is not None:
        return sums
    group.check_elements(blinded)  # or the holders would be blamed for it
    honest = {claim.answer.index for claim in sound if claim.is_about(blinded)}
    culprits = tuple(sorted(set(quorum) - honest))
    if not culprits:
        raise AssertionError("answers that are right one by one, but not together")
    raise WrongProof(
        "key holders answered with another key than the covenant's",
        culprits=culprits,
        do="ask another quorum, and report these holders to the covenant authority",
        holders=", ".join(map(str, culprits)),
    )


def _sums_if_all_about(blinded: bytes, claims: Sequence[_Claim], random: Random) -> Points | None:
    """The sums of the answers, if the one equation of the module's docstring holds. None also for a bad element."""
    rho = group.random_scalars(2 * len(claims), random)
    factors = [int.from_bytes(rho[at : at + SCALAR_BYTES], "little") for at in range(0, len(rho), SCALAR_BYTES)]
    composites = b"".join(claim.answer.composites for claim in claims)
    hows = [oprf.weighing(claim.public) for claim in claims]
    try:
        claimed = group.weighted_sum(lambda index: (factors[index],), composites)
        right, sums = group.verify(hows, rho, blinded, [claim.answer.elements for claim in claims])
    except BadElement:
        return None
    return sums if claimed == right else None


def finalize(joint: JointKey, blinded: Blinded, sums: Points) -> list[bytes]:
    """Takes r·K off each sum that `combine` gave, and hashes as Finalize (RFC 9497, 3.3.1) does: 64 bytes an input."""
    return group.finalize(blinded.inputs, blinded.blinds, joint.public, sums)
