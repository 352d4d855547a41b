"""What a billing run drafts, over real databases: nothing twice, nothing lost, previewed is billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from connector.adapters.clock import FixedClock
from connector.domain.contracts import build_contract
from connector.domain.invoice_drafts import InvoiceDraft
from connector.domain.invoicing import preview_invoices
from connector.domain.tax import Place, PriceBasis, Tax, TaxCategory, TaxRounding, TaxRule
from connector.domain.taxed_documents import TaxedDocument, TaxSettings
from connector.domain.terms import Address, BillingTiming, Customer, Order
from connector.errors import Unavailable
from connector.store.unit_of_work import Database
from tests.billing import Books, for_customer, same
from tests.domain.making import MONTHLY, QUARTERLY, day, make_cancellation, make_item, make_order
from tests.domain.seat_orders import NEW as YEARLY_SEATS
from tests.domain.seat_orders import NEW_MONTHLY as MONTHLY_SEATS
from tests.domain.seat_orders import monthly_seats, seats, upsell


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


@pytest.fixture
def sqlite_books(sqlite_database: Database, clock: FixedClock) -> Books:
    return Books(sqlite_database, clock)


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


@pytest.mark.parametrize("as_of", [("2026-07-01",), ("2026-01-01", "2026-07-01")], ids=["one run", "two runs"])
def test_a_credit_keeps_the_rate_of_its_invoice_when_the_rate_has_changed(books: Books, as_of: tuple[str, ...]) -> None:
    until, rate = day("2026-07-01"), partial(TaxRule, "US", Place.ANYWHERE, category=TaxCategory.STANDARD)
    rules = (rate(Decimal(19), valid_until=until), rate(Decimal(16), valid_from=until))
    books.biller = replace(books.biller, taxes=TaxSettings(rules, {"US": "US"}))
    books.sign(YEARLY_SEATS, make_cancellation("2026-07-01", credited=True))

    for day_of_run in as_of:
        books.bill(day_of_run)

    assert [(row.net, row.tax) for row in books.drafts()] == [
        (Decimal("12000.00"), Decimal("2280.00")),
        (Decimal("-6049.32"), Decimal("-1149.37")),
    ]


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


@dataclass(frozen=True)
class AskedEngine:
    """A tax service outside: it says how it was asked, and can be away."""

    database: Database
    is_away: bool = False
    basis = PriceBasis.EXCLUSIVE
    rounding = TaxRounding.DOCUMENT

    def tax(self, *, draft: InvoiceDraft, customer: Customer, decided: Mapping[str, Tax]) -> TaxedDocument:
        assert self.database.reader.pool.checkedout() == self.database.writer.pool.checkedout() == 0
        if self.is_away:
            raise Unavailable("The tax service did not answer.")
        ten_percent = TaxRule("US", Place.ANYWHERE, Decimal(10), TaxCategory.STANDARD)
        settings = TaxSettings((ten_percent,), {"US": "US"})
        return settings.tax(draft=draft, customer=customer, decided=decided)


def test_a_tax_engine_outside_is_asked_while_no_connection_is_held(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    books.biller = replace(books.biller, taxes=AskedEngine(books.biller.database))

    books.bill("2026-01-01")

    (draft,) = books.drafts()
    assert draft.tax == draft.net / 10


def test_a_tax_engine_that_is_away_leaves_the_contract_due_with_the_reason(books: Books) -> None:
    books.sign(YEARLY_SEATS)
    settings = books.biller.taxes
    books.biller = replace(books.biller, taxes=AskedEngine(books.biller.database, is_away=True))
    books.bill("2026-01-01")
    assert books.drafts() == []

    books.biller = replace(books.biller, taxes=settings)
    books.bill("2026-01-01")

    assert len(books.drafts()) == 1
