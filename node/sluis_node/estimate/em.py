"""Expectation maximisation: who is the same and who isn't, from agreement alone.

Two persons agree, disagree or can't be compared on each of a few fields. Pairs are a mixture of two classes, the same
person and two persons, in each of which fields agree independently: with probability m in the one, u in the other.
u is given, because nearly all pairs of a file are two persons and random pairs tell it better than any mixture. m and
the share of the same are found by turns: the probability of each pattern to be the same person, then m from those
(Fellegi and Sunter 1969; Winkler 1988). Pure; knows patterns and counts, no persons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

START_M = 0.9
LEAST, MOST = 1e-4, 1 - 1e-4  # no field is certain, and no logarithm infinite
CLOSE, ROUNDS = 1e-7, 500


@dataclass(frozen=True, slots=True)
class Pattern:
    """How `count` pairs compare: bit f of `compared` and `agreed` is field f. `same` where it is known."""

    agreed: int
    compared: int
    count: int
    same: bool | None = None


@dataclass(frozen=True, slots=True)
class Mixture:
    """m by field, the share of all pairs that are the same person, and the probability of each pattern to be so."""

    m: tuple[float, ...]
    share: float
    posteriors: tuple[float, ...]
    converged: bool


def maximise(patterns: Sequence[Pattern], u: Sequence[float], pairs: int) -> Mixture:
    """m of each field, for patterns among `pairs` in all; those without a pattern count as two persons.

    `u`: by field, above 0. Starts from m = .9 and one pair in a hundred thousand; the same input gives the same result.
    """
    u = [min(max(one, 1e-12), MOST) for one in u]
    m, share = [START_M] * len(u), 1e-5
    posteriors = _posteriors(patterns, m, u, share)
    for _ in range(ROUNDS):
        before = [*m, share]
        m = [_agreement(patterns, posteriors, 1 << field, old) for field, old in enumerate(m)]
        same = sum(pattern.count * one for pattern, one in zip(patterns, posteriors, strict=True))
        share = min(max(same / pairs, 1e-12), 0.5) if pairs else 1e-12
        posteriors = _posteriors(patterns, m, u, share)
        if max(abs(one - old) for one, old in zip([*m, share], before, strict=True)) < CLOSE:
            return Mixture(tuple(m), share, tuple(posteriors), True)
    return Mixture(tuple(m), share, tuple(posteriors), False)


def _posteriors(patterns: Sequence[Pattern], m: Sequence[float], u: Sequence[float], share: float) -> list[float]:
    """The probability of each pattern to be the same person (Bayes)."""
    agreeing = [math.log(one / other) for one, other in zip(m, u, strict=True)]
    differing = [math.log((1 - one) / (1 - other)) for one, other in zip(m, u, strict=True)]
    start = math.log(share / (1 - share))
    found = []
    for pattern in patterns:
        if pattern.same is not None:
            found.append(float(pattern.same))
            continue
        weight = start
        for field in range(len(m)):
            if pattern.compared >> field & 1:
                weight += agreeing[field] if pattern.agreed >> field & 1 else differing[field]
        found.append(1 / (1 + math.exp(-max(min(weight, 700.0), -700.0))))
    return found


def _agreement(patterns: Sequence[Pattern], posteriors: Sequence[float], bit: int, otherwise: float) -> float:
    """The share of the same persons who agree on a field, of those who can be compared."""
    agreed = compared = 0.0
    for pattern, same in zip(patterns, posteriors, strict=True):
        if pattern.compared & bit:
            compared += pattern.count * same
            agreed += pattern.count * same if pattern.agreed & bit else 0.0
    return min(max(agreed / compared, LEAST), MOST) if compared > 0 else otherwise
