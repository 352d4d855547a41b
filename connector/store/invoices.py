"""Documents as values: a draft with its tax, its customer and what people wrote on it; and the moves of its state.

Rows become the domain's own values, so that what is reviewed, frozen and credited is what was drafted. A move goes only
along the table of states, in the caller's transaction, with the row locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.contract_terms import BillTo, ChargeKind
from connector.domain.invoice_drafts import DocumentKind, InvoiceDraft, InvoiceItem
from connector.domain.money import Money
from connector.domain.periods import BillingPeriod
from connector.domain.review import InvoiceEvent, InvoiceState, invoice_after
from connector.domain.tax import RateTotal, Tax, TaxCategory, TaxTotals
from connector.domain.taxed_documents import TaxedDocument
from connector.domain.terms import ChargeType, Customer, Order
from connector.errors import Conflict, NotFound
from connector.store.contract_orders import load_orders_of
from connector.store.inserting import insert
from connector.store.ledger import touch_customers
from connector.store.tables import contracts, orders, records
from connector.store.tables_billing import invoice_items, invoices
from connector.store.tables_review import invoice_reviews
from connector.store.unit_of_work import UnitOfWork

# SQLite takes a limited number of values in one statement.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Written:
    """What people wrote on a document. `recipients` None: the customer's own address."""

    memo: str = ""
    recipients: tuple[str, ...] | None = None
    held_until: date | None = None
    reason: str = ""
    owner: str = ""
    last_editor: str = ""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document whole. Items name contracts and orders by their numbers; `contract_ids` are their rows.

    `customer` is as the order that was signed last names them; `price_months` by line key.
    """

    id: int
    state: InvoiceState
    org_id: str
    legal_entity: str
    taxed: TaxedDocument
    customer: Customer
    problem_code: str = ""
    problem: str = ""
    written: Written = Written()
    contract_ids: tuple[int, ...] = ()
    price_months: Mapping[str, int] = field(default_factory=dict)

    @property
    def draft(self) -> InvoiceDraft:
        """The document without its tax."""
        return self.taxed.draft

    @property
    def kind(self) -> DocumentKind:
        """Invoice or credit note."""
        return self.taxed.draft.kind

    @property
    def gross(self) -> Money:
        """What it comes to; negative on a credit note."""
        return self.taxed.totals.gross

    @property
    def name(self) -> str:
        """What people call it while it has no number."""
        return f"{self.kind.replace('_', ' ')} {self.id}"

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets it by mail."""
        if self.written.recipients is not None:
            return self.written.recipients
        return (self.customer.email,) if self.customer.email.strip() else ()


def load_document(*, connection: Connection, invoice_id: int) -> StoredDocument:
    """One document. Raises NotFound."""
    found = load_documents(connection=connection, invoice_ids=[invoice_id])
    if invoice_id not in found:
        raise NotFound(f"There is no invoice or credit note {invoice_id}.")
    return found[invoice_id]


def lock_document(*, work: UnitOfWork, invoice_id: int) -> StoredDocument:
    """One document that nobody else can move until the end of this transaction. Raises NotFound."""
    work.execute(sa.select(invoices.c.id).where(invoices.c.id == invoice_id).with_for_update()).all()
    return load_document(connection=work.connection, invoice_id=invoice_id)


def lock_contracts(*, work: UnitOfWork, invoice_id: int) -> None:
    """Lock the contracts behind a document, before the document: a billing run locks in that order too."""
    behind = sa.select(invoice_items.c.contract_id).where(invoice_items.c.invoice_id == invoice_id)
    query = sa.select(contracts.c.id).where(contracts.c.id.in_(behind)).order_by(contracts.c.id)
    work.execute(query.with_for_update()).all()


def load_documents(*, connection: Connection, invoice_ids: Sequence[int]) -> dict[int, StoredDocument]:
    """These documents, by id; those that do not exist are left out."""
    found: dict[int, StoredDocument] = {}
    for start in range(0, len(invoice_ids), _AT_ONCE):
        some = invoice_ids[start : start + _AT_ONCE]
        rows = connection.execute(_DOCUMENTS.where(invoices.c.id.in_(some))).all()
        items: dict[int, list[Any]] = {row.id: [] for row in rows}
        for item in connection.execute(_ITEMS.where(invoice_items.c.invoice_id.in_(some))):
            items[item.invoice_id].append(item)
        signed = _signed(connection, {item.contract_id for own in items.values() for item in own})
        found |= {row.id: _document(row, items[row.id], signed) for row in rows}
    return found


def move(*, work: UnitOfWork, document: StoredDocument, event: InvoiceEvent) -> InvoiceState:
    """Move a locked document along the table of states; answers the state it is in now.

    Raises IllegalTransition, and Conflict when somebody moved it without our lock.
    """
    after = invoice_after(document.state, event)
    same = (invoices.c.id == document.id) & (invoices.c.state == document.state.value)
    if work.execute(invoices.update().where(same).values(state=after.value)).rowcount != 1:
        raise Conflict(f"{document.name} was changed by somebody else.")
    touch_customers(work=work, customers=[(document.org_id, document.draft.bill_to.customer_ref)])
    return after


def save_written(*, work: UnitOfWork, invoice_id: int, now: datetime, **values: Any) -> None:
    """Keep what a person wrote on a document: columns of `invoice_reviews`; the others stay as they are."""
    statement = insert(work, invoice_reviews).values(invoice_id=invoice_id, changed_at=now, **values)
    work.execute(
        statement.on_conflict_do_update(index_elements=["invoice_id"], set_={**values, "changed_at": now})
    )  # fmt: skip


def save_po_number(*, work: UnitOfWork, invoice_id: int, po_number: str) -> None:
    """Another purchase order number on a draft."""
    work.execute(invoices.update().where(invoices.c.id == invoice_id).values(po_number=po_number))


def save_due(*, work: UnitOfWork, invoice_id: int, due_on: date) -> None:
    """The due date with which the document is issued."""
    work.execute(invoices.update().where(invoices.c.id == invoice_id).values(due_on=due_on))


def orders_behind(*, connection: Connection, invoice_id: int, org_id: str) -> list[int]:
    """The rows of the orders that the items of a document come from."""
    query = (
        sa.select(orders.c.id)
        .join(records, records.c.id == orders.c.record_row_id)
        .join(invoice_items, invoice_items.c.order_ref == records.c.record_id)
        .where(invoice_items.c.invoice_id == invoice_id, records.c.org_id == org_id)
        .distinct()
        .order_by(orders.c.id)
    )
    return list(connection.execute(query).scalars())


def contract_versions(*, connection: Connection, contract_ids: Sequence[int]) -> dict[str, int]:
    """The versions of these contracts, by the text of the row's id (so that it can be kept as JSON)."""
    query = sa.select(contracts.c.id, contracts.c.version).where(contracts.c.id.in_(contract_ids))
    return {str(row.id): row.version for row in connection.execute(query)}


_DOCUMENTS = sa.select(
    invoices,
    invoice_reviews.c.memo,
    invoice_reviews.c.recipients,
    invoice_reviews.c.held_until,
    invoice_reviews.c.reason.label("written_reason"),
    invoice_reviews.c.owner,
    invoice_reviews.c.last_editor,
).outerjoin(invoice_reviews, invoice_reviews.c.invoice_id == invoices.c.id)

_ITEMS = (
    sa.select(
        invoice_items, contracts.c.number.label("contract_number"), orders.c.number.label("order_number")
    )
    .join(invoices, invoices.c.id == invoice_items.c.invoice_id)
    .join(contracts, contracts.c.id == invoice_items.c.contract_id)
    .outerjoin(
        records, (records.c.record_id == invoice_items.c.order_ref) & (records.c.org_id == invoices.c.org_id)
    )
    .outerjoin(orders, orders.c.record_row_id == records.c.id)
    .order_by(invoice_items.c.invoice_id, invoice_items.c.position)
)  # fmt: skip


def _signed(connection: Connection, contract_ids: set[int]) -> dict[int, list[Order]]:
    found = load_orders_of(connection=connection, contract_ids=sorted(contract_ids))
    return {contract_id: own.terms for contract_id, own in found.items()}


def _document(row: Any, items: Sequence[Any], signed: Mapping[int, Sequence[Order]]) -> StoredDocument:
    ids = tuple(dict.fromkeys(item.contract_id for item in items))
    terms = [order for contract_id in ids for order in signed[contract_id]]
    return StoredDocument(
        id=row.id,
        state=InvoiceState(row.state),
        org_id=row.org_id,
        legal_entity=row.legal_entity,
        taxed=_taxed(row, items),
        customer=_customer(row, terms),
        problem_code=row.problem_code,
        problem=row.problem,
        written=_written(row),
        contract_ids=ids,
        price_months=_price_months(items, terms),
    )


def _written(row: Any) -> Written:
    if row.memo is None:
        return Written()
    recipients = None if row.recipients is None else tuple(row.recipients)
    return Written(row.memo, recipients, row.held_until, row.written_reason, row.owner, row.last_editor)


def _taxed(row: Any, items: Sequence[Any]) -> TaxedDocument:
    bill_to = BillTo(
        row.customer_ref, row.payer_ref, row.legal_entity, row.currency, row.payment_terms_days, row.po_number
    )  # fmt: skip
    net = Money(row.net, row.currency)
    draft = InvoiceDraft(
        key=row.draft_key,
        kind=DocumentKind(row.kind),
        bill_to=bill_to,
        bill_on=row.bill_on,
        due_on=row.due_on,
        items=tuple(_item(item, row.currency) for item in items),
        net=net,
        lowers=tuple(row.lowers),
    )
    rates = tuple(rate_total(entry, row.currency) for entry in row.tax_rows)
    totals = TaxTotals(rates, net, Money(row.tax, row.currency), Money(row.gross, row.currency))
    return TaxedDocument(draft, tuple(_tax(item.tax) for item in items), totals)


def rate_total(entry: Mapping[str, Any], currency: str) -> RateTotal:
    """One row of a stored tax summary."""
    return RateTotal(_tax(entry), Money(entry["net"], currency), Money(entry["tax"], currency))


def _tax(entry: Mapping[str, Any]) -> Tax:
    rate: Decimal = entry["rate"]
    return Tax(rate, TaxCategory(entry["category"]), entry["mention"], entry["exemption_code"])


def _item(row: Any, currency: str) -> InvoiceItem:
    return InvoiceItem(
        charge_key=row.charge_key,
        contract_ref=row.contract_number,
        order_ref=row.order_number or row.order_ref,
        line_key=row.line_key,
        line_ref=row.line_ref,
        product_code=row.product_code,
        description=row.description,
        period=BillingPeriod(row.starts_on, row.ends_on),
        quantity=row.quantity,
        unit_price=row.unit_price,
        amount=Money(row.amount, currency),
        kind=ChargeKind(row.kind),
        tax_code=row.tax_code,
        reason=row.reason,
        reverses=row.reverses,
    )


def _customer(row: Any, terms: Sequence[Order]) -> Customer:
    """As the order that was signed last names them; what the draft itself holds when no order is left to ask."""
    if not terms:
        return Customer(row.customer_ref, row.customer_name)
    return max(terms, key=lambda order: (order.signed_on or order.starts_on, order.source.record_id)).customer


def _price_months(items: Sequence[Any], terms: Sequence[Order]) -> dict[str, int]:
    months = {
        (order.source.record_id, line.ref): line.price_period_months
        for order in terms
        for line in order.line_items
        if line.charge_type is ChargeType.RECURRING
    }
    return {
        item.line_key: months[item.order_ref, item.line_ref]
        for item in items
        if (item.order_ref, item.line_ref) in months
    }
