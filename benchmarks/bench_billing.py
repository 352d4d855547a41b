"""How long does a month's billing run take over many contracts, and does its memory grow with their number?

Contracts of ten lines, billed monthly for three years, each of a customer of its own; their rows are put straight into
the database, as the contract step leaves them. Then processes that share one run draft a month, and the same run is
made again with nothing due. `python -m benchmarks.bench_billing [quick]` prints one table for SQLite and PostgreSQL.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.bench_schedule import make_orders
from benchmarks.parts import sqlite_url
from connector.adapters.clock import SystemClock
from connector.domain.tax import DEFAULT_TAX_RULES, ENTITY_COUNTRIES
from connector.domain.taxed_documents import TaxSettings
from connector.domain.terms import Address, Order
from connector.store.tables import contracts, metadata, orders, records
from connector.store.tables_billing import invoices
from connector.store.terms import order_document
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller
from tests.postgresql import PostgresqlServer

CONTRACTS, QUICK = 100_000, 2_000
_AT_ONCE = 2_000
# Every contract has begun by then, and each month has one bill date of each.
_BEFORE, _MONTH = date(2027, 2, 28), date(2027, 3, 31)
_ORG = "00D000000000000AAA"


def fill(database: Database, *, count: int, is_whole: bool = False) -> None:
    """That many contracts, drafted up to the month before, so that each owes one month.

    `is_whole`: their customers have everything that an invoice needs.
    """
    metadata.create_all(database.writer)
    patterns = make_orders(365)
    now = datetime(2027, 2, 28, tzinfo=UTC)
    for start in range(0, count, _AT_ONCE):
        numbers = range(start + 1, min(start + _AT_ONCE, count) + 1)
        signed = [_signed(patterns[number % len(patterns)], number, is_whole) for number in numbers]
        with database.unit_of_work() as work:
            work.execute(records.insert(), [_record_row(number, now) for number in numbers])
            work.execute(contracts.insert(), [_contract_row(n, o, now) for n, o in zip(numbers, signed, strict=True)])
            work.execute(orders.insert(), [_order_row(n, o, now) for n, o in zip(numbers, signed, strict=True)])
            work.commit()
    with database.writer.connect() as connection:
        # Not the empty ones: what is planned for an empty table is planned wrongly for a full one.
        for table in (records, contracts, orders):
            connection.execute(sa.text(f"ANALYZE {table.name}"))
        connection.commit()


def _signed(pattern: Order, number: int, is_whole: bool = False) -> Order:
    address = Address("Lindenweg 4", "Berlin", "", "10969", "DE") if is_whole else Address(country="DE")
    customer = replace(pattern.customer, ref=f"001{number:015d}", billing_address=address)
    if is_whole:
        named = f"Customer {number:06d} GmbH"
        customer = replace(customer, name=named, tax_id=f"DE{number:09d}", email=f"ap{number}@customer.example")
    return replace(pattern, source=replace(pattern.source, record_id=f"0Q0{number:015d}"), customer=customer)


def _record_row(number: int, now: datetime) -> dict[str, Any]:
    return {"id": number, "org_id": _ORG, "object": "Quote", "record_id": f"0Q0{number:015d}", "first_seen_at": now}


def _contract_row(number: int, order: Order, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "number": f"C-{number:06d}",
        "opened_by_order_id": number,
        "org_id": _ORG,
        "customer_ref": order.customer.ref,
        "currency": order.currency,
        "legal_entity": order.legal_entity,
        "starts_on": order.starts_on,
        "ends_on": order.ends_on,
        "value": Decimal(0),
        "created_at": now,
        "changed_at": now,
        "next_bill_on": date(2027, 3, 1),
        "billed_until": _BEFORE,
        "billed_version": 1,
        "billing_count": 1,
    }


def _order_row(number: int, order: Order, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "record_row_id": number,
        "number": f"O-{number:06d}",
        "state": "FULFILLED",
        "terms": order_document(order),
        "contract_id": number,
        "created_at": now,
        "changed_at": now,
    }


def share(url: str, run_id: int) -> None:
    """One process that does chunks of a run until none is left; prints what it came to as JSON."""
    biller = _biller(Database(url), f"bench-{time.monotonic_ns()}")
    started, worked = time.perf_counter(), time.process_time()
    chunks = 0
    while biller.bill_next_chunk(run_id=run_id):
        chunks += 1
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    print(json.dumps({"chunks": chunks, "seconds": seconds, "cpu": cpu, "memory": _most_memory()}))


def _most_memory() -> int:
    """The most memory this process ever held, in MiB (what getrusage tells includes that of its parent)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: seconds without the start of the programs, processor seconds of all processes, memory (MiB), drafts."""

    seconds: float
    cpu: float
    memory: int
    drafts: int


def _biller(database: Database, executor_id: str) -> Biller:
    return Biller(database, SystemClock(), TaxSettings(DEFAULT_TAX_RULES, dict(ENTITY_COUNTRIES)), executor_id)


def _run(url: str, *, sharers: int) -> Figures:
    database = Database(url)
    before = _drafts(database)
    started = time.perf_counter()
    run_id = _biller(database, "bench").open_run(as_of=_MONTH, actor="bench")
    opened = time.perf_counter() - started
    command = [sys.executable, "-m", "benchmarks.bench_billing", "share", url, str(run_id)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(sharers)]
    told = [json.loads(child.communicate()[0]) for child in children]
    seconds = opened + max(one["seconds"] for one in told)
    made = _drafts(database) - before
    database.dispose()
    return Figures(seconds, sum(one["cpu"] for one in told), max(one["memory"] for one in told), made)


def _drafts(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(invoices)).scalar_one())


def _rows(new_url: Callable[[], str], count: int) -> Iterator[tuple[str, int, Figures]]:
    for contracts_count, sharers in ((count // 4, 2), (count, 1), (count, 2)):
        url = new_url()
        database = Database(url)
        fill(database, count=contracts_count)
        database.dispose()
        by = "1 process" if sharers == 1 else f"{sharers} processes"
        yield by, contracts_count, _run(url, sharers=sharers)
        if contracts_count == count:
            yield f"{by}, again", contracts_count, _run(url, sharers=sharers)


def main(new_postgresql: Callable[[], str], *, count: int = CONTRACTS) -> None:
    """Print a table for SQLite and PostgreSQL."""
    print(f"\nOne month of contracts with 10 lines, drafted and stored ({_MONTH:%B %Y})")
    heads = f"{'':<34}{'contracts':>10}{'seconds':>9}{'contracts/s':>13}{'invoices/min':>14}{'cpu s':>8}{'MiB':>6}"
    print(heads)
    for name, new_url in (("SQLite", sqlite_url), ("PostgreSQL", new_postgresql)):
        for what, contracts_count, found in _rows(new_url, count):
            speed = f"{contracts_count / found.seconds:>13,.0f}{found.drafts * 60 / found.seconds:>14,.0f}"
            print(
                f"{name + ', ' + what:<34}{contracts_count:>10,}{found.seconds:>9.2f}"
                f"{speed if found.drafts else '':>27}{found.cpu:>8.1f}{found.memory:>6}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["share"]:
        share(sys.argv[2], int(sys.argv[3]))
    else:
        server = PostgresqlServer(is_durable=True)
        try:
            main(server.new_database, count=QUICK if "quick" in sys.argv[1:] else CONTRACTS)
        finally:
            server.stop()
