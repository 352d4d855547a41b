"""What a customer's money needs beside its balances: who moved, which contracts bill next, usage, and the documents.

Exists so that Salesforce can be told of every change without anybody having to remember to say so: what moved is found
by its time, and once a day everybody is compared again. Reads, and marks who is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.payments import InvoiceBalance, PaidStatus
from connector.domain.review import InvoiceState
from connector.domain.status import InvoiceStatus
from connector.store import watermarks
from connector.store.ledger import invoice_balances, touch_customers
from connector.store.tables import contracts, orders, records
from connector.store.tables_access import usage_states
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_cash import cash_statuses
from connector.store.tables_review import issued_documents
from connector.store.unit_of_work import UnitOfWork

_WATERMARK = "money"
# A transaction that began before the last look may have committed after it.
_OVERLAP = timedelta(minutes=10)
# Contracts that bill on the same day, of one customer, that are added up; more are not read.
_MOST_CONTRACTS = 50

_KINDS = {DocumentKind.INVOICE.value: "Invoice", DocumentKind.CREDIT_NOTE.value: "Credit note"}
_STATES = {
    InvoiceState.DRAFT.value: "Held",
    InvoiceState.HELD.value: "Held",
    InvoiceState.SENT_BACK.value: "Held",
    InvoiceState.APPROVED.value: "Approved",
    InvoiceState.ISSUED.value: "Issued",
    InvoiceState.VOID.value: "Void",
}
_PAID = {
    PaidStatus.OPEN: "Issued",
    PaidStatus.PART_PAID: "Part-paid",
    PaidStatus.PAID: "Paid",
    PaidStatus.CREDITED: "Credited",
    PaidStatus.WRITTEN_OFF: "Written off",
}


def mark_moved(*, work: UnitOfWork, now: datetime) -> None:
    """Everybody with a new document, a changed contract or a new reading since the last time is due."""
    since = watermarks.load(work=work, org_id="", object_name=_WATERMARK)
    whose = (contracts.c.org_id, contracts.c.customer_ref)
    queries = [
        (sa.select(invoices.c.org_id, invoices.c.customer_ref), invoices.c.created_at),
        (sa.select(*whose), contracts.c.changed_at),
        (sa.select(*whose).join(usage_states, usage_states.c.contract_id == contracts.c.id), usage_states.c.read_at),
    ]
    found: set[tuple[str, str]] = set()
    for query, moment in queries:
        moved = query if since is None else query.where(moment >= since)
        found |= {(row.org_id, row.customer_ref) for row in work.execute(moved.distinct())}
    touch_customers(work=work, customers=found)
    watermarks.save(work=work, org_id="", object_name=_WATERMARK, swept_until=now - _OVERLAP)


def mark_all_daily(*, work: UnitOfWork, today: date) -> None:
    """Once a day everybody is due again: whatever was missed is found by comparing."""
    old = cash_statuses.c.shown_on < today
    work.execute(cash_statuses.update().where(old, ~cash_statuses.c.is_due).values(is_due=True))


def next_contracts(*, work: UnitOfWork, org_id: str, customer_ref: str = "", record_id: str = "") -> tuple[str, ...]:
    """The numbers of the contracts that bill first: those of a customer, or the one that a signed record belongs to."""
    query = sa.select(contracts.c.number, contracts.c.next_bill_on).where(_theirs(org_id, customer_ref, record_id))
    is_left = contracts.c.next_bill_on.is_not(None)
    rows = work.execute(query.where(is_left).order_by(contracts.c.next_bill_on).limit(_MOST_CONTRACTS)).all()
    return tuple(row.number for row in rows if row.next_bill_on == rows[0].next_bill_on)


def contract_ids(*, work: UnitOfWork, org_id: str, customer_ref: str = "", record_id: str = "") -> tuple[int, ...]:
    """The contracts of a customer, or the one that a signed record belongs to."""
    query = sa.select(contracts.c.id).where(_theirs(org_id, customer_ref, record_id)).order_by(contracts.c.id)
    return tuple(work.execute(query).scalars())


def documents_of(*, work: UnitOfWork, org_id: str, customer_ref: str, today: date) -> tuple[InvoiceStatus, ...]:
    """Every document of a customer with its state and what is open of it, oldest first."""
    rows = work.execute(_DOCUMENTS.where(invoices.c.org_id == org_id, invoices.c.customer_ref == customer_ref)).all()
    issued = [row.id for row in rows if row.state == InvoiceState.ISSUED.value]
    balances = invoice_balances(connection=work.connection, invoice_ids=issued)
    numbers = _contract_numbers(work, [row.id for row in rows])
    return tuple(_document(row, balances.get(row.id), numbers.get(row.id, ""), today) for row in rows)


def newest(documents: Sequence[InvoiceStatus]) -> str:
    """The newest invoice that was issued, with its state."""
    issued = [one for one in documents if one.number and one.kind == "Invoice" and one.issued_on]
    last = max(issued, key=lambda one: (str(one.issued_on), one.id), default=None)
    return f"{last.number} ({last.state})" if last else ""


def of_record(*, work: UnitOfWork, record_id: str, documents: Sequence[InvoiceStatus]) -> list[InvoiceStatus]:
    """Those of the documents that have an item of that signed record."""
    query = sa.select(invoice_items.c.invoice_id).where(invoice_items.c.order_ref == record_id).distinct()
    ids = set(work.execute(query).scalars())
    return [one for one in documents if one.id in ids]


def _theirs(org_id: str, customer_ref: str, record_id: str) -> sa.ColumnElement[bool]:
    if customer_ref:
        return sa.and_(contracts.c.org_id == org_id, contracts.c.customer_ref == customer_ref)
    own = (
        sa.select(orders.c.contract_id)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(records.c.org_id == org_id, records.c.record_id == record_id)
    )
    return contracts.c.id.in_(own)


_DOCUMENTS = (
    sa.select(invoices, issued_documents.c.number, issued_documents.c.issued_on)
    .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
    .order_by(invoices.c.id)
)


def _contract_numbers(work: UnitOfWork, invoice_ids: Sequence[int]) -> dict[int, str]:
    """The contract of each document; of several, the first."""
    found: dict[int, str] = {}
    for start in range(0, len(invoice_ids), 500):
        query = (
            sa.select(invoice_items.c.invoice_id, sa.func.min(contracts.c.number).label("number"))
            .join(contracts, contracts.c.id == invoice_items.c.contract_id)
            .where(invoice_items.c.invoice_id.in_(invoice_ids[start : start + 500]))
            .group_by(invoice_items.c.invoice_id)
        )
        found |= {row.invoice_id: row.number for row in work.execute(query)}
    return found


def _document(row: Any, balance: InvoiceBalance | None, contract_number: str, today: date) -> InvoiceStatus:
    is_invoice = row.kind == DocumentKind.INVOICE.value
    is_issued = row.state == InvoiceState.ISSUED.value
    state = _STATES.get(row.state, row.state)
    if is_issued and is_invoice and balance is not None:
        state = "Overdue" if balance.is_overdue(due_on=row.due_on, today=today) else _PAID[balance.status]
    return InvoiceStatus(
        id=row.id,
        number=row.number or "",
        account_id=row.customer_ref,
        kind=_KINDS.get(row.kind, row.kind),
        state=state,
        issued_on=row.issued_on,
        due_on=row.due_on if is_issued and is_invoice else None,
        total=row.gross,
        open=balance.open.amount if balance is not None and is_invoice else None,
        currency=row.currency,
        contract_number=contract_number,
    )
