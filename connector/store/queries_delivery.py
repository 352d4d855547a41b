"""Mail as people see it: the list, by state, with document and customer. Nothing here may change data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.delivery import DeliveryState
from connector.errors import NotFound
from connector.store import queries
from connector.store.queries import Page, PageAsked
from connector.store.tables_billing import invoices
from connector.store.tables_delivery import deliveries
from connector.store.tables_review import issued_documents

DELIVERY_STATES = tuple(state.value for state in DeliveryState)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One mail. `code`, `message` and `owner` say what is wrong and who acts; empty where nothing is."""

    id: int
    invoice_id: int
    letter_id: int | None
    number: str
    customer_name: str
    recipient: str
    state: str
    requested_by: str
    attempts: int
    losses: int
    not_before: datetime | None
    message_id: str
    code: str
    message: str
    owner: str
    wanted_at: datetime
    sent_at: datetime | None
    changed_at: datetime


def list_deliveries(
    *, connection: Connection, page: PageAsked, state: str = "", invoice_id: int | None = None
) -> Page[DeliveryRow]:
    """Mails, newest first; those of one state or of one document."""
    query = _ROWS
    if state:
        query = query.where(deliveries.c.state == state)
    if invoice_id is not None:
        query = query.where(deliveries.c.invoice_id == invoice_id)
    return queries.read_page(connection=connection, query=query, key=deliveries.c.id, page=page, row=_row)


def load_delivery(*, connection: Connection, delivery_id: int, invoice_id: int) -> DeliveryRow:
    """One mail of a document. Raises NotFound."""
    query = _ROWS.where(deliveries.c.id == delivery_id, deliveries.c.invoice_id == invoice_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no mail {delivery_id}.")
    return _row(row)


def count_deliveries(*, connection: Connection) -> dict[str, int]:
    """How many mails are in each state."""
    query = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
    return {row.state: row[1] for row in connection.execute(query)}


def name_of_document(*, connection: Connection, invoice_id: int) -> tuple[str, str] | None:
    """Number and customer of an issued document; None when it is not issued."""
    query = (
        sa.select(issued_documents.c.number, invoices.c.customer_name)
        .join(invoices, invoices.c.id == issued_documents.c.invoice_id)
        .where(issued_documents.c.invoice_id == invoice_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.number, row.customer_name)


_ROWS = (
    sa.select(
        *(deliveries.c[name] for name in DeliveryRow.__dataclass_fields__ if name not in ("number", "customer_name")),
        issued_documents.c.number,
        invoices.c.customer_name,
    )
    .join(issued_documents, issued_documents.c.invoice_id == deliveries.c.invoice_id)
    .join(invoices, invoices.c.id == deliveries.c.invoice_id)
)


def _row(row: Any) -> DeliveryRow:
    return DeliveryRow(**row._mapping)
