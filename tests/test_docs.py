"""The documents say what is so: commands, options, settings, tables, states, log lines and links in them exist.

The walk-through of docs/deploy.md runs as it stands, with real processes on loopback, among the longer trials.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sluis_board.cli
import sluis_coordinator.cli
import sluis_covenant.cli
import sluis_demo.cli
import sluis_node.cli
import typer.main
from sluis_coordinator.config import CoordinatorSettings
from sluis_coordinator.schema import metadata as coordinator_tables
from sluis_node.config import NodeSettings
from sluis_node.handshake.model import Phase
from sluis_node.keyholder.config import KeyHolderSettings
from sluis_node.keyholder.tables import metadata as keyholder_tables
from sluis_node.round.ledger import ClaimState
from sluis_node.round.own_round import RoundState
from sluis_node.tables import metadata as node_tables
from sluis_protocol import board, handshake, periods, rounds
from sqlalchemy import MetaData

from tests.shared import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(path for folder in (ROOT, DOCS, DOCS / "adr", ROOT / "deploy") for path in folder.glob("*.md"))
PROGRAMS = {
    "sluis-node": sluis_node.cli.app,
    "sluis-coordinator": sluis_coordinator.cli.app,
    "sluis-covenant": sluis_covenant.cli.app,
    "sluis-board": sluis_board.cli.app,
    "sluis-demo": sluis_demo.cli.app,
}
MERMAID = re.compile(r"^```mermaid\n(.*?)^```", re.M | re.S)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def section(page: str, title: str) -> str:
    """What stands under a heading of that name, up to the next one of its level or above."""
    text = (DOCS / page).read_text("utf-8")
    found = re.search(rf"^(#+) {re.escape(title)}$(.*?)(?=^#{{1,6}} |\Z)", text, re.M | re.S)
    assert found, f"{page} has no section {title}"
    level = len(found[1])
    whole = re.search(rf"^{found[1]} {re.escape(title)}$(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S)
    assert whole
    return whole[1]


# Commands.


def commands(text: str) -> Iterator[list[str]]:
    """Every call of one of our programs, in fenced blocks and in the running text."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language not in ("", "sh"):
            continue
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            if found := re.search(rf"(?:^\s*|\$\(|until |/bin/)((?:{'|'.join(PROGRAMS)})(?=\s|$).*)", line):
                yield cut(found[1])
    for inline in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        if inline.split()[0] in PROGRAMS:
            yield cut(inline)


def cut(command: str) -> list[str]:
    """The words of a command, up to what the shell makes of the rest."""
    words = []
    for word in shlex.split(command.replace("$(", "").replace(")", ""), comments=True):
        if re.match(r"[|>&;]|2>", word):
            break
        words.append(word.rstrip(";"))
        if word.endswith(";"):
            break
    return words


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_command_and_option_exists(path: Path) -> None:
    for words in commands(path.read_text("utf-8")):
        command = typer.main.get_command(PROGRAMS[words[0]])
        rest = words[1:]
        while rest and (below := getattr(command, "commands", {})):
            if rest[0] in ("--help", "…", "...") or "|" in rest:
                break
            assert rest[0] in below, f"{' '.join(words)}: there is no {rest[0]}"
            command = below[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for word in rest:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"{' '.join(words)}: there is no {word}"


# Links.


def anchors(text: str) -> set[str]:
    """The names that a heading can be linked by, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_relative_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), f"{target} names no heading"


def test_the_index_lists_every_page() -> None:
    listed = (DOCS / "README.md").read_text("utf-8")
    for path in DOCS.glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in listed, path.name
    decisions = (DOCS / "adr" / "README.md").read_text("utf-8")
    for path in (DOCS / "adr").glob("0*.md"):
        title = path.read_text("utf-8").splitlines()[0].removeprefix("# ")
        number, _, rest = title.partition(" ")
        assert f"| [{number}]({path.name}) | {rest} |" in decisions


# States.


def drawn(diagram: str) -> set[str]:
    return {
        state
        for line in diagram.splitlines()
        for state in re.findall(r"^\s+(\w+) -->|--> (\w+)", line)
        for state in state
        if state
    }


def test_the_diagram_of_rounds_is_the_generated_one() -> None:
    assert rounds.diagram() in MERMAID.findall((DOCS / "protocol.md").read_text("utf-8"))
    table = section("data-model.md", "A round, as the coordinator knows it")
    for state in rounds.STATES.values():
        assert f"| {state.name} | {state.next_actor} |" in table


def test_the_diagram_of_periods_is_the_generated_one() -> None:
    text = (DOCS / "protocol.md").read_text("utf-8")
    assert periods.diagram() in MERMAID.findall(text)
    for state in periods.STATES.values():
        assert f"| {state.name} | {state.next_actor} |" in text


def test_the_diagram_of_handshakes_is_the_generated_one() -> None:
    text = (DOCS / "protocol.md").read_text("utf-8")
    assert handshake.diagram() in MERMAID.findall(text)
    for kind in handshake.STATES:
        row = re.search(rf"^\| ([\w, ]*\b{kind.name}\b[\w, ]*) \|[^|]*\| {re.escape(kind.next_actor)} \|", text, re.M)
        assert row, kind.name


@pytest.mark.parametrize(
    ("title", "states"),
    [
        ("A round, as a node knows it", set(RoundState)),
        ("A claim, from candidate to match", set(ClaimState)),
        ("A match, as a municipality sees it", set(Phase)),
        ("The key ceremony", {kind.__name__.lower() for kind in board.State.__args__}),
    ],
)
def test_diagrams_show_all_states_and_who_must_act(title: str, states: set[str]) -> None:
    text = section("data-model.md", title)
    assert drawn(MERMAID.findall(text)[0]) == states
    acting = {state for row in re.findall(r"^\| ([\w, ]+) \|", text, re.M) for state in row.split(", ")} - {"state"}
    assert acting == states


@pytest.mark.parametrize(
    ("title", "metadata"),
    [
        ("The node's database", node_tables),
        ("The coordinator's database and files", coordinator_tables),
        ("The key holder's database", keyholder_tables),
    ],
)
def test_every_table_is_told_of(title: str, metadata: MetaData) -> None:
    text = section("data-model.md", title)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(metadata.tables)
    for entity in re.findall(r"^\s+(\w+) [|}o]+--[|{o]+ (\w+) :", text, re.M):
        assert set(entity) <= set(metadata.tables)


# Settings, log lines, versions.


def test_every_setting_is_explained() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", section("deploy.md", "Settings"), re.M))
    there = {name for kind in (NodeSettings, KeyHolderSettings, CoordinatorSettings) for name in kind.model_fields}
    assert listed == there


def test_alarms_are_about_what_is_logged() -> None:
    source = "".join(
        path.read_text("utf-8") for part in ("node", "coordinator", "runtime") for path in (ROOT / part).rglob("*.py")
    )
    rows = re.findall(r"^\| (?:node|key holder|coordinator)[^|]*\| ([^|]*) \|", section("deploy.md", "Alarms"), re.M)
    events = {event for row in rows for event in re.findall(r"`([^`]+)`", row)}
    assert len(events) > 10
    for event in events:
        assert re.search(rf'log\.\w+\(\s*"{re.escape(event)}"', source), f"nobody logs {event!r}"


def test_versions_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"softwareVersion: {version}" in (ROOT / "publiccode.yml").read_text("utf-8")
    assert f"Version {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# The walk-through.


@pytest.mark.slow
def test_the_walk_through_runs_as_it_stands(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / "deploy.md").read_text("utf-8"), re.M | re.S)
    assert len(blocks) > 10
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "set -euo pipefail\n" + "\n".join(blocks).replace("7443", str(port))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (tmp_path / "said").open("wb") as said:
        walk = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        walk.wait(240)
    finally:
        os.killpg(walk.pid, signal.SIGKILL)
    told = (tmp_path / "said").read_text("utf-8")
    assert walk.returncode == 0, told[-3000:]
    assert re.search(r"G1 .* Utrecht \(GM0344\) .* bsn ", told)
    assert re.search(r"U7 .* Groningen \(GM0014\) .* bsn ", told)
    assert "finished: all holders accepted" in told
    assert told.rstrip().splitlines()[-1].startswith("rehearsal version 2")
