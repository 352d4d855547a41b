"""Rows of the cash pages: payments by what matching decided, returns that are questions, files that were imported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.money import Money
from connector.store.ledger import payment_balances
from connector.store.queries import Page, PageAsked, contains, read_page
from connector.store.tables_cash import bank_entries, bank_files, payments

MATCH_STATES = ("suggested", "review", "unapplied", "waiting", "matched")


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment in a list; `left` is what is not used of it."""

    id: int
    source: str
    payer_name: str
    text: str
    amount: Money
    left: Money
    received_on: date | None
    state: str
    match_state: str
    match_reason: str


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A return of the bank of which nobody knows which payment it takes back."""

    id: int
    account: str
    booked_on: date
    amount: Money
    other_name: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """A bank file that was imported."""

    name: str
    format: str
    statements: int
    entries: int
    new_entries: int
    imported_by: str
    imported_at: datetime


def list_payments(*, connection: Connection, page: PageAsked, state: str = "", text: str = "") -> Page[PaymentRow]:
    """Payments, newest first, by what matching decided; `text` is looked for in payer and text."""
    query = sa.select(payments)
    if state:
        query = query.where(payments.c.match_state == state)
    if text:
        query = query.where(contains(text, payments.c.payer_name, payments.c.text, payments.c.customer_ref))
    found = read_page(connection=connection, query=query, key=payments.c.id, page=page, row=lambda row: row)
    left = payment_balances(connection=connection, payment_ids=[row.id for row in found.rows])
    rows = tuple(
        PaymentRow(
            id=row.id,
            source=row.source,
            payer_name=row.payer_name,
            text=row.text,
            amount=Money(row.amount, row.currency).rounded(),
            left=left[row.id].left,
            received_on=row.received_on,
            state=row.state,
            match_state=row.match_state,
            match_reason=row.match_reason,
        )
        for row in found.rows
    )
    return Page(rows, found.next_after)


def count_payments(*, connection: Connection) -> dict[str, int]:
    """How many payments there are of each decision."""
    query = sa.select(payments.c.match_state, sa.func.count().label("payment_count")).group_by(payments.c.match_state)
    return {row.match_state: row.payment_count for row in connection.execute(query)}


def list_questions(*, connection: Connection) -> tuple[QuestionRow, ...]:
    """Returns that wait for a person."""
    query = sa.select(bank_entries).where(bank_entries.c.outcome == "question").order_by(bank_entries.c.id).limit(100)
    return tuple(
        QuestionRow(
            id=row.id,
            account=row.account,
            booked_on=row.booked_on,
            amount=Money(row.amount, row.currency).rounded(),
            other_name=row.other_name,
            text=row.text,
            reason=row.reason,
        )
        for row in connection.execute(query)
    )


def list_files(*, connection: Connection) -> tuple[FileRow, ...]:
    """The files imported last."""
    query = sa.select(bank_files).order_by(bank_files.c.id.desc()).limit(10)
    return tuple(
        FileRow(row.name, row.format, row.statements, row.entries, row.new_entries, row.imported_by, row.imported_at)
        for row in connection.execute(query)
    )
