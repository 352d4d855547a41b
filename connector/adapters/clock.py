"""Where now comes from: the host's clock in production, a clock that stands still in tests.

Exists so that no other module reads the time by itself. It must not format or round instants.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The host's clock, in UTC."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that moves only when told; safe to share between threads."""

    def __init__(self, at: datetime) -> None:
        """Stand at `at`, which must be aware. Raises ValueError for a naive instant."""
        self._lock = threading.Lock()
        self._at = _in_utc(at)

    def now(self) -> datetime:
        """The instant it stands at, aware, UTC."""
        with self._lock:
            return self._at

    def set(self, at: datetime) -> None:
        """Stand at another instant, earlier or later. Raises ValueError for a naive instant."""
        moment = _in_utc(at)
        with self._lock:
            self._at = moment

    def advance(self, by: timedelta | None = None, *, seconds: float = 0) -> datetime:
        """Move on by a duration, by seconds, or both; answers the new instant."""
        with self._lock:
            self._at += (by or timedelta()) + timedelta(seconds=seconds)
            return self._at


def _in_utc(at: datetime) -> datetime:
    """The same instant in UTC; a naive one is refused, because nobody can say which instant it means."""
    if at.tzinfo is None:
        raise ValueError("a clock needs an aware instant (with a time zone)")
    return at.astimezone(UTC)
