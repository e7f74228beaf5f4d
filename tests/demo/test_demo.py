"""A whole demo, as a user starts it: real processes, the right families, and nothing left behind."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sluis_demo.synthetic import write_caseloads
from sluis_node.caseload.gates import gates
from sluis_node.caseload.reading import read_caseload
from sluis_protocol.rules import load_rules
from sluis_protocol.run import run_round

from tests.demo.running import DEMO, Running, run, start
from tests.shared import shared
from tests.world import PURPOSE, make_world

MUNICIPALITIES = [("GM0014", "Een"), ("GM0344", "Twee"), ("GM0363", "Drie")]
Row = tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """A demo that was kept running after its round, and has ended since."""

    demo: Running
    report: dict[str, Any]
    found: list[Row]
    commands: dict[str, str]
    consoles: dict[str, str]
    status: int


@pytest.fixture(scope="module")
def caseloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caseloads")
    today = datetime.now(UTC).date()
    write_caseloads(folder, municipalities=MUNICIPALITIES, families=60, seed=5, faults=True, today=today)
    return folder


def keep_and_stop(caseloads: Path, folder: Path) -> Finished:
    """A good run; `--keep`, so that the commands it prints can be tried."""
    out = folder / "found.csv"
    options = ("--caseloads", caseloads, "--truth", caseloads / "truth.csv", "--out", out, "--json", "--keep")
    demo = start(folder, options)
    try:
        demo.wait_for("to stop everything")
        commands = re.findall(r"^    (sluis-\S+ .*|/\S*sluis-\S+ .*)$", demo.told, re.M)
        with ThreadPoolExecutor(2) as threads:
            tried = dict(zip(commands, threads.map(typed, commands), strict=True))
        consoles = dict(visit(demo.told))
        status = demo.stop(signal.SIGINT)
    finally:
        demo.end()
    with out.open(newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    return Finished(demo, json.loads(demo.said), rows, tried, consoles, status)


def visit(told: str) -> Iterator[tuple[str, str]]:
    """Log in at both consoles as a visitor would, in one browser; what is in the inbox and in the list of matches."""
    found = re.search(r"with the password (\w+):\n  (\w+) ", told)
    assert found, told
    with httpx2.Client(headers={"user-agent": "A browser"}) as browser:
        consoles = re.findall(r"^  ([^:]+): (http://[^/\s]+)$", told, re.M)
        for _, address in consoles:
            login = {"name": found[2], "password": found[1]}
            assert browser.post(f"{address}/login", data=login, headers={"origin": address}).status_code == 303
        for town, address in consoles:
            pages = (browser.get(f"{address}{path}") for path in ("/inbox", "/matches"))
            yield town, "\n".join(page.raise_for_status().text for page in pages)


def typed(command: str) -> str:
    """What a command prints that somebody copied from the screen; it must not fail."""
    environment = os.environ | {"PATH": f"{DEMO.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        shlex.split(command), env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout


def oracle(folder: Path) -> list[Row]:
    """What the protocol, all in memory, makes of the same files."""
    world = make_world([code for code, _ in MUNICIPALITIES])
    terms = world.covenant.terms
    codes = {member.oin: member.municipality for member in terms.members}
    today = datetime.now(UTC).date()
    purpose = terms.purposes[0]
    families = {
        oin: gates(
            read_caseload(folder / f"{code}.csv", name=code, today=today),
            today=today,
            legal_bases=purpose.legal_bases,
            maximum=purpose.maximum_persons,
            review_after_days=purpose.review_after_days,
            test_identities=True,
        ).families
        for oin, code in codes.items()
    }
    matches = run_round(
        world.covenant,
        load_rules(),
        families,
        world.shares[:2],
        purpose=PURPOSE,
        round_id="r-oracle",
        random=os.urandom,
    )
    return sorted((codes[m.oin_a], m.family_a, codes[m.oin_b], m.family_b, str(m.grade)) for m in matches)


def check_totals(finished: Finished, found: int) -> None:
    """The board's total is the sum that the demo, which sees everything, adds up; nothing single could be opened."""
    totals = finished.report["totals"]
    assert totals["total"] == totals["expected"]
    assert totals["total"]["matches-proven"] == found
    assert totals["tried_to_open"] == totals["municipalities"] == len(MUNICIPALITIES)


def check_families(finished: Finished, caseloads: Path) -> None:
    """The families found are those that the protocol, all in memory, finds in the same files."""
    expected = oracle(caseloads)
    assert len(expected) > 10
    assert finished.found == [("gemeente_a", "gezin_a", "gemeente_b", "gezin_b", "grade"), *expected]
    assert [tuple(one.values()) for one in finished.report["shared"]] == expected


def check_score(finished: Finished) -> None:
    """The truth is scored."""
    score = finished.report["score"]
    assert score["precision"] > 0.9
    assert score["recall"] > 0.8
    assert score["right"] + score["wrong"] == len(finished.found) - 1


def check_what_was_seen(finished: Finished) -> None:
    """What each party saw is told."""
    seen = {one["party"]: " ".join(one["saw"]) for one in finished.report["seen"]}
    assert re.search(r"padded numbers of persons: GM0014 \d+, GM0344 \d+, GM0363 \d+", seen["coordinator"])
    assert "tag files left on its disk: 0" in seen["coordinator"]
    evaluations = [seen[f"key holder {index}"] for index in (1, 2, 3)]
    assert any(re.search(r"GM0014 \d+", told) for told in evaluations)
    total = len(finished.found) - 1
    assert f"of the {total} matches" in seen["GM0014 Groningen"]
    assert "in the clear in 0" in seen["everybody's files"]
    assert seen["the log"].startswith("log verified: ")
    assert finished.report["faults"] == []


def check_what_people_did(finished: Finished) -> None:
    """One match became an approach that both have, and of another one nobody can see that it was refused."""
    approach, refusal = finished.report["approach"], finished.report["refusal"]
    assert list(approach["phases"].values()) == ["active", "active"]
    assert len(approach["verified"]) == 5
    assert sorted(refusal["phases"].values()) == ["accepted", "declined"]
    pairs = [set(zip((row[0], row[2]), (row[1], row[3]), strict=True)) for row in finished.found[1:]]
    assert all(set(one["families"].items()) in pairs for one in (approach, refusal))


def check_consoles(finished: Finished) -> None:
    """Two municipalities' consoles are open, each with what was played, and with matches that wait for people."""
    approach, refusal = finished.report["approach"], finished.report["refusal"]
    assert len(finished.consoles) == 2
    for pages in finished.consoles.values():
        inbox, matches = pages.split("</html>")[:2]
        assert len(set(re.findall(r'href="(/match/\w+)"', inbox))) > 3
        assert all(f"/match/{one['match']}" in matches for one in (approach, refusal))


def check_refused_lines(finished: Finished, caseloads: Path) -> None:
    """Refused lines are counted, told with their line, and don't stop the round."""
    taken = finished.report["caseloads"]
    assert {code for code, told in taken.items() if told["refused"]} == {"GM0014", "GM0363"}
    told = finished.report["left_out"]
    assert {one["field"] for one in told if one["municipality"] == "GM0363"} >= {"burgerservicenummer", "grondslag"}
    lines = (caseloads / "GM0363.csv").read_text("utf-8-sig").splitlines()
    assert all("Regelfout" in lines[one["line"] - 1] for one in told if one["municipality"] == "GM0363")


def check_commands(finished: Finished) -> None:
    """The commands that --keep prints work: `typed` ran them all."""
    assert len(finished.commands) >= 6
    assert any(" matches " in command for command in finished.commands)


def check_the_end(finished: Finished) -> None:
    """A kept demo ends well on a signal and leaves nothing."""
    assert finished.status == 0
    assert finished.demo.left_behind() == []


def test_a_demo_from_its_start_to_the_last_file(caseloads: Path, tmp_path: Path) -> None:
    """One run for all that can be seen of one: a demo is the dearest thing that the tests do."""
    finished = keep_and_stop(caseloads, tmp_path)
    check_families(finished, caseloads)
    check_totals(finished, len(finished.found) - 1)
    check_score(finished)
    check_what_was_seen(finished)
    check_refused_lines(finished, caseloads)
    check_what_people_did(finished)
    check_commands(finished)
    check_consoles(finished)
    check_the_end(finished)


@pytest.mark.slow
def test_a_caseload_with_a_forbidden_column_is_named_and_nothing_is_left(caseloads: Path, tmp_path: Path) -> None:
    folder = tmp_path / "caseloads"
    folder.mkdir()
    for code in ("GM0014", "GM0344"):
        lines = (caseloads / f"{code}.csv").read_text("utf-8-sig").splitlines()[:6]
        if code == "GM0344":
            between = ";" if ";" in lines[0] else ","
            lines = [lines[0] + between + "nationaliteit", *(line + between for line in lines[1:])]
        (folder / f"{code}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    demo = run(tmp_path, "--caseloads", folder, "--out", tmp_path / "out.csv")
    assert demo.process.returncode == 1
    assert re.search(r"GM0344 Utrecht check(?s:.*)SLUIS-102(?s:.*)nationaliteit", demo.told)
    assert "listening" not in demo.told  # it is found out before anybody could send anything
    assert "Traceback" not in demo.told
    assert not (tmp_path / "out.csv").exists()
    assert demo.left_behind() == []


@pytest.mark.slow
@pytest.mark.parametrize(("at", "number"), [("makes keys", signal.SIGTERM), ("a round begins", signal.SIGINT)])
def test_a_signal_in_the_middle_leaves_nothing(tmp_path: Path, at: str, number: signal.Signals) -> None:
    demo = start(tmp_path, ("--municipalities", "2", "--families", "60"))
    try:
        demo.wait_for(at)
        assert demo.stop(number) == 128 + number
    finally:
        demo.end()
    assert demo.left_behind() == []
    assert "Traceback" not in demo.told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--caseloads", "nowhere"), "not a folder"),
        (("--truth", "nowhere.csv", "--families", "2"), "truth can't be read"),
        (("--truth", "strange.csv", "--families", "2"), "other municipalities than"),
        (("--out", "nowhere/out.csv"), "folder for the result"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "strange.csv").write_text("gemeente_a,gezin_a,gemeente_b,gezin_b\nGM9998,a,GM9999,b\n")
    demo = run(tmp_path, *(tmp_path / one if one == "strange.csv" else one for one in arguments), timeout=30)
    assert demo.process.returncode == 1
    assert told in demo.told
    assert demo.left_behind() == []


@pytest.mark.slow
def test_the_personas_are_found(tmp_path: Path) -> None:
    folder = shared("data/brp-personas")
    demo = run(tmp_path, "--caseloads", folder, "--truth", folder / "truth.csv", "--json", timeout=600)
    assert demo.process.returncode == 0, demo.told
    score = json.loads(demo.said)["score"]
    assert score["precision"] >= 0.90
    assert score["recall"] >= 0.85
    assert demo.left_behind() == []
