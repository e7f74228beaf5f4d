"""The estimate of a caseload: m, u and weight of each kind of key beside its points, and what thresholds cost.

Keys depend on each other (most have a date), which a mixture model doesn't bear. So who is the same is found on fields
that hardly do (given name, surname, year, month, day), and what each key does among those is read off.
What it can't tell: persons who share no key at all, and how much more differs between two municipalities than within
one. Numbers only; no name, date or key is in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sluis_protocol.record import Family
from sluis_protocol.rules import RuleSet

from .em import Pattern, maximise
from .pairs import Compared, compare

ENOUGH = 20  # of the same person twice; with fewer, m is guesswork
STEPS = (-20, -10, 0, 10, 20)  # points around each threshold


@dataclass(frozen=True, slots=True)
class KeyEstimate:
    """A kind of key: the share of persons who have one; m, u and log2(m/u), None where it can't be told.

    `bound`: no two persons share such a key by chance, so u is at most this and the weight at least.
    """

    kind: str
    points: int
    held: float
    m: float | None
    u: float | None
    weight: float | None
    bound: bool


@dataclass(frozen=True, slots=True)
class ThresholdCost:
    """What a threshold of this many points would do to a person alone.

    `found`: the share of the same persons who reach it. `chance`: of a million pairs of two persons, how many do.
    `now` names the thresholds of the rule set that this is.
    """

    points: int
    now: str
    found: float | None
    chance: float


@dataclass(frozen=True, slots=True)
class Report:
    """An estimate; `twice` is about how many persons are in the file twice."""

    rules: str
    persons: int
    pairs: int
    twice: float
    enough: bool
    keys: tuple[KeyEstimate, ...]
    thresholds: tuple[ThresholdCost, ...]

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def estimate(families: Sequence[Family], rules: RuleSet) -> Report:
    """Estimate m and u of each kind of key from one caseload; the same caseload gives the same report."""
    compared = compare(families, rules)
    order = sorted(compared.comparisons, key=lambda one: (one.fields_agreed, one.kinds_agreed, repr(one)))
    patterns = [Pattern(one.fields_agreed, one.fields_compared, compared.comparisons[one], one.same) for one in order]
    mixture = maximise(patterns, compared.chance, compared.pairs)
    weighed = [
        _Weighed(one.kinds_agreed, one.kinds_compared, one.points, same * pattern.count, (1 - same) * pattern.count)
        for one, pattern, same in zip(order, patterns, mixture.posteriors, strict=True)
    ]
    twice = sum(one.same for one in weighed)
    enough = twice >= ENOUGH
    return Report(
        rules=rules.identity,
        persons=compared.persons,
        pairs=compared.pairs,
        twice=round(twice, 1),
        enough=enough,
        keys=tuple(
            _key(name, kind.points, at, compared, weighed, enough)
            for at, (name, kind) in enumerate(rules.kinds.items())
        ),
        thresholds=_thresholds(rules, compared, weighed, enough),
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Pairs that compare alike: how many are the same person, and how many two."""

    agreed: int
    compared: int
    points: int
    same: float
    different: float


def _key(kind: str, points: int, at: int, compared: Compared, weighed: Sequence[_Weighed], enough: bool) -> KeyEstimate:
    bit = 1 << at
    same = sum(one.same for one in weighed if one.compared & bit)
    same_agree = sum(one.same for one in weighed if one.agreed & bit)
    different_agree = sum(one.different for one in weighed if one.agreed & bit)
    # Half a pair is added, so that a key that nobody shares by chance isn't worth more than the file can tell.
    different = compared.comparable[at] - same
    u = (different_agree + 0.5) / (different + 1) if different >= 1 else None
    m = same_agree / same if enough and same >= 1 else None
    held = compared.held[at] / compared.persons if compared.persons else 0.0
    return KeyEstimate(
        kind, points, round(held, 4), m, u, round(math.log2(m / u), 1) if m and u else None, different_agree < 0.5
    )


def _thresholds(
    rules: RuleSet, compared: Compared, weighed: Sequence[_Weighed], enough: bool
) -> tuple[ThresholdCost, ...]:
    limits = {"person": rules.thresholds.person, "family": rules.thresholds.family}
    same = sum(one.same for one in weighed)
    costs = []
    for points in sorted({threshold + step for threshold in limits.values() for step in STEPS if threshold + step > 0}):
        found = sum(one.same for one in weighed if one.points >= points)
        chance = sum(one.different for one in weighed if one.points >= points)
        costs.append(
            ThresholdCost(
                points,
                ", ".join(name for name, limit in limits.items() if limit == points),
                round(found / same, 4) if enough else None,
                round(chance / max(compared.pairs - same, 1) * 1e6, 4),
            )
        )
    return tuple(costs)
