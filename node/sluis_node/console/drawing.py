"""Pictures: a family, the way of a case through the lock, a plan over time. Inline SVG without styles or scripts.

Each picture is silent for a screen reader; the page says the same in words beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from ..handshake.model import Phase
from ..round.own_family import Member
from .language import Language

_CANAL, _WATER, _RIPPLE, _LIGHT = "#0e4a70", "#cfe3ef", "#8fb9d1", "#e2eef5"
_INK, _MUTED, _WARNING = "#17252f", "#4b5b68", "#6b4000"
_IN_A_ROW, _ROW = 4, 132
_WIDE = 760
_LONGEST_LABEL, _LONGEST_NAME = 11, 48


def _svg(width: int, height: int, name: str, parts: Sequence[str], *, top: int = 0) -> Markup:
    return Markup(  # noqa: S704 (all text in it is escaped where it is put in)
        f'<svg class="sluis-drawing sluis-drawing--{name}" viewBox="0 {top} {width} {height}" width="{width}" '
        f'height="{height}" aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    )


def _tag(kind: str, text: str = "", /, **attributes: str | float) -> str:
    """An element; lengths with one digit behind the point, `stroke_width` for stroke-width."""
    written = "".join(
        f' {name.replace("_", "-")}="{value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")}"'
        for name, value in attributes.items()
        if value != ""
    )
    return f"<{kind}{written}>{escape(text)}</{kind}>"


def _line(path: str, colour: str, width: float, **more: str | float) -> str:
    return _tag("path", d=path, fill="none", stroke=colour, stroke_width=width, stroke_linecap="round", **more)


def _text(
    x: float, y: float, text: str, *, size: int = 15, anchor: str = "middle", colour: str = _INK, weight: int = 400
) -> str:
    return _tag("text", text, x=x, y=y, font_size=size, text_anchor=anchor, fill=colour, font_weight=weight)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# A family.


@dataclass(frozen=True, slots=True)
class Figure:
    """A member as the picture and the list beside it show them."""

    member: Member
    age: str
    found: bool


def age_of(member: Member, today: date) -> str:
    """grown-up, young (16 or 17), child, or "" where it isn't known."""
    if member.sixteen_on is None:
        return ""
    if member.sixteen_on > today:
        return "child"
    return "young" if member.has_own_say(today) else "grown-up"


def figures(members: Sequence[Member], found: Sequence[str], today: date) -> list[Figure]:
    """The members, the oldest first."""
    made = [Figure(member, age_of(member, today), member.person in found) for member in members]
    order = {"grown-up": 0, "": 1, "young": 2, "child": 3}
    return sorted(made, key=lambda figure: (order[figure.age], figure.member.person))


_SIZES = {"grown-up": 1.0, "": 0.9, "young": 0.85, "child": 0.62}


def family(shown: Sequence[Figure]) -> Markup:
    """The members side by side on one bank: filled who was found at both, outlined who was not."""
    rows = [shown[at : at + _IN_A_ROW] for at in range(0, len(shown), _IN_A_ROW)]
    parts = []
    for number, row in enumerate(rows):
        ground, left = number * _ROW + 92, 50
        parts.append(_line(f"M{left - 46} {ground}h{100 * len(row) - 8}", _CANAL, 2.5))
        parts += [_figure(left + 100 * at, ground, one) for at, one in enumerate(row)]
    wide = 100 * max(map(len, rows), default=1)
    return _svg(wide, _ROW * len(rows), "family", parts)


def _figure(x: float, ground: float, one: Figure) -> str:
    size = _SIZES[one.age]
    head, top, wide = 13 * size, ground - 46 * size, 19 * size
    look: dict[str, str | float] = {"fill": _CANAL, "stroke": _CANAL, "stroke_width": 2}
    if not one.found:
        look |= {"fill": "#fff", "stroke": _MUTED, "stroke_dasharray": "4 3"}
    side = 28 * size
    body = f"M{x - wide:.1f} {ground - 1}v{-side:.1f}a{wide:.1f} {wide:.1f} 0 0 1 {2 * wide:.1f} 0v{side:.1f}z"
    drawn = _tag("circle", cx=x, cy=top - head - 3, r=head, **look)
    drawn += _tag("path", d=body, stroke_linejoin="round", **look)
    if one.member.secrecy or one.member.doubt:
        at, high = x + wide + 4, top - head
        drawn += _tag("circle", cx=at, cy=high, r=11, fill="#fdeec8", stroke=_WARNING, stroke_width=2)
        drawn += _text(at, high + 5.5, "!" if one.member.secrecy else "?", size=16, colour=_WARNING, weight=700)
    return drawn + _text(x, ground + 22, _short(one.member.person, _LONGEST_LABEL), size=16)


# The way of a case.

STATIONS = ("found", "deciding", "agreed", "drafting", "active", "closed")
_REACHED = {
    Phase.UNOPENED: 0,
    Phase.REVIEWING: 1,
    Phase.DECLINED: 1,
    Phase.ACCEPTED: 1,
    Phase.AGREED: 2,
    Phase.DRAFTING: 3,
    Phase.ACTIVE: 4,
    Phase.CLOSED: 5,
}


def station_of(phase: Phase, steps: Sequence[str]) -> int:
    """How far a case came; one that ended early stays where it was."""
    if phase in _REACHED:
        return _REACHED[phase]
    return max((STATIONS.index(one) for one in ("agreed", "drafting", "active") if one in steps), default=1)


def journey(reached: int, names: Sequence[str], *, ended: bool) -> Markup:
    """A boat in a canal with a gate between two stations: open behind it, closed before it."""
    step, water, bottom = _WIDE / len(names), 78, 104
    here = step * (reached + 0.5)
    parts = [
        _tag("rect", x=0, y=water, width=here, height=bottom - water, fill=_WATER),
        _tag("rect", x=here, y=water, width=_WIDE - here, height=bottom - water, fill=_LIGHT),
        _line(f"M0 {water}H{_WIDE}", _RIPPLE, 2),
    ]
    for gate in range(1, len(names)):
        x, opened = step * gate, gate <= reached
        parts.append(_line(f"M{x:.1f} 56V{bottom}", _CANAL, 3 if opened else 6))
        if opened:
            parts.append(_line(f"M{x:.1f} 60l-20-9", _CANAL, 4))
    stopped = ended and reached < len(names) - 1
    hull, sail = "m2 34 6 11h28l6-11z", "M21 34V3l17 23H21"
    look: dict[str, str | float] = {"fill": "#fff", "stroke": _MUTED if stopped else _CANAL, "stroke_width": 3}
    boat = "".join(_tag("path", d=path, stroke_linejoin="round", **look) for path in (hull, sail))
    parts.append(f'<g transform="translate({here - 22:.1f} {water - 40})">{boat}</g>')
    for at, name in enumerate(names):
        weight, colour = 700 if at == reached else 400, _INK if at <= reached else _MUTED
        parts.append(_text(step * (at + 0.5), 128, name, size=16, colour=colour, weight=weight))
    return _svg(_WIDE, 104, "journey", parts, top=32)


# A plan over time.


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the plan: who takes part from when until when."""

    name: str
    start: date
    end: date
    leads: bool = False


def plan(bars: Sequence[Bar], today: date, language: Language) -> Markup:
    """Rows from their start to the end of the approach, and today."""
    first, last = min(bar.start for bar in bars), max(bar.end for bar in bars)
    days = max(1, (last - first).days)
    left, width, row = 0, 420, 46

    def x(day: date) -> float:
        return left + width * min(1.0, max(0.0, (day - first).days / days))

    height = 34 + row * len(bars) + 26
    parts = []
    marked = first < today <= last
    if marked:
        now = x(today)
        parts.append(_line(f"M{now:.1f} 22V{height - 22}", _WARNING, 2, stroke_dasharray="3 4"))
        anchor = "start" if now < width / 4 else "end" if now > width * 3 / 4 else "middle"
        parts.append(_text(now, 16, language.text("today"), anchor=anchor, colour=_WARNING, weight=650))
    for at, bar in enumerate(bars):
        y = 34 + at * row
        name, weight = _short(bar.name, _LONGEST_NAME), 650 if bar.leads else 400
        # White around the letters keeps them apart from the line of today.
        halo = _tag("rect", x=0, y=y - 4, width=left + 9.0 * len(name), height=24, fill="#fff")
        parts.append(halo + _text(left, y + 14, name, size=16, anchor="start", weight=weight))
        parts.append(_tag("rect", x=left, y=y + 22, width=width, height=10, rx=5, fill=_LIGHT))
        long, fill = max(10.0, x(bar.end) - x(bar.start)), _CANAL if bar.leads else _RIPPLE
        parts.append(_tag("rect", x=x(bar.start), y=y + 22, width=long, height=10, rx=5, fill=fill))
    parts.append(_text(left, height - 4, language.day(first), anchor="start", colour=_MUTED))
    parts.append(_text(left + width, height - 4, language.day(last), anchor="end", colour=_MUTED))
    return _svg(width, height if marked else height - 22, "plan", parts, top=0 if marked else 22)
