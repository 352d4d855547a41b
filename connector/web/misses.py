"""Who asks for too many addresses that do not exist? Counted in this process alone, in memory, and soon forgotten.

A token of 256 bits cannot be guessed; this only keeps those who try from costing a query each. Counting in the database
would turn every miss into a write.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

# Addresses that are remembered at once; the one that missed longest ago goes first.
_MOST_ADDRESSES = 10_000


class MissCounter:
    """Counts misses by address: more than `most` of them `within` that time are too many."""

    def __init__(self, *, most: int, within: timedelta) -> None:
        self._most, self._within = most, within
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def count(self, *, address: str, now: datetime) -> None:
        """One more miss of that address."""
        with self._lock:
            since, count = self._found.pop(address, (now, 0))
            if not self._is_recent(since, now):
                since, count = now, 0
            self._found[address] = (since, count + 1)
            while len(self._found) > _MOST_ADDRESSES:
                self._found.popitem(last=False)

    def is_over(self, *, address: str, now: datetime) -> bool:
        """Whether that address has to wait."""
        since, count = self._found.get(address, (now, 0))
        return count > self._most and self._is_recent(since, now)

    def _is_recent(self, since: datetime, now: datetime) -> bool:
        return timedelta(0) <= now - since < self._within
