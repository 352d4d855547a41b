"""Outbound messages a second, beside the same route without a database; latency at 100 requests a second."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks.parts import PUSH_TOKEN, Bench, percentiles, show, sqlite_url
from tests.postgresql import PostgresqlServer

_PATH = f"/webhooks/salesforce/outbound/{PUSH_TOKEN}"


@contextmanager
def server(bench: Bench, *command: str) -> Iterator[int]:
    """A web server process (two processes of eight threads), answering; gives its port."""
    port = bench.web_port
    process = subprocess.Popen([sys.executable, "-m", *command], env=bench.environment)
    try:
        _await(f"http://127.0.0.1:{port}/health/live")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=40)


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


def load(bench: Bench, port: int, **options: float) -> dict[str, Any]:
    """One run of the load generator."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        f"--port={port}",
        f"--org={bench.sandbox.org_id}",
        f"--path={_PATH}",
    ]
    done = subprocess.run([*command, *words], env=bench.environment, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure(name: str, url: str, *command: str, seconds: float) -> tuple[str, ...]:
    """One row: flat out, at 100 a second, and full bodies."""
    bench = Bench(database_url=url, deals=0)
    try:
        with server(bench, *command) as port:
            load(bench, port, connections=8, seconds=1)
            flat = load(bench, port, connections=16, seconds=seconds)
            calm = load(bench, port, connections=16, seconds=seconds, rate=100)
            full = load(bench, port, connections=8, seconds=seconds, in_one_body=100)
    finally:
        bench.close()
    failures = flat["failures"] + calm["failures"] + full["failures"]
    return (
        name,
        f"{len(flat['latencies']) / flat['seconds']:.0f}",
        percentiles(flat["latencies"]),
        percentiles(calm["latencies"]),
        f"{len(full['latencies']) / full['seconds']:.0f}",
        percentiles(full["latencies"]),
        str(failures),
    )


def main(new_postgresql: Callable[[], str], *, seconds: float = 5) -> None:
    """Print the table."""
    serve = ("connector", "serve")
    rows = [
        measure("no database", sqlite_url(), "benchmarks.web_without_database", seconds=seconds),
        measure("SQLite", sqlite_url(), *serve, seconds=seconds),
        measure("PostgreSQL", new_postgresql(), *serve, seconds=seconds),
    ]
    floor = float(rows[0][1])
    rows = [(*row, f"{float(row[1]) / floor:.2f}") for row in rows]
    heads = (
        "receiver",
        "requests/s flat out",
        "p50/p95/p99 ms",
        "at 100/s: p50/p95/p99 ms",
        "bodies of 100 a second",
        "p50/p95/p99 ms",
        "failures",
        "to no database",
    )
    show("Receiving outbound messages, two processes of eight threads", heads, rows)


if __name__ == "__main__":
    postgresql = PostgresqlServer(is_durable=True)
    try:
        main(postgresql.new_database, seconds=float(sys.argv[1]) if len(sys.argv) > 1 else 5)
    finally:
        postgresql.stop()
