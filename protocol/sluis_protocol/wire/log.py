"""Translation of what is said about the log (`log_messages.py`). What a text or a proof means is not checked here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .. import log_messages as plain
from .._wire.sluis.v1 import log_pb2
from ..checkpoint import MOST_NOTE
from ..errors import MalformedMessage
from ..merkle import HASH_BYTES
from .calls import read_signed, write_signed
from .checks import line, number, oin, sized, some, text

MOST_SIZE = 2**62
MOST_PROOF = 128
MOST_LEAVES = 1_024
MOST_LEAF = 400
MOST_LINE = 512
MOST_COSIGNERS = 4_096
MOST_MEMBERS = 4_096
MOST_HOLDERS = 255
_DIGEST = 32
_MOST_ELEMENTS = 2**53
_MOST_BATCHES = 2**31


def _size(value: int, field: str) -> int:
    return number(value, field, 0, MOST_SIZE)


def _some(value: int, field: str) -> int:
    return number(value, field, 1, MOST_SIZE)


def _kind(value: str) -> str:
    return line(value, "kind", 40)


def _proof(hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    some(hashes, "proof", MOST_PROOF, 0)
    return tuple(sized(one, HASH_BYTES, "proof") for one in hashes)


def _write_receipt(value: plain.Receipt) -> log_pb2.Receipt:
    return log_pb2.Receipt(kind=value.kind, digest=value.digest)


def _read_receipt(m: log_pb2.Receipt) -> plain.Receipt:
    return plain.Receipt(_kind(m.kind), sized(m.digest, _DIGEST, "digest"))


def _write_checkpoint_request(value: plain.CheckpointRequest) -> log_pb2.CheckpointRequest:
    return log_pb2.CheckpointRequest(nonce=value.nonce)


def _read_checkpoint_request(m: log_pb2.CheckpointRequest) -> plain.CheckpointRequest:
    return plain.CheckpointRequest(sized(m.nonce, plain.NONCE_BYTES, "nonce"))


def _write_checkpoint(value: plain.LogCheckpoint) -> log_pb2.LogCheckpoint:
    return log_pb2.LogCheckpoint(nonce=value.nonce, note=value.note)


def _read_checkpoint(m: log_pb2.LogCheckpoint) -> plain.LogCheckpoint:
    return plain.LogCheckpoint(sized(m.nonce, plain.NONCE_BYTES, "nonce"), text(m.note, "note", MOST_NOTE))


def _write_consistency_request(value: plain.ConsistencyRequest) -> log_pb2.ConsistencyRequest:
    return log_pb2.ConsistencyRequest(old_size=value.old, new_size=value.new)


def _read_consistency_request(m: log_pb2.ConsistencyRequest) -> plain.ConsistencyRequest:
    return plain.ConsistencyRequest(_some(m.old_size, "old_size"), _some(m.new_size, "new_size"))


def _write_consistency(value: plain.LogConsistency) -> log_pb2.LogConsistency:
    return log_pb2.LogConsistency(old_size=value.old, new_size=value.new, proof=value.proof)


def _read_consistency(m: log_pb2.LogConsistency) -> plain.LogConsistency:
    return plain.LogConsistency(_some(m.old_size, "old_size"), _some(m.new_size, "new_size"), _proof(m.proof))


def _write_inclusion_request(value: plain.InclusionRequest) -> log_pb2.InclusionRequest:
    return log_pb2.InclusionRequest(kind=value.kind, digest=value.digest, size=value.size)


def _read_inclusion_request(m: log_pb2.InclusionRequest) -> plain.InclusionRequest:
    return plain.InclusionRequest(_kind(m.kind), sized(m.digest, _DIGEST, "digest"), _some(m.size, "size"))


def _write_inclusion(value: plain.LogInclusion) -> log_pb2.LogInclusion:
    return log_pb2.LogInclusion(
        kind=value.kind,
        digest=value.digest,
        size=value.size,
        leaf=value.leaf,
        index=value.index,
        proof=value.proof,
    )


def _read_inclusion(m: log_pb2.LogInclusion) -> plain.LogInclusion:
    if not m.leaf and (m.index or m.proof):
        raise MalformedMessage("a leaf that isn't there has no place", field="leaf")
    return plain.LogInclusion(
        _kind(m.kind),
        sized(m.digest, _DIGEST, "digest"),
        _some(m.size, "size"),
        text(m.leaf, "leaf", MOST_LEAF, 0),
        _size(m.index, "index"),
        _proof(m.proof),
    )


def _write_leaves_request(value: plain.LeavesRequest) -> log_pb2.LeavesRequest:
    return log_pb2.LeavesRequest(start=value.start, count=value.count)


def _read_leaves_request(m: log_pb2.LeavesRequest) -> plain.LeavesRequest:
    return plain.LeavesRequest(_size(m.start, "start"), number(m.count, "count", 1, MOST_LEAVES))


def _write_leaves(value: plain.LeafList) -> log_pb2.LeafList:
    return log_pb2.LeafList(leaves=value.leaves)


def _read_leaves(m: log_pb2.LeafList) -> plain.LeafList:
    some(m.leaves, "leaves", MOST_LEAVES, 0)
    return plain.LeafList(tuple(text(one, "leaves", MOST_LEAF) for one in m.leaves))


def _write_cosignature(value: plain.Cosignature) -> log_pb2.Cosignature:
    return log_pb2.Cosignature(size=value.size, line=value.line)


def _read_cosignature(m: log_pb2.Cosignature) -> plain.Cosignature:
    return plain.Cosignature(_some(m.size, "size"), line(m.line, "line", MOST_LINE))


def _write_cosigned(value: plain.Cosigned) -> log_pb2.Cosigned:
    return log_pb2.Cosigned(note=value.note, others=value.others)


def _read_cosigned(m: log_pb2.Cosigned) -> plain.Cosigned:
    some(m.others, "others", MOST_COSIGNERS, 0)
    return plain.Cosigned(text(m.note, "note", MOST_NOTE, 0), tuple(text(one, "others", MOST_NOTE) for one in m.others))


def _write_usage(value: plain.Usage) -> log_pb2.Usage:
    members = [
        log_pb2.MemberUsage(member=one.member, elements=one.elements, batches=one.batches) for one in value.members
    ]
    return log_pb2.Usage(purpose=value.purpose, members=members)


def _read_usage(m: log_pb2.Usage) -> plain.Usage:
    some(m.members, "members", MOST_MEMBERS, 0)
    members = tuple(
        plain.MemberUsage(
            oin(one.member, "member"),
            number(one.elements, "elements", 1, _MOST_ELEMENTS),
            number(one.batches, "batches", 1, _MOST_BATCHES),
        )
        for one in m.members
    )
    if any(a.member >= b.member for a, b in pairwise(members)):
        raise MalformedMessage("a usage names each member once, by ascending OIN", field="members")
    return plain.Usage(line(m.purpose, "purpose", 64), members)


def _write_usage_request(value: plain.UsageRequest) -> log_pb2.UsageRequest:
    return log_pb2.UsageRequest(round_id=value.round_id)


def _read_usage_request(m: log_pb2.UsageRequest) -> plain.UsageRequest:
    return plain.UsageRequest(line(m.round_id, "round_id", 64))


def _write_usages(value: plain.UsageList) -> log_pb2.UsageList:
    return log_pb2.UsageList(usages=map(write_signed, value.usages))


def _read_usages(m: log_pb2.UsageList) -> plain.UsageList:
    some(m.usages, "usages", MOST_HOLDERS, 0)
    return plain.UsageList(tuple(map(read_signed, m.usages)))


CODECS = (
    (plain.Receipt, log_pb2.Receipt, _write_receipt, _read_receipt),
    (plain.CheckpointRequest, log_pb2.CheckpointRequest, _write_checkpoint_request, _read_checkpoint_request),
    (plain.LogCheckpoint, log_pb2.LogCheckpoint, _write_checkpoint, _read_checkpoint),
    (plain.ConsistencyRequest, log_pb2.ConsistencyRequest, _write_consistency_request, _read_consistency_request),
    (plain.LogConsistency, log_pb2.LogConsistency, _write_consistency, _read_consistency),
    (plain.InclusionRequest, log_pb2.InclusionRequest, _write_inclusion_request, _read_inclusion_request),
    (plain.LogInclusion, log_pb2.LogInclusion, _write_inclusion, _read_inclusion),
    (plain.LeavesRequest, log_pb2.LeavesRequest, _write_leaves_request, _read_leaves_request),
    (plain.LeafList, log_pb2.LeafList, _write_leaves, _read_leaves),
    (plain.Cosignature, log_pb2.Cosignature, _write_cosignature, _read_cosignature),
    (plain.Cosigned, log_pb2.Cosigned, _write_cosigned, _read_cosigned),
    (plain.Usage, log_pb2.Usage, _write_usage, _read_usage),
    (plain.UsageRequest, log_pb2.UsageRequest, _write_usage_request, _read_usage_request),
    (plain.UsageList, log_pb2.UsageList, _write_usages, _read_usages),
)
