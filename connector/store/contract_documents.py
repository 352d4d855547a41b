"""The documents that hold items of one contract, each with only those items, for the contract's schedule.

Read only. A document may hold items of other contracts of the customer too; then it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import ChargeKind
from connector.domain.invoice_drafts import Billed, DocumentKind, InvoiceItem
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from connector.store.billing import NOT_BILLED_STATES
from connector.store.tables_billing import invoice_items, invoices, usage_readings


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document that exists, with its items of one contract; `is_shared` when it holds items of others as well.

    `tax` and `gross` are those of the whole document.
    """

    id: int
    draft_key: str
    kind: DocumentKind
    state: str
    legal_entity: str
    bill_on: date
    due_on: date
    items: tuple[InvoiceItem, ...]
    tax: Money
    gross: Money
    problem: str
    is_shared: bool

    @property
    def billed(self) -> tuple[Billed, ...]:
        """What the document holds, as a billing run remembers it."""
        return tuple(Billed(item.charge_key, item.amount, self.draft_key, self.bill_on) for item in self.items)


def load_held_documents(*, connection: Connection, contract_id: int, contract_ref: str) -> tuple[HeldDocument, ...]:
    """The documents of a contract by date, not voided or sent back ones; its items lead back to `contract_ref`."""
    query = (
        sa.select(invoice_items, *(column.label(f"document_{column.name}") for column in _SHOWN), _OTHERS)
        .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
        .where(invoices.c.state.not_in(NOT_BILLED_STATES), invoice_items.c.contract_id == contract_id)
        .order_by(invoices.c.bill_on, invoices.c.id, invoice_items.c.position)
    )
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        rows.setdefault(row.invoice_id, []).append(row)
    return tuple(_document(found, contract_ref) for found in rows.values())


def load_usage(*, connection: Connection, contract_id: int) -> Mapping[str, Decimal]:
    """Units used under the contract, by the key of the usage charge."""
    query = sa.select(usage_readings.c.charge_key, usage_readings.c.units)
    rows = connection.execute(query.where(usage_readings.c.contract_id == contract_id))
    return {row.charge_key: row.units for row in rows}


_SHOWN = [
    invoices.c[name]
    for name in (
        "draft_key", "kind", "state", "legal_entity", "currency", "bill_on", "due_on", "tax", "gross", "problem",
    )
]  # fmt: skip
_other = invoice_items.alias("other")
_OTHERS = (
    sa.exists()
    .where(_other.c.invoice_id == invoice_items.c.invoice_id, _other.c.contract_id != invoice_items.c.contract_id)
    .label("is_shared")
)


def _document(rows: list[Any], contract_ref: str) -> HeldDocument:
    first = rows[0]
    return HeldDocument(
        id=first.invoice_id,
        draft_key=first.document_draft_key,
        kind=DocumentKind(first.document_kind),
        state=first.document_state,
        legal_entity=first.document_legal_entity,
        bill_on=first.document_bill_on,
        due_on=first.document_due_on,
        items=tuple(_item(row, contract_ref) for row in rows),
        tax=Money(first.document_tax, first.document_currency),
        gross=Money(first.document_gross, first.document_currency),
        problem=first.document_problem,
        is_shared=bool(first.is_shared),
    )


def _item(row: Any, contract_ref: str) -> InvoiceItem:
    return InvoiceItem(
        charge_key=row.charge_key,
        contract_ref=contract_ref,
        order_ref=row.order_ref,
        line_key=row.line_key,
        line_ref=row.line_ref,
        product_code=row.product_code,
        description=row.description,
        period=BillingPeriod(row.starts_on, row.ends_on),
        quantity=row.quantity,
        unit_price=row.unit_price,
        amount=Money(row.amount, row.document_currency),
        kind=ChargeKind(row.kind),
        tax_code=row.tax_code,
        reason=row.reason,
        reverses=row.reverses,
    )
