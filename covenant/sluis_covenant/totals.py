"""`sluis-covenant board`: put the board's key and the terms of the national totals into a draft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from sluis_protocol.covenant import Terms, problems
from sluis_protocol.errors import InputError
from sluis_protocol.totals_terms import BoardCard, Goal, Noise, TotalsTerms
from sluis_runtime.files import read_text

from . import draft as drafts

_MOST = 65_536


def read_board_card(path: Path) -> BoardCard:
    """The board's card; its proof is checked. Raises InputError naming what is wrong."""
    try:
        return BoardCard.model_validate_json(read_text(path, most=_MOST, what="the board's card"))
    except ValidationError as error:
        do = "ask the board for its card again (sluis-board keys new)"
        raise InputError(f"the board's card can't be used: {problems(error)}", do=do, file=path) from error


def with_totals(terms: Terms, card: BoardCard, goals: Sequence[str], noise: str, **options: object) -> Terms:
    """Terms with totals. `goals`: YEAR:PURPOSE:CHILDREN each; `noise`: EPSILON:BUDGET, or empty for none."""
    try:
        fields = {
            "board": card,
            "goals": tuple(_goal(text) for text in goals),
            "noise": _noise(noise) if noise else None,
            **{name: value for name, value in options.items() if value is not None},
        }
        totals = TotalsTerms.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"the totals are wrong: {problems(error)}", do="correct these options") from error
    return drafts.checked(terms, totals=totals)


def _goal(text: str) -> Goal:
    year, _, rest = text.partition(":")
    purpose, _, children = rest.rpartition(":")
    if not (year.isdecimal() and children.isdecimal()):
        raise InputError("a goal is written YEAR:PURPOSE:CHILDREN", do="such as 2026:jeugd:400", goal=text)
    return Goal(year=int(year), purpose=purpose, children=int(children))


def _noise(text: str) -> Noise:
    epsilon, _, budget = text.partition(":")
    return Noise(epsilon=epsilon, budget_a_year=budget)
