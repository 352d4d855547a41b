"""Counters and a bounded log of the calls the sandbox answered, so that a test can say "exactly one query"."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LOG_LENGTH = 2_000


@dataclass(frozen=True)
class LoggedCall:
    """One answered call; `detail` is the SOQL of a query, else the parameters."""

    at: datetime
    method: str
    path: str
    kind: str
    status: int
    detail: str


@dataclass(frozen=True)
class LoggedWrite:
    """One committed change of a record."""

    at: datetime
    user: str
    object_name: str
    record_id: str
    fields: dict[str, Any]


class Calls:
    """What was called. `by_kind` keys look like `PATCH sobjects/Quote`, `GET query`, `POST composite`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.total = 0
        self.by_kind: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.log: deque[LoggedCall] = deque(maxlen=LOG_LENGTH)
        self.writes: deque[LoggedWrite] = deque(maxlen=LOG_LENGTH)

    def note(self, call: LoggedCall) -> None:
        """Count and keep one call."""
        with self._lock:
            self.total += 1
            self.by_kind[call.kind] += 1
            self.by_status[call.status] += 1
            self.log.append(call)

    def note_write(self, write: LoggedWrite) -> None:
        """Keep one committed write."""
        with self._lock:
            self.writes.append(write)

    def reset(self) -> None:
        """Start counting from nothing."""
        with self._lock:
            self.total = 0
            for kept in (self.by_kind, self.by_status, self.log, self.writes):
                kept.clear()

    def summary(self) -> dict[str, Any]:
        """The counters as plain data."""
        with self._lock:
            return {
                "total": self.total,
                "by_kind": dict(sorted(self.by_kind.items())),
                "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            }
