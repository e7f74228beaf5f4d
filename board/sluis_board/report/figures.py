"""From the book to what the page shows: published figures only, sums of published figures, and bounds.

Everything that the page or the CSV has comes from here. A figure that is withheld is None from the start; sums are of
published figures only ("at least"), so that no difference of two sums tells of a withheld one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sluis_protocol.covenant import Covenant
from sluis_protocol.errors import InputError
from sluis_protocol.indicators import DAY_BUCKETS, ENDINGS, Cell, Indicator, cells_of
from sluis_protocol.publication import withhold
from sluis_protocol.totals_terms import Goal, StopCriterion

from ..book import Book, Opened


class Verdict(StrEnum):
    """What the published figures say of the stop criterion."""

    GO_ON = "go-on"
    STOP = "stop"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Share:
    """A share in percent, between two bounds where a figure is withheld."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """One period as it is published; None: withheld."""

    label: str
    contributors: int
    epsilon: str | None
    cells: Mapping[Cell, int | None]
    limit: int

    def value(self, indicator: Indicator, part: str = "") -> int | None:
        """One figure; None if it is withheld, or not counted."""
        return self.cells.get(Cell(indicator, part))

    def share(self, indicator: Indicator) -> Share | None:
        """This decision's share of the three; None if nothing can be said."""
        names = (Indicator.FOLLOWED_UP, Indicator.ALREADY_KNOWN, Indicator.WRONG)
        bounds = [self._bounds(name) for name in names]
        own = self._bounds(indicator)
        rest_least, rest_most = (sum(one[at] for one in bounds) - own[at] for at in (0, 1))
        if own[1] + rest_most == 0 or sum(one[0] for one in bounds) == 0:
            return None
        least = own[0] / (own[0] + rest_most) if own[0] else 0.0
        most = own[1] / (own[1] + rest_least) if own[1] else 0.0
        return Share(100 * least, 100 * most)

    def _bounds(self, indicator: Indicator) -> tuple[int, int]:
        value = self.value(indicator)
        return (0, self.limit - 1) if value is None else (value, value)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the report shows."""

    purpose: str
    title: str
    year: int
    covenant: str
    mode: str
    limit: int
    minimum: int
    sensitivity: int
    budget: str | None
    goal: Goal | None
    stop: StopCriterion
    periods: tuple[PeriodFigures, ...]
    cells: tuple[Cell, ...]

    @property
    def of_year(self) -> tuple[PeriodFigures, ...]:
        """The periods of the report's year."""
        return tuple(one for one in self.periods if one.label.startswith(str(self.year)))

    def added(self, cells: Iterable[Cell]) -> int:
        """The published figures of the year, added up: at least so many."""
        return sum(period.cells.get(cell) or 0 for cell in cells for period in self.of_year)

    def is_whole(self, cells: Iterable[Cell]) -> bool:
        """Whether nothing of these is withheld in the year."""
        return all(period.cells.get(cell) is not None for cell in cells for period in self.of_year)

    @property
    def goal_cells(self) -> tuple[Cell, ...]:
        """What counts for the goal."""
        return tuple(Cell(Indicator.CHILDREN, outcome) for outcome in self.goal.outcomes) if self.goal else ()

    @property
    def median_bucket(self) -> str | None:
        """The bucket of days in which the median of the year's published histograms lies."""
        counts = [self.added([Cell(Indicator.DAYS, bucket)]) for bucket in DAY_BUCKETS]
        reached = 0
        for bucket, count in zip(DAY_BUCKETS, counts, strict=True):
            reached += count
            if reached and 2 * reached >= sum(counts):
                return bucket
        return None

    @property
    def verdict(self) -> Verdict:
        """Whether the stop criterion is met (rule 23), as far as the published figures tell."""
        last = self.periods[-self.stop.periods :]
        bad = [_is_bad(one, self.stop) for one in last]
        if len(last) == self.stop.periods and all(one is True for one in bad):
            return Verdict.STOP
        if len(last) < self.stop.periods or any(one is False for one in bad):
            return Verdict.GO_ON
        return Verdict.UNDECIDED


def _is_bad(period: PeriodFigures, stop: StopCriterion) -> bool | None:
    followed, wrong = period.share(Indicator.FOLLOWED_UP), period.share(Indicator.WRONG)
    if followed is None or wrong is None:
        return None
    if followed.most < stop.least_followed_percent or wrong.least > stop.most_wrong_percent:
        return True
    if followed.least >= stop.least_followed_percent and wrong.most <= stop.most_wrong_percent:
        return False
    return None


def figures_of(book: Book, covenant: Covenant, purpose: str | None, year: int | None) -> Figures:
    """What may be shown of a purpose. Raises InputError if nothing was opened for it."""
    terms = covenant.totals
    known = {one.id: one for one in covenant.terms.purposes}
    purpose = purpose or (next(iter(known)) if len(known) == 1 else None)
    if purpose not in known:
        raise InputError("choose a purpose", do="give --purpose: " + ", ".join(known))
    opened = [one for one in book.opened if one.purpose == purpose]
    if not opened:
        raise InputError("nothing was opened for this purpose yet", do="first: sluis-board open", purpose=purpose)
    year = year or opened[-1].year
    return Figures(
        purpose=purpose,
        title=known[purpose].title,
        year=year,
        covenant=f"{covenant.terms.id} v{covenant.terms.version}",
        mode=covenant.terms.mode,
        limit=terms.suppress_below,
        minimum=terms.minimum_contributors,
        sensitivity=terms.sensitivity,
        budget=terms.noise.budget_a_year if terms.noise else None,
        goal=next((goal for goal in terms.goals if (goal.year, goal.purpose) == (year, purpose)), None),
        stop=terms.stop,
        periods=tuple(_published(one, terms.suppress_below) for one in opened if one.year <= year),
        cells=cells_of(Indicator),
    )


def _published(opened: Opened, limit: int) -> PeriodFigures:
    sums = opened.cells
    withheld = withhold(sums, limit)
    cells = {cell: None if cell in withheld else value for cell, value in sums.items()}
    return PeriodFigures(opened.label, opened.contributors, opened.epsilon, cells, limit)


ENDED = tuple(Cell(Indicator.ENDED, ending) for ending in ENDINGS)
CHILDREN = tuple(Cell(Indicator.CHILDREN, ending) for ending in ENDINGS)
