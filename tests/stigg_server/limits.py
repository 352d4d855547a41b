"""Stigg's limits of changes: 30 a minute for one entity and 250 a minute in all, over any 60 seconds."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

IN_ALL, OF_ONE = 250, 30
WINDOW = timedelta(seconds=60)


class Limits:
    """Counts changes in sliding windows; a refused one does not count."""

    def __init__(self, now: Callable[[], datetime], *, in_all: int = IN_ALL, of_one: int = OF_ONE) -> None:
        self._now = now
        self.in_all, self.of_one = in_all, of_one
        self._all: deque[datetime] = deque()
        self._one: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()
        self.most_in_all = 0
        self.refused = 0

    def take(self, entity: str) -> bool:
        """Count one change of that entity; False when it is one too many."""
        now = self._now()
        with self._lock:
            for seen in (self._all, self._one[entity]):
                while seen and seen[0] <= now - WINDOW:
                    seen.popleft()
            if len(self._all) >= self.in_all or len(self._one[entity]) >= self.of_one:
                self.refused += 1
                return False
            self._all.append(now)
            self._one[entity].append(now)
            self.most_in_all = max(self.most_in_all, len(self._all))
        return True
