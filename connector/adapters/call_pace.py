"""How fast and how many at once: a bound on calls to an outside system, shared by the threads of one process.

Exists so that a burst of work waits here for moments instead of being refused there. It must not know any vendor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CallPace:
    """Lets at most so many calls begin in a second, and so many run at once."""

    def __init__(
        self,
        *,
        per_second: int,
        at_once: int,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gap, self._sleep, self._monotonic = 1 / per_second, sleep, monotonic
        self._running = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._next = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it as long as the block runs."""
        with self._running:
            wait = self._reserve()
            if wait > 0:
                self._sleep(wait)
            yield

    def _reserve(self) -> float:
        """Seconds until our turn; two calls may begin together after a quiet time."""
        with self._lock:
            now = self._monotonic()
            self._next = max(self._next, now - self._gap)
            wait = self._next - now
            self._next += self._gap
            return wait
