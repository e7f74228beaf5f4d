"""The key ceremony: n holders make a key that never exists in one place (protocol.md, 3).

Feldman's verifiable secret sharing, by every holder at once (Feldman, FOCS 1987; Pedersen, EUROCRYPT 1991). Dealer j
draws a polynomial f_j of degree t - 1, publishes the commitments A_jm = a_jm·G with a proof that it knows a_j0, and
gives f_j(i) to holder i alone. k = Σ_j f_j(0) is the key that nobody knows, and k_i = Σ_j f_j(i) is holder i's share.

    deal -> check_deal -> check_share -> [Complaint -> answer -> judge] -> finish, joint_key

The proof is bound to the ceremony, the dealer, t, n and every commitment. Without it the last dealer could cancel the
others' commitments and know the key. It can still redraw its own deal after seeing theirs, and so pick some bits of
the *public* key K; that doesn't help it to find k (Gennaro et al., Journal of Cryptology 2007).

Pure: no mail, no clock, no randomness of its own. Left to the caller: shares travel sealed, everybody sees the same
deals (they go into the covenant, signed), and all agree which dealers were disqualified before they `finish`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sluis_protocol import group
from sluis_protocol.encoding import domain
from sluis_protocol.errors import BadElement, CeremonyFault
from sluis_protocol.group import ELEMENT_BYTES, IDENTITY, SCALAR_BYTES, Random
from sluis_protocol.threshold import MAX_HOLDERS, JointKey, KeyShare, polynomial


@dataclass(frozen=True, slots=True)
class Deal:
    """What dealer `index` publishes: t commitments, packed, and the proof of possession c ‖ s."""

    index: int
    threshold: int
    count: int
    commitments: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Dealing:
    """A deal, and the secret share of each recipient (the dealer is one of them)."""

    deal: Deal
    shares: Mapping[int, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Holder `recipient` says that the share it had from `dealer` doesn't fit, or never came."""

    recipient: int
    dealer: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The dealer's answer to a complaint: the share, in the open."""

    dealer: int
    recipient: int
    share: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who is at fault, as anybody can verify. If it is the recipient, `share` is the one it goes on with."""

    culprit: int
    share: bytes | None = field(repr=False)


def deal(index: int, threshold: int, count: int, ceremony_id: bytes, random: Random) -> Dealing:
    """What dealer `index` of 1..count contributes to a key for `threshold` of `count`. Raises CeremonyFault."""
    _check_sizes(index, threshold, count)
    coefficients = group.random_scalars(threshold, random)
    commitments = group.base_multiply(coefficients)
    nonce = group.random_scalars(1, random)
    c = _challenge(index, threshold, count, ceremony_id, commitments, group.base_multiply(nonce))
    s = group.subtract_scalars(nonce, group.multiply_scalars(c, coefficients[:SCALAR_BYTES]))
    shares = {recipient: polynomial(coefficients, recipient) for recipient in range(1, count + 1)}
    return Dealing(Deal(index, threshold, count, commitments, c + s), shares)


def check_deal(deal: Deal, threshold: int, count: int, ceremony_id: bytes) -> None:
    """Refuses a deal that can't be used; the culprit is its dealer. Raises CeremonyFault.

    1. It is for this t and n. 2. It has exactly t commitments, none the identity. 3. The dealer knows a_j0.
    """
    _check_sizes(deal.index, threshold, count)
    if (deal.threshold, deal.count) != (threshold, count):
        raise _fault(f"a deal for {deal.threshold} of {deal.count} holders, not {threshold} of {count}", deal.index)
    try:
        group.check_elements(deal.commitments, threshold)
    except BadElement as error:
        raise _fault(f"the commitments can't be used: {error}", deal.index) from error
    c, s = deal.proof[:SCALAR_BYTES], deal.proof[SCALAR_BYTES:]
    if group.is_scalar(c) and group.is_scalar(s):
        nonce = group.add(group.base_multiply(s), group.multiply(c, deal.commitments[:ELEMENT_BYTES]))
        if c == _challenge(deal.index, threshold, count, ceremony_id, deal.commitments, nonce):
            return
    raise _fault("the proof of possession is not this dealer's, for this ceremony", deal.index)


def check_share(deal: Deal, recipient: int, share: bytes) -> None:
    """Refuses a share that doesn't fit the commitments of a checked deal. Raises CeremonyFault: time to complain."""
    if not fits(deal, recipient, share):
        raise _fault("a share doesn't fit its dealer's commitments", deal.index, recipient=recipient)


def fits(deal: Deal, recipient: int, share: bytes) -> bool:
    """Whether share·G = Σ_m recipient^m·A_m."""
    return (
        1 <= recipient <= deal.count
        and group.is_scalar(share)
        and group.base_multiply(share) == _public_share(deal, recipient)
    )


def answer(dealing: Dealing, complaint: Complaint) -> Answer:
    """What the dealer publishes when it is complained about. Raises CeremonyFault if the complaint is not for it."""
    if complaint.dealer != dealing.deal.index or complaint.recipient not in dealing.shares:
        raise _fault("a complaint about a share that this dealer didn't give", complaint.recipient)
    return Answer(complaint.dealer, complaint.recipient, dealing.shares[complaint.recipient])


def judge(deal: Deal, complaint: Complaint, answer: Answer | None) -> Judgement:
    """Names the culprit: the dealer if it gave no answer, or one that doesn't fit; otherwise the complainer.

    Raises CeremonyFault, naming the complainer, for a complaint that is not about this deal.
    """
    if complaint.dealer != deal.index or not 1 <= complaint.recipient <= deal.count:
        raise _fault("a complaint that is not about this deal", complaint.recipient)
    about = (complaint.dealer, complaint.recipient)
    if (
        answer is None
        or (answer.dealer, answer.recipient) != about
        or not fits(deal, complaint.recipient, answer.share)
    ):
        return Judgement(complaint.dealer, None)
    return Judgement(complaint.recipient, answer.share)


def joint_key(deals: Sequence[Deal]) -> JointKey:
    """K = Σ_j A_j0 and K_i = Σ_j Σ_m i^m·A_jm, from the deals that were not disqualified. Raises CeremonyFault."""
    first = _check_deals(deals)
    publics = {recipient: _sum(_public_share(deal, recipient) for deal in deals) for recipient in _holders(first)}
    public = _sum(deal.commitments[:ELEMENT_BYTES] for deal in deals)
    if IDENTITY in (public, *publics.values()):  # once in 2^252 ceremonies
        raise CeremonyFault("the deals cancel one another", do="start the ceremony again")
    return JointKey(first.threshold, public, publics)


def finish(index: int, deals: Sequence[Deal], shares: Mapping[int, bytes]) -> KeyShare:
    """Holder `index`'s share of the key, from what each dealer gave it. Raises CeremonyFault."""
    _check_deals(deals)
    if missing := sorted({deal.index for deal in deals} ^ set(shares)):
        raise CeremonyFault("not one share of each dealer", culprits=tuple(missing), holder=index)
    secret = bytes(SCALAR_BYTES)
    for deal in deals:
        check_share(deal, index, shares[deal.index])
        secret = group.add_scalars(secret, shares[deal.index])
    return KeyShare(index, secret)


def _fault(what: str, culprit: int, **where: object) -> CeremonyFault:
    return CeremonyFault(what, culprits=(culprit,), do="", culprit=culprit, **where)


def _check_sizes(index: int, threshold: int, count: int) -> None:
    if not 1 <= threshold <= count <= MAX_HOLDERS:
        raise CeremonyFault(f"a key for {threshold} of {count} holders", do=f"choose 1 <= t <= n <= {MAX_HOLDERS}")
    if not 1 <= index <= count:
        raise _fault(f"a dealer outside 1..{count}", index)


def _check_deals(deals: Sequence[Deal]) -> Deal:
    """At least t deals, of different dealers, for one t and n. Each was checked by `check_deal` before."""
    if not deals:
        raise CeremonyFault("a ceremony without deals")
    first = deals[0]
    for index, deal in enumerate(deals):
        if (deal.threshold, deal.count) != (first.threshold, first.count):
            raise _fault("deals for different t or n", deal.index)
        if deal.index in {other.index for other in deals[:index]}:
            raise _fault("two deals of one dealer", deal.index)
    if len(deals) < first.threshold:
        raise CeremonyFault(
            f"{len(deals)} honest dealers where {first.threshold} are needed", do="start the ceremony again"
        )
    return first


def _holders(deal: Deal) -> range:
    return range(1, deal.count + 1)


def _public_share(deal: Deal, recipient: int) -> bytes:
    """f_j(recipient)·G, from the commitments."""
    return group.weighted_sum(lambda power: (pow(recipient, power, group.ORDER),), deal.commitments)


def _sum(elements: Iterable[bytes]) -> bytes:
    return group.weighted_sum(lambda _: (1,), b"".join(elements))


def _challenge(index: int, threshold: int, count: int, ceremony_id: bytes, commitments: bytes, nonce: bytes) -> bytes:
    """The Schnorr challenge: everything that the proof must not be moved away from."""
    numbers = bytes((index, threshold, count))
    return group.reduce_scalars(hashlib.sha512(domain("ceremony", ceremony_id, numbers, commitments, nonce)).digest())
