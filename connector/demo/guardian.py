"""Ends the demo's processes when the demo itself was killed and could not do it: `python -m connector.demo.guardian`.

It reads process numbers from the demo, line by line. The word `done` means that all of them have ended; the end of the
input without that word means that the demo is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

DONE = "done"
# As long as the demo itself would wait.
_PATIENCE_SECONDS = 10.0
_POLL = 0.1


def left_behind(lines: Iterable[str]) -> list[int]:
    """The processes that were named before the input ended, or none when it ended well."""
    numbers: list[int] = []
    for line in lines:
        if line.strip() == DONE:
            return []
        numbers.append(int(line))
    return numbers


def end(numbers: Iterable[int]) -> None:
    """Ask each process group to end, the last one started first; after a while, make it."""
    for number in reversed(list(numbers)):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        is_there = _signal(number, signal.SIGTERM)
        while is_there and time.monotonic() < deadline:
            time.sleep(_POLL)
            is_there = _signal(number, 0)
        if is_there:
            _signal(number, signal.SIGKILL)


def _signal(number: int, which: int) -> bool:
    """Signal a group; answers whether it is still there. Each of the demo's processes leads a group of its own."""
    try:
        os.killpg(number, which)
    except (ProcessLookupError, PermissionError):
        # Gone; the number may already be somebody else's.
        return False
    return True


if __name__ == "__main__":
    end(left_behind(sys.stdin))
