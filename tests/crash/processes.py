"""Worker and web processes of a test: started by the zygote, killed by the test, waited for with a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.settings import ENVIRONMENT, ROOT

# Generous, because the machine may be busy; a healthy run needs a fraction of it.
DEADLINE = 60.0


def wait_until(is_so: Callable[[], Any], what: str, *, seconds: float = DEADLINE) -> Any:
    """Wait for a condition; its first true answer. Fails with `what` when it does not come true."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    return answer


class Zygote:
    """Talks to the process of `zygote.py`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = 0
        self._errors = folder / "zygote.log"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.zygote"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def worker(
        self,
        settings: dict[str, Any],
        *,
        jobs: tuple[str, ...] = ("write_back", "wake", "watchdog"),
        kill_in: str = "look",
        kill_at: int = 0,
        is_paused: bool = False,
        release: str = "",
    ) -> Child:
        """A worker process; with `kill_at` it kills itself at that point of its runs of the kind `kill_in`.

        With `is_paused` it only stops there, until it is told to go on. It says that it is of that `release`.
        """
        return self._start(
            settings,
            is_web=False,
            jobs=jobs,
            kill_in=kill_in,
            kill_at=kill_at,
            is_paused=is_paused,
            release=release,
        )

    def web(self, settings: dict[str, Any]) -> Child:
        """A web server process (gunicorn with its own children)."""
        return self._start(settings, is_web=True)

    def stop(self) -> None:
        """End the zygote; it ends what it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=DEADLINE)
        self._process.stdout.close()

    def ask(self, **request: Any) -> Any:
        """One request and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise AssertionError(f"the zygote has ended: {self._errors.read_text()[-3000:]}") from error

    def _start(
        self,
        settings: dict[str, Any],
        *,
        is_web: bool,
        jobs: tuple[str, ...] = (),
        kill_in: str = "",
        kill_at: int = 0,
        is_paused: bool = False,
        release: str = "",
    ) -> Child:
        self._started += 1
        log, points = self._folder / f"{self._started}.log", self._folder / f"{self._started}.points"
        pid = self.ask(
            do="start",
            is_web=is_web,
            settings=settings,
            environment=ENVIRONMENT,
            jobs=list(jobs),
            release=release,
            log=str(log),
            kill={"kind": kill_in, "at": kill_at, "is_paused": is_paused, "points_file": str(points)},
        )
        return Child(self, pid, log, points)


@dataclass
class Child:
    """One process that the zygote started."""

    zygote: Zygote
    pid: int
    log: Path
    points_file: Path
    ended: int | None = None

    def has_ended(self) -> bool:
        """Whether it is gone; `ended` then says how (negative: by which signal)."""
        if self.ended is None:
            self.ended = self.zygote.ask(do="poll", pid=self.pid)
        return self.ended is not None

    def is_paused(self) -> bool:
        """Whether it has stopped itself and waits to be told to go on."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def go_on(self) -> None:
        """Let a paused process go on as if nothing had happened."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, and whatever it started, without a chance to say goodbye."""
        if not self.has_ended():
            os.killpg(self.pid, signal.SIGKILL)
            wait_until(self.has_ended, "the killed process is gone")

    def terminate(self) -> int:
        """Tell it to stop, wait for it; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        wait_until(self.has_ended, "the process has stopped")
        assert self.ended is not None
        return self.ended

    def points(self) -> list[str]:
        """The points it reached, in order."""
        return self.points_file.read_text().splitlines() if self.points_file.exists() else []

    def said(self) -> str:
        """What it logged, for the message of a failed test."""
        return self.log.read_text()[-6000:] if self.log.exists() else ""
