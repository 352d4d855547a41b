"""The processes: gunicorn for the web, the worker with its clockwork, or both in one.

Exists so that starting, stopping and dying are said in one place. Engine and clockwork start after the fork, never
before, and stop before the process ends, so that their work is handed on and not waited for.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from connector.app import create_app
from connector.bootstrap import make_clockwork, make_services, make_worker, refuse_wrong_org, remember_mappings
from connector.config import Config
from connector.engine import Worker, new_executor_id
from connector.errors import ConnectorError, Misconfigured
from connector.jobs import Clockwork
from connector.logs import log
from connector.services import Services

# How long running deals may take to end at a stop; what is not done by then goes on at the next start.
_STOP_SECONDS = 20


class RunningWorker:
    """Engine and clockwork of this process, started together and stopped together."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopped = threading.Event()
        self.executor_id = new_executor_id()
        self.worker: Worker | None = None
        self.clockwork: Clockwork | None = None

    def start(self) -> None:
        """Begin to work. Waits for Salesforce to answer with the right org before anything runs.

        Raises Misconfigured in the wrong org.
        """
        self._await_org()
        remember_mappings(self._services)
        self.clockwork = make_clockwork(self._services, executor_id=self.executor_id)
        self.worker = make_worker(self._services, executor_id=self.executor_id)
        self.clockwork.register()
        self.worker.start()
        self.clockwork.start()
        log.info("worker_started", executor_id=self.executor_id)

    def stop(self) -> None:
        """Stop the clock, let running deals end, say goodbye."""
        self._stopped.set()
        if self.clockwork is not None and self.worker is not None:
            self.clockwork.stop_jobs()
            self.worker.stop(wait_seconds=_STOP_SECONDS)
            self.clockwork.stop()

    def _await_org(self) -> None:
        """Salesforce may be away when we start; the wrong org is no matter of waiting."""
        pause = 1.0
        while not self._stopped.is_set():
            try:
                refuse_wrong_org(self._services)
            except Misconfigured as error:
                if error.code == "WRONG_ORG":
                    raise
                log.error("org_refused_us", code=error.code, fix=error.fix)
            except ConnectorError as error:
                log.warning("org_not_reachable", code=error.code)
            else:
                return
            self._stopped.wait(pause)
            pause = min(60.0, pause * 2)


def work_until_told(config: Config) -> int:
    """`countersign work`: run until SIGTERM or SIGINT; answers the exit code."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    running = RunningWorker(make_services(config))
    running.start()
    told.wait()
    running.stop()
    return 0


class WebServer(BaseApplication):
    """gunicorn with our application; `with_worker` adds engine and clockwork to its single process."""

    def __init__(self, config: Config, *, with_worker: bool) -> None:
        self._config = config
        self._with_worker = with_worker
        self._counts = tempfile.mkdtemp(prefix="countersign-counts-")
        super().__init__()  # type: ignore[no-untyped-call]

    def load_config(self) -> None:
        """gunicorn's settings from ours."""
        web = self._config.web
        settings: dict[str, Any] = {
            "bind": f"{web.host}:{web.port}",
            "workers": 1 if self._with_worker else web.processes,
            "threads": web.threads,
            "worker_class": "gthread",
            # Longer than proxies keep theirs, or they meet a connection that was closed the moment they use it.
            "keepalive": 75,
            "timeout": 60,
            "graceful_timeout": _STOP_SECONDS + 5,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "limit_request_line": 4094,
            "post_worker_init": _after_fork if self._with_worker else None,
            "worker_exit": _before_exit if self._with_worker else None,
            "on_exit": self._forget_counts,
        }
        for name, value in settings.items():
            if value is not None:
                self.cfg.set(name, value)  # type: ignore[union-attr]

    def run(self) -> None:
        """Serve until told to stop. The web processes count together in a fresh folder, which they inherit."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = self._counts
        super().run()  # type: ignore[no-untyped-call]

    def _forget_counts(self, _arbiter: Any) -> None:
        """At the end of the whole server, not of one of its processes."""
        shutil.rmtree(self._counts, ignore_errors=True)

    def load(self) -> Any:
        """The WSGI application; called after the fork, so that no connection is shared between processes."""
        services = make_services(self._config)
        app = create_app(services=services)
        if self._with_worker:
            app.extensions["countersign-worker"] = RunningWorker(services)
        return app


def _after_fork(gunicorn_worker: Any) -> None:
    """Start engine and clockwork beside the web threads; a failure to start ends the process with its reason."""
    running: RunningWorker = gunicorn_worker.wsgi.extensions["countersign-worker"]
    threading.Thread(target=_start_or_end, args=(running.start,), name="worker-start", daemon=True).start()


def _start_or_end(start: Callable[[], None]) -> None:
    """A web server without its worker would take messages that nobody works on, so it ends, and is not begun again."""
    try:
        start()
    except ConnectorError as error:
        log.error("worker_cannot_start", code=error.code, error=str(error), fix=error.fix)
        os._exit(Arbiter.WORKER_BOOT_ERROR)
    except BaseException:  # noqa: BLE001 - whatever it was, the process must not live on without its worker
        log.exception("worker_cannot_start")
        os._exit(Arbiter.WORKER_BOOT_ERROR)


def _before_exit(_arbiter: Any, gunicorn_worker: Any) -> None:
    gunicorn_worker.wsgi.extensions["countersign-worker"].stop()


def serve(config: Config, *, with_worker: bool) -> None:
    """`countersign serve`: run the web server until told to stop. Raises SystemExit(1) when it cannot start."""
    try:
        WebServer(config, with_worker=with_worker).run()
    except SystemExit as end:
        raise SystemExit(1 if end.code else 0) from None
