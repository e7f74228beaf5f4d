"""The estimate of m and u: right where the truth is known, the same every time, and free of persons."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from sluis_node.cli import app
from sluis_node.estimate import Report, estimate
from sluis_node.estimate.em import Pattern, maximise
from sluis_node.estimate.pairs import compare
from sluis_protocol.keys import keys_of_file, linkage_keys
from sluis_protocol.record import Family
from sluis_protocol.rules import load_rules
from typer.testing import CliRunner

from benchmarks.traditions.caseloads import Pair, draw_pair
from benchmarks.traditions.tradition import traditions
from tests.node.people import three_caseloads, write_csv

RULES = load_rules()


@pytest.fixture(scope="module")
def twice() -> Pair:
    return draw_pair(traditions(), shared=8, seed="estimate")


@pytest.fixture(scope="module")
def report(twice: Pair) -> Report:
    return estimate(twice.first + twice.second, RULES)


def simulated(m: list[float], u: list[float], *, same: int, pairs: int, missing: float) -> list[Pattern]:
    """Patterns of pairs of which the class is known to the test only."""
    rng = random.Random(7)
    counts: Counter[tuple[int, int]] = Counter()
    for number in range(pairs):
        chances = m if number < same else u
        compared = sum(1 << at for at in range(len(m)) if rng.random() >= missing)
        agreed = sum(1 << at for at, chance in enumerate(chances) if compared >> at & 1 and rng.random() < chance)
        counts[agreed, compared] += 1
    return [Pattern(agreed, compared, count) for (agreed, compared), count in sorted(counts.items())]


def test_m_is_recovered_without_labels() -> None:
    m, u = [0.95, 0.9, 0.99, 0.8, 0.7], [0.01, 0.005, 0.02, 0.08, 0.03]
    found = maximise(simulated(m, u, same=4_000, pairs=80_000, missing=0.05), u, 80_000)
    assert found.converged
    assert found.m == pytest.approx(m, abs=0.025)
    assert found.share * 80_000 == pytest.approx(4_000, rel=0.03)


def test_what_is_known_is_believed() -> None:
    same, different = Pattern(0, 1, 5, same=True), Pattern(1, 1, 5, same=False)
    found = maximise([same, different], [0.5], 10)
    assert found.posteriors == (1.0, 0.0)
    assert found.share == pytest.approx(0.5)


def test_no_pairs_are_no_error() -> None:
    assert maximise([], [0.1], 0).share < 1e-6


def test_m_of_keys_is_that_of_the_truth(twice: Pair, report: Report) -> None:
    keys: dict[str, dict[str, set[str]]] = {}
    for (_, person_id), own in keys_of_file(twice.first + twice.second, RULES).items():
        for key in own:
            keys.setdefault(person_id, {}).setdefault(key.kind, set()).add(key.value)
    known = [(keys.get(one, {}), keys.get(other, {})) for one, other in twice.persons.items()]
    known = [(one, other) for one, other in known if any(one[kind] & other.get(kind, set()) for kind in one)]
    assert report.twice == pytest.approx(len(known), rel=0.05)
    for estimated in report.keys:
        both = [(one[estimated.kind], other[estimated.kind]) for one, other in known
                if estimated.kind in one and estimated.kind in other]  # fmt: skip
        if len(both) >= 200:
            m = sum(bool(one & other) for one, other in both) / len(both)
            assert estimated.m == pytest.approx(m, abs=0.04), estimated.kind


def test_u_is_that_of_random_pairs() -> None:
    """In the first caseload nobody is there twice, so that every agreement is by chance."""
    families = draw_pair(traditions(), shared=2, seed="chance").first
    found = estimate(families, RULES)
    keys = [
        (at, {(key.kind, key.value) for key in linkage_keys(member.person, RULES)})
        for at, family in enumerate(families)
        for member in family.members
    ]
    pairs = [(one, other) for (a, one), (b, other) in combinations(keys, 2) if a != b]
    assert found.pairs == len(pairs)
    for estimated in found.keys:
        agree = sum(any(kind == estimated.kind for kind, _ in one & other) for one, other in pairs)
        both = sum(
            all(any(kind == estimated.kind for kind, _ in side) for side in (one, other)) for one, other in pairs
        )
        if estimated.u is not None:
            assert estimated.u == pytest.approx((agree + 0.5) / (both + 1), abs=1.1 / (both + 1))


def test_a_higher_threshold_finds_less_and_errs_less(report: Report) -> None:
    found = [cost.found or 0.0 for cost in report.thresholds]
    chance = [cost.chance for cost in report.thresholds]
    assert found == sorted(found, reverse=True)
    assert chance == sorted(chance, reverse=True)
    assert {name for cost in report.thresholds for name in cost.now.split(", ") if name} == {"person", "family"}


def test_the_same_caseload_gives_the_same_report(twice: Pair, report: Report) -> None:
    families = twice.first + twice.second
    assert estimate(families, RULES) == report
    random.Random(3).shuffle(families)
    shuffled = estimate(families, RULES)
    assert shuffled.twice == report.twice
    assert [one.m for one in shuffled.keys] == pytest.approx([one.m for one in report.keys], abs=1e-6)


def test_too_few_of_the_same_and_m_is_not_told() -> None:
    found = estimate(three_caseloads()[0], RULES)
    assert not found.enough
    assert all(one.m is None and one.weight is None for one in found.keys)
    assert all(cost.found is None for cost in found.thresholds)


def test_members_of_a_family_and_two_bsns_are_two_people() -> None:
    first, second, third = three_caseloads()
    for families in (first, second, third):
        assert all(one.same is not True for one in compare(families, RULES).comparisons)
    together = compare(first + second, RULES).comparisons
    assert sum(count for one, count in together.items() if one.same) == 4  # families 1 and 3, two members each


@pytest.mark.parametrize("families", [[], three_caseloads()[0][:1]])
def test_a_caseload_without_pairs_is_no_error(families: list[Family]) -> None:
    found = estimate(families, RULES)
    assert (found.pairs, found.twice) == (0, 0.0)


def test_the_command_says_nothing_personal(tmp_path: Path) -> None:
    caseloads = three_caseloads()
    files = [str(write_csv(tmp_path / f"{at}.csv", families)) for at, families in enumerate(caseloads)]
    texts = [CliRunner().invoke(app, ["rules", "estimate", *files, *more]) for more in ([], ["--json"])]
    assert [one.exit_code for one in texts] == [0, 0]
    content = json.loads(texts[1].stdout)
    assert content["persons"] == sum(len(family.members) for families in caseloads for family in families)
    assert [one["kind"] for one in content["keys"]] == list(RULES.kinds)
    for families in caseloads:
        for member in (member for family in families for member in family.members):
            for text in texts:
                for value in (member.person.given_names, member.person.surname, member.person.bsn):
                    assert not value or value not in text.stdout
