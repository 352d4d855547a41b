"""A process that has imported the product and forks workers on request, so that a worker starts in milliseconds.

Reads one JSON request per line and answers one line. It opens no database and no connection before the fork, so a
forked worker is as fresh as a started one.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any, NoReturn

import connector
from connector import jobs
from connector.bootstrap import make_services
from connector.config import parse_config
from connector.jobs import Clockwork
from connector.logs import start_logging
from connector.server import RunningWorker, serve
from tests.crash.killing import KillingPoints

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def main() -> None:
    """Serve requests until the input ends; then nobody is left behind."""
    assert threading.active_count() == 1, "a fork would lose these threads"
    gc.freeze()
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "start":
            answer: Any = _start(request)
            children.add(answer)
        else:
            answer = _poll(request["pid"], children)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _be_a_child(request)
    return pid


def _die_with_parent() -> None:
    """Where the system knows how: a test run that is killed leaves no worker behind that works on for hours."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)


def _poll(pid: int, children: set[int]) -> int | None:
    """How the child ended (negative: the signal), None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _be_a_child(request: dict[str, Any]) -> NoReturn:
    os.setpgid(0, 0)
    _die_with_parent()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        start_logging()
        if request["release"]:
            connector.__version__ = request["release"]
        config = parse_config(raw=request["settings"], environment=request["environment"])
        if request["is_web"]:
            serve(config, with_worker=False)
            os._exit(0)
        _work(request, config)
    except BaseException:  # noqa: BLE001 - a forked child must never go back into the loop of its parent
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)


def _work(request: dict[str, Any], config: Any) -> NoReturn:
    kill = request["kill"]
    KillingPoints(
        kind=kill["kind"], kill_at=kill["at"], points_file=kill["points_file"], is_paused=kill["is_paused"]
    ).install()
    if request["jobs"]:
        _keep_only(request["jobs"])
    running = RunningWorker(make_services(config))
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    running.start()
    told.wait()
    running.stop()
    os._exit(0)


def _keep_only(names: list[str]) -> None:
    """Leave the other jobs out of the table, so that nothing else is under way."""
    table = Clockwork.jobs

    def kept(self: Clockwork) -> tuple[jobs.Job, ...]:
        return tuple(job for job in table(self) if job.name in names)

    Clockwork.jobs = kept  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
