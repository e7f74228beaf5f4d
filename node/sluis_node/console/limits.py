"""Rate limits: so many tries, refilled evenly. In memory, by whatever key the caller counts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

_MOST_KEYS = 10_000


@dataclass(slots=True)
class Limit:
    """At most `burst` at once and `per_minute` on average, for each key."""

    burst: int
    per_minute: float
    _left: OrderedDict[str, tuple[float, datetime]] = field(default_factory=OrderedDict, repr=False)

    def wait(self, key: str, now: datetime) -> int:
        """Count one: 0 if it is allowed, otherwise the seconds to wait before the next one is."""
        left, last = self._left.pop(key, (float(self.burst), now))
        left = min(self.burst, left + max(0.0, (now - last).total_seconds()) * self.per_minute / 60)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        while len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, round((1 - left) * 60 / self.per_minute))

    def forgive(self, key: str) -> None:
        """Forget what was counted for a key: it was no try at all."""
        self._left.pop(key, None)
