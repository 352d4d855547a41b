"""The warnings of a draft, from the rows of real billing runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from connector.adapters.clock import FixedClock
from connector.domain.legal_entities import plain_entity
from connector.domain.terms import Address, ChargeType, DealType
from connector.store.unit_of_work import Database
from connector.usecases.review_invoice import edit_invoice, send_back_invoice
from tests.domain.making import MONTHLY, make_item
from tests.reviewing import ACME, RULES, Finance, make_finance, sold

MONTHS = make_item("Seats", price="1000", billing_period_months=MONTHLY, price_period_months=1)
CALLS = make_item(
    "Calls", price="0.5", charge_type=ChargeType.USAGE, billing_period_months=MONTHLY, price_period_months=1
)


def codes(finance: Finance, invoice_id: int) -> list[str]:
    return [finding.code for finding in finance.opened(invoice_id).findings]


def test_a_draft_of_the_schedule_has_no_warning_and_is_quiet(finance: Finance) -> None:
    finance.draft(sold(MONTHS), as_of="2026-02-01")

    opened = finance.opened(finance.newest())

    assert (opened.findings, opened.is_quiet) == ((), True)
    assert str(opened.facts.last_net) == "1000.00 EUR"


def test_usage_that_was_not_read_is_told(finance: Finance) -> None:
    finance.books.sign(sold(MONTHS, CALLS))
    finance.books.bill("2026-02-01")

    assert [codes(finance, row.id) for row in finance.books.drafts()] == [[], ["USAGE_INCOMPLETE"]]


def test_a_jump_against_the_last_document_is_told(finance: Finance) -> None:
    finance.draft(sold(MONTHS), as_of="2026-01-01")
    more = replace(MONTHS, ref="line-More", quantity=Decimal(3), starts_on=date(2026, 2, 1))
    finance.books.sign(sold(more, record="UP", deal=DealType.UPSELL, signed_on=date(2026, 1, 5)))
    finance.books.bill("2026-02-01")

    assert codes(finance, finance.newest()) == ["JUMP"]


def test_what_was_sent_back_is_no_document_to_compare_with(finance: Finance) -> None:
    finance.books.sign(sold(MONTHS))
    finance.books.bill("2026-02-01")
    first, second = (row.id for row in finance.books.drafts())

    send_back_invoice(desk=finance.desk, invoice_id=first, reason="No.", owner="rosa", actor="finn", role="finance")

    assert finance.opened(second).facts.last_net is None


def test_the_same_thing_sold_twice_to_one_customer_is_told(finance: Finance) -> None:
    first = finance.draft(sold(MONTHS), as_of="2026-01-01")
    finance.books.sign(sold(MONTHS, record="AGAIN"))
    finance.books.bill("2026-01-01")

    finding = finance.opened(finance.newest()).findings[0]

    assert (finding.code, f"invoice {first}" in finding.message) == ("DUPLICATE", True)
    assert codes(finance, first) == ["DUPLICATE"]


def test_the_same_thing_sold_to_two_customers_is_no_duplicate(finance: Finance) -> None:
    finance.draft(sold(MONTHS), as_of="2026-01-01")
    other = finance.draft(sold(MONTHS, record="OTHER", customer=replace(ACME, ref="002")), as_of="2026-01-01")

    assert codes(finance, other) == []


def test_a_customer_that_had_po_numbers_is_expected_to_have_one(finance: Finance) -> None:
    finance.draft(sold(MONTHS, po_number="PO-1"), as_of="2026-01-01")
    finance.books.sign(
        sold(make_item("Support", price="950", billing_period_months=MONTHLY, price_period_months=1), record="SUP")
    )
    finance.books.bill("2026-02-01")

    without = [row.id for row in finance.books.drafts() if not row.po_number and str(row.bill_on) == "2026-02-01"]

    assert ["PO_NUMBER_MISSING" in codes(finance, one) for one in without] == [True]


def test_a_customer_in_the_settings_needs_a_po_number_until_it_has_one(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock, rules=replace(RULES, po_required_for=frozenset({"001A"})))
    invoice_id = finance.draft(sold(MONTHS))
    assert codes(finance, invoice_id) == ["PO_NUMBER_MISSING"]

    edit_invoice(
        desk=finance.desk,
        invoice_id=invoice_id,
        looked_at=finance.hash(invoice_id),
        po_number="PO-3",
        actor="finn",
        role="finance",
    )

    assert codes(finance, invoice_id) == []


def test_a_customer_without_anything_is_told_thing_by_thing(finance: Finance) -> None:
    bare = replace(ACME, email="", tax_id="", billing_address=Address(country="DE"))

    assert codes(finance, finance.draft(sold(MONTHS, customer=bare))) == [
        "TAX_ID_MISSING",
        "ADDRESS_INCOMPLETE",
        "EMAIL_MISSING",
    ]


def test_a_seller_of_which_only_the_country_is_known_is_told(database: Database, clock: FixedClock) -> None:
    finance = make_finance(database, clock, entities={"DE": plain_entity(code="DE", country="DE")})

    assert codes(finance, finance.draft(sold(MONTHS))) == ["SELLER_INCOMPLETE"]


def test_a_contract_that_has_changed_since_is_told_until_the_next_run(finance: Finance) -> None:
    invoice_id = finance.draft(sold(MONTHS), as_of="2026-01-01")
    finance.books.sign(sold(make_item("More"), record="UP", deal=DealType.UPSELL, signed_on=date(2026, 1, 5)))
    assert codes(finance, invoice_id) == ["CONTRACT_CHANGED"]

    finance.books.bill("2026-01-01")

    assert codes(finance, invoice_id) == []
