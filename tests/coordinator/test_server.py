"""The server's own life: health, drain, errors that are bugs, its schema; and the command line."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sluis_coordinator.cli import app
from sluis_coordinator.coordinator import open_coordinator
from sluis_coordinator.schema import metadata
from sluis_coordinator.server import Server, ask_health
from sluis_protocol.card import Card, Role
from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import ConfigError, CovenantError, Unreachable
from sluis_protocol.messages import Acknowledgement, CovenantNote, Delivery, Empty, ReceiveRequest, SubmissionPart
from sluis_protocol.signed import Kind, SignedMessage
from sluis_protocol.submission import pack
from sluis_protocol.wire.methods import ACKNOWLEDGE, GET_COVENANT, RECEIVE, SUBMIT
from sluis_runtime.database import transaction

from ..world import AUTHORITY, COORDINATOR, PURPOSE, member_oin
from .rig import DEADLINE, ProcessRig, Rig, eventually, person


async def test_health_and_drain(tmp_path: Path) -> None:
    """While it stops, it says so, refuses new calls, ends mail streams, and lets a running submission finish."""
    async with Rig(tmp_path) as rig:
        await rig.open_round()
        one, two = await rig.members(1, 2)
        address = f"127.0.0.1:{rig.port}"
        assert await ask_health(address, one.tls)
        rows = [person(1, 1)]
        draining = asyncio.Event()

        async def parts() -> AsyncIterator[SubmissionPart]:
            yield SubmissionPart(one.sign(Kind.MANIFEST, one.manifest(rows)))
            await eventually(lambda: rig.files() != [])
            rig.server.stop()
            while await ask_health(address, one.tls):
                pass
            with pytest.raises(Unreachable, match="stopping"):
                await two.call(GET_COVENANT, Empty(), CovenantNote)
            draining.set()
            yield SubmissionPart(pack(rows))

        async def mail() -> list[Delivery]:
            return [each async for each in two.channel.stream(RECEIVE, ReceiveRequest(""), Delivery, timeout=DEADLINE)]

        receiving = asyncio.create_task(mail())
        assert await one.channel.upload(SUBMIT, parts(), SignedMessage, timeout=DEADLINE)
        assert draining.is_set()
        with pytest.raises(Unreachable, match="stopping"):
            await receiving
        await rig._serving
        await rig.start()
        assert len(rig.files()) == 1


async def test_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its text, which might hold anything, is neither logged nor answered."""
    async with Rig(tmp_path) as rig:
        [one] = await rig.members(1)

        def broken(self: object, *_: object) -> None:
            raise ValueError("123456782")

        monkeypatch.setattr("sluis_coordinator.outbox.Outbox._acknowledge", broken)
        with pytest.raises(Unreachable, match="INTERNAL"):
            await one.call(ACKNOWLEDGE, Acknowledgement((1,)), Empty)
    output = capsys.readouterr()
    assert "outbox.py" in output.out + output.err
    assert "123456782" not in output.out + output.err


async def test_what_it_can_not_start_with(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    tls = rig.pki.issue(member_oin(1), tmp_path / "other")
    async with rig:
        with pytest.raises(ConfigError, match="another OIN"):
            await rig.server.start("127.0.0.1:0", tls)
        with pytest.raises(ConfigError, match="can't listen"):
            await Server(rig.coordinator).start(f"127.0.0.1:{rig.port}", rig.settings.tls)


async def test_two_servers_on_one_folder(tmp_path: Path) -> None:
    async with ProcessRig(tmp_path) as rig:
        second = await asyncio.to_thread(program, "serve", "--config", rig.config)
        assert (second.status, "another process serves" in second.err) == (1, True)


async def test_a_covenant_that_the_server_has_not_read(tmp_path: Path) -> None:
    """A command must not announce a round under a version that the running server doesn't know."""
    async with Rig(tmp_path) as rig:
        terms = rig.world.covenant.terms.model_copy(update={"version": 2})
        rig.settings.covenant.write_text(Covenant.sign(terms, AUTHORITY, rig.world.authority_key).note)
        with pytest.raises(CovenantError, match="not taken over"):
            open_coordinator(rig.settings, rig.clock, os.urandom, adopt=False)
        await rig.stop()
        await rig.start()
        open_coordinator(rig.settings, rig.clock, os.urandom, adopt=False)


async def test_an_expired_certificate(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.clock.ahead = timedelta(days=3_650)
        with pytest.raises(ConfigError, match="certificate is valid from"):
            await Server(rig.coordinator).start("127.0.0.1:0", rig.settings.tls)
        rig.clock.ahead = timedelta()


async def test_the_migrations_make_the_schema(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        with transaction(rig.coordinator.engine) as connection:
            differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


class Said(NamedTuple):
    """What the program printed, and its exit status."""

    status: object
    out: str
    err: str


def program(*arguments: object) -> Said:
    """The command line, in this process, because starting one takes seconds."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err, pytest.raises(SystemExit) as ended:
        app([str(each) for each in arguments])
    return Said(ended.value.code or 0, out.getvalue(), err.getvalue())


def test_init(tmp_path: Path) -> None:
    arguments = ("init", tmp_path / "c", "--oin", COORDINATOR, "--name", "Operator", "--listen", "127.0.0.1:7443")
    for _ in range(2):  # again changes nothing
        assert program(*arguments).status == 0
    card = Card.parse((tmp_path / "c" / "card.json").read_text())
    assert (card.role, card.oin) == (Role.COORDINATOR, COORDINATOR)
    assert (tmp_path / "c" / "signing.pem").stat().st_mode & 0o077 == 0
    refused = program("serve", "--config", tmp_path / "c" / "coordinator.toml")
    assert refused.status == 1
    assert "SLUIS-103: no covenant authority is pinned" in refused.err
    assert "SLUIS-103" in program("serve", "--config", tmp_path / "none.toml").err
    assert program(*arguments[:-1], "nowhere").status == 1


async def test_command_line(tmp_path: Path) -> None:
    async with ProcessRig(tmp_path) as rig:

        async def say(*arguments: object) -> Said:
            return await asyncio.to_thread(program, *arguments, "--config", rig.config)

        assert (await say("health", "--address", f"127.0.0.1:{rig.port}")).out.strip() == "serving"
        rig.round_id = (await say("rounds", "announce", "--purpose", PURPOSE, "--collect", "60")).out.strip()
        await rig.until("collecting")
        listed: list[dict[str, Any]] = json.loads((await say("rounds", "list", "--json")).out)
        assert [(each["round"], each["state"]) for each in listed] == [(rig.round_id, "collecting")]
        [one] = await rig.members(1)
        await one.submit([person(1, 1)])
        assert "joining" in (await say("rounds", "close", rig.round_id)).out
        [delivery] = await one.receive(1)  # the running server noticed
        assert delivery.round_id == rig.round_id
        shown = json.loads((await say("rounds", "show", rig.round_id, "--json")).out)
        assert (shown["state"], shown["participants"]) == ("purged", {one.oin: 1})
        refused = await say("rounds", "close", rig.round_id)
        assert (refused.status, "SLUIS-501" in refused.err) == (1, True)
        await rig.stop()
        assert rig.process.returncode == 0
        assert (await say("health", "--address", f"127.0.0.1:{rig.port}")).status == 1
