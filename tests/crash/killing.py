"""Points at which a worker process can be killed: around each commit and each outside call of one kind of run.

Lives in tests only. It counts the points of the chosen kind and ends the process with SIGKILL at the n-th, as a power
cut would. Commits and calls of other threads (heartbeat, clockwork) are not counted, so that n means the same place in
every run.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import connector.bootstrap
import connector.jobs
from connector.adapters.entitlements_embedded import EmbeddedPlatform
from connector.adapters.salesforce import SimpleSalesforceGateway
from connector.adapters.stigg_calls import StiggCalls
from connector.store.unit_of_work import UnitOfWork
from connector.usecases.bill_contracts import Biller
from connector.usecases.look_at_record import Looker

_PLATFORM_CALLS = ("upsert_customer", "fetch_plan", "grant", "fetch_subscription")
_GATEWAY_CALLS = ("fetch", "write")


class KillingPoints:
    """Counts the points inside runs of one kind (look, spread, write_back, bill, credits).

    At the `kill_at`-th point (0 = never) the process gets the signal: SIGKILL ends it, SIGSTOP pauses it.
    """

    def __init__(self, *, kind: str, kill_at: int, points_file: str, is_paused: bool = False) -> None:
        self._signal = signal.SIGSTOP if is_paused else signal.SIGKILL
        self._kind = kind
        self._kill_at = kill_at
        self._file = os.open(points_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._reached = 0
        self._inside = threading.local()

    def install(self) -> None:
        """Wrap the product's own parts in this process."""
        UnitOfWork.commit = self._around(UnitOfWork.commit, "commit")  # type: ignore[method-assign]
        owners: tuple[tuple[type, tuple[str, ...]], ...] = (
            (EmbeddedPlatform, _PLATFORM_CALLS),
            (SimpleSalesforceGateway, _GATEWAY_CALLS),
            (StiggCalls, ("change",)),
        )
        for owner, names in owners:
            for name in names:
                setattr(owner, name, self._around(getattr(owner, name), name))
        Looker.look = self._run("look", Looker.look)  # type: ignore[method-assign]
        connector.bootstrap.spread = self._run("spread", connector.bootstrap.spread)
        connector.jobs.write_back = self._run("write_back", connector.jobs.write_back)
        connector.jobs.grant_due_credits = self._run("credits", connector.jobs.grant_due_credits)
        Biller.bill_next_chunk = self._run("bill", Biller.bill_next_chunk)  # type: ignore[method-assign]

    def _around(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*positional: Any, **named: Any) -> Any:
            self._reach(f"before {name}")
            answer = function(*positional, **named)
            self._reach(f"after {name}")
            return answer

        return wrapped

    def _run(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*positional: Any, **named: Any) -> Any:
            if kind != self._kind:
                return function(*positional, **named)
            self._inside.on = True
            try:
                answer = function(*positional, **named)
                # The engine has not written down yet that the run has ended.
                self._reach(f"end of {kind}")
            finally:
                self._inside.on = False
            return answer

        return wrapped

    def _reach(self, name: str) -> None:
        if not getattr(self._inside, "on", False):
            return
        with self._lock:
            self._reached += 1
            os.write(self._file, f"{self._reached} {name}\n".encode())
            if self._reached == self._kill_at:
                os.kill(os.getpid(), self._signal)
