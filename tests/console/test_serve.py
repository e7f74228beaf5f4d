"""`sluis-node console` as a process, over TLS of its own, with a theme, behind a proxy; and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sluis_node.handshake.model import Phase

from ..node.handshake.rig import Two
from .rig import AGENT, PASSWORD, free_port

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).parent / "sluis-node"
DEMO = f"""
[console.local.anna]
name = "Anna de Boer"
password = "{PASSWORD}"
roles = ["coordinator"]
"""


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def started(config: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program, once it answers."""
    process = await asyncio.create_subprocess_exec(PROGRAM, "console", "--config", config, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    if process.returncode is not None:
                        break
                    await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_serves_over_tls_carries_mail_and_ends_on_a_signal(two: Two) -> None:
    folder, port = two.municipalities[0].config.parent, free_port()
    with two.municipalities[0].config.open("a") as file:
        file.write(
            f'[console]\nlisten = "127.0.0.1:{port}"\nurl = "https://localhost:{port}"\nfetch_seconds = 1\n'
            f'theme = "theme.css"\ntheme_class = "our-theme"\n'
            f'tls = {{certificate = "tls/certificate.pem", key = "tls/key.pem"}}\n' + DEMO
        )
    (folder / "theme.css").write_text(".our-theme { --utrecht-link-color: #123456; }\n")
    async with (
        started(two.municipalities[0].config, port) as process,
        httpx2.AsyncClient(base_url=f"https://localhost:{port}", verify=False, headers=AGENT) as client,
    ):
        page = await client.get("/login")
        assert 'class="utrecht-document sluis-theme our-theme"' in page.text
        assert "/static/theme." in page.text
        logged_in = await client.post(
            "/login", data={"name": "anna", "password": PASSWORD}, headers={"origin": f"https://localhost:{port}"}
        )
        assert logged_in.status_code == 303
        assert logged_in.headers["set-cookie"].count("__Host-sluis") == 1
        async with client.stream("GET", "/live") as live:
            # It carries what this node decides, without anybody asking for it.
            async with asyncio.timeout(30):
                two.a.say()
                two.b.say()
                await two.b.receive()
                while two.a.phase is not Phase.AGREED:  # noqa: ASYNC110 (it changes in another process)
                    await asyncio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert "event: end" in "".join([part async for part in live.aiter_text()])
        assert await asyncio.wait_for(process.wait(), 20) in (0, -signal.SIGTERM)
    assert process.stderr
    said = (await process.stderr.read()).decode()
    assert "Traceback" not in said
    assert "A1" not in said
    assert "Anna" not in said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", "nobody can log in"),
        ('[console]\ntheme = "nowhere.css"\n' + DEMO, "theme can't be read"),
        ('[console.oidc]\nissuer = "https://a.example"\nclient_id = "a"\nclient_secret = "nowhere"\n', "client secret"),
        ('[console]\nlisten = "nonsense"\n' + DEMO, "console.listen"),
    ],
)
async def test_what_is_wrong_with_the_settings_is_said(two: Two, settings: str, told: str) -> None:
    with two.municipalities[0].config.open("a") as file:
        file.write(settings)
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "console", "--config", two.municipalities[0].config, stdout=PIPE, stderr=PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert told in " ".join(said.decode().split())
    assert "Traceback" not in said.decode()
