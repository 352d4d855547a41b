"""Invoices as people see them, drafts included: the list, and one document with its items.

Nothing here may change data. Until a document is issued and numbered, its id is its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.domain.periods import add_months
from connector.domain.review import InvoiceState
from connector.store import queries
from connector.store.queries import Page, PageAsked
from connector.store.tables import contracts, orders, records
from connector.store.tables_billing import billing_runs, invoice_items, invoices

INVOICE_STATES = tuple(state.value for state in InvoiceState)


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One document of the list; `problem` says why it cannot leave as it is.

    `tax` and `gross` are None while `problem_code` says that no rule decides the tax.
    """

    id: int
    kind: str
    state: str
    org_id: str
    customer_ref: str
    customer_name: str
    payer_ref: str
    legal_entity: str
    payment_terms_days: int
    po_number: str
    bill_on: date
    due_on: date
    net: Money
    tax: Money | None
    gross: Money | None
    item_count: int
    problem_code: str
    problem: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TaxRow:
    """What one tax rate (a percentage) came to on the document."""

    rate: Decimal
    category: str
    mention: str
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceItemRow:
    """One row of a document; `ends_on` is exclusive. The refs lead back to the signed record and its line.

    `tax_rate` is a percentage, None while no rule decides it.
    """

    position: int
    contract_number: str
    order_number: str
    record_object: str
    kind: str
    product_code: str
    description: str
    starts_on: date
    ends_on: date
    quantity: Decimal
    unit_price: Decimal
    amount: Money
    tax_rate: Decimal | None
    order_ref: str
    line_ref: str
    reason: str
    reverses: str


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """One document with everything on it; `lowers` are the ids of the documents that a credit note lowers.

    `run_as_of` is the day up to which the run billed that made it.
    """

    row: InvoiceRow
    run_as_of: date | None
    items: tuple[InvoiceItemRow, ...]
    taxes: tuple[TaxRow, ...]
    lowers: tuple[int, ...]


def list_invoices(
    *,
    connection: Connection,
    page: PageAsked,
    state: str = "",
    customer_ref: str = "",
    contract_number: str = "",
    text: str = "",
    month: date | None = None,
) -> Page[InvoiceRow]:
    """Documents, newest first; `text` is looked for in customer name, customer id and PO number.

    `month` is the first day of the month that the bill date must be in.
    """
    query = _query().where(*_where(text, month))
    if state:
        query = query.where(invoices.c.state == state)
    if customer_ref:
        query = query.where(invoices.c.customer_ref == customer_ref)
    if contract_number:
        query = query.where(invoices.c.id.in_(_of_contract(contract_number)))
    return queries.read_page(connection=connection, query=query, key=invoices.c.id, page=page, row=_invoice)


def count_invoices(*, connection: Connection, text: str = "", month: date | None = None) -> dict[str, int]:
    """How many documents there are in each state (that match)."""
    query = sa.select(invoices.c.state, sa.func.count()).where(*_where(text, month)).group_by(invoices.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def load_invoice(*, connection: Connection, invoice_id: int) -> InvoiceDetail | None:
    """One document with its items, taxes and what it lowers; None when there is none."""
    row = connection.execute(_query().where(invoices.c.id == invoice_id)).one_or_none()
    if row is None:
        return None
    return InvoiceDetail(
        row=_invoice(row),
        run_as_of=_run_as_of(connection, row.run_id),
        items=_items(connection, row),
        taxes=() if row.problem_code else tuple(_tax(tax, row.currency) for tax in row.tax_rows),
        lowers=_lowers(connection, row.lowers),
    )


def _query() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(invoice_items.c.invoice_id == invoices.c.id).scalar_subquery()
    return sa.select(invoices, count.label("item_count"))


def _where(text: str, month: date | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if text:
        found.append(queries.contains(text, invoices.c.customer_name, invoices.c.customer_ref, invoices.c.po_number))
    if month is not None:
        following = add_months(month, months=1)
        found += [invoices.c.bill_on >= month, invoices.c.bill_on < following]
    return found


def _of_contract(number: str) -> sa.Select[Any]:
    return (
        sa.select(invoice_items.c.invoice_id)
        .join(contracts, contracts.c.id == invoice_items.c.contract_id)
        .where(contracts.c.number == number)
    )


def _invoice(row: Any) -> InvoiceRow:
    return InvoiceRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        org_id=row.org_id,
        customer_ref=row.customer_ref,
        customer_name=row.customer_name,
        payer_ref=row.payer_ref,
        legal_entity=row.legal_entity,
        payment_terms_days=row.payment_terms_days,
        po_number=row.po_number,
        bill_on=row.bill_on,
        due_on=row.due_on,
        net=Money(row.net, row.currency).rounded(),
        tax=None if row.problem_code else Money(row.tax, row.currency).rounded(),
        gross=None if row.problem_code else Money(row.gross, row.currency).rounded(),
        item_count=row.item_count,
        problem_code=row.problem_code,
        problem=row.problem,
        created_at=row.created_at,
    )


def _items(connection: Connection, document: Any) -> tuple[InvoiceItemRow, ...]:
    signed = (records.c.record_id == invoice_items.c.order_ref) & (records.c.org_id == document.org_id)
    query = (
        sa.select(
            invoice_items,
            contracts.c.number.label("contract_number"),
            orders.c.number.label("order_number"),
            records.c.object.label("record_object"),
        )
        .join(contracts, contracts.c.id == invoice_items.c.contract_id)
        .outerjoin(records, signed)
        .outerjoin(orders, orders.c.record_row_id == records.c.id)
        .where(invoice_items.c.invoice_id == document.id)
        .order_by(invoice_items.c.position)
    )
    return tuple(
        InvoiceItemRow(
            position=row.position,
            contract_number=row.contract_number,
            order_number=row.order_number or "",
            record_object=row.record_object or "",
            kind=row.kind,
            product_code=row.product_code,
            description=row.description,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            quantity=row.quantity,
            unit_price=row.unit_price,
            amount=Money(row.amount, document.currency).rounded(),
            tax_rate=None if document.problem_code else row.tax["rate"],
            order_ref=row.order_ref,
            line_ref=row.line_ref,
            reason=row.reason,
            reverses=row.reverses,
        )
        for row in connection.execute(query)
    )


def _tax(tax: dict[str, Any], currency: str) -> TaxRow:
    return TaxRow(
        rate=tax["rate"],
        category=tax["category"],
        mention=tax["mention"],
        net=Money(tax["net"], currency),
        tax=Money(tax["tax"], currency),
    )


def _lowers(connection: Connection, keys: list[str]) -> tuple[int, ...]:
    if not keys:
        return ()
    query = sa.select(invoices.c.id).where(invoices.c.draft_key.in_(keys), invoices.c.state != "void")
    return tuple(connection.execute(query.order_by(invoices.c.id)).scalars())


def _run_as_of(connection: Connection, run_id: int | None) -> date | None:
    return connection.execute(sa.select(billing_runs.c.as_of).where(billing_runs.c.id == run_id)).scalar_one_or_none()
