"""A year of invented totals."""

from __future__ import annotations

from pathlib import Path

from sluis_board.book import BOOK_FILE, Book, Opened
from sluis_protocol.covenant import Covenant
from sluis_protocol.indicators import DAY_BUCKETS, ENDINGS, Cell, Indicator, cells_of
from sluis_protocol.totals_terms import Goal, TotalsTerms

from ..board_key import card
from ..world import PURPOSE, World, make_world


def board_world() -> World:
    """A covenant with a goal."""
    goals = (Goal(year=2026, purpose=PURPOSE, children=400),)
    return make_world(totals=TotalsTerms(board=card(), minimum_contributors=3, goals=goals))


def figures(size: int) -> dict[Cell, int]:
    """Figures that fit together, the larger the more."""
    days = dict(zip(DAY_BUCKETS, (2 * size, 3 * size, 2 * size, size, size // 2, size // 3, size // 4), strict=True))
    ended = dict(zip(ENDINGS, (size, size // 2, 2, size // 5, 1, size // 3, 0), strict=True))
    agreed = sum(days.values())
    found = {Cell(Indicator.DAYS, name): value for name, value in days.items()}
    found |= {Cell(Indicator.ENDED, name): value for name, value in ended.items()}
    found |= {Cell(Indicator.CHILDREN, name): 3 * value for name, value in ended.items()}
    found |= {
        Cell(Indicator.PROVEN): 2 * agreed,
        Cell(Indicator.FOLLOWED_UP): agreed + 4,
        Cell(Indicator.ALREADY_KNOWN): agreed // 3,
        Cell(Indicator.WRONG): 2,
        Cell(Indicator.AGREED): agreed,
        Cell(Indicator.ACTIVE): agreed - size,
        Cell(Indicator.OUTREACH): size // 3,
        Cell(Indicator.DILEMMAS): 1,
    }
    assert set(found) == set(cells_of(Indicator))
    return found


def write_book(folder: Path, covenant: Covenant, sizes: dict[str, int]) -> Book:
    """A book with these periods."""
    opened = tuple(
        Opened(
            period=f"t{label}-0123456789abcdef",
            purpose=PURPOSE,
            label=label,
            release="00" * 32,
            covenant=covenant.hash.hex(),
            contributors=40 + size,
            sums={str(cell): value for cell, value in figures(size).items()},
        )
        for label, size in sizes.items()
    )
    book = Book(opened=opened)
    (folder / BOOK_FILE).write_text(book.model_dump_json())
    return book


YEAR = {"2025-q4": 8, "2026-q1": 14, "2026-q2": 21, "2026-q3": 30}
