"""The transparency log as the coordinator keeps it: checkpoints, proofs, leaves, and nodes' cosignatures.

What it answers is signed and dated, so that a second history would convict it (`sluis_protocol.evidence`). A checkpoint
is read and dated in one transaction, and its date never goes back while the clock is right: so of two of them the later
one is never smaller. Leaves are added elsewhere, with their events (`events.record`).
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from sluis_protocol import merkle
from sluis_protocol.checkpoint import (
    Checkpoint,
    log_verifier,
    open_checkpoint,
    open_cosignature,
    origin,
    sign_checkpoint,
    with_cosignatures,
)
from sluis_protocol.errors import LogError, StorageError
from sluis_protocol.log_messages import (
    ABOUT_LOG,
    ConsistencyRequest,
    Cosignature,
    Cosigned,
    InclusionRequest,
    LeafList,
    LeavesRequest,
    LogCheckpoint,
    LogConsistency,
    LogInclusion,
)
from sluis_protocol.merkle import leaf_hash
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.database import transaction
from sqlalchemy import Connection, delete, insert, or_, select, update

from . import events, log_store
from .coordinator import Coordinator
from .schema import events as event_table
from .schema import log_checkpoints, log_cosignatures

KEPT = 1_000  # checkpoints that nobody cosigned last
_AT_ONCE = 10_000  # events, or hashes


def checkpoint(coordinator: Coordinator, nonce: bytes) -> SignedMessage:
    """The newest checkpoint, signed now if the log has grown, in an answer that bears the asker's nonce."""
    with transaction(coordinator.engine) as connection:
        note = _newest(coordinator, connection)
        at = _date(coordinator, connection)
        return _answer(coordinator, Kind.LOG_CHECKPOINT, LogCheckpoint(nonce, note), at)


def sign_newest(coordinator: Coordinator) -> str:
    """Sign a checkpoint of the log as it is, if there is none yet; the note."""
    with transaction(coordinator.engine) as connection:
        return _newest(coordinator, connection)


def consistency(coordinator: Coordinator, request: ConsistencyRequest) -> SignedMessage:
    """The proof between two sizes; raise LogError if the log doesn't have them."""
    with transaction(coordinator.engine) as connection:
        _require(connection, request.new)
        proof = merkle.consistency_proof(request.old, request.new, log_store.reader(connection))
    answer = LogConsistency(request.old, request.new, tuple(proof))
    return _answer(coordinator, Kind.LOG_CONSISTENCY, answer, coordinator.clock())


def inclusion(coordinator: Coordinator, oin: str, request: InclusionRequest) -> SignedMessage:
    """Where an event stands, or that it isn't there: the same to everybody, so that the answer proves something.

    Sealed ones, too, are found by whoever knows the digest, which nobody can guess. Where both nodes of a candidate are
    told the same, each is shown its own.
    """
    table = event_table.c
    kind = or_(table.kind == request.kind, table.kind.startswith(f"{request.kind} ", autoescape=True))
    query = select(event_table).where(table.digest == request.digest, kind, table.id <= request.size)
    with transaction(coordinator.engine) as connection:
        _require(connection, request.size)
        found = connection.execute(query.order_by(table.party != oin, table.id).limit(1)).mappings().first()
        answer = LogInclusion(request.kind, request.digest, request.size)
        if found is not None:
            index, read = found["id"] - 1, log_store.reader(connection)
            proof = tuple(merkle.inclusion_proof(index, request.size, read))
            text = events.leaf_of(found).text
            answer = LogInclusion(request.kind, request.digest, request.size, text, index, proof)
    return _answer(coordinator, Kind.LOG_INCLUSION, answer, coordinator.clock())


def leaves(coordinator: Coordinator, request: LeavesRequest) -> LeafList:
    """The leaves from there on, as they stand in the tree."""
    table = event_table.c
    query = select(event_table).where(table.id > request.start).order_by(table.id).limit(request.count)
    with transaction(coordinator.engine) as connection:
        return LeafList(tuple(events.leaf_of(row).public.text for row in connection.execute(query).mappings()))


def cosign(coordinator: Coordinator, oin: str, said: Cosignature) -> None:
    """Keep a node's cosignature if it verifies, and is not under an older checkpoint than the one before."""
    member, covenant = coordinator.covenant.member(oin), coordinator.covenant
    with transaction(coordinator.engine) as connection:
        note = connection.scalar(select(log_checkpoints.c.note).where(log_checkpoints.c.size == said.size))
        if note is None:
            raise LogError("no checkpoint of that size is kept", do="cosign the newest one")
        signed = open_checkpoint(note, log_verifier(covenant))
        open_cosignature(said.line, signed, oin, base64.b64decode(member.signing_key))
        table = log_cosignatures
        before = connection.scalar(select(table.c.size).where(table.c.oin == oin))
        if before is None:
            connection.execute(insert(table).values(oin=oin, size=said.size, line=said.line))
        elif before <= said.size:
            connection.execute(update(table).where(table.c.oin == oin).values(size=said.size, line=said.line))


def cosigned(coordinator: Coordinator) -> Cosigned:
    """The newest checkpoint with its cosignatures, and the older ones that some node cosigned last."""
    with transaction(coordinator.engine) as connection:
        newest = _newest(coordinator, connection)
        rows = connection.execute(
            select(log_checkpoints.c.note, log_cosignatures).join_from(log_checkpoints, log_cosignatures)
        ).all()
    notes: dict[str, dict[str, str]] = {newest: {}}
    for row in rows:
        notes.setdefault(row.note, {})[row.oin] = row.line
    whole = [with_cosignatures(note, lines) for note, lines in notes.items()]
    return Cosigned(whole[0], tuple(whole[1:]))


def verify(coordinator: Coordinator) -> Checkpoint:
    """Compute the whole tree anew from the events, and compare; raise StorageError if anything differs.

    1. The events are numbered 1, 2, 3, … 2. The hashes over their leaves are the stored ones, and no others are
    stored. 3. Every checkpoint that is kept has the root of this tree.
    """
    table = event_table.c
    size, peaks, done = 0, tuple[bytes, ...](), False
    with transaction(coordinator.engine) as connection:
        kept = connection.execute(select(log_checkpoints).order_by(log_checkpoints.c.size)).all()
        stored = 0
        while not done:
            query = select(event_table).where(table.id > size).order_by(table.id).limit(_AT_ONCE)
            rows = connection.execute(query).mappings().all()
            if [row["id"] for row in rows] != list(range(size + 1, size + len(rows) + 1)):
                raise _broken("an event is missing")
            hashes = [leaf_hash(events.leaf_of(row).public.text.encode()) for row in rows]
            added = merkle.append(size, peaks, hashes)
            nodes = [node for node, _ in added.nodes]
            if not _same(connection, nodes, [value for _, value in added.nodes]):
                raise _broken("an event was altered")
            stored += len(nodes)
            size, peaks, done = added.size, added.peaks, len(rows) < _AT_ONCE
        if log_store.count_hashes(connection) != stored:
            raise _broken("the tree has hashes of events that aren't there")
        for row in kept:
            if row.size > size or _said(row.note).root != log_store.root(connection, row.size):
                raise _broken("a checkpoint that was signed is of another log")
    return Checkpoint(origin(coordinator.covenant.terms.id), size, merkle.fold(peaks))


def _same(connection: Connection, nodes: list[merkle.Node], hashes: list[bytes]) -> bool:
    read = log_store.reader(connection)
    try:
        return all(
            read(nodes[at : at + _AT_ONCE]) == hashes[at : at + _AT_ONCE] for at in range(0, len(nodes), _AT_ONCE)
        )
    except LogError:
        return False


def check_briefly(coordinator: Coordinator) -> None:
    """At start-up, in O(log n): the tree has the events' size, and the newest checkpoint is of this very log.

    Raises StorageError, so that no server goes on with a database that was put back or cut: nodes would take it for a
    forged history, and stop.
    """
    with transaction(coordinator.engine) as connection:
        size, read = events.size(connection), log_store.reader(connection)
        newest = connection.execute(select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)).first()
        try:
            merkle.root(size, read)
            same = newest is None or (newest.size <= size and _said(newest.note).root == merkle.root(newest.size, read))
        except LogError:
            same = False
    if not same:
        raise _broken("the newest checkpoint is of another log")


def _broken(what: str) -> StorageError:
    return StorageError(
        f"the log and the database don't agree: {what}",
        do="restore the newest backup, and tell all municipalities before you start: their nodes notice what is lost",
    )


def _newest(coordinator: Coordinator, connection: Connection) -> str:
    size = events.size(connection)
    table = log_checkpoints
    note: str | None = connection.scalar(select(table.c.note).where(table.c.size == size))
    if note is not None and note == sign_checkpoint(_said(note), coordinator.key):
        return note
    found = Checkpoint(origin(coordinator.covenant.terms.id), size, log_store.root(connection, size))
    new = sign_checkpoint(found, coordinator.key)
    if note is None:
        connection.execute(insert(table).values(size=size, note=new, at=coordinator.clock()))
        _forget_old(connection)
    else:  # a new covenant version gave the coordinator another key
        connection.execute(update(table).where(table.c.size == size).values(note=new))
    return new


def _said(note: str) -> Checkpoint:
    """What a note of our own says; the key that signed it may be an older one."""
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n")


def _forget_old(connection: Connection) -> None:
    table = log_checkpoints
    newest = select(table.c.size).order_by(table.c.size.desc()).limit(1).offset(KEPT)
    last = connection.scalar(newest)
    if last is not None:
        cosigned_last = select(log_cosignatures.c.size)
        connection.execute(delete(table).where(table.c.size <= last, table.c.size.not_in(cosigned_last)))


def _date(coordinator: Coordinator, connection: Connection) -> datetime:
    """Now, but not before the last answer, unless the clock was wrong by more than the covenant tolerates."""
    now, table = coordinator.clock(), log_checkpoints
    last = connection.execute(select(table.c.size, table.c.at).order_by(table.c.size.desc()).limit(1)).first()
    tolerance = timedelta(seconds=coordinator.covenant.terms.limits.clock_tolerance_seconds)
    if last is None:
        return now
    at = last.at if now < last.at <= now + tolerance else now
    connection.execute(update(table).where(table.c.size == last.size).values(at=at))
    return at


def _require(connection: Connection, size: int) -> None:
    if size > (there := events.size(connection)):
        raise LogError(f"the log has {there} leaves, not {size}", do="ask for the newest checkpoint first")


def _answer(coordinator: Coordinator, kind: Kind, content: object, at: datetime) -> SignedMessage:
    return coordinator.sign(kind, content, ABOUT_LOG, coordinator.covenant.hash, at=at)
