"""The demo's consoles: settings that the node takes, two names for one machine, and no waiting for one that ended."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from sluis_demo.consoles import LOGINS, open_consoles
from sluis_demo.processes import Programs
from sluis_demo.world import Node
from sluis_node.console.people import Role
from sluis_node.console.settings import ConsoleSettings
from sluis_protocol.errors import ProgramFailed

from tests.demo.small import laid_out

# What the demo needs of a console: it says so, and takes connections where its configuration has it listen.
CONSOLE = """
import socket, sys, time, tomllib
from pathlib import Path
own = tomllib.loads(Path(sys.argv[-1]).read_text())["console"]
host, _, port = own["listen"].rpartition(":")
print('{"event": "console"}', flush=True)
time.sleep(0.2)
with socket.create_server((host, int(port))) as server:
    while True:
        server.accept()[0].close()
"""


def towns(folder: Path, script: str) -> list[Node]:
    (folder / "console.py").write_text(script)
    program = (sys.executable, str(folder / "console.py"))
    return [replace(node, program=program) for node in laid_out(folder).nodes[:2]]


async def test_two_consoles_answer_with_settings_that_a_node_takes(tmp_path: Path) -> None:
    async with Programs(tmp_path / "logs", tmp_path / "tmp") as programs:
        password, consoles = await open_consoles(towns(tmp_path, CONSOLE), programs)
    hosts = {one.address.split(":")[1] for one in consoles}
    assert len(hosts) == 2  # a browser's cookies don't know ports: under one name, it would be logged in at one only
    for one in consoles:
        settings = ConsoleSettings.model_validate(tomllib.loads(one.node.config.read_text())["console"])
        assert settings.address == one.address
        assert settings.loopback
        assert {role for login in settings.local.values() for role in login.roles} == set(Role)
        assert [settings.local[login].name for login, *_ in LOGINS] == [name for _, name, *_ in LOGINS]
        assert {login.password for login in settings.local.values()} == {password}
        assert json.dumps(password) in one.node.config.read_text()


async def test_each_demo_has_a_password_of_its_own(tmp_path: Path) -> None:
    passwords = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        async with Programs(folder / "logs", folder / "tmp") as programs:
            passwords.add((await open_consoles(towns(folder, CONSOLE), programs))[0])
    assert len(passwords) == 2


@pytest.mark.parametrize("told", ["", 'print(\'{"event": "console"}\')'])
async def test_a_console_that_ends_is_told_with_its_last_lines(tmp_path: Path, told: str) -> None:
    async with Programs(tmp_path / "logs", tmp_path / "tmp") as programs:
        with pytest.raises(ProgramFailed, match=r"console (?s:.*)the port is taken"):
            await open_consoles(towns(tmp_path, f"{told}\nraise SystemExit('the port is taken')"), programs)
