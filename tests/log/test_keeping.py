"""The log as a coordinator keeps it: every event is a leaf, in its transaction, and every answer verifies."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sluis_coordinator import events, log, log_store, usage
from sluis_coordinator.cli import app
from sluis_coordinator.coordinator import MIGRATIONS, Coordinator
from sluis_coordinator.schema import events as event_table
from sluis_protocol import wire
from sluis_protocol.checkpoint import Checkpoint, cosign, cosigners, log_verifier, open_checkpoint
from sluis_protocol.errors import BadSignature, LogError, Replayed, RoundError, StorageError, WrongSender
from sluis_protocol.leaves import SEALED, Leaf
from sluis_protocol.log_messages import (
    ABOUT_LOG,
    CheckpointRequest,
    ConsistencyRequest,
    Cosignature,
    Cosigned,
    InclusionRequest,
    LeafList,
    LeavesRequest,
    LogCheckpoint,
    LogConsistency,
    LogInclusion,
    MemberUsage,
    Usage,
    UsageList,
    UsageRequest,
)
from sluis_protocol.merkle import leaf_hash, verify_consistency, verify_inclusion
from sluis_protocol.messages import Empty
from sluis_protocol.signed import Kind, SignedMessage, open_signed
from sluis_protocol.wire import methods
from sluis_runtime.database import open_database, transaction
from sqlalchemy import select, text
from typer.testing import CliRunner

from ..coordinator.rig import CONFIG, Party, Rig, eventually, person
from ..world import PURPOSE, holder_oin, member_oin
from .naive import mth

T = TypeVar("T")


async def ask(party: Party, method: methods.Method, request: object, kind: Kind, payload: type[T]) -> T:
    """A signed answer about the log, verified."""
    message = await party.call(method, request, SignedMessage)
    envelope = open_signed(message, party.covenant, kind, round_id=ABOUT_LOG, now=party.clock())
    return wire.decode(payload, envelope.payload)


async def newest(party: Party) -> tuple[Checkpoint, str]:
    """The newest checkpoint, verified, and its note."""
    nonce = os.urandom(16)
    shown = await ask(party, methods.GET_CHECKPOINT, CheckpointRequest(nonce), Kind.LOG_CHECKPOINT, LogCheckpoint)
    assert shown.nonce == nonce
    return open_checkpoint(shown.note, log_verifier(party.covenant)), shown.note


async def all_leaves(party: Party) -> list[str]:
    """All leaves, a few at a time."""
    found: list[str] = []
    while more := (await party.call(methods.GET_LEAVES, LeavesRequest(len(found), 3), LeafList)).leaves:
        found += more
    return found


async def a_round(rig: Rig) -> list[Party]:
    """Two nodes that share a family, up to both confirmations."""
    await rig.open_round()
    parties = await rig.members(1, 2)
    tag = os.urandom(16)
    for number, party in enumerate(parties, start=1):
        await party.submit([person(number, 10 + number, [tag]), person(7 + number, 20 + number)])
    await rig.close_round()
    for party in parties:
        [claim] = await party.claims()
        await party.confirm(party.confirmation(claim))
    return parties


async def test_a_whole_round_is_in_the_log(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        before, _ = await newest(await rig.party(member_oin(3)))
        one, two = await a_round(rig)
        found, _ = await newest(one)
        texts = await all_leaves(two)
        leaves = [Leaf.parse(each) for each in texts]
        assert found.size == len(leaves) > before.size
        assert found.root == mth([each.encode() for each in texts])
        kinds = [leaf.kind for leaf in leaves]
        assert kinds[:3] == ["covenant", "announcement", "transition collecting"]
        # Two publications and claims, two confirmations and outcomes, and the handshake that they open.
        assert kinds.count(SEALED) == 9
        of_two = [leaf for leaf in leaves if leaf.kind == "commitment"]
        assert {leaf.party for leaf in of_two} == {one.oin, two.oin}
        assert leaves[0].digest == rig.world.covenant.hash
        proof = await ask(
            one,
            methods.GET_CONSISTENCY,
            ConsistencyRequest(before.size, found.size),
            Kind.LOG_CONSISTENCY,
            LogConsistency,
        )
        verify_consistency(before.size, found.size, before.root, found.root, proof.proof)
        for leaf in of_two:
            request = InclusionRequest("commitment", leaf.digest, found.size)
            place = await ask(one, methods.GET_INCLUSION, request, Kind.LOG_INCLUSION, LogInclusion)
            assert Leaf.parse(place.leaf) == leaf
            verify_inclusion(leaf_hash(place.leaf.encode()), place.index, found.size, place.proof, found.root)
        absent = await ask(
            one,
            methods.GET_INCLUSION,
            InclusionRequest("commitment", bytes(32), found.size),
            Kind.LOG_INCLUSION,
            LogInclusion,
        )
        assert absent.leaf == ""
        assert log.verify(rig.coordinator) == found


async def test_what_is_sealed_only_those_can_read_who_know_its_digest(tmp_path: Path) -> None:
    """The answer is the same to everybody, so "it isn't there" proves something; and no digest can be guessed."""
    async with Rig(tmp_path) as rig:
        one, two = await a_round(rig)
        found, _ = await newest(one)
        with transaction(rig.coordinator.engine) as connection:
            rows = connection.execute(select(event_table).where(event_table.c.party == one.oin)).mappings().all()
        public = "".join(await all_leaves(two))
        for row in rows:
            if row["kind"] not in ("publication", "claim", "confirmation", "outcome"):
                continue
            request = InclusionRequest(row["kind"], row["digest"], found.size)
            place = await ask(one, methods.GET_INCLUSION, request, Kind.LOG_INCLUSION, LogInclusion)
            leaf = Leaf.parse(place.leaf)
            assert leaf.party == one.oin
            verify_inclusion(leaf_hash(leaf.public.text.encode()), place.index, found.size, place.proof, found.root)
            assert await ask(two, methods.GET_INCLUSION, request, Kind.LOG_INCLUSION, LogInclusion) == place
            assert row["digest"].hex() not in public
            assert hashlib.sha256(leaf.text.encode()).hexdigest() in public


async def test_what_is_asked_for_in_vain(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        one, _ = await a_round(rig)
        found, _ = await newest(one)
        more = found.size + 1
        for method, request in (
            (methods.GET_CONSISTENCY, ConsistencyRequest(1, more)),
            (methods.GET_CONSISTENCY, ConsistencyRequest(3, 2)),
            (methods.GET_INCLUSION, InclusionRequest("commitment", bytes(32), more)),
        ):
            with pytest.raises(LogError):
                await one.call(method, request, SignedMessage)
        assert (await one.call(methods.GET_LEAVES, LeavesRequest(more, 5), LeafList)).leaves == ()


async def test_cosignatures_are_counted_if_they_verify(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        one, two = await a_round(rig)
        found, _ = await newest(one)

        def line(party: Party, of: Checkpoint = found) -> Cosignature:
            return Cosignature(of.size, cosign(of, party.oin, rig.world.signing[party.oin], rig.clock()))

        forged = Checkpoint(found.origin, found.size, bytes(32))
        for wrong, error in (
            (line(two), BadSignature),
            (line(one, forged), BadSignature),
            (line(one, Checkpoint(found.origin, found.size + 1, found.root)), LogError),
        ):
            with pytest.raises(error):
                await one.call(methods.COSIGN, wrong, Empty)
        await one.call(methods.COSIGN, line(one), Empty)
        rig.announce(opens_in=60)
        grown, _ = await newest(two)
        await two.call(methods.COSIGN, line(two, grown), Empty)
        said = await two.call(methods.GET_COSIGNED, Empty(), Cosigned)
        assert open_checkpoint(said.note, log_verifier(rig.world.covenant)) == grown
        assert set(cosigners(said.note, rig.world.covenant)) == {two.oin}
        assert [set(cosigners(each, rig.world.covenant)) for each in said.others] == [{one.oin}]
        await one.call(methods.COSIGN, line(one, grown), Empty)
        await one.call(methods.COSIGN, line(one), Empty)  # an older one, late: the newer one stays
        said = await two.call(methods.GET_COSIGNED, Empty(), Cosigned)
        assert set(cosigners(said.note, rig.world.covenant)) == {one.oin, two.oin}
        assert said.others == ()


async def test_old_checkpoints_go_but_for_those_that_somebody_cosigned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "KEPT", 3)
    async with Rig(tmp_path) as rig:
        [one] = await rig.members(1)
        found, _ = await newest(one)
        line = cosign(found, one.oin, rig.world.signing[one.oin], rig.clock())
        await one.call(methods.COSIGN, Cosignature(found.size, line), Empty)
        with transaction(rig.coordinator.engine) as connection:
            events.record(connection, "covenant", rig.clock(), bytes(32), count=2)
        for _ in range(6):
            with transaction(rig.coordinator.engine) as connection:
                events.record(connection, "covenant", rig.clock(), bytes(32), count=2)
            await newest(one)
        with transaction(rig.coordinator.engine) as connection:
            sizes = connection.execute(text("SELECT size FROM log_checkpoints ORDER BY size")).scalars().all()
        assert sizes[0] == found.size
        assert len(sizes) == 4


async def test_answers_are_never_dated_before_the_last(tmp_path: Path) -> None:
    """So that two honest answers never look like a log that became smaller."""
    async with Rig(tmp_path) as rig:
        first = log.checkpoint(rig.coordinator, bytes(16)).envelope.sent_at
        rig.clock.ahead = timedelta(seconds=-100)
        assert log.checkpoint(rig.coordinator, bytes(16)).envelope.sent_at == first
        rig.clock.ahead = timedelta(days=-2)  # it was wrong before, and was put right
        assert log.checkpoint(rig.coordinator, bytes(16)).envelope.sent_at < first - timedelta(days=1)


async def test_holders_counts(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        [one, two] = await rig.members(1, 2)
        holders = [await rig.party(holder_oin(index)) for index in (1, 2)]
        counts = (MemberUsage(one.oin, 24, 1), MemberUsage(member_oin(3), 900, 9))
        said = [holder.sign(Kind.USAGE, Usage(PURPOSE, counts)) for holder in holders]
        with pytest.raises(RoundError):
            await holders[0].call(methods.REPORT_USAGE, said[0], Empty)
        await one.submit([person(1, 1), person(2, 2)])
        await two.submit([person(1, 1)])
        await rig.close_round()
        for holder, message in zip(holders, said, strict=True):
            await holder.call(methods.REPORT_USAGE, message, Empty)
            await holder.call(methods.REPORT_USAGE, message, Empty)
        with pytest.raises(WrongSender):
            await holders[0].call(methods.REPORT_USAGE, said[1], Empty)
        for usage_said in (Usage(PURPOSE, counts[:1]), Usage("other", counts)):
            with pytest.raises(Replayed):
                await holders[0].call(methods.REPORT_USAGE, holders[0].sign(Kind.USAGE, usage_said), Empty)
        listed = await two.call(methods.GET_USAGE, UsageRequest(rig.round_id), UsageList)
        assert list(listed.usages) == said
        found, _ = await newest(two)
        for message in said:
            request = InclusionRequest("usage", message.digest, found.size)
            place = await ask(two, methods.GET_INCLUSION, request, Kind.LOG_INCLUSION, LogInclusion)
            assert Leaf.parse(place.leaf).count == 924
        asked = usage.asked(usage.by_holder(listed), 2)
        assert asked == {one.oin: 24, member_oin(3): 900}
        slots = rig.coordinator.rules.slots
        assert usage.suspicious(asked, {one.oin: 2, two.oin: 1}, slots) == [member_oin(3)]
        config = rig.folder / "coordinator.toml"
        config.write_text(CONFIG.format(settings=rig.settings))
        shown = await asyncio.to_thread(
            CliRunner().invoke, app, ["rounds", "show", rig.round_id, "--json", "--config", str(config)]
        )
        told = json.loads(shown.stdout)
        assert told["asked_far_more_than_submitted"] == [member_oin(3)]
        assert told["holders_counted"] == {holder.oin: 924 for holder in holders}
        plain = await asyncio.to_thread(
            CliRunner().invoke, app, ["rounds", "show", rig.round_id, "--config", str(config)]
        )
        assert f"asked far more than submitted: {member_oin(3)}" in plain.stdout


def tampered(coordinator: Coordinator, *statements: str) -> None:
    """Change the database behind the program's back."""
    with sqlite3.connect(str(coordinator.engine.url.database)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET count = count + 1 WHERE kind = 'commitment'",
        "UPDATE events SET party = '00000099000000001003' WHERE kind = 'confirmation'",
        "UPDATE events SET at = at + 1 WHERE id = 2",
        "DELETE FROM events WHERE id = 3",
        "DELETE FROM events WHERE id = (SELECT max(id) FROM events)",
        "DELETE FROM log_hashes WHERE position = 4",
        "UPDATE log_hashes SET hash = zeroblob(32) WHERE position = 2",
        "INSERT INTO log_hashes VALUES (100000, zeroblob(32))",
    ],
)
async def test_a_database_that_was_touched_is_found_out(tmp_path: Path, statement: str) -> None:
    async with Rig(tmp_path) as rig:
        await a_round(rig)
        log.sign_newest(rig.coordinator)
    log.verify(rig.coordinator)
    tampered(rig.coordinator, statement)
    with pytest.raises(StorageError, match="don't agree"):
        log.verify(rig.coordinator)


async def test_no_server_starts_on_a_log_that_was_cut(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await a_round(rig)
        log.sign_newest(rig.coordinator)
    tampered(rig.coordinator, "DELETE FROM events WHERE id > 4")
    with pytest.raises(StorageError, match="another log"):
        await rig.start()


async def test_a_handshake_that_is_forgotten_leaves_a_leaf(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await a_round(rig)
        await rig.stop()
        tampered(rig.coordinator, "UPDATE handshakes SET purge_at = 1")
        await rig.start()

        def purged() -> bool:
            with transaction(rig.coordinator.engine) as connection:
                kinds = connection.execute(select(event_table.c.kind)).scalars().all()
            return "handshake purged" in kinds

        await eventually(purged)
        log.verify(rig.coordinator)


def test_an_old_database_gets_its_log(tmp_path: Path) -> None:
    old = tmp_path / "migrations"
    (old / "versions").mkdir(parents=True)
    shutil.copy(MIGRATIONS / "env.py", old)
    for script in sorted((MIGRATIONS / "versions").glob("000[123]*.py")):
        shutil.copy(script, old / "versions")
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    columns = "(id, at, kind, round_id, party, count, digest)"
    with transaction(open_database(url, old)) as connection:
        rows = [
            (1, 5, "covenant", "", "", 3),
            (2, 6, "announcement", "r1", "", 0),
            (4, 7, "commitment", "r1", member_oin(1), 64),
            (9, 8, "claim", "r1", member_oin(1), 0),
        ]
        for number, at, kind, name, party, count in rows:
            values = f"{number}, {at}, '{kind}', '{name}', '{party}', {count}, x'{number:064x}'"
            connection.execute(text(f"INSERT INTO events {columns} VALUES ({values})"))
    engine = open_database(url, MIGRATIONS)
    with transaction(engine) as connection:
        kept = connection.execute(select(event_table).order_by(event_table.c.id)).mappings().all()
        leaves = [events.leaf_of(row) for row in kept]
        assert [row["id"] for row in kept] == [1, 2, 3, 4]
        assert [leaf.digest[-1] for leaf in leaves] == [1, 2, 4, 9]
        assert [len(leaf.salt) for leaf in leaves] == [0, 0, 0, 16]
        events.record(connection, "covenant", kept[0]["at"], bytes(32), count=4)
        texts = [leaf.public.text for leaf in leaves]
        texts.append(Leaf.of("covenant", kept[0]["at"], bytes(32), count=4).text)
        assert log_store.root(connection, 5) == mth([each.encode() for each in texts])
