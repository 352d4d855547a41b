"""Issued invoices as cash sees them: number, reference, due date, customer, and what is open.

Exists so that payments find invoices fast, by the reference that the payer wrote. Read only, but for the reference
that an invoice gets when it is issued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.documents import payment_reference
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.payment_reference import reference_key
from connector.domain.payments import InvoiceBalance
from connector.domain.review import InvoiceState
from connector.store.inserting import insert_ignore
from connector.store.ledger import invoice_balances
from connector.store.tables_billing import invoices
from connector.store.tables_cash import payment_references
from connector.store.tables_review import issued_documents
from connector.store.unit_of_work import UnitOfWork

_AT_ONCE = 500
_MOST_OF_CUSTOMER = 300


@dataclass(frozen=True, slots=True)
class IssuedInvoice:
    """A document with its balance; number and reference are empty when it never got one."""

    id: int
    kind: DocumentKind
    state: InvoiceState
    number: str
    reference: str
    key: str
    org_id: str
    customer_ref: str
    customer_name: str
    payer_ref: str
    legal_entity: str
    due_on: date
    issued_on: date | None
    balance: InvoiceBalance

    @property
    def name(self) -> str:
        """What people call it."""
        return self.number or f"{self.kind.replace('_', ' ')} {self.id}"

    @property
    def currency(self) -> str:
        """Its currency."""
        return self.balance.gross.currency


def save_reference(*, work: UnitOfWork, invoice_id: int, number: str) -> None:
    """Give an invoice, at issue, the reference that its payer writes."""
    reference = payment_reference(number)
    row = {"invoice_id": invoice_id, "reference": reference, "key": reference_key(reference)}
    work.execute(insert_ignore(work, payment_references), row)


def load_issued_invoices(*, connection: Connection, invoice_ids: Sequence[int]) -> dict[int, IssuedInvoice]:
    """These documents, by id; those that do not exist are left out."""
    found: dict[int, IssuedInvoice] = {}
    for start in range(0, len(invoice_ids), _AT_ONCE):
        some = invoice_ids[start : start + _AT_ONCE]
        found |= _invoices(connection, INVOICES.where(invoices.c.id.in_(some)))
    return found


def find_by_keys(*, connection: Connection, keys: Sequence[str]) -> dict[str, list[IssuedInvoice]]:
    """The documents whose references compare as these keys; a key that nobody has is left out."""
    found: dict[str, list[IssuedInvoice]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        for one in _invoices(connection, INVOICES.where(payment_references.c.key.in_(some))).values():
            found.setdefault(one.key, []).append(one)
    return found


def open_invoices_of(*, connection: Connection, org_id: str, customer_ref: str, currency: str) -> list[IssuedInvoice]:
    """The open invoices of a customer in a currency, the one due first first; the newest few of very many."""
    query = INVOICES.where(
        invoices.c.org_id == org_id,
        invoices.c.customer_ref == customer_ref,
        invoices.c.currency == currency,
        invoices.c.kind == DocumentKind.INVOICE.value,
        invoices.c.state == InvoiceState.ISSUED.value,
    )
    found = _invoices(connection, query.order_by(invoices.c.due_on.desc()).limit(_MOST_OF_CUSTOMER)).values()
    return sorted((one for one in found if one.balance.open), key=lambda one: (one.due_on, one.id))


INVOICES = (
    sa.select(
        invoices.c.id,
        invoices.c.kind,
        invoices.c.state,
        invoices.c.org_id,
        invoices.c.customer_ref,
        invoices.c.customer_name,
        invoices.c.payer_ref,
        invoices.c.legal_entity,
        invoices.c.due_on,
        issued_documents.c.number,
        issued_documents.c.issued_on,
        payment_references.c.reference,
        payment_references.c.key,
    )
    .outerjoin(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
    .outerjoin(payment_references, payment_references.c.invoice_id == invoices.c.id)
)


def _invoices(connection: Connection, query: sa.Select[Any]) -> dict[int, IssuedInvoice]:
    rows = connection.execute(query.order_by(invoices.c.id)).all()
    balances = invoice_balances(connection=connection, invoice_ids=[row.id for row in rows])
    return {row.id: _issued(row, balances[row.id]) for row in rows}


def _issued(row: Any, balance: InvoiceBalance) -> IssuedInvoice:
    return IssuedInvoice(
        id=row.id,
        kind=DocumentKind(row.kind),
        state=InvoiceState(row.state),
        number=row.number or "",
        reference=row.reference or "",
        key=row.key or "",
        org_id=row.org_id,
        customer_ref=row.customer_ref,
        customer_name=row.customer_name,
        payer_ref=row.payer_ref,
        legal_entity=row.legal_entity,
        due_on=row.due_on,
        issued_on=row.issued_on,
        balance=balance,
    )
