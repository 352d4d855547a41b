"""Credit notes that people ask for, as rows: which notes lower an invoice, and a new note beside its items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.invoice_drafts import DocumentKind, InvoiceItem
from connector.domain.review import NOT_BILLED, InvoiceState
from connector.domain.tax import RateTotal, Tax
from connector.domain.taxed_documents import TaxedDocument
from connector.store.invoices import StoredDocument, load_documents
from connector.store.tables_billing import invoice_items, invoices
from connector.store.unit_of_work import UnitOfWork

_NOT_BILLED = tuple(state.value for state in NOT_BILLED)


def load_notes(*, connection: Connection, invoice: StoredDocument) -> list[StoredDocument]:
    """Every credit note that lowers an invoice, oldest first; also those that wait for approval."""
    c = invoices.c
    query = (
        sa.select(c.id, c.lowers)
        .where(c.customer_ref == invoice.draft.bill_to.customer_ref, c.org_id == invoice.org_id)
        .where(c.kind == DocumentKind.CREDIT_NOTE.value, c.state.not_in(_NOT_BILLED))
    )
    ids = [row.id for row in connection.execute(query) if invoice.draft.key in row.lowers]
    found = load_documents(connection=connection, invoice_ids=ids)
    return [found[one] for one in sorted(found)]


def insert_note(*, work: UnitOfWork, invoice: StoredDocument, taxed: TaxedDocument, now: datetime) -> int:
    """Store a draft of a credit note; answers its row. Each item leads back where the row that it reverses does."""
    draft, totals, bill_to = taxed.draft, taxed.totals, taxed.draft.bill_to
    row = {
        "draft_key": draft.key,
        "kind": draft.kind.value,
        "state": InvoiceState.DRAFT.value,
        "org_id": invoice.org_id,
        "customer_ref": bill_to.customer_ref,
        "customer_name": invoice.customer.name,
        "payer_ref": bill_to.payer_ref,
        "legal_entity": bill_to.legal_entity,
        "currency": bill_to.currency,
        "payment_terms_days": bill_to.payment_terms_days,
        "po_number": bill_to.po_number,
        "bill_on": draft.bill_on,
        "due_on": draft.due_on,
        "net": totals.net.amount,
        "tax": totals.tax.amount,
        "gross": totals.gross.amount,
        "tax_rows": [_tax_row(rate) for rate in totals.rates],
        "lowers": list(draft.lowers),
        "created_at": now,
    }
    note_id: int = work.execute(invoices.insert().returning(invoices.c.id), row).scalar_one()
    query = sa.select(invoice_items).where(invoice_items.c.invoice_id == invoice.id)
    originals = {item.charge_key: item._mapping for item in work.execute(query)}
    rows = [
        {**originals[item.reverses], **_item(note_id, position, item)} for position, item in enumerate(draft.items, 1)
    ]
    work.execute(invoice_items.insert(), rows)
    return note_id


def _item(note_id: int, position: int, item: InvoiceItem) -> dict[str, Any]:
    return {
        "invoice_id": note_id,
        "position": position,
        "charge_key": item.charge_key,
        "amount": item.amount.amount,
        "reason": item.reason,
        "reverses": item.reverses,
    }


def _tax_row(row: RateTotal) -> dict[str, Any]:
    return {**_tax(row.tax), "net": row.net.amount, "tax": row.amount.amount}


def _tax(tax: Tax) -> dict[str, Any]:
    return {
        "rate": tax.rate,
        "category": tax.category.value,
        "mention": tax.mention,
        "exemption_code": tax.exemption_code,
    }
