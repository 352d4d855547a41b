"""How often one caller may call: an allowance that fills up again by itself, kept in the memory of each web process.

Exists so that one script or one sender gone wild does not take the service from all others. In memory, because a row
written for each call would cost more than most calls; several processes therefore allow a caller so much each. Only
callers that proved who they are have an allowance, so strangers cannot fill the memory.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime

from connector.errors import RateLimited
from connector.ports import Clock


class TooManyCalls(RateLimited):
    """You call more often than is allowed."""

    code = "TOO_MANY_CALLS"
    owner = "caller"
    fix = "Wait as long as the header Retry-After says, then go on more slowly."
    http_status = 429


@dataclass
class _Allowance:
    left: float
    counted_at: datetime


class CallerLimits:
    """The allowances of one process; safe to share between threads."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._allowances: dict[tuple[str, str], _Allowance] = {}

    def admit(self, *, kind: str, caller: str, per_minute: int) -> None:
        """Count one call. Up to a minute's worth may come at once; 0 is no limit. Raises TooManyCalls."""
        if per_minute <= 0:
            return
        now = self._clock.now()
        with self._lock:
            known = self._allowances.setdefault((kind, caller), _Allowance(per_minute, now))
            gained = max(0.0, (now - known.counted_at).total_seconds()) * per_minute / 60
            known.left, known.counted_at = min(float(per_minute), known.left + gained), now
            if known.left >= 1:
                known.left -= 1
                return
            wait = math.ceil((1 - known.left) * 60 / per_minute)
        raise TooManyCalls(f"More than {per_minute} calls in a minute.", retry_after=max(1, wait))
