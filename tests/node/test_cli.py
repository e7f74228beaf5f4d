"""The command line: contracts that other programs rely on."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sluis_protocol.card import Card, Role
from sluis_protocol.messages import Publication
from sluis_protocol.signed import Kind

from ..world import COORDINATOR, make_world, member_oin
from .desk import ROUND, Desk
from .people import three_caseloads, write_csv
from .rig import Country, write_node_folder

WHO = ["--oin", "00000099000000001001", "--name", "Een", "--municipality", "GM0001"]
OPTIONS = [*WHO, "--coordinator", "localhost:4433"]


PROGRAM = Path(sys.executable).parent / "sluis-node"


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


async def sluis_node(*arguments: str | Path) -> Outcome:
    """Run the program; as a process, because it configures logging."""
    process = await asyncio.create_subprocess_exec(PROGRAM, *arguments, stdout=PIPE, stderr=PIPE)
    stdout, stderr = await asyncio.wait_for(process.communicate(), 60)
    return Outcome(process.returncode or 0, stdout.decode(), stderr.decode())


async def test_init_makes_a_folder_that_works_and_never_replaces_a_key(tmp_path: Path) -> None:
    assert (await sluis_node("init", tmp_path, *OPTIONS)).status == 0
    card = Card.parse((tmp_path / "card.json").read_text())
    assert (card.role, card.oin, card.municipality) == (Role.MEMBER, "00000099000000001001", "GM0001")
    keys = {name: (tmp_path / name).read_bytes() for name in ("signing.pem", "sealing.key", "storage.key")}
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in keys} == {0o600}
    assert (await sluis_node("init", tmp_path, *OPTIONS)).status == 0
    assert keys == {name: (tmp_path / name).read_bytes() for name in keys}


@pytest.mark.slow
async def test_from_check_to_matches(tmp_path: Path) -> None:
    async with Country(tmp_path, three_caseloads(), make_world()) as country:
        config = country.municipalities[0].config
        caseload = write_csv(tmp_path / "GM0001.csv", country.municipalities[0].families)
        checked = await sluis_node("check", caseload, "--json", "--config", config)
        assert checked.status == 0
        assert json.loads(checked.stdout)["persons"] == 9
        (config.parent / "covenant.note").unlink()
        fetched = await sluis_node("covenant", "fetch", "--config", config)
        assert "test-covenant version 1" in fetched.stdout
        await country.open_round()
        others = [asyncio.create_task(country.take_part(number)) for number in (2, 3)]
        done = asyncio.create_task(sluis_node("participate", caseload, "--json", "--wait", "20", "--config", config))
        await country.submitted(3)
        await country.close_round()
        outcome = await done
        await asyncio.gather(*others)
        assert outcome.status == 0
        for record in (record for one in country.municipalities[0].families for record in one.members):
            for personal in (record.person.bsn, record.person.surname, record.ground.professional):
                assert str(personal) not in outcome.stdout + outcome.stderr  # rule 17
        report = json.loads(outcome.stdout)
        assert (report["participants"], len(report["matches"]), report["outstanding"]) == (3, 4, 0)
        listed = await sluis_node("matches", "--json", "--config", config)
        matches = json.loads(listed.stdout)
        assert {
            "match",
            "round",
            "purpose",
            "counterpart",
            "grade",
            "family",
            "cases",
            "persons",
            "found_at",
            "new",
        } <= set(matches[0])
        assert {match["counterpart"]["municipality"] for match in matches} == {"GM0002", "GM0003"}
        assert (await sluis_node("matches", "--config", config)).stdout.count("new") == 4
        assert "published" in (await sluis_node("rounds", "--config", config)).stdout
        received = await sluis_node("receive", "--config", config)
        assert "nothing is outstanding" in received.stdout


async def test_a_refused_line_is_named_with_what_to_do(tmp_path: Path) -> None:
    config = write_node_folder(make_world(), member_oin(1), tmp_path / "node", coordinator="nowhere:1")
    for name in ("certificate", "key", "authorities"):
        (config.parent / "tls").mkdir(exist_ok=True)
        (config.parent / "tls" / f"{name}.pem").touch()
    caseload = write_csv(tmp_path / "GM0001.csv", three_caseloads()[0])
    text = caseload.read_text().replace("demo-grondslag", "", 1)
    caseload.write_text(text)
    outcome = await sluis_node("check", caseload, "--config", config)
    assert outcome.status == 1
    assert "line 2, grondslag" in outcome.stdout
    assert "8 persons" in outcome.stdout


async def test_what_is_wrong_is_said_with_what_to_do(tmp_path: Path) -> None:
    outcome = await sluis_node("matches", "--config", tmp_path / "node.toml")
    assert outcome.status == 1
    assert not outcome.stdout
    assert "SLUIS-103" in outcome.stderr
    assert "--config" in outcome.stderr


async def test_anomalies_are_listed_with_what_to_do(desk: Desk) -> None:
    config = desk.folder / "node-1" / "node.toml"
    assert (await sluis_node("anomalies", "--config", config)).stdout.strip() == "no anomalies"
    desk.deliver(1, Kind.CLAIM, replace(desk.claim(1), family=1))
    desk.publish(1, 1)
    desk.deliver(1, Kind.PUBLICATION, Publication(bytes(16), 3, 7))
    outcome = await sluis_node("anomalies", "--config", config)
    assert outcome.status == 0
    assert f"Coordinator ({COORDINATOR}), round {ROUND}" in outcome.stdout
    assert outcome.stdout.count("→ report it to the operator of the coordinator") == 2
    listed = json.loads((await sluis_node("anomalies", "--json", "--config", config)).stdout)
    assert [one["code"] for one in listed] == [503, 503]
    assert listed[0]["party"] == {"oin": COORDINATOR, "name": "Coordinator"}
    assert set(listed[0]) == {"noted_at", "round", "party", "code", "what", "do", "evidence"}


@pytest.mark.parametrize(
    ("option", "value"), [("--oin", "123"), ("--municipality", "0344"), ("--coordinator", "no port")]
)
async def test_init_makes_nothing_of_options_that_are_wrong(tmp_path: Path, option: str, value: str) -> None:
    options = [value if OPTIONS[at - 1] == option else one for at, one in enumerate(OPTIONS)]
    outcome = await sluis_node("init", tmp_path / "node", *options)
    assert outcome.status == 1
    assert option in outcome.stderr
    assert not (tmp_path / "node").exists()
