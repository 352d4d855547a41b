"""The figures of the overview, counted by the database: exact, by currency, and the same on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.adapters.clock import FixedClock
from connector.domain.fulfilment import OrderState
from connector.store.exact_sums import amount_of, in_units
from connector.store.queries_dashboard import load_overview
from connector.store.tables import orders
from connector.store.tables_billing import invoices
from connector.store.types import ExactDecimal
from connector.store.unit_of_work import Database
from tests.builders import MadeOrder, a_fault, make_order_rows
from tests.cashing import Till


def test_an_empty_product_has_seven_days_of_nothing(database: Database, clock: FixedClock) -> None:
    with database.reading() as connection:
        found = load_overview(connection=connection, now=clock.now())

    assert (found.held, found.stopped, found.ages, found.values) == ({}, (), {}, {})
    assert [row.count for row in found.fulfilled] == [0] * 7
    assert found.fulfilled[-1].day == clock.now().date()


def test_what_waits_is_counted_by_state_and_never_across_currencies(database: Database, clock: FixedClock) -> None:
    till = Till(database, clock)
    till.invoice("100.10", state="draft")
    till.invoice("0.20", state="draft")
    till.invoice("300.00", state="held")
    till.invoice("7", "JPY", state="sent_back")
    till.invoice("9999.00", state="void")
    till.invoice("9999.00")

    with database.reading() as connection:
        held = load_overview(connection=connection, now=clock.now()).held

    told = {name: [(row.state, row.count, str(row.gross)) for row in rows] for name, rows in held.items()}
    assert told == {
        "EUR": [("draft", 2, "100.30 EUR"), ("held", 1, "300.00 EUR")],
        "JPY": [("sent_back", 1, "7 JPY")],
    }


def test_open_amounts_are_aged_after_credits_and_payments(database: Database, clock: FixedClock) -> None:
    # Today is 2 March 2026.
    till = Till(database, clock)
    due_today = till.invoice("100.00", due="2026-03-02")
    due_yesterday = till.invoice("200.00", due="2026-03-01")
    till.invoice("400.00", due="2026-01-31")
    till.invoice("800.00", due="2026-01-30")
    till.invoice("1600.00", due="2025-12-01")
    paid = till.invoice("50.00", due="2025-01-01")
    till.invoice("77.00", "USD", due="2026-03-09")
    till.invoice("5000.00", state="draft", due="2025-01-01")
    till.credit(due_yesterday, "20.00")
    _pay(till, due_today, "30.00")
    _pay(till, paid, "50.00")

    with database.reading() as connection:
        ages = load_overview(connection=connection, now=clock.now()).ages

    assert [(row.age, row.is_overdue, row.count, str(row.open)) for row in ages["EUR"]] == [
        ("Not due yet", False, 1, "70.00 EUR"),
        ("1 to 30 days", True, 2, "580.00 EUR"),
        ("31 to 60 days", True, 1, "800.00 EUR"),
        ("61 to 90 days", True, 0, "0.00 EUR"),
        ("Over 90 days", True, 1, "1600.00 EUR"),
    ]
    assert [row.count for row in ages["USD"]] == [1, 0, 0, 0, 0]


def test_value_is_told_from_signature_to_cash(database: Database, clock: FixedClock) -> None:
    make_order_rows(database, clock, value=Decimal("17900.00"))
    till = Till(database, clock)
    invoice_id = till.invoice("1190.00")
    till.credit(invoice_id, "190.00")
    _pay(till, invoice_id, "600.00")

    with database.reading() as connection:
        value = load_overview(connection=connection, now=clock.now()).values["EUR"]

    assert str(value.signed) == "17900.00 EUR"
    assert (str(value.billed_gross), str(value.paid)) == ("1000.00 EUR", "600.00 EUR")
    assert value.billed.amount == Decimal(sum(_nets(database)))


def test_what_stands_still_and_what_was_done_is_counted(database: Database, clock: FixedClock) -> None:
    for _ in range(2):
        make_order_rows(database, clock, state=OrderState.BLOCKED, faults=[a_fault(code="TOTAL_MISMATCH")])
    make_order_rows(database, clock, state=OrderState.WAITING)
    for age in (timedelta(hours=1), timedelta(hours=2), timedelta(hours=30), timedelta(days=8)):
        _fulfilled(database, make_order_rows(database, clock), clock.now() - age)

    with database.reading() as connection:
        found = load_overview(connection=connection, now=clock.now())

    assert sum(row.count for row in found.stopped) == 3
    assert (found.stopped[0].state, found.stopped[0].count) == ("BLOCKED", 2)
    assert [row.count for row in found.fulfilled] == [0, 0, 0, 0, 0, 1, 2]


_MONEY = st.integers(-(10**14), 10**14).flatmap(
    lambda number: st.sampled_from([0, 1, 2, 3, 4]).map(lambda places: Decimal(number).scaleb(-places))
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(_MONEY, max_size=8))
def test_the_database_sums_to_the_last_digit(kind: str, request: pytest.FixtureRequest, amounts: list[Decimal]) -> None:
    database: Database = request.getfixturevalue(f"{kind}_database")
    column: sa.ColumnClause[Decimal] = sa.column("amount", ExactDecimal)
    rows = [sa.select(sa.literal(amount, ExactDecimal).label("amount")) for amount in amounts]

    with database.reading() as connection:
        found = [
            amount_of(connection.execute(sa.select(in_units(connection, column)).select_from(row.subquery())).scalar())
            for row in rows
        ]

    assert found == amounts


def _nets(database: Database) -> list[Decimal]:
    with database.reading() as connection:
        query = sa.select(invoices.c.net).where(invoices.c.state == "issued")
        return list(connection.execute(query).scalars())


def _pay(till: Till, invoice_id: int, amount: str) -> None:
    till.allocate(till.paid(amount), {invoice_id: amount})


def _fulfilled(database: Database, order: MadeOrder, at: datetime) -> None:
    with database.unit_of_work() as work:
        work.execute(sa.update(orders).where(orders.c.id == order.id).values(fulfilled_at=at))
        work.commit()
