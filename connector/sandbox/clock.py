"""The sandbox's own clock, so that tests and stories decide what time it is in the org.

Salesforce stamps records to the second; so does this clock. It runs with the machine until it is set or advanced.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Aware UTC instants, one-second resolution; `set` stops it, `advance` moves it, `run` lets it go on."""

    def __init__(self, start: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._stopped_at: datetime | None = None
        if start is not None:
            self.set(start)

    def now(self) -> datetime:
        """The present second."""
        with self._lock:
            moment = self._stopped_at or datetime.now(UTC) + self._offset
        return moment.replace(microsecond=0)

    def set(self, moment: datetime) -> None:
        """Stop the clock at `moment`. Raises ValueError for a naive time."""
        if moment.tzinfo is None:
            raise ValueError(f"the sandbox clock needs an aware time, got {moment!r}")
        with self._lock:
            self._stopped_at = moment.astimezone(UTC)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move the clock, stopped or running, and return the new present."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        with self._lock:
            if self._stopped_at is None:
                self._offset += step
            else:
                self._stopped_at += step
        return self.now()

    def run(self) -> None:
        """Let a stopped clock run on from where it stands."""
        with self._lock:
            if self._stopped_at is not None:
                self._offset = self._stopped_at - datetime.now(UTC)
                self._stopped_at = None
