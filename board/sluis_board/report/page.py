"""The page: one HTML file with everything in it, and the CSV of its figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sluis_protocol.indicators import PARTS, Cell, Indicator
from sluis_protocol.outcomes import Outcome

from . import charts
from .charts import Bar, Part
from .figures import Figures, PeriodFigures, Verdict
from .parity import Parity
from .texts import texts

_SHOWN_PERIODS = 8


@dataclass(frozen=True)
class Words:
    """The texts of one language."""

    language: str

    def __call__(self, name: str, **values: object) -> str:
        """A text, filled in; numbers are written as the language does."""
        filled = {key: self.number(value) if isinstance(value, int) else value for key, value in values.items()}
        return str(texts(self.language)[name]).format(**filled)

    def number(self, value: int) -> str:
        """1234 as 1.234 or 1,234."""
        return f"{value:,}".replace(",", ".") if self.language == "nl" else f"{value:,}"

    def decimal(self, value: float) -> str:
        """One digit behind the comma, or point."""
        return f"{value:.1f}".replace(".", ",") if self.language == "nl" else f"{value:.1f}"

    def day(self, day: date) -> str:
        """A date in words."""
        return f"{day.day} {texts(self.language)['months'][day.month - 1]} {day.year}"

    def label(self, label: str) -> str:
        """A period's name, from 2026-q3 or 2026-m07."""
        year, part = label.split("-")
        return self("quarter" if part[0] == "q" else "month", number=part[1:], year=year)

    def axis(self, label: str, value: int | None) -> tuple[str, int | None, str]:
        """A period's name in two short lines, around its value."""
        year, part = label.split("-")
        return self("quarter_short" if part[0] == "q" else "month_short", number=part[1:]), value, year

    def cell(self, cell: Cell) -> str:
        """The name of a figure, or of its part."""
        if not cell.part:
            return self(str(cell.indicator))
        return self(f"{'days' if cell.indicator is Indicator.DAYS else 'outcome'}-{cell.part}")


@dataclass(frozen=True)
class _Drawn:
    """The charts of a page."""

    figures: Figures
    words: Words

    def over_time(self, name: str, cell: Cell) -> Markup:
        periods = self.figures.periods[-_SHOWN_PERIODS:]
        items = [Bar(*self.words.axis(one.label, one.cells.get(cell))) for one in periods]
        words, title = self.words, self.words(f"{name}_time")
        return charts.columns(name, title, items, f"< {self.figures.limit}", words.number, words(f"{name}_unit"))

    def of_year(self, name: str, indicator: Indicator) -> Markup:
        kind = "days" if indicator is Indicator.DAYS else "outcome"
        items = []
        for part in PARTS[indicator]:
            cell = Cell(indicator, part)
            items.append(Bar(self.words(f"{kind}-{part}"), self.figures.added([cell]) or None))
        words, title = self.words, self.words(f"{name}_title")
        return charts.bars(name, title, items, words("withheld_long"), words.number, words(f"{name}_unit"))

    def is_shown(self, indicator: Indicator) -> bool:
        """Whether anything of these is published this year."""
        return any(self.figures.added([Cell(indicator, part)]) for part in PARTS[indicator])

    def goal(self) -> Markup:
        goal, reached = self.figures.goal, self.figures.added(self.figures.goal_cells)
        if goal is None:
            return Markup("")
        whole = self.figures.is_whole(self.figures.goal_cells)
        text = self.words(
            "goal_text",
            goal=goal.children,
            year=str(goal.year),
            atleast="" if whole else self.words("at_least"),
            reached=reached,
        )
        return charts.progress("goal", self.words("goal"), text, reached, goal.children, self.words.number)

    def useful(self) -> Markup:
        periods = self.figures.periods[-_SHOWN_PERIODS:]
        rows = [(self.words.label(one.label), parts) for one in periods if (parts := self._decisions(one))]
        return charts.stacked("useful", self.words("useful"), rows) if rows else Markup("")

    def _decisions(self, period: PeriodFigures) -> Sequence[Part]:
        parts = []
        for look, name, indicator in (
            ("bar", "followed-up", Indicator.FOLLOWED_UP),
            ("known", "already-known", Indicator.ALREADY_KNOWN),
            ("wrong", "wrong", Indicator.WRONG),
        ):
            share = period.share(indicator)
            if share is None:
                return ()
            parts.append(Part(self.words(name), share.least, look))
        rest = 100 - sum(part.percent for part in parts)
        return [*parts, Part(self.words("unknown"), rest, "withheld")] if rest >= 0.5 else parts


def as_page(figures: Figures, language: str, day: date, parity: Parity | None) -> str:
    """The report as HTML that needs nothing else."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    words = Words(language)
    last = figures.periods[-1]
    return environment.get_template("report.html").render(
        f=figures,
        words=words,
        language=language,
        day=words.day(day),
        drawn=_Drawn(figures, words),
        patterns=charts.PATTERNS,
        parity=parity,
        parts=PARTS,
        Cell=Cell,
        I=Indicator,
        goals_reached=Cell(Indicator.CHILDREN, Outcome.GOALS_REACHED),
        wrong=last.share(Indicator.WRONG),
        last=last,
        reached=figures.added(figures.goal_cells),
        whole=figures.is_whole(figures.goal_cells),
        outcomes=", ".join(words(f"outcome-{one}") for one in figures.goal.outcomes) if figures.goal else "",
        verdict={Verdict.STOP: "stop-now"}.get(figures.verdict, str(figures.verdict)),
        epsilon=next((one.epsilon for one in reversed(figures.periods) if one.epsilon), None),
    )


def as_csv(figures: Figures) -> str:
    """period, municipalities, figure, value; a withheld value is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("period", "municipalities", "figure", "value"))
    for period in figures.periods:
        for cell in figures.cells:
            if cell in period.cells:
                value = period.cells[cell]
                writer.writerow((period.label, period.contributors, str(cell), "" if value is None else value))
    return out.getvalue()
