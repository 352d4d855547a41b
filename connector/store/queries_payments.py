"""Payments for people: the list, one payment with its movements, and what providers told of it; links and events.

Read only. What is left of a payment is always counted from the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.collecting import LinkState
from connector.domain.money import Money
from connector.domain.payments import PaymentState
from connector.store.ledger import load_postings, payment_balances
from connector.store.provider_events import EventState
from connector.store.queries import Page, PageAsked, contains, read_page
from connector.store.tables_cash import payments, refunds
from connector.store.tables_collecting import payment_links, provider_events, provider_objects, provider_refunds
from connector.store.tables_review import issued_documents

PAYMENT_STATES = tuple(state.value for state in PaymentState)
LINK_STATES = tuple(state.value for state in LinkState)
EVENT_STATES = tuple(state.value for state in EventState)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment; `left` is what pays nothing yet."""

    id: int
    source: str
    environment: str
    source_ref: str
    amount: Money
    left: Money
    state: str
    match_state: str
    match_code: str
    match_reason: str
    payer_name: str
    customer_ref: str
    received_on: date | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A posting that names the payment. `is_undone`: it was taken back later."""

    id: int
    kind: str
    amount: Money
    invoice_id: int | None
    on: date
    actor: str
    reason: str
    is_undone: bool


@dataclass(frozen=True, slots=True)
class ToldRow:
    """What the provider told of a payment, refund or dispute; `code` and `message` say what differs."""

    kind: str
    ref: str
    state: str
    amount: str
    told: str
    code: str
    message: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund of the payment, and how far the provider is with it (empty when none has it)."""

    id: int
    amount: Money
    state: str
    reason: str
    message: str
    requested_by: str
    requested_at: datetime
    at_provider: str


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """Everything about one payment."""

    row: PaymentRow
    movements: tuple[MovementRow, ...]
    told: tuple[ToldRow, ...]
    refunds: tuple[RefundRow, ...]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A payment link with the invoice that it is for."""

    id: int
    invoice_id: int
    number: str
    provider: str
    environment: str
    amount: Money
    state: str
    code: str
    message: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that a provider told us, without its body."""

    id: int
    provider: str
    name: str
    kind: str
    ref: str
    source: str
    is_late: bool
    state: str
    code: str
    message: str
    received_at: datetime


def list_payments(*, connection: Connection, page: PageAsked, state: str = "", text: str = "") -> Page[PaymentRow]:
    """Payments, newest first; `text` is looked for in payer, customer and the source's own name."""
    query = sa.select(payments)
    if state:
        query = query.where(payments.c.state == state)
    if text:
        query = query.where(contains(text, payments.c.payer_name, payments.c.customer_ref, payments.c.source_ref))
    found = read_page(connection=connection, query=query, key=payments.c.id, page=page, row=_same)
    balances = payment_balances(connection=connection, payment_ids=[row.id for row in found.rows])
    return Page(tuple(_payment(row, balances[row.id].left) for row in found.rows), found.next_after)


def count_payments(*, connection: Connection) -> dict[str, int]:
    """How many payments are in each state."""
    query = sa.select(payments.c.state, sa.func.count().label("number_of")).group_by(payments.c.state)
    return dict.fromkeys(PAYMENT_STATES, 0) | {row.state: row.number_of for row in connection.execute(query)}


def load_payment_detail(*, connection: Connection, payment_id: int) -> PaymentDetail | None:
    """Everything about one payment, None when there is none."""
    row = connection.execute(sa.select(payments).where(payments.c.id == payment_id)).one_or_none()
    if row is None:
        return None
    left = payment_balances(connection=connection, payment_ids=[payment_id])[payment_id].left
    return PaymentDetail(
        _payment(row, left),
        _movements(connection, payment_id),
        _told(connection, payment_id),
        _refunds(connection, payment_id),
    )


def list_payment_links(*, connection: Connection, page: PageAsked, state: str = "") -> Page[LinkRow]:
    """Payment links, newest first."""
    query = sa.select(payment_links, issued_documents.c.number).outerjoin(
        issued_documents, issued_documents.c.invoice_id == payment_links.c.invoice_id
    )
    if state:
        query = query.where(payment_links.c.state == state)
    return read_page(connection=connection, query=query, key=payment_links.c.id, page=page, row=_link)


def count_payment_links(*, connection: Connection) -> dict[str, int]:
    """How many links are in each state."""
    query = sa.select(payment_links.c.state, sa.func.count().label("number_of")).group_by(payment_links.c.state)
    return dict.fromkeys(LINK_STATES, 0) | {row.state: row.number_of for row in connection.execute(query)}


def list_provider_events(*, connection: Connection, page: PageAsked, state: str = "") -> Page[EventRow]:
    """Events of providers, newest first."""
    query = sa.select(*(provider_events.c[name] for name in EventRow.__dataclass_fields__))
    if state:
        query = query.where(provider_events.c.state == state)
    return read_page(
        connection=connection, query=query, key=provider_events.c.id, page=page, row=lambda row: EventRow(*row)
    )


def count_provider_events(*, connection: Connection) -> dict[str, int]:
    """How many events are in each state."""
    query = sa.select(provider_events.c.state, sa.func.count().label("number_of")).group_by(provider_events.c.state)
    return dict.fromkeys(EVENT_STATES, 0) | {row.state: row.number_of for row in connection.execute(query)}


def _same(row: Any) -> Any:
    return row


def _payment(row: Any, left: Money) -> PaymentRow:
    names = [name for name in PaymentRow.__dataclass_fields__ if name not in ("amount", "left")]
    values = {name: getattr(row, name) for name in names}
    return PaymentRow(amount=Money(row.amount, row.currency).rounded(), left=left, **values)


def _movements(connection: Connection, payment_id: int) -> tuple[MovementRow, ...]:
    found = load_postings(connection=connection, payment_id=payment_id)
    return tuple(
        MovementRow(
            id=one.id,
            kind=one.posting.kind.value,
            amount=one.posting.amount,
            invoice_id=next((line.invoice_id for line in one.posting.lines if line.invoice_id is not None), None),
            on=one.on,
            actor=one.actor,
            reason=one.reason,
            is_undone=one.undone_by_id is not None,
        )
        for one in found
    )


def _told(connection: Connection, payment_id: int) -> tuple[ToldRow, ...]:
    c = provider_objects.c
    query = sa.select(provider_objects).where(c.payment_id == payment_id).order_by(c.id)
    return tuple(
        ToldRow(
            row.kind, row.ref, row.state, f"{row.amount:f} {row.currency}", row.told, row.code, row.message, row.seen_at
        )
        for row in connection.execute(query)
    )


def _refunds(connection: Connection, payment_id: int) -> tuple[RefundRow, ...]:
    query = (
        sa.select(
            refunds,
            provider_refunds.c.state.label("at_provider"),
            provider_refunds.c.message.label("provider_message"),
        )
        .outerjoin(provider_refunds, provider_refunds.c.refund_id == refunds.c.id)
        .where(refunds.c.payment_id == payment_id)
        .order_by(refunds.c.id)
    )
    return tuple(
        RefundRow(
            id=row.id,
            amount=Money(row.amount, row.currency).rounded(),
            state=row.state,
            reason=row.reason,
            message=row.message or row.provider_message or "",
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            at_provider=row.at_provider or "",
        )
        for row in connection.execute(query)
    )


def _link(row: Any) -> LinkRow:
    return LinkRow(
        id=row.id,
        invoice_id=row.invoice_id,
        number=row.number or "",
        provider=row.provider,
        environment=row.environment,
        amount=Money(row.amount, row.currency).rounded(),
        state=row.state,
        code=row.code,
        message=row.message,
        created_at=row.created_at,
    )
