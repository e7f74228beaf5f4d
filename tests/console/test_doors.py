"""Who gets in, who doesn't, and what a browser is told: headers, sessions, forms, rates, roles."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sluis_node import Node
from sluis_node.console.guard import MOST_BODY
from sluis_node.console.limits import Limit
from sluis_node.console.oidc import roles_in
from sluis_node.console.pages import ROUTES
from sluis_node.console.people import ALLOWED, Permission, Role
from sluis_node.console.serve import build
from sluis_node.console.settings import ConsoleSettings, OidcSettings
from sluis_node.node import utc_now
from sluis_protocol.errors import ConfigError

from ..coordinator.rig import Clock
from ..node.desk import CASELOADS, Desk
from ..node.handshake.rig import Two
from ..world import make_world
from .provider import settings as oidc_settings
from .rig import AGENT, LOGINS, PASSWORD, Running, hidden, running, visitor


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Running]:
    """A console without any matches."""
    async with Desk(tmp_path, CASELOADS) as desk, running(desk.nodes[0].node) as opened:
        yield opened


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with Two(tmp_path) as opened:
        yield opened


# What every answer tells the browser.


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/static/nothing.css", "/inbox"])
async def test_every_answer_has_the_headers_that_a_reviewer_expects(console: Running, path: str) -> None:
    async with visitor(console) as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


async def test_behind_https_the_cookie_is_bound_to_the_host_and_https_is_asked_for(tmp_path: Path) -> None:
    async with (
        Desk(tmp_path, CASELOADS) as desk,
        running(desk.nodes[0].node, url="https://sluis.example.nl") as console,
    ):
        inside = f"http://127.0.0.1:{console.console.settings.port}"
        headers = AGENT | {"origin": "https://sluis.example.nl", "host": "sluis.example.nl"}
        async with httpx2.AsyncClient(base_url=inside, headers=headers) as client:
            response = await client.post("/login", data={"name": "anna", "password": PASSWORD})
    cookie = response.headers["set-cookie"]
    assert re.search(r"__Host-sluis=[\w-]{43};.*HttpOnly.*SameSite=lax; Secure", cookie)
    assert "max-age=31536000" in response.headers["strict-transport-security"]


async def test_static_files_are_kept_by_browsers_and_nothing_else_is(console: Running) -> None:
    async with visitor(console) as client:
        page = await client.get("/login")
        style = re.search(r'href="(/static/sluis\.[0-9a-f]{12}\.css)"', page.text)
        assert style
        assert "immutable" in (await client.get(style[1])).headers["cache-control"]
        for path in ("/static/..%2f..%2fnode.toml", "/static/%2e%2e/settings.py", "/static/base.html"):
            assert (await client.get(path)).status_code == 404


# Requests that are none.


async def test_another_host_a_large_body_and_a_body_of_no_length_are_refused(console: Running) -> None:
    async with visitor(console) as client:
        assert (await client.get("/login", headers={"host": "evil.example"})).status_code == 421
        assert (await client.post("/login", content=b"x" * (MOST_BODY + 1))).status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            yield b"name=anna"

        assert (await client.post("/login", content=endless())).status_code == 413


async def test_who_asks_too_often_waits(console: Running) -> None:
    async with visitor(console) as client:
        answers = [await client.post("/login", data={"name": "anna", "password": "guess"}) for _ in range(12)]
        assert [one.status_code for one in answers[:10]] == [401] * 10
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0
        # The right password doesn't help either, until the minute is over.
        assert (await client.post("/login", data={"name": "anna", "password": PASSWORD})).status_code == 429


async def test_a_flood_is_answered_briefly(console: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)  # a slow machine would not make it a flood
    monkeypatch.setattr(Limit, "wait", lambda limit, key, _, wait=Limit.wait: wait(limit, key, now))
    async with visitor(console) as client:
        answers = await asyncio.gather(*(client.get("/login") for _ in range(400)))
        refused = [one for one in answers if one.status_code == 429]
        assert refused
        assert all(len(one.content) < 200 for one in refused)


# Sessions.


@asynccontextmanager
async def timed(folder: Path) -> AsyncIterator[tuple[Running, Clock]]:
    clock = Clock()
    async with Desk(folder, CASELOADS) as desk, running(desk.nodes[0].node, clock=clock) as console:
        yield console, clock


async def test_a_session_ends_by_itself_when_nobody_does_anything(tmp_path: Path) -> None:
    async with timed(tmp_path) as (console, clock), visitor(console, "anna") as client:
        for _ in range(3):
            clock.ahead += timedelta(minutes=19)
            assert (await client.get("/inbox")).status_code == 200
        clock.ahead += timedelta(minutes=20)
        ended = await client.get("/inbox")
        assert ended.headers["location"] == "/login?ended"
        assert "sluis=" in ended.headers["set-cookie"]


async def test_a_session_ends_after_a_day_s_work_whatever_is_done(tmp_path: Path) -> None:
    async with timed(tmp_path) as (console, clock), visitor(console, "anna") as client:
        for _ in range(7 * 4):
            clock.ahead += timedelta(minutes=15)
            assert (await client.get("/inbox")).status_code == 200
        clock.ahead += timedelta(minutes=61)
        assert (await client.get("/inbox")).status_code == 303


async def test_what_the_script_asks_for_by_itself_keeps_no_session_alive(tmp_path: Path) -> None:
    async with timed(tmp_path) as (console, clock), visitor(console, "anna") as client:
        for _ in range(3):
            clock.ahead += timedelta(minutes=9)
            await client.get("/inbox", headers={"x-by-itself": "1"})
        assert (await client.get("/inbox")).status_code == 303


async def test_a_stolen_session_is_worth_nothing_elsewhere_and_ends(console: Running) -> None:
    async with visitor(console, "anna") as client:
        token = client.cookies["sluis"]
        stolen = {"cookie": f"sluis={token}", "user-agent": "Another browser"}
        async with httpx2.AsyncClient(base_url=console.address, headers=stolen) as thief:
            assert (await thief.get("/inbox")).status_code == 303
        # Nobody can tell who of the two is the thief: both log in again.
        assert (await client.get("/inbox")).status_code == 303


async def test_logging_out_ends_the_session_at_the_server(console: Running) -> None:
    async with visitor(console, "anna") as client:
        token = client.cookies["sluis"]
        assert (await client.post("/logout")).status_code == 303
        again = await client.get("/inbox", headers={"cookie": f"sluis={token}"})
        assert again.status_code == 303
    assert len(console.console.sessions) == 0


async def test_a_token_that_was_known_before_logging_in_is_worth_nothing_after(console: Running) -> None:
    async with visitor(console) as client:
        client.cookies.set("sluis", "a-token-that-somebody-chose", domain="127.0.0.1")
        await client.post("/login", data={"name": "anna", "password": PASSWORD})
        cookies = [cookie.value for cookie in client.cookies.jar if cookie.name == "sluis"]
        assert any(value != "a-token-that-somebody-chose" for value in cookies)
    known = {"cookie": "sluis=a-token-that-somebody-chose"}
    async with httpx2.AsyncClient(base_url=console.address, headers=AGENT | known) as other:
        assert (await other.get("/inbox")).status_code == 303


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a?b=c"])
async def test_logging_in_leads_to_our_own_pages_only(console: Running, path: str) -> None:
    async with visitor(console) as client:
        client.cookies.set("next", path, domain="127.0.0.1")
        response = await client.post("/login", data={"name": "anna", "password": PASSWORD})
        assert response.headers["location"] == "/"
        switched = await client.post("/language", data={"language": "en", "path": path})
        assert switched.headers["location"] in ("/", "/a?b=c")


async def test_live_updates_end_with_the_session(console: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluis_node.console.pages.live.EVERY", 0.01)
    async with visitor(console, "anna", timeout=10) as client, client.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        said = ""
        async for part in stream.aiter_text():
            said += part
            if "event: state" in said:
                console.console.sessions.end_all("demo:anna")
        assert said.rstrip().endswith("event: end\ndata:")


# Forms.


async def test_a_form_from_elsewhere_or_without_its_token_does_nothing(two: Two) -> None:
    """CSRF: the page that it comes from, the session's token, and the session of whoever filled it in."""
    async with running(two.a.node, clock=two.clock) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        fields = hidden(await anna.get(path)) | {"answer": "yes"}
        async with visitor(console, "bilal") as bilal:
            assert (await bilal.post(path, data=fields)).status_code == 403
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"origin": ""}):
            assert (await anna.post(path, data=fields, headers=headers)).status_code == 403
        for change in ({"token": "0" * 64}, {"token": ""}, {"form": "another"}):
            assert (await anna.post(path, data=fields | change)).status_code == 403
        assert (await anna.post(path, content=b"{}", headers={"content-type": "application/json"})).status_code == 403
        assert not two.a.case().review.opinions
        assert (await anna.post(path, data=fields)).status_code == 303
        assert len(two.a.case().review.opinions) == 1


async def test_a_form_that_is_posted_twice_is_done_once(two: Two) -> None:
    """Also at the same moment, and also where doing it twice would be two different acts."""
    async with running(two.a.node, clock=two.clock) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        fields = hidden(await anna.get(path)) | {"answer": "yes"}
        answers = await asyncio.gather(*(anna.post(path, data=fields) for _ in range(4)))
        assert {one.status_code for one in answers} == {303}
        assert len({one.headers["location"] for one in answers}) == 1
        assert len(two.a.case().review.opinions) == 1
        assert len(two.a.case().history) == 2
        assert "Dit was al gedaan" in (await anna.get(f"/match/{two.a.match}")).text


async def test_a_form_with_a_mistake_can_be_sent_again(two: Two) -> None:
    async with running(two.a.node, clock=two.clock) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        wrong = await anna.post(path, data=hidden(await anna.get(path)) | {"answer": "no"})
        assert wrong.status_code == 422
        assert "Kies een reden." in wrong.text
        right = hidden(wrong) | {"answer": "no", "reason": "no-need"}
        assert (await anna.post(path, data=right)).status_code == 303


async def test_a_mistake_that_is_posted_twice_at_once_is_a_mistake_twice(two: Two) -> None:
    async with running(two.a.node, clock=two.clock) as console, visitor(console, "anna") as anna:
        path = f"/match/{two.a.match}/decide"
        wrong = hidden(await anna.get(path)) | {"answer": "no"}
        answers = await asyncio.gather(*(anna.post(path, data=wrong) for _ in range(3)))
        assert [one.status_code for one in answers] == [422] * 3


async def test_methods_that_a_page_doesn_t_know_are_refused(two: Two) -> None:
    async with running(two.a.node) as console, visitor(console, "anna") as anna:
        for path in (f"/match/{two.a.match}/reconsider", f"/approach/{two.a.match}/sign"):
            assert (await anna.get(path)).status_code == 405
        assert (await anna.post("/inbox")).status_code == 405
        assert (await anna.delete("/inbox")).status_code == 405


# Roles.

COLLEAGUES = {Role.COORDINATOR: "anna", Role.REVIEWER: "bilal", Role.PRIVACY: "carla", Role.ADMIN: "dirk"}


@pytest.mark.parametrize("role", Role)
async def test_a_role_sees_its_own_pages_and_no_others(two: Two, role: Role) -> None:
    """Every page of the table, for every role; the privacy officer and the administrator see no case."""
    async with running(two.a.node, clock=two.clock) as console, visitor(console, COLLEAGUES[role]) as client:
        for route in ROUTES:
            if route.path == "/live":
                continue
            path = route.path.replace("{match}", two.a.match)
            allowed = route.permission is None or route.permission in ALLOWED[role]
            if route.show is not None:
                status = (await client.get(path)).status_code
                assert (status == 403) is not allowed, path
                assert status < 500
            if route.submit is not None:
                # Without the permission a form isn't even read: 403 whatever is in it.
                refused = await client.post(path, data={"form": "x", "token": "y"})
                assert refused.status_code == 403
                assert ("Dit formulier" in refused.text) is allowed


def test_who_reads_logs_sees_no_cases_and_who_keeps_the_console_neither() -> None:
    for role in (Role.PRIVACY, Role.ADMIN):
        assert not ALLOWED[role] & {Permission.CASES, Permission.DECIDE, Permission.APPROACH}
    assert Permission.APPROACH not in ALLOWED[Role.REVIEWER]
    assert Permission.LOG not in ALLOWED[Role.ADMIN]


async def test_nobody_without_a_session_sees_any_page(two: Two) -> None:
    async with running(two.a.node) as console, visitor(console) as client:
        for route in ROUTES:
            path = route.path.replace("{match}", two.a.match)
            for method in route.methods:
                response = await client.request(method, path)
                if method == "GET" or response.status_code != 413:
                    assert response.status_code == 303, path
                    assert response.headers["location"].startswith("/login")


# What may be configured.


@pytest.mark.parametrize(
    "settings",
    [
        {"listen": "0.0.0.0:8080", "local": LOGINS, "url": "https://sluis.example.nl"},
        {"url": "http://sluis.example.nl"},
        {"url": "https://sluis.example.nl/below"},
        {"oidc": {"issuer": "http://login.example.nl", "client_id": "a", "client_secret": "b"}},
        {"idle_minutes": 0},
        {"session_hours": 24},
        {"theme_class": "a b"},
    ],
    ids=["demo logins for others", "no https", "a path", "a provider without https", "no end", "a day", "two classes"],
)
def test_settings_that_would_be_unsafe_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ConsoleSettings.model_validate(settings)


async def test_demo_logins_are_refused_where_cases_are_real(tmp_path: Path) -> None:
    world = make_world()
    async with Desk(tmp_path, CASELOADS, world) as desk:
        node = desk.nodes[0].node
        with pytest.raises(ConfigError, match="nobody can log in"):
            build(node, ConsoleSettings(), clock=utc_now)
        real = type("Real", (Node,), {"about": lambda self: _real(node)})
        with pytest.raises(ConfigError, match="not for real cases"):
            build(object.__new__(real), ConsoleSettings.model_validate({"local": LOGINS}), clock=utc_now)


def _real(node: Node) -> Any:
    return replace(node.about(), mode="production")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"realm_access": {"roles": ["sluis-reviewer", "x"]}}, {Role.REVIEWER}),
        ({"realm_access.roles": ["sluis-reviewer"]}, {Role.REVIEWER}),
        ({"realm_access": {"roles": "sluis-coordinator"}}, {Role.COORDINATOR}),
        ({"realm_access": ["sluis-reviewer"]}, set()),
        ({"realm_access": {"roles": [{"a": 1}, 7, None]}}, set()),
        ({}, set()),
    ],
)
def test_roles_are_read_wherever_the_provider_has_them(
    tmp_path: Path, claims: dict[str, Any], expected: set[Role]
) -> None:
    assert roles_in(claims, OidcSettings.model_validate(oidc_settings(tmp_path, "https://login.example"))) == expected
