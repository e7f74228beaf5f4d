"""The leaves of the log: one short text for each event, with hashes and ids only (protocol.md, 8).

    sluis-v1 leaf
    kind commitment
    at 1767225600000
    id r20260101t000000z-0011223344556677
    party 00000099000000030014
    count 96
    digest 5f70bf18…
    salt -

Eight lines of ASCII, each ended by a newline; a field that a kind doesn't have is `-`. The digest is the SHA-256 of
the signed message that the event is about (of the text, for a covenant; over the rows, for a commitment), so whoever
has the message finds its leaf, and nobody gets the message out of it. `at` is in milliseconds since 1970.

What concerns one or two municipalities only (results, claims, confirmations, handshakes) is *sealed*: its text has a
salt of 16 random bytes, and the tree has the SHA-256 of that text in the place of a digest, without id, party and
count. Others see that something happened, and when; those concerned, who know the digest, can ask for the text and
check it. No text holds anything personal.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from .encoding import millis, moment
from .errors import MalformedMessage

_HEAD = "sluis-v1 leaf"
_NONE = "-"
_DIGEST_BYTES = 32
SEALED = "sealed"
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields a kind has besides its time and digest; `sealed` where only those concerned may read it."""

    id: bool = True
    party: bool = False
    count: bool = False
    sealed: bool = False


_SEALED = Fields(id=False)
_TRANSITION = Fields()
_OF_A_PARTY = Fields(party=True)
_OF_A_NODE = Fields(party=True, sealed=True)
_OF_TWO = Fields(count=True, sealed=True)

# Every kind of event. What isn't here can't be recorded.
KINDS: dict[str, Fields] = {
    "covenant": Fields(id=False, count=True),  # count: its version
    "announcement": _TRANSITION,
    **{f"transition {state}": _TRANSITION for state in ("collecting", "joining", "published", "purged")},
    "evaluation": Fields(party=True, count=True),  # asked by a member; count: elements
    "usage": Fields(party=True, count=True),  # signed by a key holder at the round's end; count: all elements
    "commitment": Fields(party=True, count=True),  # count: padded persons
    "publication": Fields(party=True, count=True, sealed=True),  # count: claims
    "claim": _OF_A_NODE,  # a candidate, as one of its two nodes is told
    "confirmation": _OF_A_NODE,
    "outcome": _OF_A_NODE,
    **{
        f"handshake {state}": _OF_TWO  # count: the entry's number
        for state in ("deciding", "agreed", "drafting", "active", "closed", "lapsed", "withdrawn")
    },
    "handshake letter": Fields(sealed=True),
    "handshake purged": Fields(sealed=True),  # the coordinator forgot it; its digest is the last entry's
    **{
        f"totals {state}": Fields(count=True)
        for state in ("enrolling", "contributing", "closing", "released", "abandoned")
    },
    "totals enrolment": _OF_A_PARTY,
    "totals contribution": _OF_A_PARTY,
    "totals unmasking": _OF_A_PARTY,
}

_LEAF = re.compile(
    rf"{_HEAD}\n"
    r"kind (?P<kind>[a-z ]{1,40})\n"
    r"at (?P<at>0|[1-9][0-9]{0,14})\n"
    r"id (?P<id>-|[a-z0-9-]{2,64})\n"
    r"party (?P<party>-|[0-9]{20})\n"
    r"count (?P<count>-|0|[1-9][0-9]{0,17})\n"
    r"digest (?P<digest>[0-9a-f]{64})\n"
    r"salt (?P<salt>-|[0-9a-f]{32})\n"
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One event; `round_id` may also be a handshake's or a period's id. "" and None: the kind has no such field."""

    kind: str
    at: datetime
    digest: bytes
    round_id: str = ""
    party: str = ""
    count: int | None = None
    salt: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        fields = _SEALED if self.kind == SEALED else KINDS.get(self.kind)
        if fields is None:
            raise MalformedMessage("a leaf of an unknown kind", field="kind")
        has = (bool(self.round_id), bool(self.party), self.count is not None, len(self.digest), len(self.salt))
        if has != (fields.id, fields.party, fields.count, _DIGEST_BYTES, SALT_BYTES if fields.sealed else 0):
            raise MalformedMessage(f"a leaf of the kind {self.kind} has other fields", field="kind")

    @classmethod
    def of(
        cls,
        kind: str,
        at: datetime,
        digest: bytes,
        *,
        round_id: str = "",
        party: str = "",
        count: int = 0,
        salt: bytes = b"",
    ) -> Self:
        """The leaf of an event: only the fields that its kind has; raise MalformedMessage for an unknown kind."""
        fields = KINDS.get(kind)
        if fields is None:
            raise MalformedMessage("an event of an unknown kind", field="kind")
        return cls(
            kind,
            at,
            digest,
            round_id if fields.id else "",
            party if fields.party else "",
            count if fields.count else None,
            salt if fields.sealed else b"",
        )

    @property
    def is_private(self) -> bool:
        """Whether only those concerned may read it."""
        return self.kind != SEALED and KINDS[self.kind].sealed

    @property
    def text(self) -> str:
        """The eight lines."""
        count = _NONE if self.count is None else self.count
        return (
            f"{_HEAD}\nkind {self.kind}\nat {millis(self.at)}\nid {self.round_id or _NONE}\n"
            f"party {self.party or _NONE}\ncount {count}\ndigest {self.digest.hex()}\n"
            f"salt {self.salt.hex() or _NONE}\n"
        )

    @property
    def public(self) -> Leaf:
        """What the tree holds and everybody may read: itself, or the sealed leaf in its place."""
        if not self.is_private:
            return self
        return Leaf(SEALED, self.at, hashlib.sha256(self.text.encode()).digest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a leaf; raise MalformedMessage for anything but the one form that it has."""
        found = _LEAF.fullmatch(text)
        if found is None:
            raise MalformedMessage("this is not a leaf of the log", field="leaf")
        kind, at, round_id, party, count, digest, salt = found.groups()
        try:
            time = moment(int(at))
        except OverflowError as error:
            raise MalformedMessage("a leaf has an impossible time", field="leaf") from error
        return cls(
            kind,
            time,
            bytes.fromhex(digest),
            "" if round_id == _NONE else round_id,
            "" if party == _NONE else party,
            None if count == _NONE else int(count),
            b"" if salt == _NONE else bytes.fromhex(salt),
        )
