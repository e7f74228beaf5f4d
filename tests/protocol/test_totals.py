"""From figures to one sum: right where everybody is honest, refused or noticed where somebody isn't."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sluis_protocol import paillier, totals, wire
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import (
    BadSignature,
    BoardKeyError,
    ContributionRefused,
    InputError,
    MalformedMessage,
    NotAMember,
    SluisError,
    TotalsError,
    TotalSpoilt,
    WrongCovenant,
    WrongSender,
)
from sluis_protocol.indicators import Indicator, cells_of
from sluis_protocol.masks import Masks, quorum, recover
from sluis_protocol.messages import (
    Contribution,
    Contributors,
    Enrolled,
    PeriodOpening,
    Release,
    Roster,
    Unmasking,
)
from sluis_protocol.paillier import BoardKey, check_key
from sluis_protocol.signed import Envelope, Kind, SignedMessage, sign
from sluis_protocol.totals_terms import TotalsTerms

from ..board_key import SECRET, card
from ..world import COORDINATOR, PURPOSE, World, make_world, member_oin

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAME = "t2026-q2-0123456789abcdef"
CODES = ("GM0001", "GM0002", "GM0003", "GM0004", "GM0005")


@cache
def world() -> World:
    terms = TotalsTerms(
        board=card(),
        minimum_contributors=3,
        value_bits=6,
        indicators=(Indicator.PROVEN, Indicator.WRONG, Indicator.AGREED),
    )
    return make_world(CODES, totals=terms)


CELLS = cells_of((Indicator.PROVEN, Indicator.WRONG, Indicator.AGREED))


@dataclass
class Node:
    """One municipality's part."""

    number: int
    values: Sequence[int]
    prepared: totals.Prepared
    enrolled: SignedMessage
    secret: bytes = field(default_factory=lambda: os.urandom(32))

    @property
    def oin(self) -> str:
        return member_oin(self.number)


@dataclass
class Play:
    """A period, played by hand."""

    opening: SignedMessage
    period: totals.Period
    nodes: list[Node]

    def roster(self, nodes: Sequence[Node] | None = None) -> SignedMessage:
        entries = tuple(Enrolled(one.oin, one.enrolled.digest) for one in nodes or self.nodes)
        return say(COORDINATOR, Kind.ROSTER, Roster(self.period.opening, entries))

    def masks(self, node: Node, roster: SignedMessage) -> Masks:
        return totals.masks_of(self.period, roster, node.oin, world().sealing[node.oin], node.secret)

    def contribution(self, node: Node, roster: SignedMessage, **changed: Any) -> SignedMessage:
        made = totals.contribute(
            self.period, roster, node.enrolled, node.prepared.packed, self.masks(node, roster), os.urandom
        )
        return say(node.oin, Kind.CONTRIBUTION, replace(made, **changed))

    def contributors(self, roster: SignedMessage, nodes: Sequence[Node]) -> SignedMessage:
        content = Contributors(roster.digest, tuple(one.oin for one in nodes))
        return say(COORDINATOR, Kind.CONTRIBUTORS, content)

    def last_word(
        self, node: Node, roster: SignedMessage, contributors: SignedMessage, sent: dict[str, SignedMessage]
    ) -> Unmasking:
        shares = b"".join(totals.shares_of(one, self.period, roster)[node.oin] for one in sent.values())
        return totals.unmask(self.period, contributors, roster, node.oin, self.masks(node, roster), shares)

    def total(
        self,
        *,
        away: Sequence[int] = (),
        packed: dict[int, int] | None = None,
        silent: Sequence[int] = (),
        sends: dict[int, dict[str, Any]] | None = None,
        shift: int = 0,
        release: dict[str, Any] | None = None,
    ) -> totals.Total:
        """The whole way; `away` drop out after the roster, `silent` at the end; the others are lies."""
        roster = self.roster()
        for number, lie in (packed or {}).items():
            node = self.nodes[number - 1]
            node.prepared = replace(node.prepared, packed=lie)
        there = [one for one in self.nodes if one.number not in away]
        sent = {one.oin: self.contribution(one, roster, **(sends or {}).get(one.number, {})) for one in there}
        ciphertexts = [
            totals.check_contribution(message, self.period, roster, caller=oin) for oin, message in sent.items()
        ]
        contributors, answers = self.contributors(roster, there), {}
        for one in there:
            if one.number not in silent:
                word = say(one.oin, Kind.UNMASKING, self.last_word(one, roster, contributors, sent))
                answers[one.oin] = totals.check_unmasking(word, self.period, contributors, caller=one.oin) + shift
        ciphertext = totals.combine(self.period, roster, ciphertexts, answers, os.urandom)
        content = Release(self.opening, tuple(one.enrolled for one in there), ciphertext)
        message = say(COORDINATOR, Kind.RELEASE, replace(content, **(release or {})))
        return totals.open_total(message, world().covenant, SECRET)


def say(
    oin: str, kind: Kind, content: object, *, covenant: Covenant | None = None, name: str = NAME, key: str = ""
) -> SignedMessage:
    envelope = Envelope(kind, oin, (covenant or world().covenant).hash, name, NOW, wire.encode(content))
    return sign(envelope, world().signing[key or oin])


def opening(**changed: Any) -> SignedMessage:
    values = {
        "purpose": PURPOSE,
        "label": "2026-q2",
        "board_key": SECRET.public.fingerprint,
        "enrol_until": NOW + timedelta(days=1),
        "contribute_until": NOW + timedelta(days=2),
        "unmask_until": NOW + timedelta(days=3),
    }
    return say(COORDINATOR, Kind.PERIOD, PeriodOpening(**{**values, **changed}))


def play(values: Sequence[Sequence[int]] = ((1, 2, 3), (4, 0, 6), (63, 0, 0), (0, 0, 0))) -> Play:
    message = opening()
    period = totals.read_period(message, world().covenant, now=NOW)
    nodes = []
    for number, figures in enumerate(values, start=1):
        made = totals.enrol(period, member_oin(number), dict(zip(CELLS, figures, strict=True)), os.urandom)
        enrolled = say(member_oin(number), Kind.ENROLMENT, made.enrolment)
        totals.check_enrolment(enrolled, made.proof, period, caller=member_oin(number))
        nodes.append(Node(number, figures, made, enrolled))
    return Play(message, period, nodes)


def sums(total: totals.Total) -> list[int]:
    return [total.sums[cell] for cell in CELLS]


# Where everybody is honest.


def test_the_board_reads_the_sum_and_nothing_else() -> None:
    total = play().total()
    assert sums(total) == [68, 2, 9]
    assert total.contributors == tuple(map(member_oin, (1, 2, 3, 4)))


@settings(max_examples=5, deadline=None)
@given(st.lists(st.lists(st.integers(0, 63), min_size=3, max_size=3), min_size=3, max_size=5))
def test_any_figures_add_up(values: list[list[int]]) -> None:
    assert sums(play(values).total()) == [sum(column) for column in zip(*values, strict=True)]


def test_a_node_that_drops_out_after_the_masks_were_agreed_is_left_out() -> None:
    total = play().total(away=[3])
    assert sums(total) == [5, 2, 9]
    assert member_oin(3) not in total.contributors


@pytest.mark.parametrize("silent", [1, 4])
def test_who_falls_silent_at_the_end_is_in_the_sum_all_the_same(silent: int) -> None:
    assert sums(play().total(silent=[silent])) == [68, 2, 9]


def test_a_quorum_must_say_the_last_word() -> None:
    with pytest.raises(TotalsError, match="3 are needed"):
        play().total(silent=[1, 2])


# What nobody can see.


def test_a_single_contribution_decrypts_to_nothing_of_use() -> None:
    """The board with the coordinator: what they decrypt is the figures plus a mask that they don't have."""
    played = play()
    roster = played.roster()
    node = played.nodes[0]
    ciphertext = totals.check_contribution(played.contribution(node, roster), played.period, roster, caller=node.oin)
    found = SECRET.decrypt(ciphertext)
    assert found != node.prepared.packed
    assert (found - played.masks(node, roster).own) % SECRET.public.modulus == node.prepared.packed
    with pytest.raises(TotalSpoilt):
        played.period.terms.layout.unpack(found, 1)


def test_no_two_lists_of_a_roster_get_their_last_words() -> None:
    """Each node answers for one list. Whoever is left out of one list has a mask that the answers don't touch."""
    played = play([[1, 1, 1]] * 4)
    roster, key = played.roster(), SECRET.public
    masks = {one.oin: played.masks(one, roster) for one in played.nodes}
    oins = tuple(masks)

    def answer(oin: str, there: Sequence[str]) -> int:
        at = oins.index(oin)
        return masks[oin].answer({other: masks[other].shares[at] for other in there})

    for there in (oins, oins[1:], oins[:3]):
        right = sum(masks[oin].own for oin in there) % key.modulus
        for silent in there:
            answers = {oin: answer(oin, there) for oin in there if oin != silent or len(there) == quorum(len(oins))}
            assert recover(key, oins, answers) == right
    mixed = {oin: answer(oin, oins if at < 2 else oins[:3]) for at, oin in enumerate(oins)}  # two answers for each
    for some in combinations(mixed, 3):
        assert recover(key, oins, {oin: mixed[oin] for oin in some}) not in {
            sum(masks[oin].own for oin in there) % key.modulus for there in (oins, oins[:3], oins[3:])
        }


def test_altered_shares_tell_no_more_than_the_right_ones() -> None:
    """A node's answer is off by exactly what the coordinator, who knows that, altered."""
    played = play([[1, 1, 1]] * 3)
    roster, key = played.roster(), SECRET.public
    masks = {one.oin: played.masks(one, roster) for one in played.nodes}
    asked, *others = masks
    shares = {oin: masks[oin].shares[0] for oin in masks}
    right = masks[asked].answer(shares)
    assert masks[asked].answer(shares | {others[0]: shares[others[0]] + 7}) == (right + 7) % key.modulus
    assert all(key.modulus.bit_length() - one.bit_length() < 128 for one in shares.values() if one)


@given(st.integers(3, 12), st.data())
@settings(max_examples=10, deadline=None)
def test_any_quorum_recovers_the_sum_of_the_masks(count: int, data: st.DataObject) -> None:
    key = SECRET.public
    oins = [f"{number:020}" for number in range(count)]
    made = {
        oin: Masks(key, oin, tuple(oins), tuple(key.unit(os.urandom) for _ in range(quorum(count))), {}) for oin in oins
    }
    listed = data.draw(st.lists(st.sampled_from(oins), unique=True, min_size=1))
    awake = data.draw(st.lists(st.sampled_from(oins), unique=True, min_size=quorum(count)))
    answers = {oin: sum(made[one]._value(oins.index(oin) + 1) for one in listed) for oin in awake}
    assert recover(key, oins, answers) == sum(made[oin].own for oin in listed) % key.modulus


# What a member can do.


def test_a_value_out_of_range_is_refused_at_the_node() -> None:
    period = totals.read_period(opening(), world().covenant)
    for wrong in (-1, 64):
        with pytest.raises(InputError):
            totals.enrol(period, member_oin(1), dict(zip(CELLS, (wrong, 0, 0), strict=True)), os.urandom)


def test_a_commitment_out_of_range_has_no_proof() -> None:
    """A node that leaves its own check out commits to the lowest bits only; any other proof is refused."""
    played = play()
    node = played.nodes[0]
    for at in (0, 32, 64, 96, 128, len(node.prepared.proof) - 1):
        proof = bytearray(node.prepared.proof)
        proof[at] ^= 1
        with pytest.raises(ContributionRefused):
            totals.check_enrolment(node.enrolled, bytes(proof), played.period, caller=node.oin)
        resigned = hashlib.sha256(bytes(proof)).digest()
        again = say(node.oin, Kind.ENROLMENT, replace(node.prepared.enrolment, proof_sha256=resigned))
        with pytest.raises(ContributionRefused):
            totals.check_enrolment(again, bytes(proof), played.period, caller=node.oin)


def test_a_proof_is_no_use_to_another_member_or_in_another_period() -> None:
    played = play()
    node = played.nodes[0]
    stolen = say(member_oin(2), Kind.ENROLMENT, node.prepared.enrolment)
    with pytest.raises(ContributionRefused):
        totals.check_enrolment(stolen, node.prepared.proof, played.period, caller=member_oin(2))
    other = totals.read_period(opening(label="2026-q2", unmask_until=NOW + timedelta(days=4)), world().covenant)
    with pytest.raises(MalformedMessage):
        totals.check_enrolment(node.enrolled, node.prepared.proof, other, caller=node.oin)


@pytest.mark.parametrize("lie", [1 << 300, 1 << 3000, 12345, -1])
def test_one_contribution_cant_spoil_the_total_unnoticed(lie: int) -> None:
    """It encrypts other figures than it committed to: in range, out of range, or in the blinding."""
    played = play()
    with pytest.raises(TotalSpoilt):
        played.total(packed={2: played.nodes[1].prepared.packed + lie})


def test_a_wrong_unmasking_is_noticed() -> None:
    for shift in (1, 1 << 290, 1 << 2000):
        with pytest.raises(TotalSpoilt):
            play().total(shift=shift)


def test_a_contribution_under_another_key_is_noticed() -> None:
    """It is a ciphertext all the same, so only the board can tell."""
    played = play()
    other = BoardKey(SECRET.public.modulus - (1 << 200))
    packed = played.nodes[1].prepared.packed
    with pytest.raises(TotalSpoilt):
        played.total(sends={2: {"ciphertext": SECRET.public.write(other.encrypt(packed, os.urandom))}})


def test_wrong_shares_of_a_mask_are_noticed() -> None:
    played = play()
    key = SECRET.public
    with pytest.raises(TotalSpoilt):
        played.total(sends={2: {"shares": key.unit(os.urandom).to_bytes(key.size, "big") * 4}})


def test_the_operator_cant_alter_the_sum_or_leave_somebody_out_unnoticed() -> None:
    played = play()
    with pytest.raises(TotalSpoilt):
        played.total(release={"enrolments": tuple(one.enrolled for one in played.nodes[:3])})
    other = SECRET.public.write(SECRET.public.encrypt(0, os.urandom))
    with pytest.raises(TotalSpoilt):
        played.total(release={"ciphertext": other})
    twice = (played.nodes[0].enrolled, *(one.enrolled for one in played.nodes))
    with pytest.raises(MalformedMessage):
        played.total(release={"enrolments": twice})


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (lambda p, e: say("00000099000000009999", Kind.ENROLMENT, e, key=member_oin(1)), NotAMember),
        (lambda p, e: say(member_oin(2), Kind.ENROLMENT, e), WrongSender),
        (lambda p, e: say(member_oin(1), Kind.ENROLMENT, e, key=member_oin(2)), BadSignature),
        (lambda p, e: say(member_oin(1), Kind.ENROLMENT, e, covenant=make_world(CODES).covenant), WrongCovenant),
        (lambda p, e: say(member_oin(1), Kind.ENROLMENT, e, name="t2026-q1-0123456789abcdef"), SluisError),
        (lambda p, e: say(member_oin(1), Kind.CONTRIBUTION, e), MalformedMessage),
        (lambda p, e: say(member_oin(1), Kind.ENROLMENT, replace(e, opening=bytes(32))), MalformedMessage),
        (lambda p, e: say(member_oin(1), Kind.ENROLMENT, replace(e, commitment=bytes(32))), ContributionRefused),
    ],
)
def test_enrolments_that_are_refused(message: Any, error: type[SluisError]) -> None:
    played = play()
    node = played.nodes[0]
    caller = None if error is NotAMember else member_oin(1)
    with pytest.raises(error):
        totals.check_enrolment(
            message(played, node.prepared.enrolment), node.prepared.proof, played.period, caller=caller
        )


def test_ciphertexts_that_are_none() -> None:
    played = play()
    roster, node, key = played.roster(), played.nodes[0], SECRET.public
    for number in (0, 1, key.modulus, SECRET.p * 7, key.modulus**2):
        ciphertext = number.to_bytes(2 * key.size + (number >= key.modulus**2), "big")[-2 * key.size :]
        message = played.contribution(node, roster, ciphertext=ciphertext)
        with pytest.raises(MalformedMessage):
            totals.check_contribution(message, played.period, roster, caller=node.oin)
    message = played.contribution(node, roster, ciphertext=key.write(5)[1:])
    with pytest.raises(MalformedMessage):
        totals.check_contribution(message, played.period, roster, caller=node.oin)
    message = say(node.oin, Kind.CONTRIBUTION, Contribution(bytes(32), key.write(5), b"1"))
    with pytest.raises(ContributionRefused):
        totals.check_contribution(message, played.period, roster, caller=node.oin)
    for shares in (b"1", bytes(3 * key.size), b"\xff" * 4 * key.size):
        message = played.contribution(node, roster, shares=shares)
        with pytest.raises(MalformedMessage, match="share"):
            totals.check_contribution(message, played.period, roster, caller=node.oin)


# What a coordinator can do.


def test_a_node_refuses_a_roster_or_a_list_that_is_too_short_or_not_its_own() -> None:
    played = play()
    node = played.nodes[0]
    with pytest.raises(TotalsError):
        totals.read_roster(played.roster(played.nodes[:2]), played.period)
    roster = played.roster(played.nodes[1:])
    with pytest.raises(TotalsError):
        played.contribution(node, roster)
    roster = played.roster()
    sent = {one.oin: played.contribution(one, roster) for one in played.nodes}
    for nodes in (played.nodes[:2], played.nodes[1:]):
        with pytest.raises(TotalsError):
            played.last_word(node, roster, played.contributors(roster, nodes), sent)
    stranger = say(COORDINATOR, Kind.CONTRIBUTORS, Contributors(bytes(32), (node.oin,)))
    with pytest.raises(MalformedMessage):
        played.last_word(node, roster, stranger, sent)
    with pytest.raises(MalformedMessage, match="shares"):
        played.last_word(node, roster, played.contributors(roster, played.nodes), dict(list(sent.items())[1:]))


def test_only_the_coordinator_opens_a_period_and_under_the_boards_key_only() -> None:
    covenant = world().covenant
    with pytest.raises(WrongCovenant):
        totals.read_period(opening(board_key=bytes(32)), covenant)
    with pytest.raises(MalformedMessage):
        totals.read_period(opening(label="2026-q3"), covenant)
    with pytest.raises(TotalsError):
        totals.read_period(opening(), covenant, now=NOW - timedelta(days=1))
    content = wire.decode(PeriodOpening, opening().envelope.payload)
    with pytest.raises(NotAMember):
        totals.read_period(say(member_oin(1), Kind.PERIOD, content), covenant)


def test_no_sum_of_too_few() -> None:
    played = play()
    with pytest.raises(TotalsError):
        totals.combine(played.period, played.roster(), [2, 3], {one.oin: 0 for one in played.nodes}, os.urandom)
    with pytest.raises(TotalsError):
        played.total(release={"enrolments": tuple(one.enrolled for one in played.nodes[:2])})


def test_unmaskings_that_are_refused() -> None:
    played = play()
    roster, node = played.roster(), played.nodes[0]
    contributors = played.contributors(roster, played.nodes)
    sent = {one.oin: played.contribution(one, roster) for one in played.nodes}
    right = played.last_word(node, roster, contributors, sent)
    size = SECRET.public.size
    for wrong, error in (
        (Unmasking(bytes(32), right.mask), ContributionRefused),
        (Unmasking(right.contributors, right.mask[1:]), MalformedMessage),
        (Unmasking(right.contributors, b"\xff" * size), MalformedMessage),
    ):
        with pytest.raises(error):
            totals.check_unmasking(say(node.oin, Kind.UNMASKING, wrong), played.period, contributors, caller=node.oin)


# The board's key.


def test_moduli_that_are_refused() -> None:
    modulus, proof = SECRET.public.modulus, SECRET.prove()
    size = SECRET.public.size
    for wrong in (
        modulus + 1,  # even
        SECRET.p,  # too short, and a prime
        modulus * 3,  # a small factor
        modulus + 2,  # nobody's
        modulus >> 1 | 1,
    ):
        raw = wrong.to_bytes((wrong.bit_length() + 7) // 8, "big")
        with pytest.raises(BoardKeyError):
            check_key(raw, proof)
    square = SECRET.p**2
    with pytest.raises(BoardKeyError):
        check_key(square.to_bytes((square.bit_length() + 7) // 8, "big"), proof)
    with pytest.raises(BoardKeyError):
        check_key(modulus.to_bytes(size, "big"), proof[:-1] + bytes([proof[-1] ^ 1]))
    with pytest.raises(BoardKeyError):
        check_key(modulus.to_bytes(size, "big"), bytes(len(proof)))
    with pytest.raises(BoardKeyError):
        check_key(b"\x00" + modulus.to_bytes(size, "big"), proof)
    assert check_key(modulus.to_bytes(size, "big"), proof) == BoardKey(modulus)


def test_a_prime_modulus_is_refused_though_its_proof_holds() -> None:
    prime = 2**3217 - 1  # a Mersenne prime
    key = BoardKey(prime)
    root = pow(prime, -1, prime - 1)
    proof = b"".join(pow(one, root, prime).to_bytes(key.size, "big") for one in paillier._challenges(key))
    with pytest.raises(BoardKeyError, match="prime"):
        check_key(prime.to_bytes(key.size, "big"), proof)


def test_a_card_with_a_bad_key_makes_no_covenant() -> None:
    with pytest.raises(ValueError, match="proof"):
        card().model_validate({**card().model_dump(), "proof": base64.b64encode(bytes(8 * 384)).decode()})
