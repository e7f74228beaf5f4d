"""What a covenant says of the national picture: the board's key, what is counted, and how little may be published.

Part of `covenant.Terms`; checks of the key itself are in `paillier`. No I/O.
"""

from __future__ import annotations

import base64
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from .errors import BoardKeyError
from .indicators import SENSITIVITY, Cell, Indicator, cells_of
from .outcomes import Outcome
from .packing import Layout
from .paillier import LEAST_BITS, MOST_BITS, BoardKey, check_key, proof_bytes
from .strict import Strict, base64_of

_KEY_BYTES = LEAST_BITS // 8, MOST_BITS // 8
_Rational = Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")]


class BoardCard(Strict):
    """The board's public key, with the proof that it is a good one: what `sluis-board keys new` hands out."""

    format: Literal["sluis-board-key/1"] = "sluis-board-key/1"
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\P{C}+$")]
    modulus: Annotated[str, base64_of(*_KEY_BYTES)]
    proof: Annotated[str, base64_of(*map(proof_bytes, _KEY_BYTES))]

    @model_validator(mode="after")
    def _good(self) -> Self:
        try:
            self.key  # noqa: B018 (the check is what is wanted)
        except BoardKeyError as error:
            raise ValueError(error.what) from error
        return self

    @property
    def key(self) -> BoardKey:
        """The key; BoardKeyError if it is no good one."""
        return check_key(base64.b64decode(self.modulus), base64.b64decode(self.proof))

    @property
    def fingerprint(self) -> str:
        """For people to compare by telephone, in groups of four digits."""
        digest = self.key.fingerprint.hex()[:32]
        return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


class Noise(Strict):
    """Discrete Laplace noise on every cell before it is published: ε of a release, and ε of all releases of a year."""

    epsilon: _Rational
    budget_a_year: _Rational

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if not 0 < Fraction(self.epsilon) <= Fraction(self.budget_a_year):
            raise ValueError("a release takes more than nothing, and no more than the year's budget")
        return self


class Goal(Strict):
    """What the partners want to reach in a year: children in approaches that ended with one of these outcomes."""

    year: Annotated[int, Field(ge=2020, le=2200)]
    purpose: str
    children: Annotated[int, Field(ge=1)]
    outcomes: tuple[Annotated[Outcome, Field(strict=False)], ...] = (Outcome.GOALS_REACHED,)


class StopCriterion(Strict):
    """When matching isn't useful enough to go on (rule 23): as many periods running below or above these shares."""

    least_followed_percent: Annotated[int, Field(ge=0, le=100)] = 20
    most_wrong_percent: Annotated[int, Field(ge=0, le=100)] = 5
    periods: Annotated[int, Field(ge=1, le=20)] = 4


class TotalsTerms(Strict):
    """The terms of the totals. `suppress_below`: cells with a smaller total are not published.

    By schedule a period is opened `open_after_days` after its last one. What was signed for it is kept for `keep_days`.
    """

    board: BoardCard
    period: Literal["month", "quarter"] = "quarter"
    indicators: tuple[Annotated[Indicator, Field(strict=False)], ...] = tuple(Indicator)
    minimum_contributors: Annotated[int, Field(ge=3)] = 5
    suppress_below: Annotated[int, Field(ge=2, le=100)] = 5
    value_bits: Annotated[int, Field(ge=1, le=16)] = 10
    noise: Noise | None = None
    goals: tuple[Goal, ...] = ()
    stop: StopCriterion = StopCriterion()
    open_after_days: Annotated[int, Field(ge=0, le=60)] = 7
    enrol_days: Annotated[int, Field(ge=1, le=60)] = 21
    contribute_days: Annotated[int, Field(ge=1, le=30)] = 3
    close_days: Annotated[int, Field(ge=1, le=60)] = 14
    keep_days: Annotated[int, Field(ge=90, le=1826)] = 730

    @field_validator("indicators")
    @classmethod
    def _some(cls, found: tuple[Indicator, ...]) -> tuple[Indicator, ...]:
        if not found or len(set(found)) != len(found):
            raise ValueError("each indicator once, and at least one")
        return found

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.layout.fits(self.board.key.modulus):
            raise ValueError("the cells don't fit under the board's key: fewer indicators, or smaller value_bits")
        if len({(goal.year, goal.purpose) for goal in self.goals}) != len(self.goals):
            raise ValueError("one goal a year and purpose")
        return self

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What is counted, in order."""
        return cells_of(self.indicators)

    @property
    def names(self) -> tuple[str, ...]:
        """The cells' names."""
        return tuple(map(str, self.cells))

    @property
    def layout(self) -> Layout:
        """How a contribution is packed."""
        return Layout(len(self.cells), self.value_bits)

    @property
    def sensitivity(self) -> int:
        """How much one match of two municipalities can change all cells of a period, added up."""
        return sum(SENSITIVITY[one] for one in self.indicators)
