"""One writer at a time on a SQLite file, across threads and processes, in the order of asking.

SQLite's own busy handler sleeps and retries, so under load one process gets everything and the others wait for
seconds. A lock held from BEGIN IMMEDIATE to COMMIT keeps the rate and makes the slowest write about ten times faster.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

from connector.errors import Unavailable

# A write transaction lasts milliseconds; whoever waits this long is stuck behind a hung process.
_LONGEST_WAIT = 30.0
# Other processes write for about a millisecond: asking again soon is what keeps the file busy.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0001, 0.002


class WriteLock:
    """A lock on `<file>.lock`, taken first among our threads, then among processes. Forgets itself after a fork."""

    def __init__(self, database_file: Path) -> None:
        self._owner = 0
        self._path = database_file.with_name(database_file.name + ".lock")
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def acquire(self) -> None:
        """Wait for our turn. Raises Unavailable when somebody holds the file for half a minute.

        Raises RuntimeError when this thread is writing already: two open units of work in one thread are a bug.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("this thread has a unit of work open already")
        if not self._threads.acquire(timeout=_LONGEST_WAIT):
            raise Unavailable(f"Another thread has been writing to {self._path.stem} for {_LONGEST_WAIT:.0f} seconds.")
        try:
            self._lock_file()
        except BaseException:
            self._threads.release()
            raise
        self._owner = threading.get_ident()

    def release(self) -> None:
        """Let the next one in."""
        self._owner = 0
        fcntl.flock(self._descriptor(), fcntl.LOCK_UN)
        self._threads.release()

    def _reset(self) -> None:
        self._threads = threading.Lock()
        self._file: int | None = None
        self._owner = 0

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def _lock_file(self) -> None:
        deadline = time.monotonic() + _LONGEST_WAIT
        pause = _FIRST_PAUSE
        while True:
            try:
                fcntl.flock(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise Unavailable(f"Another process has been writing to {self._path.stem} for too long.") from error
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 1.5)
            else:
                return
