"""What an attack is: who tries what, with its defence on and off, and how often it succeeds.

Everything is drawn from a seed, so that the same command gives the same figures again.
"""

from __future__ import annotations

import random as chance
from collections.abc import Callable
from dataclasses import dataclass

from sluis_protocol.group import Random


@dataclass(frozen=True, slots=True)
class Tally:
    """So many tries, and how many of them succeeded."""

    succeeded: int
    tried: int

    @property
    def rate(self) -> float:
        """The share that succeeded."""
        return self.succeeded / self.tried

    def __str__(self) -> str:
        return f"{self.succeeded} of {self.tried} ({100 * self.rate:.0f} %)"


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. `run(defended)` makes it; the rate is at most `most` with the defence, at least `least` without.

    `bound` says in words what the protocol states, `success` what was counted.
    """

    name: str
    adversary: str
    success: str
    defence: str
    bound: str
    run: Callable[[bool], Tally]
    most: float = 0.0
    least: float = 1.0


def seeded(label: str) -> Random:
    """Randomness from a label, the same in every run."""
    return chance.Random(f"leakage {label}").randbytes


def below(bound: int, random: Random) -> int:
    """A number in range(bound), even enough for a test."""
    return int.from_bytes(random(8), "big") % bound
