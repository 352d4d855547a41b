"""What stands beside a document in review: the customer's document before it, what other documents hold, usage as read.

Nothing here may change data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.invoice_drafts import DocumentKind
from connector.domain.line_evidence import Reading
from connector.domain.money import Money
from connector.domain.review import NOT_BILLED
from connector.store.invoices import StoredDocument, load_documents
from connector.store.issued import number_of
from connector.store.tables_billing import invoice_items, invoices, usage_readings

_NOT_BILLED = tuple(state.value for state in NOT_BILLED)
# SQLite takes a limited number of values in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LastDocument:
    """The customer's invoice before: of the same company and currency, drafts included. `name` is for people."""

    id: int
    name: str
    document: StoredDocument


def load_last(*, connection: Connection, document: StoredDocument) -> LastDocument | None:
    """The invoice before this document, or None."""
    bill_to, bill_on = document.draft.bill_to, document.draft.bill_on
    is_before = (invoices.c.bill_on < bill_on) | ((invoices.c.bill_on == bill_on) & (invoices.c.id < document.id))
    query = (
        sa.select(invoices.c.id)
        .where(invoices.c.customer_ref == bill_to.customer_ref, invoices.c.org_id == document.org_id)
        .where(invoices.c.legal_entity == document.legal_entity, invoices.c.currency == bill_to.currency)
        .where(invoices.c.kind == DocumentKind.INVOICE.value, invoices.c.state.not_in(_NOT_BILLED), is_before)
        .order_by(invoices.c.bill_on.desc(), invoices.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        return None
    last = load_documents(connection=connection, invoice_ids=[found])[found]
    return LastDocument(found, number_of(connection=connection, invoice_id=found) or last.name, last)


def held_elsewhere(*, connection: Connection, document: StoredDocument, charge_keys: Sequence[str]) -> dict[str, Money]:
    """What other documents of the same contracts hold of these charges, by charge key."""
    found: dict[str, Decimal] = {}
    for start in range(0, len(charge_keys), _AT_ONCE):
        query = (
            sa.select(invoice_items.c.charge_key, invoice_items.c.amount)
            .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
            .where(invoice_items.c.contract_id.in_(document.contract_ids), invoices.c.state.not_in(_NOT_BILLED))
            .where(invoice_items.c.charge_key.in_(charge_keys[start : start + _AT_ONCE]), invoices.c.id != document.id)
        )
        for row in connection.execute(query):
            found[row.charge_key] = found.get(row.charge_key, Decimal(0)) + row.amount
    return {key: Money(amount, document.gross.currency) for key, amount in found.items()}


def load_readings(*, connection: Connection, contract_ids: Sequence[int]) -> dict[str, Reading]:
    """Usage of these contracts as it was read, by charge key."""
    query = sa.select(usage_readings).where(usage_readings.c.contract_id.in_(contract_ids))
    return {row.charge_key: Reading(row.units, row.read_at) for row in connection.execute(query)}
