"""Notices as signed CloudEvents, to a real HTTP server: what is in them, who signed them, and what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from sluis_node.notify import DeliveryState, Notice, NoticeKind, NotifySettings
from sluis_runtime.keyfiles import write_secret

from .rig import OIN, Hook, Office, web_server

MATCH = Notice(NoticeKind.MATCH_FOUND, about="0123456789abcdef")


def settings(url: str, **more: Any) -> NotifySettings:
    hook = {"name": "case-system", "url": url, "audiences": ["coordinators", "board"]} | more
    return NotifySettings.model_validate({"console": "https://console.example.org", "webhooks": [hook]})


def base_by_the_book(url: str, headers: dict[str, str]) -> bytes:
    """RFC 9421, 2.5, as a receiver puts it together from what it got."""
    found = re.fullmatch(r"sluis=(\((.*)\);.*)", headers["signature-input"])
    assert found
    values = {"@method": "POST", "@target-uri": url, **headers}
    names = [name.strip('"') for name in found[2].split()]
    assert names == ["@method", "@target-uri", "content-type", "content-digest"]
    return "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {found[1]}']).encode()


def signature(headers: dict[str, str]) -> bytes:
    found = re.fullmatch(r"sluis=:(.*):", headers["signature"])
    assert found
    return base64.b64decode(found[1])


async def test_an_event_has_the_attributes_of_the_profile_and_no_data(tmp_path: Path) -> None:
    """NL GOV profile for CloudEvents; rule 17."""
    with web_server(Hook()) as hook:
        office = Office(tmp_path, settings(hook.url))
        office.tell(MATCH)
        assert (await office.sender.send_due()).delivered == 1
    ((path, headers, content),) = hook.requests
    assert path == "/events?from=sluis"
    assert headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    (delivery,) = office.outbox.all()
    assert json.loads(content) == {
        "specversion": "1.0",
        "id": delivery.notice_id,
        "source": f"urn:nld:oin:{OIN}:systeem:sluis",
        "type": "nl.sluis.match-found",
        "time": "2026-03-02T09:00:00.000Z",
        "datacontenttype": "application/json",
        "dataref": "https://console.example.org/inbox",
    }


async def test_the_signature_holds_for_what_was_sent_and_nothing_else(tmp_path: Path) -> None:
    with web_server(Hook()) as hook:
        office = Office(tmp_path, settings(hook.url))
        office.tell(MATCH)
        await office.sender.send_due()
    ((_, headers, content),) = hook.requests
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    base = base_by_the_book(hook.url, headers)
    office.key.public_key().verify(signature(headers), base)
    assert f'keyid="{OIN}"' in headers["signature-input"]
    assert 'alg="ed25519"' in headers["signature-input"]
    for altered in (base.replace(b"POST", b"PUT"), base.replace(digest.encode(), b"A" * 44)):
        with pytest.raises(InvalidSignature):
            office.key.public_key().verify(signature(headers), altered)


async def test_a_shared_secret_instead_of_a_key(tmp_path: Path) -> None:
    secret = os.urandom(32)
    write_secret(tmp_path / "hook.secret", base64.b64encode(secret) + b"\n")
    with web_server(Hook()) as hook:
        office = Office(tmp_path, settings(hook.url, secret=tmp_path / "hook.secret"))
        office.tell(MATCH)
        await office.sender.send_due()
    ((_, headers, _),) = hook.requests
    assert 'alg="hmac-sha256"' in headers["signature-input"]
    assert hmac.compare_digest(signature(headers), hmac.digest(secret, base_by_the_book(hook.url, headers), "sha256"))


async def test_a_secret_that_is_too_short_is_not_used(tmp_path: Path) -> None:
    write_secret(tmp_path / "hook.secret", base64.b64encode(b"short"))
    with web_server(Hook()) as hook:
        office = Office(tmp_path, settings(hook.url, secret=tmp_path / "hook.secret"))
        office.tell(MATCH)
        assert (await office.sender.send_due()).waiting == 1
    assert not hook.requests
    assert "at least 32 bytes" in office.outbox.all()[0].failure


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, DeliveryState.DELIVERED),
        (202, DeliveryState.DELIVERED),
        (302, DeliveryState.DEAD),  # not followed: it would go where nobody decided
        (400, DeliveryState.DEAD),
        (401, DeliveryState.DEAD),
        (410, DeliveryState.DEAD),
        (408, DeliveryState.WAITING),
        (429, DeliveryState.WAITING),
        (500, DeliveryState.WAITING),
        (503, DeliveryState.WAITING),
    ],
)
async def test_what_an_answer_means(tmp_path: Path, status: int, state: DeliveryState) -> None:
    hook = Hook(status=status, headers={"location": "http://127.0.0.1:1/", "content-length": "0"})
    if status == 204:
        hook.headers.clear()
    with web_server(hook):
        office = Office(tmp_path, settings(hook.url))
        office.tell(MATCH)
        await office.sender.send_due()
    assert len(hook.requests) == 1
    (found,) = office.outbox.all()
    assert found.state is state
    assert found.failure == ("" if state is DeliveryState.DELIVERED else f"the webhook answered {status}")


async def test_the_same_event_comes_again_after_the_pause_that_was_asked_for(tmp_path: Path) -> None:
    with web_server(Hook(status=429, headers={"retry-after": "1800", "content-length": "0"})) as hook:
        office = Office(tmp_path, settings(hook.url))
        office.tell(MATCH)
        await office.sender.send_due()
        hook.status = 202
        office.later(minutes=29)
        await office.sender.send_due()
        assert len(hook.requests) == 1
        office.later(minutes=1)
        assert (await office.sender.send_due()).delivered == 1
    first, second = (json.loads(content) for _, _, content in hook.requests)
    assert first == second


async def test_a_webhook_that_is_away_or_gone(tmp_path: Path) -> None:
    with web_server(Hook()) as hook:
        pass
    office = Office(tmp_path, settings(hook.url))
    office.tell(MATCH)
    assert (await office.sender.send_due()).waiting == 1
    assert "can't be reached" in office.outbox.all()[0].failure
    office.later(minutes=2)
    assert (await office.with_settings(NotifySettings()).send_due()).dead == 1


async def test_one_that_fails_keeps_no_other(tmp_path: Path) -> None:
    with web_server(Hook(status=500, headers={"content-length": "0"})) as bad, web_server(Hook()) as good:
        both = [
            {"name": "bad", "url": bad.url, "audiences": ["coordinators"]},
            {"name": "good", "url": good.url, "audiences": ["coordinators"]},
        ]
        office = Office(tmp_path, NotifySettings.model_validate({"webhooks": both}))
        for number in range(9):
            office.tell(Notice(NoticeKind.MATCH_FOUND, about=str(number)))
        sent = await office.sender.send_due()
    assert (sent.delivered, sent.waiting, sent.dead) == (9, 9, 0)
    assert len(good.requests) == 9
