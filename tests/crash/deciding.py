"""A process that lets finance decide and dies at every point of it: python -m tests.crash.deciding URL WHAT.

For n = 1, 2, 3, ... it forks a child that makes one decision about a fresh document and is killed with SIGKILL at its
n-th point: before and after each commit and before each statement. Then the person does the same again, as people do.
It ends at the first n that a decision does not reach, and tells as JSON what it all came to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.errors import ConnectorError
from connector.store.tables_billing import invoices
from connector.store.tables_review import artifacts, credit_applications, issued_documents
from connector.store.unit_of_work import Database, UnitOfWork
from connector.usecases.credit_invoice import credit_invoice
from connector.usecases.render_artifacts import render_artifacts
from connector.usecases.review_invoice import send_back_invoice
from tests.domain.making import make_item
from tests.reviewing import ACME, Finance, make_finance, sold

_MOST_POINTS = 200
_NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class DiesAt:
    """Kills this process at the n-th point."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._commit, self._execute = UnitOfWork.commit, UnitOfWork.execute
        UnitOfWork.commit = self._committing(UnitOfWork.commit)  # type: ignore[method-assign]
        UnitOfWork.execute = self._executing(UnitOfWork.execute)  # type: ignore[method-assign]

    def _reach(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _committing(self, commit: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(work: UnitOfWork) -> None:
            self._reach()
            commit(work)
            self._reach()

        return wrapped

    def _executing(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(work: UnitOfWork, *arguments: Any) -> Any:
            self._reach()
            return execute(work, *arguments)

        return wrapped


def approve(finance: Finance, invoice_id: int, looked_at: str) -> None:
    """The one approval that is needed."""
    finance.approve(invoice_id, "anna", looked_at=looked_at)


def second(finance: Finance, invoice_id: int, looked_at: str) -> None:
    """The second of two approvals."""
    finance.approve(invoice_id, "anna", looked_at=looked_at)


def credit(finance: Finance, invoice_id: int, looked_at: str) -> None:
    """A credit of everything; the second click finds nothing left."""
    credit_invoice(desk=finance.desk, invoice_id=invoice_id, reason="Outage.", actor="anna", role="approver")


def send_back(finance: Finance, invoice_id: int, looked_at: str) -> None:
    """A rejection."""
    send_back_invoice(
        desk=finance.desk, invoice_id=invoice_id, reason="No.", owner="rosa", actor="finn", role="finance"
    )


def render(finance: Finance, _invoice_id: int, _looked_at: str) -> None:
    """All files that are wanted."""
    clock = finance.desk.clock
    render_artifacts(
        database=finance.desk.database, clock=clock, render=lambda kind, frozen: f"{kind} {frozen.number}".encode()
    )


DECISIONS = {"approve": approve, "second": second, "credit": credit, "send_back": send_back, "render": render}
_PRICE = {"second": "100000"}
_ISSUED_BEFORE = ("credit", "render")


def _prepared(url: str, what: str, number: int) -> tuple[int, str]:
    """A fresh document of a fresh customer, as it is before the decision, and the hash that the person looked at."""
    database = Database(url)
    finance = make_finance(database, FixedClock(_NOW))
    item = make_item(price=_PRICE.get(what, "1200"))
    finance.books.sign(sold(item, record=f"R{number}", customer=replace(ACME, ref=f"C{number}")))
    finance.books.bill("2026-01-01")
    invoice_id = finance.newest()
    if what == "second":
        finance.approve(invoice_id, "finn")
    if what in _ISSUED_BEFORE:
        finance.approve(invoice_id)
    looked_at = finance.hash(invoice_id)
    database.dispose()
    return invoice_id, looked_at


def _decide(url: str, what: str, seen: tuple[int, str], now: datetime) -> str:
    database = Database(url)
    try:
        DECISIONS[what](make_finance(database, FixedClock(now)), *seen)
    except ConnectorError as error:
        return error.code
    finally:
        database.dispose()
    return "done"


def _was_killed(url: str, what: str, seen: tuple[int, str], number: int) -> bool:
    pid = os.fork()
    if pid == 0:
        DiesAt(number)
        _decide(url, what, seen, _NOW)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def main(url: str, what: str) -> dict[str, Any]:
    """Die everywhere; answers what it came to."""
    again = []
    for number in range(1, _MOST_POINTS):
        seen = _prepared(url, what, number)
        was_killed = _was_killed(url, what, seen, number)
        # What a dead process has claimed is free again by then.
        again.append(_decide(url, what, seen, _NOW + timedelta(hours=1)))
        if not was_killed:
            break
    database = Database(url)
    finance = make_finance(database, FixedClock(_NOW))
    with database.reading() as connection:
        states = connection.execute(sa.select(invoices.c.kind, invoices.c.state, invoices.c.id)).all()
        files = connection.execute(sa.select(artifacts.c.invoice_id, artifacts.c.kind, artifacts.c.state)).all()
        credits = connection.execute(sa.select(credit_applications.c.amount)).scalars().all()
        hashes = connection.execute(sa.select(sa.func.count()).select_from(issued_documents)).scalar_one()
    told = {
        "points": number - 1,
        "again": sorted(set(again)),
        "states": sorted({f"{row.kind} {row.state}" for row in states}),
        "documents": len(states),
        "numbers": finance.numbers(),
        "issued": hashes,
        "files": sorted({row.state for row in files}),
        "files_each": sorted({sum(1 for file in files if file.invoice_id == row.id) for row in states}),
        "credits": sorted({str(Decimal(amount)) for amount in credits}),
        "events": sorted({tuple(event for _who, event in finance.events(row.id)) for row in states}),
        "faults": [fault.message for fault in finance.faults()],
    }
    database.dispose()
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
