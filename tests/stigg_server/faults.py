"""Bad days of the stand-in: answers that are cut, wrong, empty, in HTML, halved, late or refused, on request."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal["cut before", "cut after", "html", "empty", "half", "late", "status", "redirect", "text"]


@dataclass
class Bad:
    """What goes wrong with the next calls that fit: `path` is a part of the path, `times` how often it happens.

    `cut before` loses the request before anything is done, `cut after` loses the answer when all is done; so do `html`,
    `empty`, `half` and `late` spoil the answer of a call that was done. `status` answers that status and does nothing.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    times: int = 1
    status: int = 500
    body: str = '{"code":"InternalError","message":"Something went wrong"}'
    seconds: float = 0
    headers: tuple[tuple[str, str], ...] = ()

    def fits(self, method: str, path: str) -> bool:
        """Whether it strikes this call."""
        return self.times > 0 and self.method in ("", method) and self.path in path


class BadDays:
    """The faults that are still to happen, in order."""

    def __init__(self) -> None:
        self._left: list[Bad] = []
        self._lock = threading.Lock()

    def add(self, bad: Bad) -> None:
        """Let it happen to the next call that fits."""
        with self._lock:
            self._left.append(bad)

    def strike(self, method: str, path: str) -> Bad | None:
        """The fault of this call, counted down; None for a good day."""
        with self._lock:
            for bad in self._left:
                if bad.fits(method, path):
                    bad.times -= 1
                    return bad
        return None
