"""A real node and a real coordinator over TLS: an honest log raises no alarm; any other does, with proof for others."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sluis_coordinator import events, log
from sluis_coordinator.events import Entry
from sluis_node import Node
from sluis_node.transparency.keeping import Alarm
from sluis_protocol.errors import InputError, LogAlarm, LogError, NotFound, SluisError
from sluis_protocol.evidence import Charge, Evidence, judge
from sluis_protocol.log_messages import ConsistencyRequest, InclusionRequest, Receipt
from sluis_protocol.signed import Kind, SignedMessage
from sluis_runtime.database import transaction

from ..coordinator.rig import Rig
from ..node.people import three_caseloads
from ..node.rig import Country
from ..world import make_world, member_oin


def country(folder: Path) -> Country:
    return Country(folder, three_caseloads(), make_world())


def happen(rig: Rig, count: int = 1) -> None:
    """Something happens at the coordinator."""
    with transaction(rig.coordinator.engine) as connection:
        for number in range(count):
            events.record(connection, "covenant", rig.clock(), bytes(31) + bytes([number]), count=number + 2)


def backup(rig: Rig, name: str = "backup.sqlite") -> Path:
    """A copy of the coordinator's database as it is now."""
    copy = rig.folder / name
    with sqlite3.connect(rig.settings.database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


async def put_back(rig: Rig, copy: Path) -> None:
    """The coordinator is stopped, and started on another database."""
    await rig.stop()
    for path in rig.folder.glob("coordinator.sqlite*"):
        path.unlink()
    shutil.copy(copy, rig.settings.database)
    port, rig.settings = rig.port, rig.settings.model_copy(update={"listen": f"127.0.0.1:{rig.port}"})
    await rig.start()
    assert rig.port == port


def open_alarm(node: Node) -> Alarm:
    [alarm] = [one for one in node.log.show().alarms if one.settled_at is None]
    return alarm


async def refuses_everything(node: Node, families: Sequence[Any]) -> None:
    """What this node would send, it doesn't."""
    for attempt in (
        lambda: node.participate(families, wait=0.0),
        lambda: node.receive(wait=0.0),
        node.rounds,
        node.fetch_covenant,
        node.look_at_log,
        node.log.verify,
    ):
        with pytest.raises(LogAlarm):
            await attempt()


async def test_an_honest_log_is_cosigned_and_has_what_is_ours(tmp_path: Path) -> None:
    async with country(tmp_path) as there:
        await there.whole_round()
        sizes = []
        for number in (1, 2, 3):
            async with there.node(number) as node:
                await node.receive(wait=1.0)
                checked = await node.log.verify()
                assert checked.look.pending == checked.lost == 0
                assert checked.found["commitment"] == checked.found["covenant"] == 1
                assert node.log.show().alarms == ()
                sizes.append(checked.look.checkpoint.size)
                if number == 1:
                    assert checked.found["confirmation"] > 0
                    assert checked.found["handshake"] > 0
        assert set(checked.cosigners.of_newest) | set(checked.cosigners.of_older) == set(map(member_oin, (1, 2, 3)))
        assert member_oin(3) in checked.cosigners.of_newest
        assert sizes == sorted(sizes)
        log.verify(there.coordinator)


async def test_two_programs_of_one_node_look_while_the_log_grows(tmp_path: Path) -> None:
    async with country(tmp_path) as there, there.node(1, patience=5.0) as one, there.node(1, patience=5.0) as two:

        async def looks(node: Node) -> None:
            for _ in range(8):
                happen(there)
                assert await node.look_at_log() is not None

        await asyncio.gather(looks(one), looks(two), looks(one))
        assert one.log.show().alarms == ()


async def test_a_log_that_became_smaller(tmp_path: Path) -> None:
    """A restored backup, for instance: it stops the node, and somebody must answer for going on."""
    async with country(tmp_path) as there:
        old = backup(there)
        await there.whole_round()
        families = there.municipalities[0].families
        await put_back(there, old)
        async with there.node(1, patience=5.0) as node:
            with pytest.raises(LogAlarm, match="now it has"):
                await node.receive(wait=0.0)
            alarm = open_alarm(node)
            assert alarm.charge is Charge.ROLLBACK
            assert "proven" in judge(alarm.evidence, there.world.authority)[-1]
            await refuses_everything(node, families)
            assert [one.code for one in node.anomalies()] == [LogAlarm.code]
            for by, why in (("", "why"), ("who", ""), ("w\n", "why")):
                with pytest.raises(InputError):
                    node.log.resume(alarm.number, by=by, why=why)
            there.clock.ahead = timedelta(minutes=2)
            node.log.resume(alarm.number, by="p.jansen", why="the operator restored a backup, and told us")
            with pytest.raises(NotFound):
                node.log.resume(alarm.number, by="p.jansen", why="again")
            checked = await node.log.verify()
            assert checked.lost > 0
            assert "commitment" not in checked.found
            await node.receive(wait=0.0)
            [settled] = node.log.show().alarms
            assert (settled.settled_by, settled.evidence) == ("p.jansen", alarm.evidence)


async def test_a_log_that_goes_on_from_an_older_one(tmp_path: Path) -> None:
    async with country(tmp_path) as there, there.node(1, patience=5.0) as node:
        happen(there, 3)
        old = backup(there)
        happen(there, 2)
        await node.look_at_log()
        await put_back(there, old)
        there.coordinator = replace(there.coordinator)
        with transaction(there.coordinator.engine) as connection:
            for _ in range(7):
                events.record(connection, "covenant", there.clock(), bytes(32), count=9)
        with pytest.raises(LogAlarm, match="don't begin with"):
            await node.look_at_log()
        alarm = open_alarm(node)
        assert alarm.charge is Charge.FORK
        assert "proven" in judge(alarm.evidence, there.world.authority)[-1]


async def test_two_logs_of_one_size(tmp_path: Path) -> None:
    async with country(tmp_path) as there, there.node(1, patience=5.0) as node:
        old = backup(there)
        happen(there, 2)
        await node.look_at_log()
        await put_back(there, old)
        with transaction(there.coordinator.engine) as connection:
            for _ in range(2):
                events.record(connection, "covenant", there.clock(), bytes(32), count=9)
        with pytest.raises(LogAlarm, match="two different logs"):
            await node.receive(wait=0.0)
        alarm = open_alarm(node)
        assert alarm.charge is Charge.SPLIT
        assert "proven" in judge(alarm.evidence, there.world.authority)[-1]


@pytest.mark.parametrize("further", [0, 3])
async def test_two_nodes_that_are_shown_different_logs_find_out_by_comparing(tmp_path: Path, further: int) -> None:
    async with country(tmp_path) as there:
        old = backup(there)
        happen(there, 2)
        async with there.node(1, patience=5.0) as one, there.node(2) as two:
            await one.look_at_log()
            note = one.log.show().note
            checked = await two.log.verify(note)
            assert checked.other is not None
        await put_back(there, old)
        with transaction(there.coordinator.engine) as connection:
            for _ in range(2 + further):
                events.record(connection, "covenant", there.clock(), bytes(32), count=9)
        async with there.node(3, patience=5.0) as other:
            await other.look_at_log()  # it never saw the first history
            with pytest.raises(LogAlarm, match="another node was shown"):
                await other.log.verify(note)
            alarm = open_alarm(other)
        assert alarm.charge is (Charge.FORK if further else Charge.SPLIT)
        assert "proven" in judge(alarm.evidence, there.world.authority)[-1]


def without(monkeypatch: pytest.MonkeyPatch, unwanted: Callable[[Entry], bool]) -> None:
    """A coordinator that leaves some events out."""
    original = events.record_all
    monkeypatch.setattr(
        events, "record_all", lambda connection, all_: original(connection, [e for e in all_ if not unwanted(e)])
    )


async def test_a_commitment_that_was_signed_for_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, lambda entry: entry.what == "commitment" and entry.party == member_oin(1))
    async with country(tmp_path) as there:
        await there.whole_round()
        async with there.node(1, patience=5.0) as node:
            looked = await node.look_at_log()
            assert looked is not None
            assert looked.pending == 1  # the coordinator has a minute
            there.clock.ahead = timedelta(minutes=2)
            with pytest.raises(LogAlarm, match=r"a commitment of .* is not in it"):
                await node.look_at_log()
            alarm = open_alarm(node)
            assert alarm.charge is Charge.MISSING
            assert "proven" in judge(alarm.evidence, there.world.authority)[-1]
            await refuses_everything(node, there.municipalities[0].families)
        async with there.node(2) as other:
            await other.look_at_log()  # its own events are there: it has nothing to say


@pytest.mark.parametrize("kind", ["announcement", "evaluation", "publication", "confirmation"])
async def test_whatever_it_signed_for_and_left_out_convicts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What it took it signs for, and what it says it signs anyway: others needn't believe the node."""
    without(monkeypatch, lambda entry: entry.what == kind)
    async with country(tmp_path) as there:
        await there.whole_round()
        there.clock.ahead = timedelta(minutes=2)
        async with there.node(1, patience=5.0) as node:
            with pytest.raises(LogAlarm, match=rf"an? {kind} of .* is not in it"):
                await node.look_at_log()
            alarm = open_alarm(node)
        assert alarm.charge is Charge.MISSING
        assert "proven" in judge(alarm.evidence, there.world.authority)[-1]


@pytest.mark.parametrize("kind", ["claim", "outcome"])
async def test_what_was_told_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Tags are no evidence for others, and a counterpart's answer isn't the coordinator's: it is one node's word.

    It stops that node all the same.
    """
    without(monkeypatch, lambda entry: entry.what == kind)
    async with country(tmp_path) as there:
        await there.whole_round()
        there.clock.ahead = timedelta(minutes=2)
        async with there.node(1, patience=5.0) as node:
            with pytest.raises(LogAlarm, match=f"an? {kind} of"):
                await node.look_at_log()
            alarm = open_alarm(node)
            assert alarm.charge is Charge.UNPROVEN
            with pytest.raises(LogError, match="one node says"):
                judge(alarm.evidence, there.world.authority)


async def test_a_leaf_that_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = events.record_all

    def altered(connection: Any, entries: Sequence[Entry]) -> None:
        original(connection, [replace(e, count=e.count + 64) if e.what == "commitment" else e for e in entries])

    monkeypatch.setattr(events, "record_all", altered)
    async with country(tmp_path) as there:
        await there.open_round()
        taking_part = asyncio.create_task(there.take_part(1))
        await there.submitted(1)
        await there.close_round()
        with pytest.raises(LogAlarm, match="something else of the event"):
            await taking_part


async def test_a_proof_that_is_not_given(tmp_path: Path) -> None:
    async with country(tmp_path) as there, there.node(1, patience=5.0) as node:
        happen(there, 2)
        await node.look_at_log()
        happen(there, 2)
        log.sign_newest(there.coordinator)
        with sqlite3.connect(there.settings.database) as connection:
            connection.execute("DELETE FROM log_hashes WHERE position < 6")
        with pytest.raises(LogAlarm, match="no proof"):
            await node.look_at_log()
        assert open_alarm(node).charge is Charge.UNPROVEN


async def test_evidence_proves_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    """Answers of an honest coordinator convict it of nothing, however they are put together."""
    async with country(tmp_path) as there:
        await there.whole_round()
        coordinator, authority = there.coordinator, there.world.authority
        first = log.checkpoint(coordinator, bytes(16))
        size = log.verify(coordinator).size
        happen(there, 3)
        there.clock.ahead = timedelta(minutes=2)
        second = log.checkpoint(coordinator, bytes(16))
        proof = log.consistency(coordinator, ConsistencyRequest(size, size + 3))
        other_proof = log.consistency(coordinator, ConsistencyRequest(size - 1, size + 3))
        with sqlite3.connect(tmp_path / "node-1" / "node.sqlite") as connection:
            [(round_id, commitment)] = connection.execute("SELECT round_id, commitment FROM rounds").fetchall()
        covenant_hash, said = there.world.covenant.hash, Receipt("commitment", commitment)
        receipt = coordinator.sign(Kind.RECEIPT, said, round_id, covenant_hash, at=there.clock() - timedelta(minutes=2))
        of_another = log.inclusion(coordinator, member_oin(3), InclusionRequest("commitment", commitment, size + 3))
        there_is = log.inclusion(coordinator, member_oin(1), InclusionRequest("commitment", commitment, size + 3))
        too_old = log.inclusion(coordinator, member_oin(1), InclusionRequest("commitment", commitment, 1))
        other_kind = log.inclusion(coordinator, member_oin(1), InclusionRequest("usage", commitment, size + 3))
        note = log.sign_newest(coordinator)
        covenants = (there.world.covenant.note,)

        def evidence(charge: Charge, *messages: SignedMessage, notes: tuple[str, ...] = ()) -> Evidence:
            return Evidence(charge, "made up", there.clock(), covenants, messages, notes)

        for innocent in (
            evidence(Charge.SPLIT, first, second),
            evidence(Charge.SPLIT, second, notes=(note,)),
            evidence(Charge.SPLIT, second),
            evidence(Charge.ROLLBACK, first, second),
            evidence(Charge.ROLLBACK, second, first),
            evidence(Charge.ROLLBACK, second, notes=(note,)),
            evidence(Charge.FORK, first, second, proof),
            evidence(Charge.FORK, second, first, proof),
            evidence(Charge.FORK, first, second, other_proof),
            evidence(Charge.FORK, first, second),
            evidence(Charge.MISSING, receipt, second, there_is),
            evidence(Charge.MISSING, receipt, second, of_another),
            evidence(Charge.MISSING, receipt, second, too_old),
            evidence(Charge.MISSING, receipt, first, too_old),
            evidence(Charge.MISSING, receipt, second, other_kind),
            evidence(Charge.MISSING, second, there_is),
            evidence(Charge.UNPROVEN, first, second),
            replace(evidence(Charge.ROLLBACK, first, second), covenants=()),
            replace(evidence(Charge.ROLLBACK, first, second), covenants=(make_world().covenant.note,)),
        ):
            with pytest.raises(SluisError):
                judge(innocent, authority)
            assert Evidence.parse(innocent.serialise()) == innocent
        for text in ("", "{}", "[]", '{"format": "sluis-log-evidence/1"}'):
            with pytest.raises(InputError):
                Evidence.parse(text)


async def test_evidence_that_was_touched_proves_nothing(tmp_path: Path) -> None:
    async with country(tmp_path) as there, there.node(1, patience=5.0) as node:
        old = backup(there)
        happen(there, 2)
        await node.look_at_log()
        await put_back(there, old)
        with pytest.raises(LogAlarm):
            await node.look_at_log()
        text = node.log.evidence()
        judge(Evidence.parse(text), there.world.authority)
        content = json.loads(text)
        for message in content["messages"]:
            for part in ("body", "signature"):
                kept = message[part]
                swapped = "B" if kept[40] == "A" else "A"
                message[part] = kept[:40] + swapped + kept[41:]
                with pytest.raises(SluisError):
                    judge(Evidence.parse(json.dumps(content)), there.world.authority)
                message[part] = kept
        with pytest.raises(SluisError):
            judge(Evidence.parse(text), make_world().authority)
