"""The national picture: how figures become one sum that only the board can open (protocol.md, 9).

    enrol        a node commits to its figures, with a proof that each is in range
    contribute   it sends them masked, in one ciphertext under the board's key
    unmask       it says once its part of what takes the masks from the sum over exactly these contributors
    combine      the coordinator makes the sum
    open_total   the board decrypts it, and sees that it opens what everybody committed to

No I/O, no clock; randomness is an argument. Left to the callers: deadlines, that a node says each of these once, and
that a release is made and opened once.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from . import wire
from .commitments import check_range, check_total, commit
from .covenant import Covenant
from .errors import ContributionRefused, MalformedMessage, TotalsError, WrongCovenant
from .group import Random, check_elements
from .indicators import Cell
from .masks import Masks, make_masks, quorum, read_shares, recover, write_shares
from .messages import (
    Contribution,
    Contributors,
    Enrolment,
    PeriodOpening,
    Release,
    Roster,
    Unmasking,
)
from .packing import MOST_CONTRIBUTORS
from .paillier import BoardKey, BoardSecret
from .periods import days_of, is_period_id
from .sealed import SealingKey
from .signed import Kind, SignedMessage, open_signed
from .totals_terms import TotalsTerms


@dataclass(frozen=True, slots=True)
class Period:
    """An opened period under the covenant that it goes on under; `opening` is the SHA-256 of its opening's body."""

    id: str
    opening: bytes
    content: PeriodOpening
    covenant: Covenant = field(repr=False)

    @property
    def terms(self) -> TotalsTerms:
        """What the covenant says."""
        return self.covenant.totals

    @property
    def key(self) -> BoardKey:
        """The board's key."""
        return self.terms.board.key

    def context(self, oin: str) -> tuple[bytes | str, ...]:
        """What a proof of this member is bound to."""
        return self.covenant.hash, self.id, self.opening, oin


def read_period(message: SignedMessage, covenant: Covenant, *, now: datetime | None = None) -> Period:
    """Verify an opening.

    1. It is the coordinator's, under this covenant; 2. its id and label belong together, and the label is a period as
    long as the covenant's; 3. it names the board's key of the covenant; 4. with `now`, it is not from the future.
    """
    claimed = message.envelope
    open_signed(message, covenant, Kind.PERIOD, round_id=claimed.round_id, now=None)
    content = wire.decode(PeriodOpening, claimed.payload)
    if not is_period_id(claimed.round_id, content.label):
        raise MalformedMessage("the period's id doesn't fit its label", period=claimed.round_id)
    days_of(content.label)
    if ("-q" in content.label) != (covenant.totals.period == "quarter"):
        raise MalformedMessage(f"the covenant counts by the {covenant.totals.period}", period=claimed.round_id)
    if content.board_key != covenant.totals.board.key.fingerprint:
        raise WrongCovenant("the period asks for another key than the board's", do="report it", period=claimed.round_id)
    if now is not None and claimed.sent_at > now:
        raise TotalsError("the period is opened in the future", do="check the clock (NTP)", period=claimed.round_id)
    return Period(claimed.round_id, message.digest, content, covenant)


# What a node does.


@dataclass(frozen=True, slots=True)
class Prepared:
    """An enrolment with what it was made of; `packed` and `secret` stay in the node."""

    enrolment: Enrolment
    proof: bytes = field(repr=False)
    packed: int = field(repr=False)


def enrol(period: Period, oin: str, values: Mapping[Cell, int], random: Random) -> Prepared:
    """Commit to the figures of all cells. Raises InputError for a value out of range."""
    terms = period.terms
    ordered = [values[cell] for cell in terms.cells]
    made = commit(terms.layout, terms.names, ordered, random, *period.context(oin))
    enrolment = Enrolment(period.opening, made.commitment, hashlib.sha256(made.proof).digest())
    return Prepared(enrolment, made.proof, terms.layout.pack(ordered, made.blinding))


def read_roster(message: SignedMessage, period: Period) -> Roster:
    """Verify a roster: the coordinator's, of this period, with members only, and enough of them."""
    roster = wire.decode(Roster, _opened(message, period, Kind.ROSTER))
    if roster.opening != period.opening:
        raise MalformedMessage("the roster is of another opening", period=period.id)
    _enough(period, [one.oin for one in roster.entries])
    return roster


def masks_of(period: Period, message: SignedMessage, oin: str, sealing: SealingKey, secret: bytes) -> Masks:
    """The masks of a node on a roster; `secret` is its own, 32 bytes. Raises TotalsError if it isn't on the roster."""
    oins = [one.oin for one in read_roster(message, period).entries]
    if oin not in oins:
        raise TotalsError("this node isn't on the roster", do="nothing is lost for the next period", period=period.id)
    sealing_keys = {one: base64.b64decode(period.covenant.member(one).sealing_key) for one in oins}
    return make_masks(period.key, sealing, oin, sealing_keys, secret, *period.context(""), message.digest)


def contribute(
    period: Period, message: SignedMessage, enrolled: SignedMessage, packed: int, masks: Masks, random: Random
) -> Contribution:
    """The masked ciphertext, and the shares of its mask. The roster must have us with the enrolment that we signed."""
    roster, envelope = read_roster(message, period), enrolled.envelope
    if (envelope.sender, enrolled.digest) not in {(one.oin, one.enrolment) for one in roster.entries}:
        raise TotalsError("the roster doesn't have what this node committed to", do="report it", period=period.id)
    key = period.key
    ciphertext = key.encrypt(packed + masks.own, random)
    return Contribution(message.digest, key.write(ciphertext), write_shares(key, masks.shares))


def read_contributors(message: SignedMessage, period: Period, roster: SignedMessage) -> Contributors:
    """Verify the list of contributors: the coordinator's, of this roster, with none but its members, and enough.

    Enough are the covenant's minimum, and a quorum of the roster.
    """
    found = wire.decode(Contributors, _opened(message, period, Kind.CONTRIBUTORS))
    if found.roster != roster.digest:
        raise MalformedMessage("the contributors are of another roster", period=period.id)
    enrolled = [one.oin for one in read_roster(roster, period).entries]
    if not set(found.oins) <= set(enrolled):
        raise MalformedMessage("somebody contributed who isn't on the roster", period=period.id)
    _enough(period, found.oins, quorum(len(enrolled)))
    return found


def unmask(
    period: Period, message: SignedMessage, roster: SignedMessage, oin: str, masks: Masks, shares: bytes
) -> Unmasking:
    """Our part of what takes the masks from the sum. To be said for one list in a period, and never again.

    `shares`: what each contributor enciphered for us, in the order of the list. If the coordinator altered one, the
    answer is off by what it altered, and tells no more than the right one.
    """
    found = read_contributors(message, period, roster)
    if oin not in found.oins:
        raise TotalsError("this node is not among the contributors", do="nothing needs to be done", period=period.id)
    answer = masks.answer(read_shares(period.key, shares, found.oins))
    return Unmasking(message.digest, answer.to_bytes(period.key.size, "big"))


# What the coordinator does.


def check_enrolment(message: SignedMessage, proof: bytes, period: Period, *, caller: str | None = None) -> Enrolment:
    """Verify an enrolment with its proof.

    1. It is a member's own, of this opening; 2. the proof is the one that it names, and proves every value in range.
    """
    envelope = open_signed(message, period.covenant, Kind.ENROLMENT, round_id=period.id, now=None, caller=caller)
    enrolment = wire.decode(Enrolment, envelope.payload)
    if enrolment.opening != period.opening:
        raise MalformedMessage("the enrolment is of another opening", party=envelope.sender)
    if enrolment.proof_sha256 != hashlib.sha256(proof).digest():
        raise ContributionRefused("the proof is not the one that was signed for", party=envelope.sender)
    terms = period.terms
    check_range(terms.layout, terms.names, enrolment.commitment, proof, *period.context(envelope.sender))
    return enrolment


def check_contribution(message: SignedMessage, period: Period, roster: SignedMessage, *, caller: str) -> int:
    """Verify a contribution, as far as it shows: the sender is on the roster, it is under the key, with all shares."""
    envelope = open_signed(message, period.covenant, Kind.CONTRIBUTION, round_id=period.id, now=None, caller=caller)
    contribution = wire.decode(Contribution, envelope.payload)
    if contribution.roster != roster.digest:
        raise ContributionRefused("the contribution is of another roster", party=caller)
    oins = roster_oins(roster)
    if caller not in oins:
        raise ContributionRefused("this member is not on the roster", do="enrol in the next period", party=caller)
    read_shares(period.key, contribution.shares, oins)
    return period.key.read(contribution.ciphertext)


def roster_oins(roster: SignedMessage) -> tuple[str, ...]:
    """Who is on a roster of our own, or one that was verified."""
    return tuple(one.oin for one in wire.decode(Roster, roster.envelope.payload).entries)


def shares_of(message: SignedMessage, period: Period, roster: SignedMessage) -> dict[str, bytes]:
    """For whom on the roster a contribution that was checked has which share."""
    raw, size = wire.decode(Contribution, message.envelope.payload).shares, period.key.size
    return {oin: raw[at * size : (at + 1) * size] for at, oin in enumerate(roster_oins(roster))}


def check_unmasking(message: SignedMessage, period: Period, contributors: SignedMessage, *, caller: str) -> int:
    """Verify what a contributor sent, as far as it shows."""
    envelope = open_signed(message, period.covenant, Kind.UNMASKING, round_id=period.id, now=None, caller=caller)
    unmasking = wire.decode(Unmasking, envelope.payload)
    if unmasking.contributors != contributors.digest:
        raise ContributionRefused("this is said for another list of contributors", party=caller)
    if caller not in wire.decode(Contributors, contributors.envelope.payload).oins:
        raise ContributionRefused("this member is not among the contributors", party=caller)
    mask = int.from_bytes(unmasking.mask, "big")
    if len(unmasking.mask) != period.key.size or mask >= period.key.modulus:
        raise MalformedMessage("this is no integer below the board's modulus", party=caller)
    return mask


def combine(
    period: Period, roster: SignedMessage, ciphertexts: Sequence[int], answers: Mapping[str, int], random: Random
) -> bytes:
    """A fresh encryption of the sum of all contributions, without their masks; of no less than the covenant's minimum.

    `answers`: OIN → what `check_unmasking` returned, of a quorum of the roster.
    """
    if len(ciphertexts) < period.terms.minimum_contributors:
        raise TotalsError("too few contributed for a sum", do="wait for the next period", period=period.id)
    key = period.key
    masks = recover(key, roster_oins(roster), answers)
    return key.write(key.add((*ciphertexts, key.encrypt(0, random)), -masks))


# What the board does.


@dataclass(frozen=True, slots=True)
class Total:
    """The opened sums of a period, by cell, and who contributed."""

    period: str
    purpose: str
    label: str
    contributors: tuple[str, ...]
    sums: Mapping[Cell, int]


def open_total(message: SignedMessage, covenant: Covenant, secret: BoardSecret) -> Total:
    """Open a release.

    1. It is the coordinator's, under this covenant, and so is the opening in it; 2. the key is the covenant's; 3. each
    enrolment is signed by another member, of this opening, and there are enough; 4. the total is one that so many can
    add up to, with nothing above it; 5. it opens the sum of all commitments.

    Not checked here: that each commitment is in range, which the coordinator checked before it took it; and that this
    period was not opened before.
    """
    release_id = message.envelope.round_id
    payload = open_signed(message, covenant, Kind.RELEASE, round_id=release_id, now=None).payload
    release = wire.decode(Release, payload)
    period = read_period(release.opening, covenant)
    if period.id != release_id or secret.public != period.key:
        raise TotalsError("the release is not for this key and period", do="choose the board's key of this covenant")
    commitments, oins = [], []
    for one in release.enrolments:
        envelope = open_signed(one, covenant, Kind.ENROLMENT, round_id=period.id, now=None)
        enrolment = wire.decode(Enrolment, envelope.payload)
        if enrolment.opening != period.opening:
            raise MalformedMessage("an enrolment is of another opening", party=envelope.sender)
        check_elements(enrolment.commitment, 1)
        commitments.append(enrolment.commitment)
        oins.append(envelope.sender)
    if oins != sorted(set(oins)):
        raise MalformedMessage("somebody stands in the release twice", period=period.id)
    _enough(period, oins)
    total = secret.decrypt(period.key.read(release.ciphertext))
    sums, blinding = period.terms.layout.unpack(total, len(oins))
    check_total(period.terms.names, commitments, sums, blinding)
    cells = dict(zip(period.terms.cells, sums, strict=True))
    return Total(period.id, period.content.purpose, period.content.label, tuple(oins), cells)


def _opened(message: SignedMessage, period: Period, kind: Kind) -> bytes:
    return open_signed(message, period.covenant, kind, round_id=period.id, now=None).payload


def _enough(period: Period, oins: Sequence[str], least: int = 0) -> None:
    for oin in oins:
        period.covenant.member(oin)
    least = max(least, period.terms.minimum_contributors)
    if not least <= len(oins) < MOST_CONTRIBUTORS:
        do = "wait for the next period"
        raise TotalsError(f"{len(oins)} take part, and {least} are needed", do=do, period=period.id)
