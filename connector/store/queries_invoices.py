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
from connector.store import queries
from connector.store.queries import Page, PageAsked
from connector.store.tables import contracts
from connector.store.tables_billing import invoice_items, invoices


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One document of the list; `problem` says why it cannot leave as it is."""

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
    tax: Money
    gross: Money
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
    """One row of a document; `ends_on` is exclusive. The refs lead back to the signed record and its line."""

    position: int
    contract_number: str
    kind: str
    product_code: str
    description: str
    starts_on: date
    ends_on: date
    quantity: Decimal
    unit_price: Decimal
    amount: Money
    tax_rate: Decimal
    order_ref: str
    line_ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class InvoiceDetail:
    """One document with everything on it; `lowers` are the ids of the documents that a credit note lowers."""

    row: InvoiceRow
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
) -> Page[InvoiceRow]:
    """Documents, newest first; `text` is looked for in customer name, customer id and PO number."""
    query = sa.select(invoices)
    if state:
        query = query.where(invoices.c.state == state)
    if customer_ref:
        query = query.where(invoices.c.customer_ref == customer_ref)
    if contract_number:
        query = query.where(invoices.c.id.in_(_of_contract(contract_number)))
    if text:
        query = query.where(
            queries.contains(text, invoices.c.customer_name, invoices.c.customer_ref, invoices.c.po_number)
        )
    return queries.read_page(connection=connection, query=query, key=invoices.c.id, page=page, row=_invoice)


def count_invoices(*, connection: Connection) -> dict[str, int]:
    """How many documents there are in each state."""
    query = sa.select(invoices.c.state, sa.func.count()).group_by(invoices.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def load_invoice(*, connection: Connection, invoice_id: int) -> InvoiceDetail | None:
    """One document with its items, taxes and what it lowers; None when there is none."""
    row = connection.execute(sa.select(invoices).where(invoices.c.id == invoice_id)).one_or_none()
    if row is None:
        return None
    return InvoiceDetail(
        row=_invoice(row),
        items=_items(connection, row),
        taxes=tuple(_tax(tax, row.currency) for tax in row.tax_rows),
        lowers=_lowers(connection, row.lowers),
    )


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
        net=Money(row.net, row.currency),
        tax=Money(row.tax, row.currency),
        gross=Money(row.gross, row.currency),
        problem_code=row.problem_code,
        problem=row.problem,
        created_at=row.created_at,
    )


def _items(connection: Connection, document: Any) -> tuple[InvoiceItemRow, ...]:
    query = (
        sa.select(invoice_items, contracts.c.number.label("contract_number"))
        .join(contracts, contracts.c.id == invoice_items.c.contract_id)
        .where(invoice_items.c.invoice_id == document.id)
        .order_by(invoice_items.c.position)
    )
    return tuple(
        InvoiceItemRow(
            position=row.position,
            contract_number=row.contract_number,
            kind=row.kind,
            product_code=row.product_code,
            description=row.description,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            quantity=row.quantity,
            unit_price=row.unit_price,
            amount=Money(row.amount, document.currency),
            tax_rate=row.tax["rate"],
            order_ref=row.order_ref,
            line_ref=row.line_ref,
            reason=row.reason,
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
