"""Faults on request: what Salesforce does on bad days, switched on by a test, a script or the control endpoint.

A fault has a kind, says which calls it meets (method, path pattern, record) and how often, and counts its hits. The
REST layer asks here; this module decides and never touches a record.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from connector.sandbox.errors import Refusal

# Kinds that answer instead of the org, and kinds that let the org work and spoil the answer.
INSTEAD = ("expired_token", "unavailable_html", "limit_reached", "error")
AROUND = ("slow", "cut_after_write", "garbage")
# Kinds that refuse single rows, alone or inside a collection.
ROWS = ("row_lock", "half_failed_collection", "validation_rule")
KINDS = INSTEAD + AROUND + ROWS
WRITES = ("POST", "PATCH", "PUT", "DELETE")

MAINTENANCE_PAGE = (
    "<!DOCTYPE html><html><head><title>Down for maintenance</title></head><body><h1>We are down for maintenance.</h1>"
    "<p>Sorry for the inconvenience. We'll be back shortly.</p></body></html>"
)


@dataclass
class Fault:
    """One fault. `times` None means until cleared; `path` is a shell pattern over the path of the call.

    `seconds` is the pause of `slow`, before the work or with `after` behind it; `record` and `every` narrow row faults.
    """

    kind: str
    method: str = "*"
    path: str = "/services/data/*"
    times: int | None = 1
    code: str = ""
    message: str = ""
    status: int = 400
    seconds: float = 1.0
    after: bool = False
    record: str = ""
    every: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        if self.times is not None and (not isinstance(self.times, int) or self.times < 1):
            raise ValueError(f"fault {self.kind}: times must be a whole number from 1, or null for always")
        if isinstance(self.seconds, bool) or not 0 <= float(self.seconds) <= 600:
            raise ValueError(f"fault {self.kind}: seconds must be between 0 and 600")

    @property
    def is_active(self) -> bool:
        """Whether it will strike again."""
        return self.times is None or self.hits < self.times

    def meets(self, method: str, path: str) -> bool:
        """Whether this call is one of those meant."""
        if self.kind in ("cut_after_write", *ROWS) and method not in WRITES:
            return False
        if self.kind == "half_failed_collection" and "/composite/sobjects" not in path:
            return False
        return self.method in ("*", method) and fnmatch.fnmatchcase(path, self.path)


class RowFaults:
    """The row faults that meet one call; asked once per row."""

    def __init__(self, faults: list[Fault], mark: Callable[[Fault], None]) -> None:
        self._faults = faults
        self._mark = mark
        self._marked: set[int] = set()

    def refuse(self, index: int, record_id: str | None) -> None:
        """Raise the `Refusal` that meets row number `index`, if any."""
        for fault in self._faults:
            every = 2 if fault.kind == "half_failed_collection" else fault.every
            if (every and index % every != every - 1) or (fault.record and fault.record != record_id):
                continue
            if id(fault) not in self._marked:
                self._marked.add(id(fault))
                self._mark(fault)
            raise row_refusal(fault)


def row_refusal(fault: Fault) -> Refusal:
    """The row error of a fault in Salesforce's words."""
    if fault.kind == "validation_rule":
        text = fault.message or "Only finance may change a closed deal."
        return Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", text, fields=())
    text = "unable to obtain exclusive access to this record or 1 records"
    return Refusal(fault.code or "UNABLE_TO_LOCK_ROW", fault.message or text, fields=())


def call_refusal(fault: Fault) -> Refusal:
    """The call error of a fault that answers instead of the org."""
    if fault.kind == "expired_token":
        return Refusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)
    if fault.kind == "limit_reached":
        return Refusal("REQUEST_LIMIT_EXCEEDED", fault.message or "TotalRequests Limit exceeded.", status=403)
    text = fault.message or "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)"
    return Refusal(fault.code or "UNKNOWN_EXCEPTION", text, status=fault.status)


class Faults:
    """The faults of one sandbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, kind: str, **options: Any) -> Fault:
        """Switch a fault on. Raises ValueError or TypeError for an unknown kind or option."""
        fault = Fault(kind, **options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults.clear()

    def for_call(self, method: str, path: str) -> list[Fault]:
        """The call faults that strike now, each counted; at most one of them answers instead of the org."""
        struck: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if fault.kind in ROWS or not fault.is_active or not fault.meets(method, path):
                    continue
                if fault.kind in INSTEAD and any(other.kind in INSTEAD for other in struck):
                    continue
                fault.hits += 1
                struck.append(fault)
        return struck

    def for_rows(self, method: str, path: str) -> RowFaults:
        """The row faults of this call; they count when they refuse a row."""
        with self._lock:
            met = [f for f in self._faults if f.kind in ROWS and f.is_active and f.meets(method, path)]
        return RowFaults(met, self._hit)

    def _hit(self, fault: Fault) -> None:
        with self._lock:
            fault.hits += 1

    def listing(self) -> list[dict[str, Any]]:
        """All faults with their hits, for pages and tests."""
        with self._lock:
            return [asdict(fault) | {"active": fault.is_active} for fault in self._faults]
