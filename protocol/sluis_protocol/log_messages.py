"""What is said about the log, as plain data (protocol.md, 8). `wire` translates it to and from protobuf.

The coordinator signs what it answers, with the time, so that an answer that contradicts another one is a proof against
it (`evidence`). The round id of these signed messages is `ABOUT_LOG`, but for a usage and a receipt, which
are of what they are about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .signed import SignedMessage

ABOUT_LOG = "log"
NONCE_BYTES = 16

# --- payloads: signed by their sender


@dataclass(frozen=True, slots=True)
class Receipt:
    """The coordinator recorded what a node sent: its log owes a leaf of that kind with that digest (`promises`)."""

    kind: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """The newest checkpoint, a signed note, for who asked with this nonce."""

    nonce: bytes
    note: str


@dataclass(frozen=True, slots=True)
class LogConsistency:
    """The proof between two sizes of the tree."""

    old: int
    new: int
    proof: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogInclusion:
    """Where an event stands among the first `size` leaves: its text, index and path; no text: it isn't among them.

    `kind` is a leaf's kind or its first word ("handshake": whatever the state). Of a sealed event `leaf` is the text
    that the leaf in the tree covers.
    """

    kind: str
    digest: bytes
    size: int
    leaf: str = ""
    index: int = 0
    proof: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class MemberUsage:
    """How many elements, in how many different batches, a key holder counted for a member in a round."""

    member: str
    elements: int
    batches: int


@dataclass(frozen=True, slots=True)
class Usage:
    """A key holder's final counts of a round, by ascending OIN; it evaluates nothing more for that round."""

    purpose: str
    members: tuple[MemberUsage, ...]

    @property
    def elements(self) -> int:
        """All members' together."""
        return sum(member.elements for member in self.members)


# --- requests and responses


@dataclass(frozen=True, slots=True)
class CheckpointRequest:
    """The newest checkpoint, with this nonce in the answer."""

    nonce: bytes


@dataclass(frozen=True, slots=True)
class ConsistencyRequest:
    """The proof between two sizes."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class InclusionRequest:
    """Where an event stands among the first `size` leaves. Whoever knows its digest may ask."""

    kind: str
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class LeavesRequest:
    """At most `count` leaves from `start` on; fewer may come."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class LeafList:
    """Leaves as they stand in the tree, sealed ones sealed; "" after the end."""

    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A node's signature line under the checkpoint of that size."""

    size: int
    line: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The newest checkpoint with the lines of all nodes that cosigned it; "" where none was signed yet.

    `others` are the older checkpoints that some node cosigned last, each with those nodes' lines.
    """

    note: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """The key holders' counts of a round."""

    round_id: str


@dataclass(frozen=True, slots=True)
class UsageList:
    """Each holder's signed counts (payload: Usage), by ascending OIN."""

    usages: tuple[SignedMessage, ...]
