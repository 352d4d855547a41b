"""Orders and usage that come after the run: differences, credit notes, and what waits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.terms import ChargeType, DealType
from connector.store import usage
from connector.store.unit_of_work import Database
from tests.billing import Books, same
from tests.domain.making import MONTHLY, day, make_cancellation, make_item, make_order
from tests.domain.seat_orders import NEW as YEARLY_SEATS
from tests.domain.seat_orders import NEW_MONTHLY as MONTHLY_SEATS
from tests.domain.seat_orders import monthly_seats, seats, upsell


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


METERED = make_item(
    "Calls",
    price="0.5",
    charge_type=ChargeType.USAGE,
    billing_period_months=MONTHLY,
    price_period_months=1,
    last="2026-06-30",
)


# Changes after billing


def test_a_backdated_upsell_bills_its_difference_on_its_own_day(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    books.bill("2026-06-30")
    books.sign(upsell("60", "50", "2026-05-20"))

    books.bill("2026-06-30")

    assert books.totals() == [("2026-01-01", "invoice", "12000.00"), ("2026-05-20", "invoice", "1486.03")]
    assert books.contract().value == Decimal("13486.03")


def test_a_backdated_downsell_with_credit_is_a_credit_note_that_names_its_invoice(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    books.bill("2026-06-30")
    books.sign(
        replace(upsell("40", "50", "2026-05-20", record="DOWN"), deal_type=DealType.DOWNSELL, is_unused_credited=True)
    )

    books.bill("2026-06-30")

    invoice, note = books.drafts()
    assert (note.kind, note.net, note.bill_on) == ("credit_note", Decimal("-1486.03"), day("2026-05-20"))
    assert note.lowers == [invoice.draft_key]


def test_a_cancellation_that_arrives_late_credits_what_was_billed_after_it(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-05-10")
    books.sign(make_cancellation("2026-04-01", last="2026-06-30"))

    books.bill("2026-05-10")

    assert same(
        books.table(),
        """
        2026-01-01  invoice      Seats  2026-01-01  2026-01-31   1000.00 EUR
        2026-02-01  invoice      Seats  2026-02-01  2026-02-28   1000.00 EUR
        2026-03-01  invoice      Seats  2026-03-01  2026-03-31   1000.00 EUR
        2026-04-01  invoice      Seats  2026-04-01  2026-04-30   1000.00 EUR
        2026-05-01  invoice      Seats  2026-05-01  2026-05-31   1000.00 EUR
        2026-05-10  credit_note  Seats  2026-04-01  2026-04-30  -1000.00 EUR
        2026-05-10  credit_note  Seats  2026-05-01  2026-05-31  -1000.00 EUR
        """,
    )
    april, may, note = books.drafts()[-3:]
    assert note.lowers == [april.draft_key, may.draft_key]
    assert "not owed any more" in books.items()[-1].reason
    assert books.bill("2026-06-30") == {}


def test_a_run_for_a_past_date_leaves_later_documents_to_the_run_for_their_day(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-05-10")
    books.sign(make_cancellation("2026-04-01", last="2026-06-30"))

    assert books.bill("2026-04-02") == {"customers": 1, "drafts": 1, "items": 1}
    assert books.totals()[-2:] == [("2026-04-02", "credit_note", "-1000.00"), ("2026-05-01", "invoice", "1000.00")]
    assert books.bill("2026-05-10") == {"customers": 1, "drafts": 1, "items": 1}
    assert books.totals()[-1] == ("2026-05-10", "credit_note", "-1000.00")
    assert sum(Decimal(net) for _day, _kind, net in books.totals()) == 3000


def test_a_credit_agreed_long_before_names_the_invoice_it_lowers(books: Books) -> None:
    books.sign(YEARLY_SEATS, make_cancellation("2026-07-01", credited=True))
    books.bill("2026-03-31")
    books.bill("2026-06-30")

    books.bill("2026-07-01")

    invoice, note = books.drafts()
    assert (note.kind, note.lowers) == ("credit_note", [invoice.draft_key])


def test_a_changed_contract_bills_nothing_again_of_its_neighbour(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.sign(make_order(monthly_seats(last="2026-06-30"), record="OTHER", last="2026-06-30"))
    books.bill("2026-03-01")
    books.sign(
        replace(
            make_order(
                replace(monthly_seats("60", last="2026-06-30", start="2026-04-01"), prior_quantity=Decimal(50)),
                record="UP", start="2026-04-01", last="2026-06-30", deal=DealType.UPSELL,
            )
        )
    )  # fmt: skip

    books.bill("2026-04-01")

    assert books.totals()[-1] == ("2026-04-01", "invoice", "2200.00")
    assert len(books.items()) == 6 + 3


def test_contracts_billed_up_to_different_days_bill_nothing_twice(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-01-20")
    books.sign(
        make_order(
            monthly_seats(start="2026-01-15", last="2026-06-14"), record="OTHER", start="2026-01-15", last="2026-06-14"
        )
    )
    books.bill("2026-01-25")
    books.bill("2026-02-03")
    books.bill("2026-02-16")

    books.bill("2026-04-20")

    assert sorted(day for day, _kind, _net in books.totals()) == [
        "2026-01-01", "2026-01-15", "2026-02-01", "2026-02-15", "2026-03-01", "2026-03-15", "2026-04-01", "2026-04-15",
    ]  # fmt: skip


def test_the_same_correction_twice_on_one_day_is_two_documents(books: Books) -> None:
    number = books.sign(make_order(METERED, last="2026-06-30"))
    (key,) = _usage_keys(["2026-01-01"])

    for units in ("100", "200", "100", "200"):
        _read(books, number, key, units)
        books.bill("2026-02-10")

    assert [net for _day, _kind, net in books.totals()] == ["50.00", "50.00", "-50.00", "50.00"]


# Usage


def test_usage_without_a_reading_keeps_its_contract_due(books: Books) -> None:
    number = books.sign(make_order(seats(), METERED))

    assert books.bill("2026-03-05") == {"customers": 1, "drafts": 1, "items": 1, "waiting": 2}
    assert books.contract(number).next_bill_on == day("2026-02-01")
    assert books.bill("2026-03-05") == {"customers": 1, "waiting": 2}


def test_what_is_billed_beside_waiting_usage_is_not_billed_again(books: Books) -> None:
    books.sign(make_order(monthly_seats(last="2026-06-30"), METERED, last="2026-06-30"))
    books.bill("2026-03-05")

    assert books.bill("2026-03-06") == {"customers": 1, "waiting": 2}
    assert books.bill("2026-04-01") == {"customers": 1, "drafts": 1, "items": 1, "waiting": 3}
    assert [net for _day, _kind, net in books.totals()] == ["1000.00"] * 4


def test_usage_is_billed_when_its_reading_comes_and_the_rest_goes_on(books: Books) -> None:
    number = books.sign(make_order(seats(), METERED))
    january, february = _usage_keys(["2026-01-01", "2026-02-01"])
    books.bill("2026-03-05")
    _read(books, number, january, "100")

    books.bill("2026-03-05")

    assert books.totals() == [("2026-01-01", "invoice", "12000.00"), ("2026-02-01", "invoice", "50.00")]
    assert books.contract(number).next_bill_on == day("2026-03-01")
    _read(books, number, february, "10")
    books.bill("2026-03-05")
    assert books.totals()[2:] == [("2026-03-01", "invoice", "5.00")]
    assert books.contract(number).next_bill_on == day("2026-04-01")


@pytest.mark.parametrize(("units", "kind", "net"), [("140", "invoice", "20.00"), ("60", "credit_note", "-20.00")])
def test_corrected_usage_is_a_difference_with_its_reason(books: Books, units: str, kind: str, net: str) -> None:
    number = books.sign(make_order(METERED, last="2026-06-30"))
    (january,) = _usage_keys(["2026-01-01"])
    _read(books, number, january, "100")
    books.bill("2026-02-01")
    _read(books, number, january, units)

    books.bill("2026-02-20")

    assert books.totals()[-1] == ("2026-02-20", kind, net)
    assert books.items()[-1].reason.startswith("50.00 was billed")


def test_usage_that_waits_is_not_lost_behind_a_backdated_order(books: Books) -> None:
    number = books.sign(YEARLY_SEATS)
    books.bill("2026-06-30")
    metered = replace(METERED, prior_quantity=Decimal(0), starts_on=day("2026-02-01"))
    books.sign(make_order(metered, record="UP", start="2026-02-01", deal=DealType.UPSELL))
    (february,) = (key.replace("NEW:", "UP:") for key in _usage_keys(["2026-02-01"]))

    assert books.bill("2026-06-30")["waiting"] == 4
    _read(books, number, february, "100")
    books.bill("2026-06-30")

    assert ("2026-03-01", "invoice", "50.00") in books.totals()


def _usage_keys(first_days: list[str]) -> list[str]:
    return [f"NEW:line-Calls/{first}/usage" for first in first_days]


def _read(books: Books, number: str, key: str, units: str) -> None:
    with books.database.unit_of_work() as work:
        usage.save_reading(
            work=work,
            contract_id=books.contract(number).id,
            charge_key=key,
            units=Decimal(units),
            bill_on=day("2026-02-01"),
            now=books.clock.now(),
        )
        work.commit()
