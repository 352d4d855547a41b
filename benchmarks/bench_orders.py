"""Orders a second, Salesforce calls per order, latency of a lone deal from push to FULFILLED, recovery after a kill."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import sqlalchemy as sa

from benchmarks.parts import FULFILLED, OWED, Bench, show, sqlite_url
from tests.postgresql import PostgresqlServer


def orders_per_second(url: str, *, workers: int, deals: int, latency_ms: int) -> tuple[float, float]:
    """(orders a second, write-back calls per order)."""
    bench = Bench(database_url=url, deals=deals + workers * 4, latency_ms=latency_ms)
    try:
        with bench.workers(workers):
            # The first orders pay for imports, plans of queries and logins.
            bench.receive(bench.quotes[deals:])
            bench.wait_for(FULFILLED, workers * 4)
            bench.wait_for(OWED, workers * 4)
            bench.sandbox.calls.reset()
            started = time.perf_counter()
            bench.receive(bench.quotes[:deals])
            bench.wait_for(FULFILLED, deals + workers * 4, seconds=300)
            seconds = time.perf_counter() - started
            bench.wait_for(OWED, deals + workers * 4)
            return deals / seconds, _writes(bench) / deals
    finally:
        bench.close()


def _writes(bench: Bench) -> int:
    return sum(count for kind, count in bench.sandbox.calls.by_kind.items() if kind.startswith("PATCH"))


def lone_deal(url: str, *, times: int = 5) -> tuple[list[float], float]:
    """(milliseconds from receipt to FULFILLED of lone deals, Salesforce calls of one)."""
    bench = Bench(database_url=url, deals=times + 1)
    try:
        with bench.workers(1):
            bench.receive(bench.quotes[:1])
            bench.wait_for(OWED, 1)
            bench.sandbox.calls.reset()
            for number, quote in enumerate(bench.quotes[1:], start=2):
                bench.receive([quote])
                bench.wait_for(OWED, number)
            calls = bench.sandbox.calls.total / times
            return _latencies(bench)[1:], calls
    finally:
        bench.close()


def _latencies(bench: Bench) -> list[float]:
    from connector.store.tables import inbox, orders, records

    query = (
        sa.select(orders.c.fulfilled_at, inbox.c.received_at)
        .join(records, records.c.id == orders.c.record_row_id)
        .join(inbox, inbox.c.record_id == records.c.record_id)
        .order_by(orders.c.id)
    )
    with bench.services.database.reading() as connection:
        return [(row.fulfilled_at - row.received_at).total_seconds() * 1000 for row in connection.execute(query)]


def recovery(url: str, *, deals: int = 60) -> float:
    """Seconds from the kill of one of two workers until every order is fulfilled."""
    bench = Bench(database_url=url, deals=deals, latency_ms=50)
    try:
        with bench.workers(2) as processes:
            bench.receive(bench.quotes)
            bench.wait_for(FULFILLED, 10)
            os.kill(processes[0].pid, signal.SIGKILL)
            return bench.wait_for(FULFILLED, deals)
    finally:
        bench.close()


def main(new_postgresql: Callable[[], str], *, deals: int = 200) -> None:
    """Print the tables."""
    rows = []
    for latency in (0, 50):
        one = orders_per_second(sqlite_url(), workers=1, deals=deals, latency_ms=latency)
        rows.append(("SQLite", 1, latency, f"{one[0]:.1f}", "1.00", f"{one[1]:.3f}"))
        single = 0.0
        for workers in (1, 2):
            speed, writes = orders_per_second(new_postgresql(), workers=workers, deals=deals, latency_ms=latency)
            single = single or speed
            rows.append(("PostgreSQL", workers, latency, f"{speed:.1f}", f"{speed / single:.2f}", f"{writes:.3f}"))
    heads = ("database", "workers", "Salesforce latency ms", "orders/s", "to one worker", "write-back calls/order")
    show(f"Orders end to end, burst of {deals}", heads, rows)
    lone = []
    for name, url in (("SQLite", sqlite_url()), ("PostgreSQL", new_postgresql())):
        latencies, calls = lone_deal(url)
        lone.append((name, f"{sorted(latencies)[len(latencies) // 2]:.0f}", f"{max(latencies):.0f}", f"{calls:.1f}"))
    show("A lone deal", ("database", "ms to FULFILLED (median)", "worst", "Salesforce calls"), lone)
    seconds = recovery(new_postgresql())
    show("kill -9 of one of two workers", ("silence s", "seconds until all fulfilled"), [(5, f"{seconds:.1f}")])


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        main(server.new_database, deals=int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    finally:
        server.stop()
