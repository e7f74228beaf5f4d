"""Words: everything is said in Dutch, too, and whatever the node can say has a word."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import ModuleType

import pytest
from babel.messages.pofile import read_po
from sluis_node.console import language, words
from sluis_node.handshake.model import Caution, Phase, Postponement, Todo, What, Whose
from sluis_node.handshake.review import Answer, Reason
from sluis_node.notify import NoticeKind
from sluis_node.processing import Activity
from sluis_node.processing import Outcome as LogOutcome
from sluis_node.retention.settings import Category
from sluis_node.rights.requests import Right
from sluis_protocol.content import Outcome, WithdrawalReason
from sluis_protocol.partners import Group

from ..shared import ROOT

LOCALE = ROOT / "node" / "sluis_node" / "console" / "locale"


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (words.PHASES, Phase),
        (words.TODOS, Todo),
        (words.REASONS, Reason),
        (words.ANSWERS, Answer),
        (words.CAUTIONS, Caution),
        (words.STEPS, What),
        (words.WHOSE, Whose),
        (words.POSTPONEMENTS, Postponement),
        (words.OUTCOMES, Outcome),
        (words.WITHDRAWALS, WithdrawalReason),
        (words.RIGHTS, Right),
        (words.GROUPS, Group),
        (words.ACTIVITIES, Activity),
        (words.LOG_OUTCOMES, LogOutcome),
        (words.CATEGORIES, Category),
        (words.NOTICES, NoticeKind),
    ],
)
def test_whatever_the_node_can_say_has_a_word(table: Mapping[str, object], kind: type[StrEnum]) -> None:
    assert set(table) == set(kind)


def test_whatever_stands_in_the_processing_log_has_a_word() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "node" / "sluis_node").rglob("*.py"))
    made = re.findall(
        r'(?:\.processing|\.record|_briefs|_log_shown|self\._log|_turn)\((?:[^()"]*, )?"([a-z ]+)"', source
    )
    assert len(made) > 10
    assert set(made) <= set(words.VERBS)


def extractor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extract", LOCALE / "extract.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(message: str | Iterable[str] | None) -> Iterable[str]:
    if message is None:
        return ("",)
    return (message,) if isinstance(message, str) else message


def test_the_dutch_catalogue_is_complete_and_has_nothing_else() -> None:
    needed = {message.id for message in extractor().extract() if message.id}
    with (LOCALE / "nl.po").open("rb") as file:
        catalogue = read_po(file, locale="nl")
    assert {message.id for message in catalogue if message.id} == needed
    assert not catalogue.obsolete
    assert list(catalogue.check()) == []
    for message in catalogue:
        if not message.id:
            continue
        for translated in texts(message.string):
            assert translated, message.id
            wanted = set(re.findall(r"%\(\w+\)s", next(iter(texts(message.id)))))
            assert set(re.findall(r"%\(\w+\)s", translated)) == wanted, message.id


def test_dutch_comes_first() -> None:
    assert list(language.load_languages()) == ["nl", "en"]
