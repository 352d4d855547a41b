"""One contract in figures, as pages and the API show it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.terms import ChargeType
from connector.errors import NotFound
from connector.store.unit_of_work import Database
from connector.usecases.show_contract import ContractShown, show_contract
from tests.billing import Books
from tests.domain.making import MONTHLY, day, make_cancellation, make_item, make_order
from tests.domain.seat_orders import monthly_seats, seats, upsell


@pytest.fixture
def books(sqlite_database: Database, clock: FixedClock) -> Books:
    return Books(sqlite_database, clock)


def _shown(books: Books, *, today: str = "2026-02-10") -> ContractShown:
    return show_contract(database=books.database, number="C-000001", today=day(today))


def test_it_tells_value_what_is_billed_and_what_comes_next(books: Books) -> None:
    setup = make_item("Setup", price="300", charge_type=ChargeType.ONE_TIME)
    books.sign(make_order(monthly_seats(last="2026-06-30"), setup, last="2026-06-30"))
    books.bill("2026-02-10")

    shown = _shown(books)

    assert (str(shown.total), str(shown.recurring), str(shown.annual)) == ("6300.00 EUR", "6000.00 EUR", "12000.00 EUR")
    assert (str(shown.billed), str(shown.remaining)) == ("2300.00 EUR", "4000.00 EUR")
    assert shown.next_invoice is not None
    assert (shown.next_invoice.bill_on, str(shown.next_invoice.amount)) == (day("2026-03-01"), "1000.00 EUR")
    assert (shown.billed_until, shown.billing_problem, shown.warnings) == (day("2026-02-10"), "", ())


def test_what_is_due_already_is_the_next_invoice(books: Books) -> None:
    books.sign(make_order(monthly_seats(last="2026-06-30"), last="2026-06-30"))

    shown = _shown(books)

    assert shown.next_invoice is not None
    assert (shown.next_invoice.bill_on, str(shown.next_invoice.amount)) == (day("2026-01-01"), "1000.00 EUR")


def test_usage_that_waits_is_marked(books: Books) -> None:
    books.sign(make_order(make_item("Calls", charge_type=ChargeType.USAGE, billing_period_months=MONTHLY, price="0.5")))
    books.bill("2026-02-10")

    shown = _shown(books)

    assert shown.next_invoice is not None
    assert (shown.next_invoice.bill_on, shown.next_invoice.has_estimates) == (day("2026-02-01"), True)
    assert str(shown.total) == "0.00 EUR"


def test_a_contract_that_is_wholly_billed_has_no_next_invoice(books: Books) -> None:
    books.sign(make_order(seats()))
    books.bill("2026-02-10")

    shown = _shown(books)

    assert shown.next_invoice is None
    assert str(shown.remaining) == "0.00 EUR"


def test_its_history_says_which_order_changed_what(books: Books) -> None:
    books.sign(
        make_order(seats()),
        upsell("60", "50", "2026-05-20", signed_on=day("2026-05-01")),
        make_cancellation("2026-10-01", credited=True, signed_on=day("2026-09-01")),
    )

    shown = _shown(books)

    told = [(one.order_ref, one.deal_type.value, one.value.amount, one.total.amount) for one in shown.changes]
    assert told == [
        ("NEW", "new", Decimal("12000.00"), Decimal("12000.00")),
        ("UP", "upsell", Decimal("1486.03"), Decimal("13486.03")),
        ("CANCEL", "cancellation", Decimal("-3629.59"), Decimal("9856.44")),
    ]


def test_warnings_are_told(books: Books) -> None:
    books.sign(make_order(seats()), upsell("60", "40", "2026-05-20"))

    assert [warning.code for warning in _shown(books).warnings] == ["PRIOR_QUANTITY_DIFFERS"]


def test_an_unknown_contract_is_not_found(books: Books) -> None:
    with pytest.raises(NotFound, match="no contract C-000001"):
        _shown(books)
