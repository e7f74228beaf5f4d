"""Checkpoints: the log's size and root as a signed note, and nodes' cosignatures under it (C2SP tlog-checkpoint).

    sluis/<covenant id>/log
    <size>
    <root, base64>

The coordinator signs as the note's first signer; a node that found the checkpoint consistent with all that it saw
before adds a line of its own (C2SP tlog-cosignature, cosignature/v1: Ed25519 over the time and the text). Others' tools
for signed notes read both. Which key is whose stands in the covenant; no I/O here, and the time is an argument.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .covenant import Covenant
from .errors import BadSignature, CovenantError, LogError
from .merkle import EMPTY_ROOT, HASH_BYTES
from .note import SIGNATURE_BYTES, Verifier, open_note, sign_note

_COSIGNATURE = b"\x04"  # C2SP signed-note: the key type of a timestamped Ed25519 cosignature
_TIME_BYTES = 8
_KEY_ID_BYTES = 4
_LINE = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
MOST_NOTE = 262_144  # characters of a checkpoint with all its cosignatures


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large the log is, and its root hash."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the three lines; raise LogError for anything else, extension lines too."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise LogError("this is not a checkpoint")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (ValueError, binascii.Error) as error:
            raise LogError("this is not a checkpoint") from error
        found = cls(lines[0], int(lines[1]), root)
        if len(root) != HASH_BYTES or found.text != text or (found.size == 0 and root != EMPTY_ROOT):
            raise LogError("this is not a checkpoint")
        return found


def origin(covenant_id: str) -> str:
    """What a log is called: there is one for a covenant, whatever its version."""
    return f"sluis/{covenant_id}/log"


def log_verifier(covenant: Covenant) -> Verifier:
    """Who signs checkpoints under this covenant: the coordinator, by the log's name."""
    if covenant.terms.coordinator is None:
        raise CovenantError("the covenant names no coordinator")
    return Verifier(origin(covenant.terms.id), base64.b64decode(covenant.terms.coordinator.signing_key))


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note; the same checkpoint gives the same bytes."""
    return sign_note(checkpoint.text, checkpoint.origin, key)


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """A checkpoint that the log's key signed; raise BadSignature or LogError otherwise."""
    found = Checkpoint.parse(open_note(note, verifier))
    if found.origin != verifier.name:
        raise LogError("the checkpoint is of another log", theirs=found.origin, ours=verifier.name)
    return found


def cosign(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey, now: datetime) -> str:
    """A node's signature line (without newline): it saw this checkpoint then, and found nothing wrong with it."""
    time = int(now.timestamp())
    signature = key.sign(_cosigned(checkpoint, time))
    raw = _key_id(name, key.public_key().public_bytes_raw()) + time.to_bytes(_TIME_BYTES, "big") + signature
    return f"{_LINE}{name} {base64.b64encode(raw).decode()}"


def open_cosignature(line: str, checkpoint: Checkpoint, name: str, public: bytes) -> datetime:
    """When the party with that name and key cosigned; raise BadSignature if it didn't."""
    said, _, encoded = line.removeprefix(_LINE).partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if not line.startswith(_LINE) or said != name or len(raw) != _KEY_ID_BYTES + _TIME_BYTES + SIGNATURE_BYTES:
        raise BadSignature("this is not a cosignature of that party", party=name)
    time = int.from_bytes(raw[_KEY_ID_BYTES : _KEY_ID_BYTES + _TIME_BYTES], "big")
    try:
        if raw[:_KEY_ID_BYTES] != _key_id(name, public):
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(public).verify(
            raw[_KEY_ID_BYTES + _TIME_BYTES :], _cosigned(checkpoint, time)
        )
        return datetime.fromtimestamp(time, UTC)
    except (InvalidSignature, ValueError, OverflowError, OSError) as error:
        raise BadSignature("a cosignature does not verify", party=name) from error


def with_cosignatures(note: str, lines: Mapping[str, str]) -> str:
    """The note with more signature lines, by name."""
    return note + "".join(f"{lines[name]}\n" for name in sorted(lines))


def cosigners(note: str, covenant: Covenant) -> dict[str, datetime]:
    """Which members of the covenant cosigned this note of the log, and when; lines that don't verify count nothing."""
    checkpoint = open_checkpoint(note, log_verifier(covenant))
    found = {}
    for line in note.splitlines():
        name = line.removeprefix(_LINE).partition(" ")[0]
        if not line.startswith(_LINE) or (member := covenant.members.get(name)) is None:
            continue
        try:
            found[name] = open_cosignature(line, checkpoint, name, base64.b64decode(member.signing_key))
        except BadSignature:
            continue
    return found


def _cosigned(checkpoint: Checkpoint, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _COSIGNATURE + public).digest()[:_KEY_ID_BYTES]
