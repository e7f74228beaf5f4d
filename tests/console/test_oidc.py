"""Logging in at the municipality's identity provider: by the book with a certified one, and against one that lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect
from sluis_node.console.people import Role

from ..node.desk import CASELOADS, Desk
from .provider import certified, lying, settings
from .rig import DESKTOP, Running, free_port, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def go_and_log_in(page: Page, console: Running, who: str) -> None:
    await page.goto(f"{console.address}/rounds")
    await page.locator("main a.utrecht-button").click()
    await page.get_by_label("who").fill(who)
    await page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("roles_in", ["id_token", "userinfo"])
async def test_people_log_in_by_a_certified_provider(tmp_path: Path, chromium: Browser, roles_in: str) -> None:
    port = free_port()
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        certified(f"http://127.0.0.1:{port}", roles_in=roles_in) as issuer,
        running(desk.nodes[0].node, port=port, oidc=settings(tmp_path, issuer)) as console,
    ):
        page = await chromium.new_page(viewport=DESKTOP)
        await go_and_log_in(page, console, "anna")
        await expect(page).to_have_url(f"{console.address}/rounds")
        (session,) = (one for one in console.console.sessions.all() if one.person)
        assert session.person is not None
        assert (session.person.id, session.person.name) == ("anna", "Anna de Boer")
        assert session.person.roles == {Role.COORDINATOR}
        # Logging out ends it here and there: the next visit asks who it is.
        await page.locator("form[action='/logout'] button").click()
        await page.get_by_role("button").first.click()
        await expect(page.locator("[data-why='out']")).to_be_visible()
        assert len(console.console.sessions) == 0


@pytest.mark.parametrize(("who", "why"), [("zonder", "no-role"), ("zwak", "weak"), ("nobody", "denied")])
async def test_who_may_not_in_is_told_why(tmp_path: Path, chromium: Browser, who: str, why: str) -> None:
    port = free_port()
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        certified(f"http://127.0.0.1:{port}") as issuer,
        running(desk.nodes[0].node, port=port, oidc=settings(tmp_path, issuer)) as console,
    ):
        page = await chromium.new_page(viewport=DESKTOP)
        await go_and_log_in(page, console, who)
        await expect(page.locator(f"[data-why='{why}']")).to_be_visible()
        assert len(console.console.sessions) == 0


LIES: list[dict[str, Any]] = [
    {"claims": {"iss": "http://127.0.0.1:1"}},
    {"claims": {"aud": "somebody-else"}},
    {"claims": {"aud": ["somebody-else", "another"], "azp": "sluis"}},
    {"claims": {"nonce": "of another login"}},
    {"claims": {"nonce": None}},
    {"claims": {"exp": 1}},
    {"claims": {"sub": None}},
    {"signing": "HS256"},
    {"signing": "other"},
    {"answer": {"iss": "http://127.0.0.1:1"}},
    {"answer": {"iss": ""}},
    {"answer": {"state": "guessed"}},
    {"claims": {"realm_access": None}, "told": {"sub": "bilal", "realm_access": {"roles": ["sluis-coordinator"]}}},
]


async def log_in_by_hand(client: httpx2.AsyncClient, console: Running) -> httpx2.Response:
    """As a browser would, without following the last redirection."""
    away = await client.get(f"{console.address}/login/start")
    back = await client.get(away.headers["location"])
    return await client.get(back.headers["location"])


async def test_an_honest_provider_is_believed_and_its_answer_once(tmp_path: Path) -> None:
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        lying() as liar,
        running(desk.nodes[0].node, oidc=settings(tmp_path, liar.issuer)) as console,
        httpx2.AsyncClient() as client,
    ):
        away = await client.get(f"{console.address}/login/start")
        assert "code_challenge_method=S256" in away.headers["location"]
        assert "acr_values=urn" in away.headers["location"]
        before = client.cookies["sluis"]
        back = await client.get(away.headers["location"])
        assert (await client.get(back.headers["location"])).status_code == 303
        assert client.cookies["sluis"] != before  # a session that was known before is worth nothing
        again = await client.get(back.headers["location"])
        assert again.status_code == 403
        # Somebody else's browser can't use the answer either.
        async with httpx2.AsyncClient() as other:
            assert (await other.get(back.headers["location"])).status_code == 403


@pytest.mark.parametrize("lie", LIES, ids=[str(next(iter(lie.items()))) for lie in LIES])
async def test_a_provider_that_lies_lets_nobody_in(tmp_path: Path, lie: dict[str, Any]) -> None:
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        lying() as liar,
        running(desk.nodes[0].node, oidc=settings(tmp_path, liar.issuer)) as console,
        httpx2.AsyncClient() as client,
    ):
        for name, value in lie.items():
            setattr(liar, name, value)
        response = await log_in_by_hand(client, console)
        assert response.status_code == 403
        assert len(console.console.sessions) == 0


async def test_a_provider_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        running(desk.nodes[0].node, oidc=settings(tmp_path, away)) as console,
        httpx2.AsyncClient() as client,
    ):
        response = await client.get(f"{console.address}/login/start")
        assert response.status_code == 503
        assert 'data-why="unreachable"' in response.text
