"""The issued documents of one account, with what is open on each: what a customer may see, and nothing of anybody else.

An account here is who buys and who pays, in one org: a document that another account pays for is not in the list.
Nothing here may change data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.credit_notes import apply_credit
from connector.domain.hosted import AccountDocument, Movement, MovementKind, standing_of
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money
from connector.store.tables import contracts
from connector.store.tables_billing import invoices
from connector.store.tables_review import credit_applications, issued_documents

# No customer reads more rows; the newest come first.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Account:
    """Who sees: the buyer and the payer of a document, and the legal entity that issued it."""

    org_id: str
    customer_ref: str
    payer_ref: str
    legal_entity: str


def account_of(*, connection: Connection, invoice_id: int) -> Account:
    """The account that a document belongs to."""
    c = invoices.c
    query = sa.select(c.org_id, c.customer_ref, c.payer_ref, c.legal_entity).where(c.id == invoice_id)
    return Account(*connection.execute(query).one())


def list_documents(
    *, connection: Connection, account: Account, today: date, invoice_id: int | None = None
) -> list[AccountDocument]:
    """The issued documents of the account, newest first, or one of them; each as it stands today."""
    query = _DOCUMENTS.where(
        invoices.c.org_id == account.org_id,
        invoices.c.customer_ref == account.customer_ref,
        invoices.c.payer_ref == account.payer_ref,
    )
    if invoice_id is not None:
        query = query.where(invoices.c.id == invoice_id)
    rows = connection.execute(query.limit(_MOST)).all()
    credited = _credited(connection, [row.id for row in rows])
    return [_document(row, credited.get(row.id, Decimal(0)), today) for row in rows]


def list_movements(*, connection: Connection, invoice_id: int) -> tuple[Movement, ...]:
    """What lowered the open amount of an invoice, oldest first."""
    query = (
        sa.select(
            credit_applications.c.amount, invoices.c.currency, issued_documents.c.number, issued_documents.c.issued_on
        )
        .join(invoices, invoices.c.id == credit_applications.c.credit_note_id)
        .join(issued_documents, issued_documents.c.invoice_id == credit_applications.c.credit_note_id)
        .where(credit_applications.c.invoice_id == invoice_id)
        .order_by(issued_documents.c.issued_on, credit_applications.c.credit_note_id)
    )
    return tuple(
        Movement(MovementKind.CREDIT_NOTE, row.issued_on, Money(row.amount, row.currency), row.number)
        for row in connection.execute(query)
    )


def list_contracts(*, connection: Connection, account: Account) -> dict[int, str]:
    """The contracts of whoever buys: their numbers by row."""
    is_own = (contracts.c.org_id == account.org_id) & (contracts.c.customer_ref == account.customer_ref)
    query = sa.select(contracts.c.id, contracts.c.number).where(is_own).order_by(contracts.c.id)
    return {row.id: row.number for row in connection.execute(query)}


_DOCUMENTS = (
    sa.select(
        invoices.c.id,
        invoices.c.kind,
        invoices.c.currency,
        invoices.c.gross,
        invoices.c.due_on,
        issued_documents.c.number,
        issued_documents.c.issued_on,
    )
    .join(issued_documents, issued_documents.c.invoice_id == invoices.c.id)
    .order_by(issued_documents.c.issued_on.desc(), invoices.c.id.desc())
)


def _credited(connection: Connection, ids: Sequence[int]) -> dict[int, Decimal]:
    query = sa.select(credit_applications.c.invoice_id, credit_applications.c.amount)
    found: dict[int, Decimal] = {}
    for row in connection.execute(query.where(credit_applications.c.invoice_id.in_(ids))):
        found[row.invoice_id] = found.get(row.invoice_id, Decimal(0)) + row.amount
    return found


def _document(row: Any, credited: Decimal, today: date) -> AccountDocument:
    kind, gross = DocumentKind(row.kind), Money(abs(row.gross), row.currency)
    nothing = Money.zero(row.currency)
    is_owed = kind is not DocumentKind.CREDIT_NOTE
    left = apply_credit(owed=gross, paid=nothing, credit=Money(credited, row.currency))[0] if is_owed else nothing
    standing = standing_of(
        kind=kind, gross=gross, open_amount=left, paid=nothing, due_on=row.due_on, today=today
    )  # fmt: skip
    return AccountDocument(row.id, row.number, kind, row.issued_on, row.due_on, gross, left, standing)
