"""Translation of what is signed in a handshake. Which act needs which fields is checked here; what they mean is not."""

from __future__ import annotations

from .. import messages as plain
from .._wire.sluis.v1 import handshake_pb2
from ..encoding import millis
from ..errors import MalformedMessage
from ..handshake import HANDSHAKE_BYTES, Act
from .calls import read_signed, write_signed
from .checks import line, moment, number, oin, sized, some

MOST_SEALED = 51_200
MOST_VERSIONS = 10_000
MOST_LETTERS = 10_000
MOST_ENTRIES = 100_000
_ACT_PREFIX = "HANDSHAKE_ACT_"
_ACTS = tuple(act for act in Act if act is not Act.LAPSE)
_DRAFTS = (Act.PROPOSE, Act.AMEND)
_DIGESTS = (*_DRAFTS, Act.SIGN)


def _sealed(value: bytes) -> bytes:
    if not 0 < len(value) <= MOST_SEALED:
        raise MalformedMessage(f"sealed has {len(value)} bytes: not 1 to {MOST_SEALED}", field="sealed")
    return value


def _write_move(value: plain.Move) -> handshake_pb2.HandshakeMove:
    return handshake_pb2.HandshakeMove(
        handshake_id=value.handshake_id,
        act=_ACT_PREFIX + value.act.upper(),
        follows=value.follows,
        version=value.version,
        digest=value.digest,
        until=millis(value.until) if value.until else 0,
        sealed=value.sealed,
    )


def _read_move(m: handshake_pb2.HandshakeMove) -> plain.Move:
    act = _ACTS[number(m.act, "act", 1, len(_ACTS)) - 1]
    if act not in _DRAFTS and (m.version or m.until):
        raise MalformedMessage(f"there is no draft to {act}", field="version")
    return plain.Move(
        handshake_id=sized(m.handshake_id, HANDSHAKE_BYTES, "handshake_id"),
        act=act,
        follows=sized(m.follows, 32, "follows"),
        version=number(m.version, "version", 1, MOST_VERSIONS) if act in _DRAFTS else 0,
        digest=sized(m.digest, 32 if act in _DIGESTS else 0, "digest"),
        until=moment(m.until, "until") if act in _DRAFTS else None,
        sealed=_sealed(m.sealed),
    )


def _write_letter(value: plain.Letter) -> handshake_pb2.HandshakeLetter:
    return handshake_pb2.HandshakeLetter(handshake_id=value.handshake_id, number=value.number, sealed=value.sealed)


def _read_letter(m: handshake_pb2.HandshakeLetter) -> plain.Letter:
    return plain.Letter(
        sized(m.handshake_id, HANDSHAKE_BYTES, "handshake_id"),
        number(m.number, "number", 1, MOST_LETTERS),
        _sealed(m.sealed),
    )


def _write_entry(value: plain.Entry) -> handshake_pb2.HandshakeEntry:
    opening = None
    if value.opening:
        lower, higher = value.opening.oins
        opening = handshake_pb2.HandshakeOpening(purpose=value.opening.purpose, lower=lower, higher=higher)
    return handshake_pb2.HandshakeEntry(
        handshake_id=value.handshake_id,
        sequence=value.sequence,
        previous=value.previous,
        opening=opening,
        moves=map(write_signed, value.moves),
    )


def _read_entry(m: handshake_pb2.HandshakeEntry) -> plain.Entry:
    some(m.moves, "moves", 2, 0)
    sequence = number(m.sequence, "sequence", 0, MOST_ENTRIES)
    previous = sized(m.previous, 32, "previous")
    opening = _read_opening(m.opening) if m.HasField("opening") else None
    if (opening is not None) != (sequence == 0) or (opening and (m.moves or any(previous))):
        raise MalformedMessage("a handshake has one opening: its first entry, without moves", field="opening")
    return plain.Entry(
        sized(m.handshake_id, HANDSHAKE_BYTES, "handshake_id"),
        sequence,
        previous,
        opening,
        tuple(map(read_signed, m.moves)),
    )


def _read_opening(m: handshake_pb2.HandshakeOpening) -> plain.Opening:
    oins = oin(m.lower, "lower"), oin(m.higher, "higher")
    if oins[0] >= oins[1]:
        raise MalformedMessage("the lower OIN comes first", field="lower")
    return plain.Opening(line(m.purpose, "purpose", 64), oins)


CODECS = (
    (plain.Move, handshake_pb2.HandshakeMove, _write_move, _read_move),
    (plain.Letter, handshake_pb2.HandshakeLetter, _write_letter, _read_letter),
    (plain.Entry, handshake_pb2.HandshakeEntry, _write_entry, _read_entry),
)
