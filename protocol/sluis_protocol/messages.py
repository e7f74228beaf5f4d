"""What the parties say to each other, as plain data. `wire` translates it to and from protobuf.

Sizes are in bytes; times are timezone-aware UTC. A payload (the first half) travels inside a `SignedMessage`; a call's
request or response (the second half) carries such messages from one party to the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .handshake import Act
from .signed import SignedMessage

# --- payloads: signed by their sender


@dataclass(frozen=True, slots=True)
class Announcement:
    """The coordinator announces a round. Its round id is the envelope's."""

    purpose: str
    rule_set_sha256: bytes
    opens_at: datetime
    closes_at: datetime
    confirm_until: datetime


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """A node asks a quorum of key holders to evaluate its blinded elements (packed, 32 bytes each)."""

    purpose: str
    quorum: tuple[int, ...]
    elements: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EvaluationAnswer:
    """One key holder's evaluated elements with their proof (c ‖ s) and composites (M ‖ Z), 64 bytes each."""

    request_sha256: bytes
    index: int
    elements: bytes = field(repr=False)
    proof: bytes = field(repr=False)
    composites: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A node commits to its submission: slots are tags per person; the commitment is SHA-256 over all rows."""

    purpose: str
    slots: int
    families: int
    persons: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """A round's outcome for one node: how many took part and how many claims follow.

    `abandoned` says why, where the round published nothing. The nonce is random: nobody finds the leaf of this message
    in the log by guessing how many claims another node got.
    """

    nonce: bytes
    participants: int
    claims: int
    abandoned: str = ""


@dataclass(frozen=True, slots=True)
class PersonClaim:
    """One person of the addressed node, and which of its tags are said to match."""

    person: int
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """The coordinator tells one of two nodes that a family of its own seems to be known to the other."""

    candidate_id: bytes
    counterpart: str
    family: int
    persons: tuple[PersonClaim, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One node's answer to a claim: its code and sealed family reference, or a refusal (both empty)."""

    candidate_id: bytes
    mac: bytes = field(repr=False)
    sealed_reference: bytes = field(repr=False)

    @property
    def refused(self) -> bool:
        """Whether the node found that the claim doesn't hold."""
        return not self.mac


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A candidate that will not become a match: one side refused, or did not answer in time."""

    candidate_id: bytes


@dataclass(frozen=True, slots=True)
class Move:
    """One act of one side of a handshake, with sealed content for the other (protocol.md, 7).

    `follows` is the SHA-256 of the entry's body that it follows. A draft's version, digest (SHA-256 of the contract)
    and end are there where the act needs them: else 0, empty and None.
    """

    handshake_id: bytes
    act: Act
    follows: bytes
    version: int = 0
    digest: bytes = b""
    until: datetime | None = None
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """Sealed mail from one side of a handshake to the other that changes no state; a side's letters are numbered."""

    handshake_id: bytes
    number: int
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opening:
    """Whom a handshake is between: the lower OIN first."""

    purpose: str
    oins: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a handshake, the same for both nodes: its opening, moves of the sides, or (neither) a lapse.

    `previous` is the SHA-256 of the body of the entry before, so the entries are a chain.
    """

    handshake_id: bytes
    sequence: int
    previous: bytes
    opening: Opening | None = None
    moves: tuple[SignedMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class PeriodOpening:
    """The coordinator opens a period of the totals (protocol.md, 9). Its period id is the envelope's round id.

    `board_key` is the fingerprint of the key to encrypt under; the times are when each of the three steps ends.
    """

    purpose: str
    label: str
    board_key: bytes
    enrol_until: datetime
    contribute_until: datetime
    unmask_until: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A node commits to its figures. `opening` is the SHA-256 of the opening's body, `proof_sha256` of the proof."""

    opening: bytes
    commitment: bytes
    proof_sha256: bytes


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One line of a roster: who, and the SHA-256 of the enrolment's body."""

    oin: str
    enrolment: bytes


@dataclass(frozen=True, slots=True)
class Roster:
    """Who enrolled, by ascending OIN: among these the masks cancel."""

    opening: bytes
    entries: tuple[Enrolled, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """A node's figures and mask, in one ciphertext under the board's key. `roster` is the SHA-256 of its body.

    `shares`: for each of the roster, in order, its share of the mask, enciphered for it; as long as the modulus each.
    """

    roster: bytes
    ciphertext: bytes = field(repr=False)
    shares: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contributors:
    """Whose contributions the sum is made of, by ascending OIN."""

    roster: bytes
    oins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unmasking:
    """A node's shares of the masks of exactly these contributors, added up: an integer below the board's modulus."""

    contributors: bytes
    mask: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Release:
    """The sum, for the board, with the enrolments that it must open. No single contribution is in it."""

    opening: SignedMessage
    enrolments: tuple[SignedMessage, ...]
    ciphertext: bytes = field(repr=False)


# --- calls: what a request or a response holds


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class CovenantNote:
    """The covenant in force, as the authority signed it."""

    note: str


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """A round's signed announcement, its state and how many nodes have submitted."""

    announcement: SignedMessage
    state: str
    submissions: int


@dataclass(frozen=True, slots=True)
class RoundQuery:
    """Which rounds: all of a purpose that are not purged."""

    purpose: str


@dataclass(frozen=True, slots=True)
class RoundList:
    """The rounds found, the newest first."""

    rounds: tuple[RoundStatus, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that crosses the wire: its code, what happened and what to do."""

    code: int
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class HolderAnswer:
    """What the relay has from one holder of the quorum: a signed answer, or why there is none.

    The first of a stream has index 0 and the coordinator's receipt for the request.
    """

    index: int
    outcome: SignedMessage | Refusal


@dataclass(frozen=True, slots=True)
class HolderTask:
    """The relay passes a node's signed request on to a key holder, over the connection that the holder opened.

    `traceparent`: of the node's call, by W3C Trace Context; for log lines only, and "" where there was none.
    """

    task_id: int
    request: SignedMessage
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class HolderResult:
    """The key holder's outcome for a task; task id 0 with a refusal of code 0 says: ready."""

    task_id: int
    outcome: SignedMessage | Refusal


@dataclass(frozen=True, slots=True)
class SubmissionPart:
    """A piece of a submission: first the signed manifest, then packed rows (`submission.py` has their format)."""

    content: SignedMessage | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceiveRequest:
    """Which deliveries: those of one round or (by its id in hex) handshake, or all where it is empty.

    `until_empty`: the stream ends when nothing is left, instead of waiting for more.
    """

    round_id: str
    until_empty: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One item of a node's mail, of a round or (by its id in hex) a handshake; it comes again until acknowledged."""

    delivery_id: int
    round_id: str
    message: SignedMessage


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Deliveries that the node has durably dealt with."""

    delivery_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PeriodQuery:
    """Which periods of the totals: all of a purpose that are not over."""

    purpose: str


@dataclass(frozen=True, slots=True)
class PeriodStatus:
    """A period's signed opening, its state, and the signed lists that there are by now.

    `shares`: while it is closing, what each contributor enciphered for who asks, in the order of the list.
    """

    opening: SignedMessage
    state: str
    roster: SignedMessage | None = None
    contributors: SignedMessage | None = None
    shares: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class PeriodList:
    """The periods found, the newest first."""

    periods: tuple[PeriodStatus, ...]


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """A signed enrolment with its proof of range (`commitments` has its format)."""

    enrolment: SignedMessage
    proof: bytes = field(repr=False)
