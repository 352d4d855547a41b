"""The heartbeat of one process: registered before it takes work, heard while it lives, and its word about the others.

Exists so that dying, being taken for dead and judging others are said in one place. A process that was itself cut off
from the database, or paused, must not judge: from where it stands everybody has been silent.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from connector.logs import log
from connector.ports import Clock
from connector.store import processes
from connector.store.unit_of_work import Database


class Heartbeat:
    """Beats five times within the silence that counts as death; calls `on_death` when it was declared dead."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        executor_id: str,
        silence: timedelta,
        on_death: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._executor_id = executor_id
        self._silence = silence
        self._on_death = on_death
        self._stopping = threading.Event()
        self._heard_at: datetime | None = None
        self._judges_from: datetime | None = None

    def start(self) -> None:
        """Make this process known and begin to beat; must come before it takes any work."""
        now = self._clock.now()
        with self._database.unit_of_work() as work:
            processes.register(
                work=work,
                executor_id=self._executor_id,
                kind="worker",
                host=socket.gethostname(),
                pid=os.getpid(),
                now=now,
            )
            work.commit()
        self._heard_at = now
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Say goodbye, so that nobody waits to take us for dead."""
        self._stopping.set()
        with self._database.unit_of_work() as work:
            processes.stop(work=work, executor_ids=[self._executor_id], now=self._clock.now())
            work.commit()

    def is_heard(self) -> bool:
        """Whether nobody can have taken us for dead since our last beat. After a pause the next beat tells first."""
        return self._heard_at is None or self._clock.now() - self._heard_at <= self._silence

    def may_judge(self) -> bool:
        """Whether this process has been heard without a gap for long enough to call others silent.

        One that never began to beat, as a command that runs one job, judges at once.
        """
        if self._heard_at is None:
            return True
        now = self._clock.now()
        is_heard = now - self._heard_at <= self._silence / 2
        return is_heard and (self._judges_from is None or now >= self._judges_from)

    def beat(self) -> None:
        """One beat. After a gap the others get their time to be heard again before we judge them."""
        now = self._clock.now()
        with self._database.unit_of_work() as work:
            is_alive = processes.beat(work=work, executor_id=self._executor_id, now=now)
            work.commit()
        if not is_alive and not self._stopping.is_set():
            log.error("declared_dead", executor_id=self._executor_id)
            self._on_death()
            return
        if self._heard_at is not None and now - self._heard_at > self._silence / 2:
            self._judges_from = now + self._silence
        self._heard_at = now

    def _run(self) -> None:
        pause = self._silence.total_seconds() / 5
        while not self._stopping.wait(pause):
            try:
                self.beat()
            except Exception:  # noqa: BLE001 - a missed beat is not the end; silence is noticed by the others
                log.exception("beat_missed")
