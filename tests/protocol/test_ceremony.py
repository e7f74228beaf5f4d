"""The ceremony makes one key that any t holders use; every fault has its culprit."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import ceremony, group, threshold
from sluis_protocol.ceremony import Answer, Complaint, Deal, Dealing, Judgement
from sluis_protocol.errors import CeremonyFault

ID = b"ceremony of the tests"
OTHER_ID = b"another ceremony"


def deal_all(needed: int, count: int) -> list[Dealing]:
    return [ceremony.deal(index, needed, count, ID, os.urandom) for index in range(1, count + 1)]


DEALINGS = deal_all(2, 3)
DEALS = [dealing.deal for dealing in DEALINGS]


def received(dealings: list[Dealing], recipient: int) -> dict[int, bytes]:
    return {dealing.deal.index: dealing.shares[recipient] for dealing in dealings}


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_any_t_of_n_use_the_key_that_nobody_has(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    needed = data.draw(st.integers(1, count))
    dealings = deal_all(needed, count)
    for dealing in dealings:
        ceremony.check_deal(dealing.deal, needed, count, ID)
    # Dealers may be disqualified, as long as t are left; every holder still has its share.
    kept = dealings[: data.draw(st.integers(needed, count))]
    deals = [dealing.deal for dealing in kept]
    joint = ceremony.joint_key(deals)
    threshold.check_joint_key(joint)
    shares = {index: ceremony.finish(index, deals, received(kept, index)) for index in range(1, count + 1)}
    for index, share in shares.items():
        assert group.base_multiply(share.secret) == joint.shares[index]
    blinded = threshold.blind([b"input"], os.urandom)
    outputs = set()
    for _ in range(3):
        quorum = data.draw(st.permutations(range(1, count + 1)))[:needed]
        made = [threshold.evaluate(shares[index], quorum, blinded.elements, os.urandom) for index in quorum]
        sums = threshold.combine(joint, quorum, blinded.elements, made, os.urandom)
        outputs.update(threshold.finalize(joint, blinded, sums))
    assert len(outputs) == 1


def test_the_key_is_the_sum_of_all_constant_terms() -> None:
    joint = ceremony.joint_key(DEALS)
    total = group.IDENTITY
    for deal in DEALS:
        total = group.add(total, deal.commitments[:32])
    assert joint.public == total
    secrets = {index: ceremony.finish(index, DEALS, received(DEALINGS, index)).secret for index in (1, 2, 3)}
    for quorum in combinations(secrets, 2):
        key = bytes(32)
        for index in quorum:
            part = group.multiply_scalars(secrets[index], threshold.lagrange(quorum, index))
            key = group.add_scalars(key, part)
        assert group.base_multiply(key) == joint.public


def cancelling(deal: Deal) -> Deal:
    """A dealer that subtracts the others' commitments, to know the key: it can't prove that it knows a_j0."""
    others = group.add(DEALS[0].commitments[:32], DEALS[1].commitments[:32])
    rogue = group.add(deal.commitments[:32], group.multiply(threshold.scalar(-1), others))
    return replace(deal, commitments=rogue + deal.commitments[32:])


BAD_DEALS = {
    "a wrong proof": replace(DEALS[2], proof=DEALS[2].proof[:32] + DEALS[1].proof[32:]),
    "no proof": replace(DEALS[2], proof=b""),
    "a proof with a tail": replace(DEALS[2], proof=DEALS[2].proof + b"\x00"),
    "s not reduced": replace(
        DEALS[2],
        proof=DEALS[2].proof[:32]
        + (int.from_bytes(DEALS[2].proof[32:], "little") + group.ORDER).to_bytes(32, "little"),
    ),
    "another dealer's deal": replace(DEALS[0], index=3),
    "another ceremony's deal": ceremony.deal(3, 2, 3, OTHER_ID, os.urandom).deal,
    "a cancelling commitment": cancelling(DEALS[2]),
    "another commitment to a_1": replace(DEALS[2], commitments=DEALS[2].commitments[:32] + group.GENERATOR),
    "a commitment too many": replace(DEALS[2], commitments=DEALS[2].commitments + group.GENERATOR),
    "a commitment too few": replace(DEALS[2], commitments=DEALS[2].commitments[:32]),
    "half a commitment": replace(DEALS[2], commitments=DEALS[2].commitments[:48]),
    "the identity first": replace(DEALS[2], commitments=group.IDENTITY + DEALS[2].commitments[32:]),
    "the identity last": replace(DEALS[2], commitments=DEALS[2].commitments[:32] + group.IDENTITY),
    "no element": replace(DEALS[2], commitments=DEALS[2].commitments[:32] + b"\x01" + bytes(31)),
    "a higher threshold": ceremony.deal(3, 3, 3, ID, os.urandom).deal,
    "more holders": ceremony.deal(3, 2, 4, ID, os.urandom).deal,
}


@pytest.mark.parametrize("what", BAD_DEALS)
def test_a_bad_deal_names_its_dealer(what: str) -> None:
    ceremony.check_deal(DEALS[2], 2, 3, ID)
    with pytest.raises(CeremonyFault) as fault:
        ceremony.check_deal(BAD_DEALS[what], 2, 3, ID)
    assert fault.value.culprits == (3,)


def test_a_deal_of_one_ceremony_is_refused_in_another() -> None:
    with pytest.raises(CeremonyFault):
        ceremony.check_deal(DEALS[0], 2, 3, OTHER_ID)
    with pytest.raises(CeremonyFault):
        ceremony.check_deal(replace(DEALS[0], index=4), 2, 3, ID)


BAD_SHARES = {
    "another recipient's": DEALINGS[1].shares[1],
    "another dealer's": DEALINGS[0].shares[3],
    "zero": bytes(32),
    "not reduced": (int.from_bytes(DEALINGS[1].shares[3], "little") + group.ORDER).to_bytes(32, "little"),
    "nothing": b"",
    "too long": DEALINGS[1].shares[3] + b"\x00",
}


@pytest.mark.parametrize("what", BAD_SHARES)
def test_a_bad_share_is_found_and_judged(what: str) -> None:
    bad, deal, complaint = BAD_SHARES[what], DEALS[1], Complaint(recipient=3, dealer=2)
    ceremony.check_share(deal, 3, DEALINGS[1].shares[3])
    with pytest.raises(CeremonyFault) as fault:
        ceremony.check_share(deal, 3, bad)
    assert fault.value.culprits == (2,)
    with pytest.raises(CeremonyFault) as fault:
        ceremony.finish(3, DEALS, {**received(DEALINGS, 3), 2: bad})
    assert fault.value.culprits == (2,)
    assert ceremony.judge(deal, complaint, Answer(2, 3, bad)) == Judgement(2, None)


def test_a_complaint_without_a_ground_names_the_complainer_and_uses_the_open_share() -> None:
    complaint = Complaint(recipient=3, dealer=2)
    answer = ceremony.answer(DEALINGS[1], complaint)
    judgement = ceremony.judge(DEALS[1], complaint, answer)
    assert judgement == Judgement(3, DEALINGS[1].shares[3])
    assert judgement.share is not None
    share = ceremony.finish(3, DEALS, {**received(DEALINGS, 3), 2: judgement.share})
    assert group.base_multiply(share.secret) == ceremony.joint_key(DEALS).shares[3]


def test_a_dealer_without_an_answer_or_with_anothers_is_the_culprit() -> None:
    complaint = Complaint(recipient=3, dealer=2)
    about_another = ceremony.answer(DEALINGS[1], Complaint(recipient=1, dealer=2))
    by_another = ceremony.answer(DEALINGS[0], Complaint(recipient=3, dealer=1))
    for answer in (None, about_another, by_another):
        assert ceremony.judge(DEALS[1], complaint, answer) == Judgement(2, None)


def test_a_complaint_about_somebody_else_is_refused() -> None:
    for complaint in (Complaint(3, 1), Complaint(4, 2), Complaint(0, 2)):
        with pytest.raises(CeremonyFault) as fault:
            ceremony.answer(DEALINGS[1], complaint)
        assert fault.value.culprits == (complaint.recipient,)
        with pytest.raises(CeremonyFault) as fault:
            ceremony.judge(DEALS[1], complaint, None)
        assert fault.value.culprits == (complaint.recipient,)


def test_the_end_needs_one_deal_and_share_of_each_dealer_and_t_of_them() -> None:
    shares = received(DEALINGS, 1)
    for deals in ([], DEALS[:1], [*DEALS, DEALS[0]], [*DEALS, ceremony.deal(1, 3, 3, ID, os.urandom).deal]):
        with pytest.raises(CeremonyFault):
            ceremony.joint_key(deals)
        with pytest.raises(CeremonyFault):
            ceremony.finish(1, deals, shares)
    with pytest.raises(CeremonyFault) as fault:
        ceremony.finish(1, DEALS, {1: shares[1], 2: shares[2]})
    assert fault.value.culprits == (3,)
    with pytest.raises(CeremonyFault):
        ceremony.finish(1, DEALS[:2], shares)
    assert ceremony.finish(1, DEALS[:2], {1: shares[1], 2: shares[2]}).index == 1


@pytest.mark.parametrize(("index", "needed", "count"), [(0, 2, 3), (4, 2, 3), (1, 0, 3), (1, 4, 3), (1, 1, 256)])
def test_impossible_sizes_are_refused(index: int, needed: int, count: int) -> None:
    with pytest.raises(CeremonyFault):
        ceremony.deal(index, needed, count, ID, os.urandom)


def test_shares_have_no_repr() -> None:
    assert "shares" not in repr(DEALINGS[0])
