"""Charts as inline SVG, each with a title and a description that say what it shows. No script, and no colour alone.

Drawn for the width of a phone and scaled up; a withheld figure is an outlined, hatched bar with its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 340
_ROW, _BAR = 40, 14
Number = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled figure; None is withheld."""

    label: str
    value: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole, in percent, and the class that gives its look."""

    label: str
    percent: float
    look: str


def _svg(name: str, height: float, title: str, description: str, inside: Markup) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{description}</desc>{inside}</svg>'
    ).format(width=WIDTH, height=round(height), name=name, title=title, description=description, inside=inside)


def _describe(items: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{label}: {value}" for label, value in items) + "."


def bars(name: str, title: str, items: Sequence[Bar], withheld: str, number: Number) -> Markup:
    """Lying bars, one below the other."""
    most = max((item.value or 0 for item in items), default=0) or 1
    shown = [number(item.value) if item.value is not None else withheld for item in items]
    rows = Markup("")
    for at, (item, value) in enumerate(zip(items, shown, strict=True)):
        top = at * _ROW
        width = 250 * (item.value or 0) / most
        rows += Markup('<text x="0" y="{y}">{label}</text>').format(y=top + 13, label=item.label)
        if item.value is None:
            rows += Markup('<rect class="withheld" x="1" y="{y}" width="24" height="{bar}"/>').format(
                y=top + 19, bar=_BAR
            )
            width = 26
        else:
            rows += Markup('<rect class="bar" x="0" y="{y}" width="{w:.1f}" height="{bar}" rx="2"/>').format(
                y=top + 19, w=max(width, 1), bar=_BAR
            )
        look = "value" if item.value is not None else "quiet"
        rows += Markup('<text class="{look}" x="{x:.1f}" y="{y}">{value}</text>').format(
            look=look, x=width + 6, y=top + 31, value=value
        )
    return _svg(name, len(items) * _ROW, title, _describe([*zip((i.label for i in items), shown, strict=True)]), rows)


def columns(name: str, title: str, items: Sequence[Bar], withheld: str, number: Number) -> Markup:
    """Standing bars, one beside the other: development over time."""
    most = max((item.value or 0 for item in items), default=0) or 1
    step = WIDTH / max(len(items), 1)
    inside = Markup('<line class="axis" x1="0" x2="{w}" y1="150" y2="150"/>').format(w=WIDTH)
    shown = [number(item.value) if item.value is not None else withheld for item in items]
    for at, (item, value) in enumerate(zip(items, shown, strict=True)):
        middle, width = step * (at + 0.5), min(56.0, step * 0.7)
        height = 120 * item.value / most if item.value is not None else 16
        inside += Markup('<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>').format(
            look="bar" if item.value is not None else "withheld",
            x=middle - width / 2,
            y=150 - height,
            w=width,
            h=max(height, 1),
        )
        inside += Markup('<text class="{look}" text-anchor="middle" x="{x:.1f}" y="{y:.1f}">{value}</text>').format(
            look="value" if item.value is not None else "quiet", x=middle, y=150 - height - 6, value=value
        )
        inside += Markup('<text text-anchor="middle" x="{x:.1f}" y="168">{label}</text>').format(
            x=middle, label=item.label
        )
    return _svg(name, 176, title, _describe([*zip((i.label for i in items), shown, strict=True)]), inside)


def progress(name: str, title: str, description: str, reached: int, goal: int, number: Number) -> Markup:
    """How much of a goal is reached."""
    width = WIDTH * min(1.0, reached / goal)
    inside = Markup(
        '<rect class="track" x="0.5" y="24" width="{track}" height="22" rx="4"/>'
        '<rect class="bar" x="0.5" y="24" width="{w:.1f}" height="22" rx="4"/>'
        '<text class="value" x="0" y="16">{reached}</text>'
        '<text text-anchor="end" x="{right}" y="16">{goal}</text>'
    ).format(track=WIDTH - 1, w=width, reached=number(reached), right=WIDTH, goal=number(goal))
    return _svg(name, 48, title, description, inside)


def stacked(name: str, title: str, rows: Sequence[tuple[str, Sequence[Part]]]) -> Markup:
    """For each label one bar of a hundred percent in parts."""
    inside, told = Markup(""), []
    for at, (label, parts) in enumerate(rows):
        top, left = at * _ROW, 0.0
        inside += Markup('<text x="0" y="{y}">{label}</text>').format(y=top + 13, label=label)
        for part in parts:
            width = WIDTH * part.percent / 100
            inside += Markup('<rect class="{look}" x="{x:.1f}" y="{y}" width="{w:.1f}" height="{bar}"/>').format(
                look=part.look, x=left, y=top + 19, w=width, bar=_BAR
            )
            left += width
        told.append((label, ", ".join(f"{part.label} {part.percent:.0f}%" for part in parts)))
    return _svg(name, len(rows) * _ROW, title, _describe(told), inside)


PATTERNS = Markup(
    '<svg class="patterns" aria-hidden="true" width="0" height="0"><defs>'
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#5b6b7a" stroke-width="2"/>'
    '</pattern><pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#e3b505"/><circle cx="3" cy="3" r="1.3" fill="#3a2d00"/></pattern></defs></svg>'
)
