"""The ceremony's board: what the messages on it come to, for everybody alike (protocol.md, 3).

    Dealing -> Judging -> Accepted,  or  Judging -> Replying -> Broken;  a proven breach is Broken at once

A fault ends the ceremony, so no share that was ever in the open is part of a key. Somebody who just stays away is not
at fault here: a state says who is waited for, and people decide. No I/O, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from . import ceremony as feldman
from .bulletin import AFRESH, Ceremony, Unusable, open_message, read_deal, read_reply, read_verdict
from .ceremony import Answer, Complaint, Deal
from .encoding import domain
from .errors import BadSeal, CeremonyFault
from .sealed import SealingKey
from .signed import Kind, SignedMessage
from .threshold import JointKey, KeyShare


@dataclass(frozen=True, slots=True)
class Board:
    """The messages that are there, by kind and by the index of the holder whose they should be."""

    deals: Mapping[int, SignedMessage]
    verdicts: Mapping[int, SignedMessage]
    replies: Mapping[int, SignedMessage]


@dataclass(frozen=True, slots=True)
class Deals:
    """All deals of a ceremony: what is public, what is sealed to whom, and the hash of all of it."""

    public: Mapping[int, Deal]
    sealed: Mapping[int, tuple[bytes, ...]] = field(repr=False)
    transcript: bytes


# The states of a board; each says who must act next.


@dataclass(frozen=True, slots=True)
class Dealing:
    """Deals are still missing."""

    waiting: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judging:
    """All deals are there; verdicts are still missing."""

    waiting: tuple[int, ...]
    deals: Deals


@dataclass(frozen=True, slots=True)
class Replying:
    """Holders complained; the dealers named have yet to open those shares."""

    waiting: tuple[int, ...]
    complaints: tuple[Complaint, ...]
    transcript: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """The ceremony ended without a key: culprit index → what it did."""

    faults: Mapping[int, str]

    @property
    def waiting(self) -> tuple[int, ...]:
        """Nobody: a new ceremony is needed."""
        return ()

    def error(self) -> CeremonyFault:
        """The same as an error."""
        return CeremonyFault(
            "the ceremony is broken: " + "; ".join(f"holder {i} {what}" for i, what in sorted(self.faults.items())),
            culprits=tuple(sorted(self.faults)),
            do=f"settle it with {'this holder' if len(self.faults) == 1 else 'these holders'}, then {AFRESH}",
        )


@dataclass(frozen=True, slots=True)
class Accepted:
    """All holders accepted the same deals: this is the key."""

    deals: Deals
    joint: JointKey

    @property
    def waiting(self) -> tuple[int, ...]:
        """Nobody."""
        return ()


State = Dealing | Judging | Replying | Broken | Accepted


def assess(ceremony: Ceremony, board: Board) -> State:
    """What a board says.

    1. every deal is its holder's, for this ceremony, can be used, and proves that its dealer knows its secret;
    2. all deals are there: their transcript hash stands;
    3. every verdict is its holder's, about this transcript, and all are there;
    4. every complaint was answered; an answer that fits makes the complaint false, any other convicts the dealer;
    5. nobody complained: the joint key follows from the deals.

    A breach that its signer's signature proves gives `Broken`. A message that isn't its holder's own (a bad
    signature, another ceremony, a transcript of other deals) proves nothing about anybody: that is raised.
    """
    faults: dict[int, str] = {}
    deals: dict[int, tuple[Deal, tuple[bytes, ...]]] = {}
    for index, message in _sorted(ceremony, board.deals):
        envelope = open_message(ceremony, Kind.DEAL, index, message)
        try:
            deals[index] = read_deal(ceremony, index, envelope)
        except (Unusable, CeremonyFault) as fault:
            faults[index] = f"dealt what can't be used: {fault}"
    if faults:
        return Broken(faults)
    if missing := _missing(ceremony, deals):
        return Dealing(missing)
    found = Deals(
        {index: deal for index, (deal, _) in deals.items()},
        {index: sealed for index, (_, sealed) in deals.items()},
        _transcript(ceremony, board.deals),
    )
    complaints: list[Complaint] = []
    judged = set()
    for index, message in _sorted(ceremony, board.verdicts):
        envelope = open_message(ceremony, Kind.VERDICT, index, message)
        try:
            dealers = read_verdict(ceremony, index, envelope, found.transcript)
        except Unusable as fault:
            faults[index] = f"gave a verdict that can't be used: {fault}"
            continue
        judged.add(index)
        complaints += [Complaint(index, dealer) for dealer in dealers]
    if faults:
        return Broken(faults)
    if missing := _missing(ceremony, judged):
        return Judging(missing, found)
    if complaints:
        return _settle(ceremony, board, found, complaints)
    return Accepted(found, feldman.joint_key(list(found.public.values())))


def _settle(ceremony: Ceremony, board: Board, deals: Deals, complaints: list[Complaint]) -> State:
    """Who was right about each complaint, once all dealers complained about have replied."""
    if missing := tuple(sorted({complaint.dealer for complaint in complaints} - set(board.replies))):
        return Replying(missing, tuple(complaints), deals.transcript)
    faults: dict[int, str] = {}
    for dealer in sorted({complaint.dealer for complaint in complaints}):
        envelope = open_message(ceremony, Kind.REPLY, dealer, board.replies[dealer])
        try:
            opened = read_reply(ceremony, dealer, envelope, deals.transcript)
        except Unusable as fault:
            faults[dealer] = f"gave a reply that can't be used: {fault}"
            continue
        for complaint in (one for one in complaints if one.dealer == dealer):
            answer = Answer(dealer, complaint.recipient, opened.get(complaint.recipient, b""))
            culprit = feldman.judge(deals.public[dealer], complaint, answer).culprit
            faults[culprit] = (
                f"gave holder {complaint.recipient} a share that doesn't fit its commitments"
                if culprit == dealer
                else f"complained about holder {dealer}, whose share fits"
            )
    return Broken(faults)


def open_shares(ceremony: Ceremony, index: int, deals: Deals, sealing_key: SealingKey) -> dict[int, bytes | None]:
    """What each dealer sealed to holder `index`: its share, or None where it can't be opened or doesn't fit."""
    return {dealer: _share(ceremony, index, deals, dealer, sealing_key) for dealer in deals.public}


def _share(ceremony: Ceremony, index: int, deals: Deals, dealer: int, sealing_key: SealingKey) -> bytes | None:
    try:
        share = sealing_key.open(deals.sealed[dealer][index - 1], *ceremony.seal_context(dealer, index))
        feldman.check_share(deals.public[dealer], index, share)
    except (BadSeal, CeremonyFault):
        return None
    return share


def take_share(ceremony: Ceremony, index: int, accepted: Accepted, sealing_key: SealingKey) -> KeyShare:
    """Holder `index`'s share of the key, once all have accepted. Raises CeremonyFault."""
    shares = open_shares(ceremony, index, accepted.deals, sealing_key)
    given = {dealer: share for dealer, share in shares.items() if share is not None}
    return feldman.finish(index, list(accepted.deals.public.values()), given)


def _sorted(ceremony: Ceremony, messages: Mapping[int, SignedMessage]) -> list[tuple[int, SignedMessage]]:
    return [(index, messages[index]) for index in sorted(messages) if index in ceremony.holders]


def _missing(ceremony: Ceremony, there: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ceremony.holders) - set(there)))


def _transcript(ceremony: Ceremony, deals: Mapping[int, SignedMessage]) -> bytes:
    """SHA-256 over the ceremony and the exact bytes of every deal, the sealed shares included."""
    digests = (message.digest for _, message in _sorted(ceremony, deals))
    return hashlib.sha256(domain("ceremony transcript", ceremony.id, *digests)).digest()
