"""The processes of the demo: started with a log file each, and always stopped.

Each child leads a process group of its own, so that Ctrl-C reaches only the demo, which then stops them in order, and
so that nothing a child started stays behind. A guardian does it when the demo is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from connector.demo import guardian
from connector.errors import ConnectorError

# The worker lets running deals end; the demo's are done in well under this time.
_STOP_SECONDS = 10.0
_POLL = 0.05
_LAST_LINES = 15


class ChildFailed(ConnectorError):
    """A process of the demo ended or never became ready."""

    code = "DEMO_PROCESS"


class Child:
    """One running process with its log file."""

    def __init__(self, *, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs with our own arguments
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def number(self) -> int:
        """Its process number, which is also that of its group."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def await_ready(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until it serves. Raises ChildFailed when it ends before, or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.require_alive()
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"{self.name} was not ready after {seconds:.0f} seconds.{self._tail()}", fix=self._fix()
                )
            time.sleep(_POLL)

    def require_alive(self) -> None:
        """Raises ChildFailed with the end of its log when the process is gone."""
        if self.has_ended:
            code = self._process.returncode
            raise ChildFailed(f"{self.name} ended with exit code {code}.{self._tail()}", fix=self._fix())

    def stop(self) -> None:
        """Ask it to end and wait; after a while, end its whole group."""
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._end_group()
            self._process.wait()

    def _end_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It ended between our looking and our asking.
            return

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "\nThe end of its log:\n  " + "\n  ".join(lines) if lines else " Its log is empty."

    def _fix(self) -> str:
        return f"The whole log is in {self.log}."


class Children:
    """All processes of one demo; leaving the block stops those that run, the last one started first."""

    def __init__(self) -> None:
        self._running: list[Child] = []

    def __enter__(self) -> Children:
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "connector.demo.guardian"], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # One after the other: whoever calls another process ends before that one is gone.
        for child in reversed(self._running):
            child.stop()
        self._tell_guardian(guardian.DONE)
        self._guardian.communicate()

    def start(self, *, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """Start one more."""
        child = Child(name=name, command=command, environment=environment, log=log)
        self._running.append(child)
        self._tell_guardian(str(child.number))
        return child

    def _tell_guardian(self, word: str) -> None:
        assert self._guardian.stdin is not None
        self._guardian.stdin.write(word + "\n")
        self._guardian.stdin.flush()

    def require_alive(self) -> None:
        """Raises ChildFailed when one of them is gone."""
        for child in self._running:
            child.require_alive()
