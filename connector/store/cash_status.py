"""What Salesforce shows of money: balances of a customer or of one order, and which customers are due to be told.

Amounts are those of one currency: that of the newest invoice, because an account has one field. Read by row, never by
report: a customer has few invoices.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from connector.domain.fulfilment import OrderState
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import total
from connector.domain.payments import InvoiceBalance, PaidStatus, PostingKind
from connector.domain.review import InvoiceState
from connector.domain.status import CashStatus, PaymentWord
from connector.store.inserting import insert
from connector.store.ledger import invoice_balances
from connector.store.tables import orders
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_cash import cash_statuses, ledger_lines, postings
from connector.store.unit_of_work import UnitOfWork


def cash_of_customer(*, work: UnitOfWork, org_id: str, customer_ref: str, today: date) -> CashStatus:
    """What is issued to a customer and paid."""
    query = _ISSUED.where(invoices.c.org_id == org_id, invoices.c.customer_ref == customer_ref)
    return _status(work, work.execute(query).all(), today)


def cash_of_order(*, work: UnitOfWork, org_id: str, record_id: str, today: date) -> CashStatus:
    """What is issued on documents with an item of that signed record, and paid; whole documents count."""
    named = sa.select(invoice_items.c.invoice_id).where(invoice_items.c.order_ref == record_id)
    query = _ISSUED.where(invoices.c.org_id == org_id, invoices.c.id.in_(named))
    return _status(work, work.execute(query).all(), today)


def mark_day(*, work: UnitOfWork, today: date) -> int:
    """Once a day every customer is due again: what was open yesterday may be overdue today."""
    old = cash_statuses.c.shown_on.is_(None) | (cash_statuses.c.shown_on < today)
    return work.execute(cash_statuses.update().where(old, ~cash_statuses.c.is_due).values(is_due=True)).rowcount


def take_due(*, work: UnitOfWork, limit: int) -> list[tuple[str, str]]:
    """Customers (org id, account id) of whom something moved, locked until the end of this transaction."""
    query = (
        sa.select(cash_statuses.c.org_id, cash_statuses.c.customer_ref)
        .where(cash_statuses.c.is_due)
        .order_by(cash_statuses.c.org_id, cash_statuses.c.customer_ref)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.org_id, row.customer_ref) for row in work.execute(query)]


def save_shown(*, work: UnitOfWork, customers: Sequence[tuple[str, str]], today: date) -> None:
    """These customers are told of."""
    rows = [{"org_id": org, "customer_ref": ref, "is_due": False, "shown_on": today} for org, ref in customers]
    if rows:
        statement = insert(work, cash_statuses).on_conflict_do_update(
            index_elements=["org_id", "customer_ref"], set_={"is_due": False, "shown_on": today}
        )
        work.execute(statement, rows)


def fulfilled_orders(*, work: UnitOfWork, customer_ref: str) -> list[int]:
    """The fulfilled orders of a customer."""
    query = sa.select(orders.c.id).where(
        orders.c.customer_ref == customer_ref, orders.c.state == OrderState.FULFILLED.value
    )
    return list(work.execute(query.order_by(orders.c.id)).scalars())


_ISSUED = (
    sa.select(invoices.c.id, invoices.c.currency, invoices.c.due_on)
    .where(invoices.c.state == InvoiceState.ISSUED.value, invoices.c.kind == DocumentKind.INVOICE.value)
    .order_by(invoices.c.bill_on.desc(), invoices.c.id.desc())
)


def _status(work: UnitOfWork, rows: Sequence[Any], today: date) -> CashStatus:
    if not rows:
        return CashStatus()
    own = [row for row in rows if row.currency == rows[0].currency]
    ids = [row.id for row in own]
    balances = invoice_balances(connection=work.connection, invoice_ids=ids)
    due = {row.id: row.due_on for row in own}
    late = [one for one in balances.values() if one.is_overdue(due_on=due[one.invoice_id], today=today)]
    return CashStatus(
        word=_word(list(balances.values()), bool(late)),
        open=total((one.open for one in balances.values()), currency=rows[0].currency).amount,
        overdue=total((one.open for one in late), currency=rows[0].currency).amount,
        last_payment_on=_last_payment(work, ids),
    )


def _word(balances: Sequence[InvoiceBalance], is_late: bool) -> PaymentWord:
    if is_late:
        return PaymentWord.OVERDUE
    if not any(one.open for one in balances):
        return PaymentWord.PAID
    is_begun = any(one.status in (PaidStatus.PART_PAID, PaidStatus.PAID) for one in balances)
    return PaymentWord.PART_PAID if is_begun else PaymentWord.OPEN


def _last_payment(work: UnitOfWork, invoice_ids: Sequence[int]) -> date | None:
    """The day of the newest allocation that holds."""
    back = postings.alias("back")
    query = (
        sa.select(sa.func.max(postings.c.on))
        .join(ledger_lines, ledger_lines.c.posting_id == postings.c.id)
        .outerjoin(back, back.c.undoes_id == postings.c.id)
        .where(ledger_lines.c.invoice_id.in_(invoice_ids[:500]), postings.c.kind == PostingKind.ALLOCATE.value)
        .where(back.c.id.is_(None))
    )
    found: date | None = work.execute(query).scalar_one_or_none()
    return found
