"""Every attack fails with its defence and succeeds without, as often as docs/leakage.md says."""

from __future__ import annotations

import pytest

from ..shared import ROOT
from .attack import Attack
from .report import ATTACKS, COMMAND, line, what_remains

PAGE = ROOT / "docs/leakage.md"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack(attack: Attack) -> None:
    undefended, defended = attack.run(False), attack.run(True)
    assert undefended.rate >= attack.least, "the attack itself doesn't work: it proves nothing"
    assert defended.rate <= attack.most
    assert line(attack, undefended, defended) in PAGE.read_text("utf-8"), f"run: {COMMAND}"


def test_what_padding_leaves_is_what_the_page_says() -> None:
    assert "\n".join(what_remains()) in PAGE.read_text("utf-8"), f"run: {COMMAND}"


def test_the_page_lists_every_attack_once() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    table = PAGE.read_text("utf-8").partition("## Attacks")[2].partition("\n- **")[0]
    assert table.count("\n| ") - 2 == len(ATTACKS)
