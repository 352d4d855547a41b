"""Drafts with their tax."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.domain.contracts import build_contract
from connector.domain.credit_notes import full_credit_note
from connector.domain.invoicing import InvoiceDraft, preview_invoices
from connector.domain.tax import (
    DEFAULT_TAX_RULES,
    ENTITY_COUNTRIES,
    PriceBasis,
    Tax,
    TaxCategory,
    TaxUndecided,
)
from connector.domain.taxed_documents import TaxSettings, tax_document
from connector.domain.terms import Address, Customer
from tests.domain.making import MONTHLY, day, make_item, make_order

SETTINGS = TaxSettings(rules=DEFAULT_TAX_RULES, entity_countries=ENTITY_COUNTRIES)


def customer(country: str, tax_id: str = "") -> Customer:
    return Customer(ref="001A", name="Acme", tax_id=tax_id, billing_address=Address(country=country))


def drafts() -> tuple[InvoiceDraft, ...]:
    order = make_order(make_item(price="10000", billing_period_months=MONTHLY), legal_entity="DE")
    return preview_invoices(contracts=[build_contract(orders=[order])])


@pytest.mark.parametrize(
    ("buyer", "tax", "gross"),
    [
        (customer("Germany"), "158.33", "991.66"),
        (customer("FR", "FR40303265045"), "0.00", "833.33"),
        (customer("US", "12-345"), "0.00", "833.33"),
        (customer("FR", "  "), "158.33", "991.66"),
    ],
)
def test_a_draft_is_taxed_by_where_its_customer_is(buyer: Customer, tax: str, gross: str) -> None:
    document = tax_document(draft=drafts()[0], customer=buyer, settings=SETTINGS)

    assert (str(document.totals.tax.amount), str(document.totals.gross.amount)) == (tax, gross)


def test_a_customer_without_a_country_is_not_taxed_by_guess() -> None:
    with pytest.raises(TaxUndecided):
        tax_document(draft=drafts()[0], customer=customer(""), settings=SETTINGS)


def test_inclusive_prices_contain_the_tax() -> None:
    settings = TaxSettings(DEFAULT_TAX_RULES, ENTITY_COUNTRIES, basis=PriceBasis.INCLUSIVE)
    document = tax_document(draft=drafts()[0], customer=customer("DE"), settings=settings)

    assert (str(document.totals.net), str(document.totals.tax)) == ("700.28 EUR", "133.05 EUR")


def test_a_credit_note_keeps_the_tax_of_the_row_it_lowers() -> None:
    invoice = drafts()[0]
    old = Tax(Decimal(16), TaxCategory.STANDARD)
    note = full_credit_note(invoice=invoice, document="DE-1", bill_on=day("2026-03-01"), reason="Wrong customer.")
    document = tax_document(
        draft=note, customer=customer("DE"), settings=SETTINGS, decided={invoice.items[0].charge_key: old}
    )

    assert document.taxes == (old,)
    assert str(document.totals.gross) == "-966.66 EUR"
