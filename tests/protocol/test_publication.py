"""What is withheld can't be computed, even by who knows the rule; noise is what it says."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sluis_protocol import publication
from sluis_protocol.errors import InputError, TotalsError
from sluis_protocol.indicators import DAY_BUCKETS, ENDINGS, Cell, Indicator, bucket_of, cells_of, counts_match
from sluis_protocol.packing import Layout
from sluis_protocol.paillier import LEAST_BITS
from sluis_protocol.periods import STATES, TRANSITIONS, Event, advance, days_of, label_of
from sluis_protocol.publication import discrete_laplace, withhold

WHOLE, PARTS = Cell(Indicator.AGREED), tuple(Cell(Indicator.DAYS, one) for one in DAY_BUCKETS)


def test_who_knows_the_rule_can_exclude_no_small_number_for_a_withheld_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables of three parts: tables that look the same when published leave every small number possible."""
    limit, top, parts = 3, 14, PARTS[:3]
    monkeypatch.setattr(publication, "equations", lambda cells: [(WHOLE, parts)])
    looks: dict[object, list[tuple[int, ...]]] = defaultdict(list)
    for table in itertools.product(range(top), repeat=3):
        if sum(table) >= top:
            continue  # what the edge of this trial excludes, the rule doesn't
        sums = dict(zip(parts, table, strict=True)) | {WHOLE: sum(table)}
        withheld = withhold(sums, limit)
        looks[tuple(None if cell in withheld else sums[cell] for cell in (*parts, WHOLE))].append(table)
    for look, tables in looks.items():
        for at in range(3):
            if look[at] is None:  # type: ignore[index] # a tuple
                assert set(range(limit)) <= {table[at] for table in tables}, look


@given(st.dictionaries(st.sampled_from(cells_of(Indicator)), st.integers(0, 30)), st.integers(2, 10))
def test_no_cell_below_the_limit_and_no_children_of_few_families_are_published(
    some: dict[Cell, int], limit: int
) -> None:
    sums = {cell: some.get(cell, 0) for cell in cells_of(Indicator)}
    withheld = withhold(sums, limit)
    assert {cell for cell, value in sums.items() if value < limit} <= withheld
    for ending in ENDINGS:
        if Cell(Indicator.ENDED, ending) in withheld:
            assert Cell(Indicator.CHILDREN, ending) in withheld
    hidden = withheld & set(PARTS)
    assert not hidden or hidden == set(PARTS)


def test_noise_has_the_distribution_that_it_should() -> None:
    chance = random.Random(1)
    draws = [discrete_laplace(Fraction(5, 2), chance.randbytes) for _ in range(30_000)]
    counted = Counter(draws)
    assert abs(sum(draws) / len(draws)) < 0.1
    for x in range(3):  # each step outwards is exp(-1/scale) = 0.67 times as likely
        assert abs(counted[x + 1] / counted[x] - 0.670) < 0.06
        assert abs(counted[-x - 1] / counted[x + 1] - 1) < 0.15


def test_cells_are_written_and_read() -> None:
    cells = cells_of(Indicator)
    assert [Cell.parse(str(cell)) for cell in cells] == list(cells)
    for wrong in ("children", "children:happy", "matches-proven:x", "nothing"):
        with pytest.raises(ValueError):  # noqa: PT011 (any)
            Cell.parse(wrong)


def test_exactly_one_side_counts_a_match_and_each_about_half() -> None:
    counting = Counter(counts_match(bytes([n]) * 16, ("2", "1")) for n in range(200))
    assert counts_match(b"x" * 16, ("1", "2")) == counts_match(b"x" * 16, ("2", "1"))
    assert min(counting["1"], counting["2"]) > 60


def test_days_fall_into_buckets() -> None:
    found = [bucket_of(timedelta(days=days)) for days in (-1, 0, 2, 3, 84, 85)]
    assert found == ["up-to-2", "up-to-2", "up-to-2", "up-to-7", "up-to-84", "longer"]


@given(st.lists(st.integers(0, 2**10 - 1), min_size=29, max_size=29), st.integers(1, 342))
def test_packed_sums_never_run_over(values: list[int], contributors: int) -> None:
    layout = Layout(29, 10)
    packed = layout.pack(values, 7) * contributors
    assert layout.unpack(packed, contributors) == (tuple(value * contributors for value in values), 7 * contributors)
    assert layout.fits(1 << (LEAST_BITS - 1))


def test_periods_have_days() -> None:
    assert days_of("2026-q4") == (date(2026, 10, 1), date(2027, 1, 1))
    assert days_of("2026-m12") == (date(2026, 12, 1), date(2027, 1, 1))
    assert label_of(date(2026, 12, 31), "quarter") == "2026-q4"
    assert label_of(date(2026, 2, 1), "month") == "2026-m02"
    for wrong in ("2026-q5", "2026-m13", "2026", "2026-w01"):
        with pytest.raises(InputError):
            days_of(wrong)


def test_every_state_and_event() -> None:
    for state, event in itertools.product(STATES.values(), Event):
        if (state.name, event) in TRANSITIONS:
            assert advance(state, event).name == TRANSITIONS[state.name, event]
        else:
            with pytest.raises(TotalsError):
                advance(state, event)
