"""Billing runs over real databases: nothing twice, nothing lost, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connector.adapters.clock import FixedClock
from connector.domain.contracts import build_contract
from connector.domain.invoicing import preview_invoices
from connector.domain.terms import Address, BillingTiming, ChargeType, Customer, DealType, Order
from connector.store import billing, billing_runs, usage
from connector.store.tables import contracts, orders
from connector.store.tables_billing import invoices
from connector.store.unit_of_work import Database
from tests.billing import Books, for_customer, same
from tests.domain.making import MONTHLY, QUARTERLY, day, make_cancellation, make_item, make_order
from tests.domain.seat_orders import monthly_seats, seats, upsell


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


@pytest.fixture
def sqlite_books(sqlite_database: Database, clock: FixedClock) -> Books:
    return Books(sqlite_database, clock)


YEARLY_SEATS = make_order(seats())
MONTHLY_SEATS = make_order(monthly_seats(last="2026-06-30"), last="2026-06-30")
METERED = make_item(
    "Calls",
    price="0.5",
    charge_type=ChargeType.USAGE,
    billing_period_months=MONTHLY,
    price_period_months=1,
    last="2026-06-30",
)


# What a run drafts


def test_a_run_drafts_everything_due_up_to_its_day_with_the_day_included(books: Books) -> None:
    books.sign(MONTHLY_SEATS)

    counts = books.bill("2026-03-01")

    assert counts == {"customers": 1, "drafts": 3, "items": 3}
    assert same(
        books.table(),
        """
        2026-01-01  invoice  Seats  2026-01-01  2026-01-31  1000.00 EUR
        2026-02-01  invoice  Seats  2026-02-01  2026-02-28  1000.00 EUR
        2026-03-01  invoice  Seats  2026-03-01  2026-03-31  1000.00 EUR
        """,
    )
    row = books.contract()
    assert (row.next_bill_on, row.billed_until, row.billed_version) == (day("2026-04-01"), day("2026-03-01"), 1)


def test_a_draft_is_due_net_days_after_its_bill_date_and_leads_back_to_the_signed_line(books: Books) -> None:
    books.sign(YEARLY_SEATS)

    books.bill("2026-01-01")

    (draft,) = books.drafts()
    (item,) = books.items()
    assert (draft.state, draft.kind, draft.due_on) == ("draft", "invoice", day("2026-01-31"))
    assert (draft.customer_ref, draft.customer_name, draft.legal_entity) == ("001A", "Acme Analytics", "US")
    assert (item.order_ref, item.line_ref, item.charge_key) == (
        "NEW",
        "line-Seats",
        "NEW:line-Seats/2026-01-01/recurring",
    )
    assert (draft.net, draft.tax, draft.gross) == (Decimal("12000.00"), Decimal("0.00"), Decimal("12000.00"))


def test_nothing_is_due_before_the_first_bill_date(books: Books) -> None:
    books.sign(YEARLY_SEATS)

    assert books.bill("2025-12-31") == {}
    assert books.drafts() == []


def test_a_second_run_drafts_nothing(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-03-15")
    before = books.content()

    assert books.bill("2026-03-15") == {}
    assert books.content() == before


def test_a_run_for_a_past_date_drafts_nothing_that_is_billed(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-04-15")
    before = books.content()

    assert books.bill("2026-02-10") == {}
    assert books.content() == before
    assert books.contract().next_bill_on == day("2026-05-01")


def test_months_of_silence_are_made_up_for_month_by_month(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-01-01")

    books.bill("2026-09-30")

    assert books.totals() == [(f"2026-0{month}-01", "invoice", "1000.00") for month in range(1, 7)]
    assert books.contract().next_bill_on is None


def test_an_ended_contract_is_read_no_more(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-06-01")

    assert books.bill("2030-01-01") == {}


def test_periods_from_the_31st_end_with_short_months_and_come_back(books: Books) -> None:
    books.sign(make_order(monthly_seats(start="2026-01-31", last="2026-05-30"), start="2026-01-31", last="2026-05-30"))

    books.bill("2026-12-31")

    assert same(
        books.table(),
        """
        2026-01-31  invoice  Seats  2026-01-31  2026-02-27  1000.00 EUR
        2026-02-28  invoice  Seats  2026-02-28  2026-03-30  1000.00 EUR
        2026-03-31  invoice  Seats  2026-03-31  2026-04-29  1000.00 EUR
        2026-04-30  invoice  Seats  2026-04-30  2026-05-30  1000.00 EUR
        """,
    )


@pytest.mark.parametrize(
    ("currency", "amounts"),
    [("JPY", ["33", "33", "34"]), ("EUR", ["33.33", "33.33", "33.34"]), ("KWD", ["33.333", "33.333", "33.334"])],
)
def test_amounts_keep_the_places_of_their_currency(books: Books, currency: str, amounts: list[str]) -> None:
    item = make_item(price="100", price_period_months=QUARTERLY, billing_period_months=MONTHLY, last="2026-03-31")
    books.sign(make_order(item, currency=currency, last="2026-03-31"))

    books.bill("2026-12-31")

    assert [net for _day, _kind, net in books.totals()] == amounts
    assert books.contract().value == 100


# Documents


def test_all_contracts_of_a_customer_share_a_document(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    books.sign(make_order(make_item("Support", price="500"), record="OTHER"))

    assert books.bill("2026-01-01") == {"customers": 1, "drafts": 1, "items": 2}
    assert books.totals() == [("2026-01-01", "invoice", "12500.00")]
    assert len({item.contract_id for item in books.items()}) == 2


@pytest.mark.parametrize(
    "difference",
    [{"currency": "USD"}, {"legal_entity": "JP"}, {"payment_terms_days": 60}, {"po_number": "PO-9"}],
    ids=lambda difference: next(iter(difference)),
)
def test_what_differs_in_a_key_has_a_document_of_its_own(books: Books, difference: dict[str, Any]) -> None:
    books.sign(YEARLY_SEATS)
    books.sign(replace(make_order(make_item("Support", price="500"), record="OTHER"), **difference))

    books.bill("2026-01-01")

    assert sorted(net for _day, _kind, net in books.totals()) == ["12000.00", "500.00"]


def test_customers_never_share_a_document(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    books.sign(for_customer(make_order(seats(), record="OTHER"), "001B"))

    assert books.bill("2026-01-01") == {"customers": 2, "drafts": 2, "items": 2}


def test_a_line_that_wants_its_own_document_gets_it(books: Books) -> None:
    books.sign(make_order(seats(), make_item("Support", price="500", is_separate_invoice=True)))

    books.bill("2026-01-01")

    assert sorted(net for _day, _kind, net in books.totals()) == ["12000.00", "500.00"]


def test_nothing_but_zero_charges_makes_no_document(books: Books) -> None:
    books.sign(make_order(make_item(price="0")))

    assert books.bill("2026-12-31") == {"customers": 1}
    assert books.drafts() == []
    assert books.contract().next_bill_on is None


# Tax


def test_a_tax_that_no_rule_decides_leaves_a_draft_with_its_problem(books: Books) -> None:
    books.sign(replace(YEARLY_SEATS, legal_entity="DE"))

    books.bill("2026-01-01")

    (draft,) = books.drafts()
    assert (draft.problem_code, draft.net, draft.tax) == ("TAX_UNDECIDED", Decimal("12000.00"), Decimal("0.00"))
    assert "country" in draft.problem


def test_a_credit_keeps_the_tax_its_invoice_had_although_the_customer_moved(books: Books) -> None:
    german = Customer("001A", "Acme Analytics", billing_address=Address(country="DE"))
    moved = replace(german, billing_address=Address(country="CH"))
    books.sign(replace(YEARLY_SEATS, legal_entity="DE", customer=german))
    books.bill("2026-01-01")
    ended = make_cancellation(
        "2026-07-01", credited=True, legal_entity="DE", customer=moved, signed_on=day("2026-06-01")
    )
    books.sign(ended)

    books.bill("2026-07-01")

    invoice, note = books.drafts()
    assert (invoice.net, invoice.tax) == (Decimal("12000.00"), Decimal("2280.00"))
    assert (note.net, note.tax) == (Decimal("-6049.32"), Decimal("-1149.37"))


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


# Contracts that cannot be billed


def test_one_bad_contract_holds_up_no_other_and_says_why(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    bad = books.sign(make_order(make_item("Support", price="500"), record="BAD"))
    books.sign(for_customer(make_order(seats(), record="OTHER"), "001B"))
    _spoil(books, bad, lambda terms: terms | {"line_items": [_unpriced(terms["line_items"][0])]})

    counts = books.bill("2026-01-01")

    assert counts == {"customers": 2, "failed": 1, "drafts": 2, "items": 2}
    row = books.contract(bad)
    assert row.billing_problem.startswith("ABOVE_LAST_TIER: No price tier of line line-Support")
    assert row.next_bill_on == day("2026-01-01")
    assert row.billed_until is None


def test_a_contract_whose_terms_cannot_even_be_read_holds_up_no_other(books: Books) -> None:
    bad = books.sign(make_order(seats(), record="BAD"))
    books.sign(YEARLY_SEATS)
    _spoil(books, bad, lambda _terms: {"nothing": "of it"})

    assert books.bill("2026-01-01") == {"customers": 1, "failed": 1, "drafts": 1, "items": 1}
    problem = books.contract(bad).billing_problem
    assert problem.startswith("UNEXPECTED: ")
    assert "nothing" not in problem


def test_a_mended_contract_is_billed_and_its_problem_goes(books: Books) -> None:
    number = books.sign(YEARLY_SEATS)
    good = _spoil(books, number, lambda _terms: {})
    books.bill("2026-01-01")
    _spoil(books, number, lambda _terms: good)

    books.bill("2026-01-01")

    assert books.contract(number).billing_problem == ""
    assert books.totals() == [("2026-01-01", "invoice", "12000.00")]


# Others at the same time


def test_an_order_between_reading_and_storing_has_the_customer_drafted_again(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.sign(YEARLY_SEATS)
    arriving = [upsell("60", "50", "2026-01-01")]
    take = type(books.biller)._store

    def storing(*positional: object) -> set[int]:
        # Read and drafted, not yet stored: now another process applies an order.
        while arriving:
            books.sign(arriving.pop())
        return take(*positional)  # type: ignore[arg-type]

    monkeypatch.setattr(type(books.biller), "_store", storing)

    counts = books.bill("2026-01-01")

    assert counts == {"customers": 1, "drafts": 1, "items": 2}
    assert books.totals() == [("2026-01-01", "invoice", "14400.00")]


def test_a_customer_that_never_rests_is_left_to_the_next_run_and_counted(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = books.sign(YEARLY_SEATS)
    take = type(books.biller)._store

    def storing(*positional: object) -> set[int]:
        with books.database.unit_of_work() as work:
            billing.look_again(work=work, contract_ids=[1], since=day("2026-01-01"))
            work.commit()
        return take(*positional)  # type: ignore[arg-type]

    monkeypatch.setattr(type(books.biller), "_store", storing)

    assert books.bill("2026-01-01") == {"postponed": 1}
    monkeypatch.undo()
    assert books.contract(number).next_bill_on == day("2026-01-01")
    assert books.bill("2026-01-01")["drafts"] == 1


def test_a_voided_draft_is_owed_again(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.bill("2026-03-01")
    before = books.table()
    with books.database.unit_of_work() as work:
        work.execute(invoices.update().where(invoices.c.bill_on == day("2026-02-01")).values(state="void"))
        billing.look_again(work=work, contract_ids=[1], since=day("2026-02-01"))
        work.commit()

    assert books.bill("2026-03-01") == {"customers": 1, "drafts": 1, "items": 1}
    lines = books.table().splitlines()
    assert len(lines) == 4
    assert sorted(set(lines)) == sorted(set(before.splitlines()))


def test_a_chunk_is_taken_by_one_process_only(books: Books, database: Database, clock: FixedClock) -> None:
    other = Books(database, clock, executor_id="there")
    for number in range(4):
        books.sign(for_customer(make_order(seats(), record=f"R{number}"), f"00{number}"))
    run_id = books.open_run("2026-01-01", chunk_size=2)

    assert books.biller.bill_next_chunk(run_id=run_id)
    assert other.biller.bill_next_chunk(run_id=run_id)

    assert not books.biller.bill_next_chunk(run_id=run_id)
    assert books.counts(run_id) == {"customers": 4, "drafts": 4, "items": 4}


def test_a_chunk_of_a_process_that_went_silent_is_taken_again(books: Books, clock: FixedClock) -> None:
    books.sign(YEARLY_SEATS)
    run_id = books.open_run("2026-01-01")
    with books.database.unit_of_work() as work:
        assert billing_runs.take_chunk(work=work, run_id=run_id, claimed_by="dead", now=clock.now())
        work.commit()

    assert not books.biller.bill_next_chunk(run_id=run_id)
    clock.advance(timedelta(minutes=11))
    assert books.biller.bill_next_chunk(run_id=run_id)

    assert books.counts(run_id) == {"customers": 1, "drafts": 1, "items": 1}


# Previewed is billed


def test_a_dry_run_writes_nothing_and_says_what_the_run_then_stores(books: Books) -> None:
    books.sign(MONTHLY_SEATS)
    books.sign(make_order(make_item("Support", price="500"), record="OTHER"))
    books.sign(for_customer(make_order(seats(), record="THIRD"), "001B"))
    books.bill("2026-02-01")
    books.sign(make_cancellation("2026-02-15", credited=True, last="2026-06-30"))

    before = (books.content(), books.contract(), books.contract("C-000002"))
    previewed = books.preview("2026-05-01")
    assert (books.content(), books.contract(), books.contract("C-000002")) == before
    books.bill("2026-05-01")

    drafts = {taxed.document.draft.key: taxed.document.totals.gross.amount for one in previewed for taxed in one.drafts}
    stored = {row.draft_key: row.gross for row in books.drafts() if row.run_id == 2}
    assert stored == drafts
    assert len(stored) == 1


def test_the_preview_of_a_contract_is_what_is_billed_over_its_life(sqlite_books: Books) -> None:
    signed: list[Order] = [
        make_order(seats(), make_item("Hours", price="90", billing_timing=BillingTiming.IN_ARREARS)),
        upsell("60", "50", "2026-05-20"),
    ]
    sqlite_books.sign(*signed)
    previewed = preview_invoices(contracts=[build_contract(orders=signed)])

    for as_of in ("2026-02-01", "2026-05-20", "2026-12-31", "2027-01-01"):
        sqlite_books.bill(as_of)

    assert {row.draft_key: row.net for row in sqlite_books.drafts()} == {
        draft.key: draft.net.amount for draft in previewed
    }
    value = sqlite_books.contract().value
    assert sum(row.net for row in sqlite_books.drafts()) == value


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


def _spoil(books: Books, number: str, change: object) -> object:
    """Change the stored terms of a contract's order behind the product's back; answers what they were."""
    with books.database.unit_of_work() as work:
        query = sa.select(orders.c.id, orders.c.terms).join(contracts, contracts.c.id == orders.c.contract_id)
        row = work.execute(query.where(contracts.c.number == number)).one()
        work.execute(orders.update().where(orders.c.id == row.id).values(terms=change(row.terms)))  # type: ignore[operator]
        work.commit()
    return row.terms


def _unpriced(item: dict[str, object]) -> dict[str, object]:
    return item | {"price_model": "tiered", "tiers": []}
