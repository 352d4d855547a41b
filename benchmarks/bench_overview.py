"""How long does the overview take to count with 100,000 issued invoices and their payments?

Beside it the floor: the database counting the same invoices by state. `python -m benchmarks.bench_overview` prints one
small table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.parts import show
from connector.adapters.clock import FixedClock
from connector.store.inserting import insert_many
from connector.store.queries_dashboard import load_overview
from connector.store.tables import metadata
from connector.store.tables_billing import invoices
from connector.store.tables_cash import ledger_lines, payments, postings
from connector.store.unit_of_work import Database
from tests.cashing import invoice_row
from tests.postgresql import PostgresqlServer

INVOICES, QUICK, TIMES = 100_000, 10_000, 7
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
# One in so many is open; the others are paid in full.
_OPEN = 10


def main(new_database: Callable[[], str], *, count: int = INVOICES) -> None:
    """Both databases; prints the table."""
    rows = []
    with TemporaryDirectory() as folder:
        for kind, url in (("SQLite", f"sqlite:///{Path(folder) / 'bench.db'}"), ("PostgreSQL", new_database())):
            database = Database(url)
            metadata.create_all(database.writer)
            _fill(database, count)
            with database.reading() as connection:
                whole, floor = _median(connection, _overview), _median(connection, _count_states)
            rows.append((kind, f"{count:,}", f"{whole:.0f}", f"{floor:.0f}", f"{whole / floor:.1f}"))
            database.dispose()
    show("Overview", ("database", "invoices", "ms (median)", "counting states, ms", "ratio"), rows)


def _fill(database: Database, count: int) -> None:
    """Issued invoices in three currencies, due over half a year; all but one in ten are paid."""
    clock = FixedClock(_NOW)
    with database.unit_of_work() as work:
        rows = []
        for number in range(count):
            due = date(2025, 10, 1) + timedelta(days=number % 180)
            currency = ("EUR", "USD", "JPY")[number % 3]
            row = invoice_row(
                f"B-{number}", f"{1000 + number % 9000}.00", currency, f"{number % 5000}", str(due), "invoice",
                "issued", "DE", clock,
            )  # fmt: skip
            rows.append(row | {"id": number + 1})
        insert_many(work, invoices, rows)
        paid = [row for row in rows if row["id"] % _OPEN]
        work.execute(payments.insert(), [_payment(row) for row in paid])
        work.execute(postings.insert(), [_posting(row) for row in paid])
        work.execute(ledger_lines.insert(), [line for row in paid for line in _lines(row)])
        work.commit()
    if not database.is_sqlite:
        with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))


def _payment(row: dict[str, object]) -> dict[str, object]:
    return {
        "id": row["id"], "source": "bank", "source_ref": f"e{row['id']}", "currency": row["currency"],
        "amount": row["gross"], "state": "received", "references": [], "created_at": _NOW, "changed_at": _NOW,
    }  # fmt: skip


def _posting(row: dict[str, object]) -> dict[str, object]:
    return {
        "id": row["id"], "key": f"allocate-{row['id']}", "kind": "allocate", "currency": row["currency"],
        "on": _NOW.date(), "at": _NOW,
    }  # fmt: skip


def _lines(row: dict[str, object]) -> list[dict[str, object]]:
    gross = row["gross"]
    assert isinstance(gross, Decimal)
    common = {"posting_id": row["id"], "payment_id": row["id"]}
    return [
        common | {"position": 1, "account": "unapplied", "amount": gross, "invoice_id": None},
        common | {"position": 2, "account": "receivable", "amount": -gross, "invoice_id": row["id"]},
    ]


def _overview(connection: Connection) -> None:
    load_overview(connection=connection, now=_NOW)


def _count_states(connection: Connection) -> None:
    connection.execute(sa.select(invoices.c.state, sa.func.count()).group_by(invoices.c.state)).all()


def _median(connection: Connection, work: Callable[[Connection], None]) -> float:
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work(connection)
        taken.append(time.perf_counter() - started)
    return sorted(taken)[TIMES // 2] * 1000


if __name__ == "__main__":
    server = PostgresqlServer(is_durable=True)
    try:
        main(server.new_database, count=QUICK if "quick" in sys.argv[1:] else INVOICES)
    finally:
        server.stop()
