"""Which issued invoices may need another payment link, asked so that what was settled long ago costs nothing.

An open amount changes only by the ledger and by credit notes, so between two full looks only invoices that these
touched, and new ones, are candidates. Whether a link is needed is decided elsewhere, from the balance. Read only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.review import InvoiceState
from connector.store.tables_billing import invoices
from connector.store.tables_cash import ledger_lines, postings
from connector.store.tables_collecting import payment_links
from connector.store.tables_review import credit_applications, issued_documents

_IS_INVOICE = sa.and_(invoices.c.kind == DocumentKind.INVOICE.value, invoices.c.state == InvoiceState.ISSUED.value)


def candidates(
    *, connection: Connection, since: datetime | None, currencies: Sequence[str], after: int, limit: int
) -> list[int]:
    """Rows of issued invoices after that row, ascending; `since` None: all of them, else those touched since then.

    `currencies` empty: every currency.
    """
    wanted = [_IS_INVOICE, invoices.c.id > after]
    if currencies:
        wanted.append(invoices.c.currency.in_(currencies))
    if since is not None:
        wanted.append(invoices.c.id.in_(_touched(since)))
    query = sa.select(invoices.c.id).where(*wanted).order_by(invoices.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def _touched(since: datetime) -> sa.CompoundSelect[tuple[int | None]]:
    """Issued, paid, reopened, written off or credited since then, or with a link that changed since then."""
    moved = (
        sa.select(ledger_lines.c.invoice_id)
        .join(postings, postings.c.id == ledger_lines.c.posting_id)
        .where(postings.c.at >= since, ledger_lines.c.invoice_id.is_not(None))
    )
    credited = (
        sa.select(credit_applications.c.invoice_id)
        .join(issued_documents, issued_documents.c.invoice_id == credit_applications.c.credit_note_id)
        .where(issued_documents.c.issued_at >= since)
    )
    issued = sa.select(issued_documents.c.invoice_id).where(issued_documents.c.issued_at >= since)
    linked = sa.select(payment_links.c.invoice_id).where(payment_links.c.changed_at >= since)
    return sa.union(moved, credited, issued, linked)
