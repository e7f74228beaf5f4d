"""`[notify]` says where notices go, and refuses what would send them in the open."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sluis_node.config import NodeSettings
from sluis_node.notify import Audience, NoticeKind, NotifySettings
from sluis_protocol.errors import ConfigError

from tests.shared import ROOT

from ...world import make_world, member_oin
from ..rig import write_node_folder

MAIL: dict[str, Any] = {
    "host": "mail.example.org",
    "sender": "sluis@example.org",
    "to": {"coordinators": ["a@example.org"]},
}
HOOK: dict[str, Any] = {"name": "hook", "url": "https://example.org/e", "audiences": ["coordinators"]}


def test_without_a_word_nothing_is_sent() -> None:
    assert NotifySettings() == NotifySettings.model_validate({})
    assert NotifySettings().link("inbox") == ""


@pytest.mark.parametrize(
    "content",
    [
        {"mail": MAIL | {"security": "none"}},
        {"mail": MAIL | {"user": "sluis"}},
        {"mail": MAIL | {"sender": "Sluis <sluis@example.org>"}},
        {"mail": MAIL | {"sender": "a@example.org\nBcc: b@example.org"}},
        {"mail": MAIL | {"to": {"everybody": ["a@example.org"]}}},
        {"mail": MAIL | {"to": {"coordinators": ["a@example.org, b@example.org"]}}},
        {"webhooks": [HOOK | {"url": "http://example.org/e"}]},
        {"webhooks": [HOOK | {"url": "ftp://example.org/e"}]},
        {"webhooks": [HOOK | {"url": "https:///e"}]},
        {"webhooks": [HOOK | {"url": "https://user:secret@example.org/e"}]},
        {"webhooks": [HOOK | {"audiences": []}]},
        {"webhooks": [HOOK, HOOK]},
        {"console": "http://console.example.org"},
        {"console": "https://console.example.org/?q=1"},
        {"language": "de"},
    ],
)
def test_what_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NotifySettings.model_validate(content)


def test_in_the_nodes_own_file(tmp_path: Path) -> None:
    config = write_node_folder(make_world(), member_oin(1), tmp_path, coordinator="nowhere:1")
    content = config.read_text()
    config.write_text(
        content + '[notify]\nconsole = "https://console.example.org"\n[notify.mail]\nhost = "mail.example.org"\n'
        'sender = "sluis@example.org"\nuser = "sluis"\npassword = "mail.password"\n'
        '[notify.mail.to]\ncoordinators = ["team@example.org"]\n'
        '[[notify.webhooks]]\nname = "case-system"\nurl = "https://example.org/e"\naudiences = ["coordinators"]\n'
    )
    found = NodeSettings.load(config).notify
    assert found.mail
    assert found.mail.password == tmp_path / "mail.password"
    assert found.mail.to == {Audience.COORDINATORS: ("team@example.org",)}
    assert found.link("inbox") == "https://console.example.org/inbox"
    config.write_text(content + '[notify]\nconsole = "http://console.example.org"\n')
    with pytest.raises(ConfigError, match=r"notify\.console"):
        NodeSettings.load(config)


def test_the_page_shows_a_configuration_that_holds_and_every_kind() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    found = re.search(r"```toml\n(.*?)```", page, re.S)
    assert found
    settings = NotifySettings.model_validate(tomllib.loads(found[1])["notify"])
    assert settings.mail
    assert set(settings.mail.to) == set(Audience)
    listed = {
        name: audience
        for names, audience in re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (\w+) \|", page, re.M)
        for name in re.findall(r"`([a-z-]+)`", names)
        if audience in set(Audience)
    }
    assert listed == {str(kind): str(kind.audience) for kind in NoticeKind}
