"""From a match to a contract by command line, and what the commands refuse."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sluis_node.cli import app
from sluis_node.handshake.model import Phase
from sluis_protocol.errors import SluisError
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from ...world import member_oin
from .rig import FIRST, SECOND, Side, Two

CARD = ("--role", "Procescoördinator", "--mailbox", "team@a.example", "--telephone", "030 123 45 67")


@pytest.fixture(autouse=True)
def no_log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The coordinator runs in this process, too: its log must not get into what a command prints."""
    monkeypatch.setattr("sluis_runtime.logs.configure", lambda _: None)
    with capture_logs():
        yield


async def sluis(side: Side, *words: str, by: str = FIRST) -> Result:
    """A command at a municipality, as `by`; what it printed, and what it refused."""
    reviewer = () if by == "" else ("--reviewer", by)
    config = str(side.country.municipalities[side.number - 1].config)
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, *reviewer, "--config", config])


async def done(side: Side, *words: str, by: str = FIRST) -> dict[str, Any]:
    """A command that must succeed, and the case that it prints."""
    outcome = await sluis(side, *words, "--json", by=by)
    assert outcome.exit_code == 0, outcome.exception
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


async def refused(side: Side, *words: str, by: str = FIRST) -> SluisError:
    outcome = await sluis(side, *words, by=by)
    assert isinstance(outcome.exception, SluisError), outcome.output
    return outcome.exception


async def test_from_a_match_to_a_contract(two: Two, tmp_path: Path) -> None:
    for side in (two.a, two.b):
        listed = await sluis(side, "matches", "--json")
        (found,) = json.loads(listed.stdout)
        match = found["match"][:8]
        assert (found["phase"], found["todo"]) == ("reviewing", ["recommend"])
        assert (await refused(side, "decide", match, "no")).code == 701
        await done(side, "decide", match, "yes", *CARD)
        assert (await refused(side, "decide", match, "yes")).code == 702
        case = await done(side, "decide", match, "yes", by=SECOND)
    assert case["phase"] == "agreed"
    match = two.a.match
    today = two.clock().date()
    draft = ("--lead", member_oin(1), "--start", f"{today}", "--end", f"{today.replace(year=today.year + 1)}")
    partners = ("--partner", "school/De Brug=demo-grondslag", "--partner", "huisarts=demo-grondslag")
    assert (await refused(two.a, "approach", "propose", match, *draft, "--partner", "school")).code == 101
    assert (await refused(two.a, "approach", "propose", match, *draft, "--partner", "politie=x")).code == 205
    case = await done(two.a, "approach", "propose", match, *draft, *partners)
    assert case["their_card"]["mailbox"] == "team@a.example"
    for side in (two.b, two.a):
        assert (await refused(side, "approach", "sign", match, "--draft", "1")).code in (701, 506)
        await done(side, "approach", "show", match)
        await side.receive()
        await done(side, "approach", "inform", match, "--parents", f"{today}", "--young-persons", f"{today}")
        await done(side, "approach", "sign", match, "--draft", "1")
    shown = await sluis(two.a, "approach", "show", match)
    assert shown.exit_code == 0
    assert "school (De Brug), demo-grondslag" in shown.stdout
    assert "active" in shown.stdout
    contract = tmp_path / "contract.json"
    assert (await sluis(two.a, "approach", "export", match, str(contract))).exit_code == 0
    note = str(two.municipalities[0].config.parent / "covenant.note")
    verified = await sluis(two.b, "approach", "verify", str(contract), "--covenant", note, by="")
    assert re.findall(r"^(\d)\. ", verified.stdout, re.M) == ["1", "2", "3", "4", "5"]
    contract.write_text(contract.read_text().replace("De Brug", "De Berg"))
    error = (await sluis(two.b, "approach", "verify", str(contract), "--covenant", note, by="")).exception
    assert isinstance(error, SluisError)
    assert error.code == 302
    question = "Mag een school aan tafel zitten als de ouders daar bezwaar tegen hebben?"
    await done(two.b, "approach", "dilemma", match, question)
    await done(two.b, "approach", "card", match, *CARD, "--person", "Kees")
    await done(two.a, "approach", "close", match, "--outcome", "goals-reached")
    await two.exchange()
    assert two.b.phase is Phase.CLOSED
    assert two.a.case().their_card is not None


async def test_a_refusal_and_second_thoughts(two: Two) -> None:
    match = two.a.match
    for by in (FIRST, SECOND):
        case = await done(two.a, "decide", match, "no", "--reason", "no-need", by=by)
    assert case["phase"] == "declined"
    assert [one["reason"] for one in case["opinions"]] == ["no-need", "no-need"]
    case = await done(two.a, "reconsider", match)
    assert (case["phase"], len(case["differed"])) == ("reviewing", 2)


async def test_partners_are_listed_with_their_grounds(two: Two) -> None:
    listed = await sluis(two.a, "approach", "partners", by="")
    assert listed.exit_code == 0, listed.exception
    assert "huisarts" in listed.stdout
    assert "politie: Politie (criminal justice): no legal basis in this covenant" in listed.stdout  # rule 13


async def test_a_match_by_its_first_digits(two: Two) -> None:
    for digits in ("", "000", two.a.match[:3], "f" * 32):
        assert (await refused(two.a, "approach", "show", digits)).code == 704


async def test_without_a_connection_the_step_lies_ready(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluis_node.handshake.options._PATIENCE", 0.1)
    await two.stop()
    for by in (FIRST, SECOND):
        outcome = await sluis(two.a, "decide", two.a.match, "yes", by=by)
        assert outcome.exit_code == 0
        assert "nothing was sent yet" in outcome.stderr
    assert two.a.case().sending == ("accept",)
    await two.start()
