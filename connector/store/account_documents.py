"""The issued documents of one account, with what is open on each: what a customer may see, and nothing of anybody else.

An account here is who buys and who pays, in one org: a document that another account pays for is not in the list.
Nothing here may change data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.hosted import AccountDocument, Movement, MovementKind, standing_of
from connector.domain.invoice_drafts import DocumentKind
from connector.domain.money import Money, total
from connector.domain.payments import Account as LedgerAccount
from connector.domain.payments import InvoiceBalance, PostingKind
from connector.store.ledger import StoredPosting, invoice_balances, load_postings
from connector.store.tables import contracts
from connector.store.tables_billing import invoices
from connector.store.tables_review import credit_applications, issued_documents

# No customer reads more rows; the newest come first.
_MOST = 200
_SHOWN = {PostingKind.ALLOCATE: MovementKind.PAYMENT, PostingKind.WRITE_OFF: MovementKind.ADJUSTMENT}


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
    balances = invoice_balances(connection=connection, invoice_ids=[row.id for row in rows])
    return [_document(row, balances[row.id], today) for row in rows]


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
    credits = [
        Movement(MovementKind.CREDIT_NOTE, row.issued_on, Money(row.amount, row.currency), row.number)
        for row in connection.execute(query)
    ]
    posted = load_postings(connection=connection, invoice_id=invoice_id)
    money = [_movement(one, invoice_id) for one in posted if one.holds and one.posting.kind in _SHOWN]
    return tuple(sorted((*credits, *money), key=lambda one: one.on))


def _movement(posted: StoredPosting, invoice_id: int) -> Movement:
    """What a posting took off the invoice; what was taken back is not shown, and neither is its taking back."""
    lines = posted.posting.lines
    own = [one.amount for one in lines if one.invoice_id == invoice_id and one.account is LedgerAccount.RECEIVABLE]
    amount = total(own, currency=posted.posting.currency)
    return Movement(_SHOWN[posted.posting.kind], posted.on, -amount)


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


def _document(row: Any, balance: InvoiceBalance, today: date) -> AccountDocument:
    kind, nothing = DocumentKind(row.kind), Money.zero(row.currency)
    gross = Money(abs(row.gross), row.currency)
    left = balance.open if kind is not DocumentKind.CREDIT_NOTE else nothing
    standing = standing_of(
        kind=kind, gross=gross, open_amount=left, paid=balance.allocated, due_on=row.due_on, today=today
    )
    return AccountDocument(row.id, row.number, kind, row.issued_on, row.due_on, gross, left, standing)
