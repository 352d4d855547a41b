"""Books for the tests of billing: orders are signed straight into the store by the product's own contract step.

Exists so that a story needs no sandbox where Salesforce plays no part. What is billed is read back as text tables, in
which the tests say what they expect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from connector.domain.fulfilment import StepName
from connector.domain.tax import DEFAULT_TAX_RULES, ENTITY_COUNTRIES
from connector.domain.taxed_documents import TaxSettings
from connector.domain.terms import Order
from connector.ports import Clock
from connector.store import billing_runs, orders, records
from connector.store.billing_rows import Drafted
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices
from connector.store.unit_of_work import Database
from connector.usecases.bill_contracts import Biller
from connector.usecases.fulfilment_steps import STEP_WORK, StepContext

TAXES = TaxSettings(DEFAULT_TAX_RULES, dict(ENTITY_COUNTRIES))


class Books:
    """Orders, contracts and drafts of one database."""

    def __init__(self, database: Database, clock: Clock, *, executor_id: str = "here") -> None:
        self.database = database
        self.clock = clock
        self.biller = Biller(database, clock, TAXES, executor_id)

    def sign(self, *signed: Order) -> str:
        """These orders arrive one after the other and make or change their contract; answers the last one's number."""
        number = ""
        for order in signed:
            with self.database.unit_of_work() as work:
                now = self.clock.now()
                claimed = records.claim(work=work, ref=order.source, run_id="test", now=now)
                assert claimed is not None
                stored = orders.open_order(work=work, record_row_id=claimed.id, now=now)
                orders.save_terms(work=work, order=stored, terms=order, value=None, mapping_version="1")
                context = StepContext(None, stored.id, order, ())  # type: ignore[arg-type]
                number = STEP_WORK[StepName.CONTRACT].record(work, context, None, now)["contract"]
                work.commit()
        return number

    def bill(self, as_of: str, *, chunk_size: int = 500) -> dict[str, int]:
        """One whole run; its counts."""
        run_id = self.open_run(as_of, chunk_size=chunk_size)
        while self.biller.bill_next_chunk(run_id=run_id):
            pass
        return self.counts(run_id)

    def open_run(self, as_of: str, *, chunk_size: int = 500) -> int:
        """A run whose chunks nobody has begun."""
        return self.biller.open_run(as_of=date.fromisoformat(as_of), actor="rosa", chunk_size=chunk_size)

    def counts(self, run_id: int) -> dict[str, int]:
        """What came of a finished run, zeros left out."""
        with self.database.reading() as connection:
            progress = billing_runs.load_progress(connection=connection, run_id=run_id)
        assert progress.is_finished
        return {name: count for name, count in (progress.counts or {}).items() if count}

    def preview(self, as_of: str) -> list[Drafted]:
        """The dry run."""
        return list(self.biller.dry_run(as_of=date.fromisoformat(as_of)))

    def drafts(self, *, customer: str = "") -> list[Any]:
        """The rows of all documents, by date and then as they were made."""
        query = sa.select(invoices).order_by(invoices.c.bill_on, invoices.c.id)
        return self._rows(query.where(invoices.c.customer_ref == customer) if customer else query)

    def items(self) -> list[Any]:
        """The rows of all items with the kind, date and currency of their document."""
        shown = (invoices.c.kind.label("document"), invoices.c.bill_on, invoices.c.currency, invoices.c.draft_key)
        query = sa.select(invoice_items, *shown).join(invoices, invoices.c.id == invoice_items.c.invoice_id)
        return self._rows(query.order_by(invoices.c.bill_on, invoices.c.id, invoice_items.c.position))

    def contract(self, number: str = "C-000001") -> Any:
        """The row of a contract."""
        (row,) = self._rows(sa.select(contracts).where(contracts.c.number == number))
        return row

    def content(self) -> list[tuple[Any, ...]]:
        """Everything a document says, without the numbers of rows, so that two databases can be compared."""
        left_out = {"id", "run_id", "created_at", "tax_rows", "lowers"}
        rows = []
        for draft in self.drafts():
            values = tuple(value for name, value in draft._mapping.items() if name not in left_out)
            own = [item for item in self.items() if item.draft_key == draft.draft_key]
            lines = tuple((item.charge_key, item.amount, item.reason, item.starts_on, item.ends_on) for item in own)
            rows.append((*values, tuple(draft.lowers), repr(draft.tax_rows), lines))
        return sorted(rows, key=repr)

    def table(self) -> str:
        """All documents as text: type, first day, last day, amount of each item."""
        return as_table(self.items())

    def totals(self) -> list[tuple[str, str, str]]:
        """(bill date, kind, net) of all documents."""
        return [(str(row.bill_on), row.kind, str(row.net)) for row in self.drafts()]

    def _rows(self, query: Any) -> list[Any]:
        with self.database.reading() as connection:
            return list(connection.execute(query).all())


def as_table(items: Sequence[Any]) -> str:
    """Items as text, one document after the other: type, what, first day, last day, amount."""
    lines = []
    for item in items:
        last = date.fromordinal(item.ends_on.toordinal() - 1)
        lines.append(
            f"{item.bill_on}  {item.document:<11}  {item.description:<22}  {item.starts_on}  {last}  "
            f"{item.amount:>12} {item.currency}"
        )
    return "\n".join(lines)


def same(table: str, expected: str) -> bool:
    """Whether two text tables say the same, however they are indented and spaced."""
    return [line.split() for line in table.strip().splitlines()] == [
        line.split() for line in expected.strip().splitlines()
    ]


def for_customer(order: Order, ref: str, **changes: Any) -> Order:
    """The same order of another customer."""
    return dataclasses.replace(order, customer=dataclasses.replace(order.customer, ref=ref, **changes))


def amounts(items: Sequence[Any]) -> Decimal:
    """The sum of the items."""
    return sum((item.amount for item in items), Decimal(0))
