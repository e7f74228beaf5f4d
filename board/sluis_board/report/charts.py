"""Charts as inline SVG, each with a title and a description that say what it shows. No script, and no colour alone.

Drawn for the width of a phone and scaled up; a withheld figure is an outlined, hatched bar with its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 340
_ROW, _BAR = 40, 14
_LEFT, _TOP, _HIGH = 38, 26, 150  # of standing bars: room for the axis, for the words above it, and the bars' own
_LONGEST = 270  # of a lying bar
_MOST_TICKS = 4
Number = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled figure; None is withheld. `under` is a second line of the label."""

    label: str
    value: int | None
    under: str = ""

    @property
    def name(self) -> str:
        """The whole label."""
        return f"{self.label} {self.under}".strip()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole, in percent, and the class that gives its look."""

    label: str
    percent: float
    look: str


def ticks(most: int) -> list[int]:
    """Round numbers from zero to `most` or just above it, at most five."""
    step, tens = 1, 1
    while step * _MOST_TICKS < most:
        tens *= 10 if step == 5 * tens else 1
        step = next(one * tens for one in (1, 2, 5) if one * tens > step)
    return list(range(0, max(most, 1) + step, step))


def bars(name: str, title: str, items: Sequence[Bar], withheld: str, number: Number, unit: str) -> Markup:
    """Lying bars, one below the other, each with its figure."""
    most = max((item.value or 0 for item in items), default=0) or 1
    shown = [number(item.value) if item.value is not None else withheld for item in items]
    bottom = len(items) * _ROW
    inside = Markup('<line class="axis" x1="0.5" x2="0.5" y1="0" y2="{y}"/>').format(y=bottom)
    for at, (item, value) in enumerate(zip(items, shown, strict=True)):
        top, hidden = at * _ROW, item.value is None
        width = 24.0 if hidden else max(_LONGEST * (item.value or 0) / most, 1)
        inside += Markup(
            '<text x="6" y="{label_y}">{label}</text>'
            '<rect class="{look}" x="0.5" y="{y}" width="{w:.1f}" height="{bar}"/>'
            '<text class="{value_look}" x="{x:.1f}" y="{value_y}">{value}</text>'
        ).format(
            label_y=top + 13,
            label=item.name,
            look="withheld" if hidden else "bar",
            y=top + 19,
            w=width,
            bar=_BAR,
            value_look="quiet" if hidden else "value",
            x=width + 7,
            value_y=top + 31,
            value=value,
        )
    inside += Markup('<text class="unit" x="0" y="{y}">{unit}</text>').format(y=bottom + 16, unit=unit)
    return _svg(name, bottom + 22, title, _describe(items, shown), inside)


def columns(name: str, title: str, items: Sequence[Bar], withheld: str, number: Number, unit: str) -> Markup:
    """Standing bars, one beside the other, over an axis: development over time."""
    marks = ticks(max((item.value or 0 for item in items), default=0))
    bottom, scale = _TOP + _HIGH, _HIGH / marks[-1]
    step = (WIDTH - _LEFT) / max(len(items), 1)
    inside = Markup('<text class="unit" x="0" y="12">{unit}</text>').format(unit=unit)
    for mark in marks:
        inside += Markup(
            '<line class="{look}" x1="{left}" x2="{w}" y1="{y:.1f}" y2="{y:.1f}"/>'
            '<text class="tick" text-anchor="end" x="{x}" y="{text_y:.1f}">{value}</text>'
        ).format(
            look="grid" if mark else "axis",
            left=_LEFT,
            w=WIDTH,
            y=bottom - scale * mark,
            x=_LEFT - 6,
            text_y=bottom - scale * mark + 4,
            value=number(mark),
        )
    shown = [number(item.value) if item.value is not None else withheld for item in items]
    for at, (item, value) in enumerate(zip(items, shown, strict=True)):
        middle, width, hidden = _LEFT + step * (at + 0.5), min(48.0, step * 0.66), item.value is None
        height = 16.0 if hidden else max(scale * (item.value or 0), 1)
        inside += Markup(
            '<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>'
            '<text class="{value_look}" text-anchor="middle" x="{m:.1f}" y="{value_y:.1f}">{value}</text>'
            '<text class="tick" text-anchor="middle" x="{m:.1f}" y="{label_y}">{label}</text>'
            '<text class="tick" text-anchor="middle" x="{m:.1f}" y="{under_y}">{under}</text>'
        ).format(
            look="withheld" if hidden else "bar",
            x=middle - width / 2,
            y=bottom - height,
            w=width,
            h=height,
            value_look="quiet" if hidden else "value",
            m=middle,
            value_y=bottom - height - 5,
            value=value,
            label_y=bottom + 17,
            label=item.label,
            under_y=bottom + 32,
            under=item.under,
        )
    return _svg(name, bottom + 38, title, _describe(items, shown), inside)


def progress(name: str, title: str, description: str, reached: int, goal: int, number: Number) -> Markup:
    """How much of a goal is reached, on an axis from nothing to the goal."""
    width = WIDTH * min(1.0, reached / goal)
    inside = Markup(
        '<rect class="track" x="0.5" y="1" width="{track}" height="24" rx="4"/>'
        '<rect class="bar" x="0.5" y="1" width="{w:.1f}" height="24" rx="4"/>'
        '<text class="tick" x="0" y="42">0</text>'
        '<text class="tick" text-anchor="middle" x="{middle}" y="42">{half}</text>'
        '<text class="tick" text-anchor="end" x="{right}" y="42">{goal}</text>'
    ).format(
        track=WIDTH - 1, w=width, middle=WIDTH / 2, half=number(goal // 2), right=WIDTH, goal=number(goal)
    )  # fmt: skip
    return _svg(name, 46, title, description, inside, look="chart slim")


def stacked(name: str, title: str, rows: Sequence[tuple[str, Sequence[Part]]]) -> Markup:
    """For each label one bar of a hundred percent in parts, over an axis in percent."""
    bottom, told, inside = len(rows) * _ROW, [], Markup("")
    for percent in (0, 25, 50, 75, 100):
        x = 0.5 + (WIDTH - 1) * percent / 100
        anchor = {0: "start", 100: "end"}.get(percent, "middle")
        inside += Markup(
            '<line class="{look}" x1="{x:.1f}" x2="{x:.1f}" y1="16" y2="{bottom}"/>'
            '<text class="tick" text-anchor="{anchor}" x="{x:.1f}" y="{y}">{percent}%</text>'
        ).format(
            look="grid" if percent else "axis", x=x, bottom=bottom, anchor=anchor, y=bottom + 15, percent=percent
        )  # fmt: skip
    for at, (label, parts) in enumerate(rows):
        top, left = at * _ROW, 0.0
        inside += Markup('<text class="over" x="6" y="{y}">{label}</text>').format(y=top + 13, label=label)
        for part in parts:
            width = WIDTH * part.percent / 100
            inside += Markup('<rect class="{look}" x="{x:.1f}" y="{y}" width="{w:.1f}" height="{bar}"/>').format(
                look=part.look, x=left, y=top + 19, w=width, bar=_BAR
            )
            left += width
        told.append((label, ", ".join(f"{part.label} {part.percent:.0f}%" for part in parts)))
    return _svg(name, bottom + 20, title, "; ".join(f"{label}: {value}" for label, value in told) + ".", inside)


def _describe(items: Sequence[Bar], shown: Sequence[str]) -> str:
    return "; ".join(f"{item.name}: {value}" for item, value in zip(items, shown, strict=True)) + "."


def _svg(name: str, height: float, title: str, description: str, inside: Markup, look: str = "chart") -> Markup:
    return Markup(
        '<svg class="{look}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{description}</desc>{inside}</svg>'
    ).format(
        look=look, width=WIDTH, height=round(height), name=name, title=title, description=description, inside=inside
    )


PATTERNS = Markup(
    '<svg class="patterns" aria-hidden="true" width="0" height="0"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#5b6b7a" stroke-width="2"/>'
    '</pattern><pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#e3b505"/><circle cx="3" cy="3" r="1.3" fill="#3a2d00"/></pattern></defs></svg>'
)
