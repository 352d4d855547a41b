"""The figures of the overview: what waits, what stops, what was done this week, and money by currency.

Amounts of two currencies are never added. Everything is counted by the database, so that a hundred thousand documents
are a few rows here. Nothing here may change data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connector.domain.fulfilment import OrderState
from connector.domain.money import Money
from connector.domain.payments import Account
from connector.domain.review import OPEN_STATES, InvoiceState
from connector.store.exact_sums import amount_of, in_units, units
from connector.store.tables import contracts, orders, records
from connector.store.tables_billing import invoices
from connector.store.tables_cash import ledger_lines
from connector.store.tables_review import credit_applications

# From which day after the due date on; the last has no end.
_AGES = ((None, "Not due yet"), (1, "1 to 30 days"), (31, "31 to 60 days"), (61, "61 to 90 days"), (91, "Over 90 days"))
_HELD = (*OPEN_STATES, InvoiceState.SENT_BACK)
_STOPPED = (OrderState.BLOCKED, OrderState.WAITING, OrderState.RETRYING, OrderState.FAILED)
DAYS = 7


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Documents of one currency that wait for a decision, by state."""

    state: str
    count: int
    gross: Money


@dataclass(frozen=True, slots=True)
class StoppedRow:
    """Orders that stand still for one reason; `owner` is who acts."""

    state: str
    code: str
    owner: str
    count: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """Orders that were fulfilled on one day (UTC)."""

    day: date
    count: int


@dataclass(frozen=True, slots=True)
class AgeRow:
    """What is open on issued invoices of one age."""

    age: str
    is_overdue: bool
    count: int
    open: Money


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One currency from signature to cash. `signed` and `billed` are without tax, `billed_gross` and `paid` with."""

    signed: Money
    billed: Money
    billed_gross: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the overview shows; by currency where there is money."""

    held: dict[str, tuple[HeldRow, ...]]
    stopped: tuple[StoppedRow, ...]
    fulfilled: tuple[DayRow, ...]
    ages: dict[str, tuple[AgeRow, ...]]
    values: dict[str, ValueRow]


def load_overview(*, connection: Connection, now: datetime) -> Overview:
    """The figures as of now."""
    return Overview(
        held=_held(connection),
        stopped=tuple(_stopped(connection)),
        fulfilled=tuple(_fulfilled(connection, now)),
        ages=_ages(connection, now.date()),
        values=_values(connection),
    )


def _held(connection: Connection) -> dict[str, tuple[HeldRow, ...]]:
    query = (
        sa.select(invoices.c.currency, invoices.c.state, sa.func.count(), sa.func.sum(in_units(connection, _GROSS)))
        .where(invoices.c.state.in_(_HELD))
        .group_by(invoices.c.currency, invoices.c.state)
    )
    found: dict[str, list[HeldRow]] = {}
    for currency, state, count, gross in connection.execute(query):
        found.setdefault(currency, []).append(HeldRow(state, count, _money(gross, currency)))
    order = [state.value for state in _HELD]
    return {name: tuple(sorted(found[name], key=lambda row: order.index(row.state))) for name in sorted(found)}


def _stopped(connection: Connection) -> Iterator[StoppedRow]:
    count = sa.func.count()
    query = (
        sa.select(orders.c.state, records.c.code, records.c.owner, count)
        .join(records, records.c.id == orders.c.record_row_id)
        .where(orders.c.state.in_(_STOPPED))
        .group_by(orders.c.state, records.c.code, records.c.owner)
        .order_by(count.desc(), orders.c.state, records.c.code)
    )
    for row in connection.execute(query):
        yield StoppedRow(*row)


def _fulfilled(connection: Connection, now: datetime) -> Iterator[DayRow]:
    """The last seven days, today last; a day on which nothing was done is zero and not left out."""
    first = now.date() - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=at) for at in range(DAYS)]
    edges = [datetime.combine(day, time(), UTC) for day in days]
    done = orders.c.fulfilled_at
    counts = [
        sa.func.count(sa.case(((done >= edge) & (done < edge + timedelta(days=1)), 1))).label(f"d{at}")
        for at, edge in enumerate(edges)
    ]
    row = connection.execute(sa.select(*counts).where(orders.c.state == OrderState.FULFILLED, done >= edges[0])).one()
    for day, count in zip(days, row, strict=True):
        yield DayRow(day, count)


def _ages(connection: Connection, today: date) -> dict[str, tuple[AgeRow, ...]]:
    """What is open by how long it is overdue; credits, payments and write-offs are taken off each invoice."""
    credited = _lowered(credit_applications.c.invoice_id, in_units(connection, credit_applications.c.amount))
    receivable = ledger_lines.c.account == Account.RECEIVABLE.value
    booked = _lowered(ledger_lines.c.invoice_id, units(ledger_lines.c.amount), receivable)
    gross = in_units(connection, invoices.c.gross)
    left = (gross - sa.func.coalesce(credited.c.units, 0) + sa.func.coalesce(booked.c.units, 0)).label("left")
    open_ones = (
        sa.select(invoices.c.currency, _age(today).label("age"), left)
        .outerjoin(credited, credited.c.id == invoices.c.id)
        .outerjoin(booked, booked.c.id == invoices.c.id)
        .where(invoices.c.state == InvoiceState.ISSUED, invoices.c.kind == "invoice")
        .subquery()
    )
    query = (
        sa.select(open_ones.c.currency, open_ones.c.age, sa.func.count(), sa.func.sum(open_ones.c.left))
        .where(open_ones.c.left > 0)
        .group_by(open_ones.c.currency, open_ones.c.age)
    )
    found: dict[str, dict[int, tuple[int, Any]]] = {}
    for currency, age, count, amount in connection.execute(query):
        found.setdefault(currency, {})[age] = (count, amount)
    return {name: tuple(_age_rows(name, found[name])) for name in sorted(found)}


def _age_rows(currency: str, found: dict[int, tuple[int, Any]]) -> Iterator[AgeRow]:
    for at, (days, words) in enumerate(_AGES):
        count, amount = found.get(at, (0, 0))
        yield AgeRow(words, days is not None, count, _money(amount, currency))


def _age(today: date) -> sa.ColumnElement[int]:
    """The place in `_AGES` by the day that it was due on; the day itself is not overdue yet."""
    whens = [
        (invoices.c.due_on <= today - timedelta(days=days), at)
        for at, (days, _) in reversed(list(enumerate(_AGES)))
        if days is not None
    ]
    return sa.case(*whens, else_=0)


def _lowered(name: Any, amount: Any, *where: Any) -> sa.Subquery:
    return sa.select(name.label("id"), sa.func.sum(amount).label("units")).where(*where).group_by(name).subquery()


def _values(connection: Connection) -> dict[str, ValueRow]:
    signed = _by_currency(connection, contracts.c.currency, in_units(connection, contracts.c.value))
    issued = invoices.c.state == InvoiceState.ISSUED
    billed = _by_currency(connection, invoices.c.currency, in_units(connection, invoices.c.net), issued)
    gross = _by_currency(connection, invoices.c.currency, in_units(connection, invoices.c.gross), issued)
    paid = sa.select(invoices.c.currency, sa.func.sum(units(ledger_lines.c.amount)))
    paid = paid.join(ledger_lines, ledger_lines.c.invoice_id == invoices.c.id).where(
        ledger_lines.c.account == Account.RECEIVABLE.value, ledger_lines.c.payment_id.is_not(None)
    )
    came = {name: -amount for name, amount in connection.execute(paid.group_by(invoices.c.currency))}
    return {
        name: ValueRow(*(_money(part.get(name), name) for part in (signed, billed, gross, came)))
        for name in sorted({*signed, *billed, *came} - {""})
    }


def _by_currency(connection: Connection, currency: Any, amount: Any, *where: Any) -> dict[str, Any]:
    query = sa.select(currency, sa.func.sum(amount)).where(*where).group_by(currency)
    return {row[0]: row[1] for row in connection.execute(query)}


def _money(found: Any, currency: str) -> Money:
    return Money(amount_of(found), currency).rounded()


# A draft whose tax no rule decides has no gross yet; its net is the least that waits.
_GROSS = sa.case((invoices.c.problem_code != "", invoices.c.net), else_=invoices.c.gross)
