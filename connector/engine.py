"""Durable work: a run that was started is finished, on this process or another, after any crash.

The only module that imports DBOS, so that the engine could be changed. A run is started inside the transaction that
stored its cause; it is named after our row, so starting it twice is starting it once. What a run has already done is
told by our own rows (fulfilment steps), which it reads first: the engine brings the run back, the rows say where to
go on. The engine must not know what a run does.

Rules, each with a test: the application version is a constant (a new release finishes old work); each process has its
own executor id; work of dead processes is resumed through the public client; JSON, not pickle; no conductor and no
telemetry.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from connector.errors import Misconfigured

_APPLICATION = "countersign"
# Never the release number: DBOS would neither recover nor run the work of another version.
_VERSION = "1"
_QUEUE = "looks"
_FINISHED = ("SUCCESS", "ERROR", "CANCELLED")


def new_executor_id() -> str:
    """An id no other process ever has: two live processes with one id would run each other's work."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def migrate_engine(*, database_url: str) -> None:
    """Make or raise the engine's own tables in the same database; safe to repeat, safe beside running processes.

    Raises Misconfigured when this Python's SQLite is too old for the engine.
    """
    refuse_old_sqlite(
        is_sqlite=database_url.startswith("sqlite"), python=sys.version_info[:2], sqlite=sqlite3.sqlite_version_info
    )
    DBOS.migrate(database_url)


def refuse_old_sqlite(*, is_sqlite: bool, python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    """From Python 3.12 on the engine asks SQLite for milliseconds, which releases before 3.42 answer with nothing.

    Raises Misconfigured.
    """
    if is_sqlite and python >= (3, 12) and sqlite < (3, 42):
        raise Misconfigured(
            f"This Python has SQLite {'.'.join(map(str, sqlite))}; with Python 3.12 and newer, 3.42 is needed.",
            code="OLD_SQLITE",
            fix="Use Python 3.11, a Python with a newer SQLite, or PostgreSQL.",
        )


class WorkStarter:
    """Starts runs; cheap, safe in any process, runs nothing itself."""

    def __init__(self, *, engine: Any, is_sqlite: bool) -> None:
        self._engine = engine
        self._client: DBOSClient | None = None
        self._is_sqlite = is_sqlite

    @property
    def client(self) -> DBOSClient:
        """The DBOS client over our own connections, made on first use (after a fork, too)."""
        if self._client is None:
            self._client = DBOSClient(
                system_database_engine=self._engine,
                serializer=DBOSPortableJSONSerializer(),
                application_name=_APPLICATION,
                # Its first use may be inside a transaction, where a connection check of its own would wait for us.
                lazy=True,
            )
        return self._client

    def start(self, *, connection: Any, name: str, run_id: str, argument: str) -> None:
        """Start one run as part of the caller's transaction; a run id that exists already is not started again."""
        self.client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": name,
                "queue_name": _QUEUE,
                "workflow_id": run_id,
                "app_version": _VERSION,
            },
            run_id,
            argument,
        )

    def unfinished(self, *, run_ids: Sequence[str]) -> set[str]:
        """Those of the given runs that the engine still has to finish."""
        if not run_ids:
            return set()
        found = self.client.list_workflows(workflow_ids=list(run_ids), load_input=False, load_output=False)
        return {run.workflow_id for run in found if run.status not in _FINISHED}

    def resume_dead(self, *, executor_ids: Sequence[str]) -> int:
        """Bring back what processes that are no more had in work; answers how many runs."""
        resumed = 0
        for executor_id in executor_ids:
            runs = self.client.list_workflows(
                status="PENDING", executor_id=executor_id, load_input=False, load_output=False
            )
            if runs:
                self.client.resume_workflows([run.workflow_id for run in runs], queue_name=_QUEUE)
                resumed += len(runs)
        return resumed

    def pending_executors(self) -> set[str]:
        """The ids of all processes that have work under way, as the engine remembers it."""
        runs = self.client.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {run.executor_id for run in runs if run.executor_id}

    def forget_before(self, *, moment: datetime, limit: int = 1000) -> int:
        """Delete finished runs that ended before that moment (retention); answers how many."""
        runs = self.client.list_workflows(
            status=list(_FINISHED),
            completed_before=moment.isoformat(),
            limit=limit,
            load_input=False,
            load_output=False,
        )
        if runs:
            self.client.delete_workflows([run.workflow_id for run in runs])
        return len(runs)


class Worker:
    """Runs what was started, in this process, in `slots` threads. `runs`: name -> (run id, argument) -> outcome."""

    def __init__(
        self,
        *,
        database_url: str,
        engine: Any,
        is_sqlite: bool,
        executor_id: str,
        runs: Mapping[str, Callable[[str, str], str]],
        slots: int = 8,
        poll_seconds: float = 0.05,
        idle_limit: float = 30,
    ) -> None:
        config: DBOSConfig = {
            "name": _APPLICATION,
            "application_version": _VERSION,
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "console_log_level": "ERROR",
            "use_listen_notify": False,
            "max_executor_threads": slots + 8,
            "scheduler_polling_interval_sec": 3600.0,
            "run_migrations": False,
        }
        if is_sqlite:
            config["system_database_engine"] = engine
        else:
            config["system_database_url"] = database_url
            # Its own connections, too, must not hold locks for a process that does not live.
            config["sys_db_idle_transaction_timeout_sec"] = idle_limit
        self.executor_id = executor_id
        self._config = config
        self._runs = runs
        self._slots = slots
        self._poll_seconds = poll_seconds

    def start(self) -> None:
        """Begin to run; the engine's tables must be there. Must be called after a fork, never before."""
        DBOS(config=self._config)
        for name, function in self._runs.items():
            DBOS.workflow(name=name)(_plain(function))
        DBOS.launch()
        DBOS.register_queue(
            _QUEUE, worker_concurrency=self._slots, polling_interval_sec=self._poll_seconds, on_conflict="always_update"
        )
        logging.getLogger("dbos").setLevel(logging.ERROR)

    def stop(self, *, wait_seconds: int = 10) -> None:
        """Take no new runs, let running ones end."""
        DBOS.destroy(workflow_completion_timeout_sec=wait_seconds, destroy_registry=True)


def _plain(function: Callable[[str, str], str]) -> Callable[[str, str], str]:
    """The same as a plain function: the engine marks what it runs, and methods cannot be marked."""

    def run(run_id: str, argument: str) -> str:
        return function(run_id, argument)

    return run
