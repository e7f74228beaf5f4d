"""`sluis-node processing`, `notices`, `rights` and `retention` as other programs and people rely on them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from sluis_node.cli import app
from sluis_node.notify import DeliveryState, Notice, NoticeKind
from sluis_protocol.errors import SluisError
from sluis_runtime import logs
from typer.testing import CliRunner

from ..desk import CASELOADS, Desk
from ..people import write_csv

HOOK = '[notify]\n[[notify.webhooks]]\nname = "away"\nurl = "http://127.0.0.1:9/e"\naudiences = ["coordinators"]\n'


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True)
def no_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process, whose logging stays as it is."""
    monkeypatch.setattr(logs, "configure", lambda *_: None)


async def sluis_node(*arguments: str | Path) -> Outcome:
    """Run a command in a thread of its own, as a program would that begins."""

    def run() -> Outcome:
        done = CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(one) for one in arguments])
        stderr = done.exception.diagnostics() if isinstance(done.exception, SluisError) else done.stderr
        return Outcome(done.exit_code, done.stdout, stderr)

    return await asyncio.to_thread(run)


async def test_a_person_is_found_by_bsn_in_ones_own_caseload_and_gets_a_file(desk: Desk) -> None:
    config, out = desk.folder / "node-1" / "node.toml", desk.folder / "dossier.txt"
    caseload = write_csv(desk.folder / "caseload.csv", CASELOADS[0])
    member = CASELOADS[0][0].members[0].person
    by = ("--by", "paula", "--config", config)
    here = ("--bsn", str(member.bsn), "--caseload", caseload)
    done = await sluis_node("rights", "access", *here, "--out", out, *by)
    assert done.status == 0, done.stderr
    text = out.read_text()
    assert f"persoon {member.person_id}" in text
    assert "Meegedaan aan een ronde" in text
    assert "wettelijke grondslag: demo-grondslag" in text
    assert out.stat().st_mode & 0o077 == 0
    for arguments, what in (
        (("--out", out, *here), "already"),
        (("--bsn", "999990500", "--caseload", caseload), "SLUIS"),
        (here[:2], "--caseload"),
        ((*here, "--person", "A1-0"), "one person"),
        ((), "one person"),
    ):
        refused = await sluis_node("rights", "access", *arguments, *by)
        assert refused.status == 1
        assert what in refused.stderr
        assert "999990500" not in refused.stderr
        assert str(member.bsn) not in refused.stderr


async def test_a_person_from_access_to_the_log(desk: Desk) -> None:
    config = desk.folder / "node-1" / "node.toml"
    common = ("--person", "A1-0", "--by", "paula", "--config", config)
    access = await sluis_node("rights", "access", *common, "--file", "AVG-2026-1")
    assert access.status == 0
    found = json.loads(access.stdout)
    assert [held["kind"] for held in found["held"]] == ["round"]
    objected = await sluis_node("rights", "object", *common)
    assert objected.stdout.startswith("recorded as number 2: 0 matches are concerned")
    listed = json.loads((await sluis_node("rights", "list", "--json", "--config", config)).stdout)
    assert [(one["right"], one["state"]) for one in listed] == [("objection", "in-force"), ("access", "done")]
    erased = await sluis_node("rights", "erase", *common)
    assert "erased from 1 submissions, 0 candidates, 0 matches" in erased.stdout
    for number, right in ((2, "objection"), (3, "erasure")):
        assert f"lifted: {right}" in (await sluis_node("rights", "lift", f"{number}", *common[2:])).stdout
    again = await sluis_node("rights", "lift", "2", *common[2:])
    assert again.status == 1
    assert "sluis-node rights list" in again.stderr
    refused = await sluis_node("rights", "correct", *common, "--file", "see: Jan")
    assert refused.status == 1
    assert "SLUIS-101" in refused.stderr
    log = json.loads((await sluis_node("processing", "show", "--person", "A1-0", "--json", "--config", config)).stdout)
    assert {(one["name"], one["outcome"]) for one in log} == {
        ("give access", "done"),
        ("objection", "done"),
        ("erasure", "done"),
        ("lift objection", "done"),
        ("lift erasure", "done"),
        ("correction", "refused"),
    }
    assert {one["actor"] for one in log} == {"paula"}
    shown = await sluis_node("processing", "show", "--activity", "rights", "--since", "2026-01-01", "--config", config)
    assert "paula" in shown.stdout
    assert "A1-0" not in shown.stdout
    verified = await sluis_node("processing", "verify", "--config", config)
    assert "each follows from the one before it" in verified.stdout


async def test_notices_from_waiting_to_discarded(desk: Desk) -> None:
    config = desk.folder / "node-1" / "node.toml"
    assert "no notices" in (await sluis_node("notices", "list", "--config", config)).stdout
    config.write_text(config.read_text() + HOOK)
    parts = desk.nodes[0].parts
    with parts.store.transaction() as connection:
        parts.notices.enqueue(connection, Notice(NoticeKind.MATCH_FOUND, about="m1"), desk.now)
        connection.exec_driver_sql(
            "INSERT INTO deliveries (notice, channel, target, state, attempts, next_at, failure) "
            "SELECT id, 'webhook', 'away', 'waiting', 0, 0, '' FROM notices"
        )
    sent = await sluis_node("notices", "send", "--config", config)
    assert sent.status == 0
    assert sent.stdout.endswith("0 delivered, 1 will be tried again, 0 dead letters\n")
    (listed,) = json.loads((await sluis_node("notices", "list", "--json", "--config", config)).stdout)
    assert (listed["kind"], listed["target"], listed["attempts"]) == ("match-found", "away", 1)
    assert "can't be reached" in listed["failure"]
    refused = await sluis_node("notices", "retry", "1", "--config", config)
    assert refused.status == 1
    assert "no dead letter" in refused.stderr
    with parts.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'dead', attempts = 24")
    dead = await sluis_node("notices", "list", "--state", "dead", "--config", config)
    assert "match-found" in dead.stdout
    assert (await sluis_node("notices", "retry", "1", "--config", config)).status == 0
    assert parts.notices.counts() == {DeliveryState.WAITING: 1}
    with parts.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'dead'")
    assert (await sluis_node("notices", "discard", "1", "--config", config)).status == 0
    assert parts.notices.counts() == {DeliveryState.DISCARDED: 1}


async def test_retention_first_dry_then_done_then_proved(desk: Desk) -> None:
    config = desk.folder / "node-1" / "node.toml"
    parts = desk.nodes[0].parts
    with parts.store.transaction() as connection:
        parts.notices.enqueue(connection, Notice(NoticeKind.AGREED, about="m1"), desk.now.replace(year=2025))
    dry = json.loads((await sluis_node("retention", "--dry-run", "--json", "--config", config)).stdout)
    assert {one["category"]: one["rows"] for one in dry if one["rows"]} == {"notices": 1}
    shown = await sluis_node("retention", "--dry-run", "--config", config)
    assert "would go" in shown.stdout
    done = json.loads((await sluis_node("retention", "--by", "beheer", "--json", "--config", config)).stdout)
    assert [one["rows"] for one in done] == [one["rows"] for one in dry]
    proofs = json.loads((await sluis_node("retention", "--proofs", "--json", "--config", config)).stdout)
    assert (proofs[0]["category"], proofs[0]["by"], proofs[0]["rows"]) == ("notices", "beheer", 1)
    assert "notices" in (await sluis_node("retention", "--proofs", "--config", config)).stdout


async def test_the_node_that_init_makes_keeps_a_log_in_a_file(tmp_path: Path) -> None:
    made = await sluis_node(
        "init",
        tmp_path / "node",
        *("--oin", "00000099000000001001", "--name", "Een", "--municipality", "GM0001", "--coordinator", "localhost:1"),
    )
    assert made.status == 0
    assert 'file = "processing.jsonl"' in (tmp_path / "node" / "node.toml").read_text()
