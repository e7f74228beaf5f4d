"""What of a total is published: cells withheld so that nobody can compute them, and noise (protocol.md, 9; rule 21).

No I/O; randomness is an argument. What is published together over time is the report's business: it adds up published
cells only, so that no sum tells of a withheld one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from .group import Random
from .indicators import PARTS, Cell, Indicator, equations


def withhold(sums: Mapping[Cell, int], limit: int) -> frozenset[Cell]:
    """The cells that are not published.

    1. Every cell below `limit`, zero too, so that a gap says nothing but "fewer"; 2. the children of an ending whose
    number of approaches is withheld, since these are children of very few families; 3. where cells add up to another
    one, all of these parts or none. Withholding just enough of the parts would tell somebody who knows this rule which
    of them are small (a test tries all small tables); and without any part, the whole tells of none.
    """
    withheld = {cell for cell, value in sums.items() if value < limit}
    for ending in PARTS[Indicator.ENDED]:
        if Cell(Indicator.ENDED, ending) in withheld:
            withheld |= {Cell(Indicator.CHILDREN, ending)} & sums.keys()
    for whole, parts in equations(tuple(sums)):
        if withheld & {whole, *parts}:
            withheld |= set(parts)
    return frozenset(withheld)


def add_noise(sums: Mapping[Cell, int], epsilon: Fraction, sensitivity: int, random: Random) -> dict[Cell, int]:
    """Each cell with discrete Laplace noise of scale sensitivity/ε, and no less than zero.

    `sensitivity`: how much one match can change all cells together. So what is published is ε-differentially private
    for one match in this period; for a family with several matches, or in several periods, the ε's add up.
    """
    scale = sensitivity / epsilon
    return {cell: max(0, value + discrete_laplace(scale, random)) for cell, value in sums.items()}


def discrete_laplace(scale: Fraction, random: Random) -> int:
    """An integer x with probability proportional to exp(-|x|/scale), exactly.

    Canonne, Kamath, Steinke 2020, algorithm 2: no floating point number, so nothing leaks through its gaps.
    """
    top, bottom = scale.numerator, scale.denominator  # exp(-|x|·bottom/top)
    while True:
        uniform = _below(top, random)
        if not _bernoulli_exp(Fraction(uniform, top), random):
            continue
        whole = 0
        while _bernoulli_exp(Fraction(1), random):
            whole += 1
        found = (uniform + top * whole) // bottom
        negative = _below(2, random)
        if not (negative and found == 0):
            return -found if negative else found


def _bernoulli_exp(gamma: Fraction, random: Random) -> bool:
    """True with probability exp(-γ), for γ from 0 to 1 (the same paper, algorithm 1)."""
    k = 1
    while _below(gamma.denominator * k, random) < gamma.numerator:
        k += 1
    return k % 2 == 1


def _below(bound: int, random: Random) -> int:
    """Uniform in range(bound)."""
    size = (bound.bit_length() + 7) // 8
    spare = 8 * size - bound.bit_length()
    while True:
        found = int.from_bytes(random(size), "big") >> spare
        if found < bound:
            return found
