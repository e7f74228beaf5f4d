"""What a person gets is whole, in their language, and in words: none of a program's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import pytest
from sluis_node.handshake.model import Phase, Postponement, What, Whose
from sluis_node.processing import Activity, Outcome
from sluis_node.rights.dossier import Dossier, Held
from sluis_node.rights.letter import Language, letter, words
from sluis_node.rights.requests import RequestState, Right
from sluis_protocol.rules import Grade

from ..handshake.rig import FIRST, SECOND, Two

LANGUAGES = pytest.mark.parametrize("language", list(Language))
TABLES: Mapping[str, type[StrEnum]] = {
    "held": Held, "stands": Phase, "what": What, "whose": Whose, "found_by": Grade, "postponed": Postponement,
    "activity": Activity, "outcome": Outcome, "right": Right, "state": RequestState,
}  # fmt: skip


@LANGUAGES
def test_everything_that_can_be_said_has_its_words(language: Language) -> None:
    said = words(language)
    for name, table in TABLES.items():
        assert set(said[name]) == set(table)
    assert {name for name, value in said.items() if isinstance(value, dict)} == {*TABLES, "field"}


def test_both_languages_say_the_same_things() -> None:
    one, other = (words(language) for language in Language)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, dict):
            assert value.keys() == other[name].keys()
        else:
            assert re.findall(r"{\w+}", value) == re.findall(r"{\w+}", other[name])


def leaves(content: object, name: str = "") -> Iterator[tuple[str, object]]:
    """All values of a dossier's JSON, each with its field's name."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from leaves(value, key)
    elif isinstance(content, list):
        for value in content:
            yield from leaves(value, name)
    else:
        yield name, content


@LANGUAGES
async def test_nothing_that_is_held_is_left_out_and_nothing_of_others_gets_in(two: Two, language: Language) -> None:
    await two.activate()
    person, other = two.a.case().match.persons
    dossier = two.a.node.rights.access(person, by="paula", file="AVG-2026-1")
    assert {one.what for one in dossier.holdings} == {Held.MATCH, Held.CASE}
    text, said = letter(dossier, language), words(language)
    for name, value in leaves([one.content for one in dossier.holdings]):
        assert said["field"][name] in text
        if isinstance(value, StrEnum):
            assert said[name][value] in text
        elif isinstance(value, str):
            assert value.removesuffix("+00:00") in text
    for absent in (other, FIRST, SECOND, "None", "True", "False", "+00:00", "{", "_"):
        assert absent not in text
    assert text.startswith(said["title"].format(person=person))
    assert "AVG-2026-1" in text


@LANGUAGES
def test_who_is_not_known_reads_that(language: Language) -> None:
    nobody: dict[str, Any] = {"holdings": (), "processings": (), "requests": ()}
    assert words(language)["nothing"] in letter(Dossier("P1", **nobody), language)
