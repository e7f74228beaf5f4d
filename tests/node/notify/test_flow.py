"""From a match to an approach, as somebody sees it who gets nothing but notices."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from sluis_node.notify import NoticeKind

from ..handshake.rig import FIRST, Two
from .rig import Hook, web_server


async def test_everybody_is_told_that_there_is_something_and_never_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server(Hook()) as hook:
        everybody = ["coordinators", "privacy", "administrators", "platform"]
        settings = {
            "console": "https://console.example.org",
            "webhooks": [{"name": "hook", "url": hook.url, "audiences": everybody}],
        }
        monkeypatch.setenv("SLUIS_NOTIFY", json.dumps(settings))
        async with Two(tmp_path) as two:
            await two.activate()
            (person, _) = two.a.case().match.persons
            two.a.node.rights.correct(person, by="paula")
            two.b.desk.ask(two.b.match, by=FIRST, question="Which of us leads when both do the same?")
            await two.exchange()
            secrets = [
                one
                for side in (two.a, two.b)
                for one in (side.match, side.case().handshake, *side.case().match.persons, *side.case().match.cases)
            ]
    events = [json.loads(content) for _, _, content in hook.requests]
    told = Counter((event["source"].split(":")[3], event["type"].removeprefix("nl.sluis.")) for event in events)
    assert {kind for _, kind in told} == {
        NoticeKind.MATCH_FOUND,
        NoticeKind.REVIEW_NEEDED,
        NoticeKind.AGREED,
        NoticeKind.SIGNATURE_NEEDED,
        NoticeKind.ACTIVE,
        NoticeKind.RIGHT_USED,
        NoticeKind.DILEMMA,
    }
    for oin in (two.a.oin, two.b.oin):
        assert told[oin, NoticeKind.MATCH_FOUND] == told[oin, NoticeKind.AGREED] == told[oin, NoticeKind.ACTIVE] == 1
    assert told[two.b.oin, NoticeKind.RIGHT_USED] == 1
    assert told[two.a.oin, NoticeKind.RIGHT_USED] == 0
    assert len({event["id"] for event in events}) == len(events)
    for _, _, content in hook.requests:
        assert not [one for one in secrets if one.encode() in content]
