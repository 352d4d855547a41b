"""Which tax applies, and what it adds up to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.countries import EU_MEMBERS, country_code
from connector.domain.money import CurrencyError, Money
from connector.domain.tax import (
    DEFAULT_TAX_RULES,
    ENTITY_COUNTRIES,
    Place,
    Tax,
    TaxCategory,
    TaxRule,
    TaxUndecided,
    decide_tax,
    tax_totals,
    with_document_discount,
)
from tests.domain.making import day

D = Decimal


def decided(
    entity: str, country: str, *, has_tax_id: bool = False, rules: tuple[TaxRule, ...] = DEFAULT_TAX_RULES
) -> Tax:
    return decide_tax(
        rules=rules,
        legal_entity=entity,
        entity_country=ENTITY_COUNTRIES[entity],
        customer_country=country,
        has_tax_id=has_tax_id,
        on=day("2026-05-20"),
    )


@pytest.mark.parametrize(
    ("entity", "country", "has_tax_id", "rate", "category"),
    [
        ("US", "", False, 0, TaxCategory.NOT_SUBJECT),
        ("JP", "Japan", False, 0, TaxCategory.NOT_SUBJECT),
        ("DE", "DE", True, 19, TaxCategory.STANDARD),
        ("DE", "Deutschland", False, 19, TaxCategory.STANDARD),
        ("DE", "France", True, 0, TaxCategory.REVERSE_CHARGE),
        ("DE", "FR", False, 19, TaxCategory.STANDARD),
        ("DE", "United States", True, 0, TaxCategory.NOT_SUBJECT),
        ("DE", "GB", True, 0, TaxCategory.NOT_SUBJECT),
    ],
)
def test_the_default_rules_decide_by_entity_place_and_tax_id(
    entity: str, country: str, has_tax_id: bool, rate: int, category: TaxCategory
) -> None:
    tax = decided(entity, country, has_tax_id=has_tax_id)

    assert (tax.rate, tax.category) == (D(rate), category)


def test_reverse_charge_is_mentioned() -> None:
    assert decided("DE", "IT", has_tax_id=True).mention == "Reverse charge"


@pytest.mark.parametrize("country", ["", "Atlantis"])
def test_an_unknown_country_is_never_guessed_where_it_matters(country: str) -> None:
    with pytest.raises(TaxUndecided, match="depends on the country"):
        decided("DE", country)


def test_a_customer_whom_no_rule_fits_is_refused() -> None:
    with pytest.raises(TaxUndecided, match="No tax rule of DE"):
        decided("DE", "FR", rules=(TaxRule("DE", Place.DOMESTIC, D(19), TaxCategory.STANDARD),))


def test_a_rule_counts_for_its_tax_code_country_and_days_only() -> None:
    rules = (
        TaxRule("DE", Place.DOMESTIC, D(7), TaxCategory.STANDARD, tax_code="books"),
        TaxRule("DE", Place.ANYWHERE, D(8), TaxCategory.STANDARD, country="CH"),
        TaxRule("DE", Place.DOMESTIC, D(16), TaxCategory.STANDARD, valid_until=day("2026-01-01")),
        TaxRule("DE", Place.ANYWHERE, D(19), TaxCategory.STANDARD, valid_from=day("2026-01-01")),
    )

    def rate(country: str, code: str, on: str) -> Decimal:
        return decide_tax(
            rules=rules,
            legal_entity="DE",
            entity_country="DE",
            customer_country=country,
            has_tax_id=False,
            tax_code=code,
            on=day(on),
        ).rate

    assert rate("DE", "books", "2026-05-20") == 7
    assert rate("CH", "", "2026-05-20") == 8
    assert rate("DE", "", "2025-12-31") == 16
    assert rate("DE", "", "2026-01-01") == 19


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "DE"),
        (" Germany ", "DE"),
        ("UNITED  KINGDOM", "GB"),
        ("EL", "GR"),
        ("日本", "JP"),
        ("Nowhere", ""),
        ("", ""),
    ],
)
def test_a_country_is_found_by_code_or_name(written: str, code: str) -> None:
    assert country_code(written) == code


def test_the_union_has_twenty_seven_members() -> None:
    assert len(EU_MEMBERS) == 27


def test_totals_have_one_row_per_rate_highest_first() -> None:
    full, low = Tax(D(19), TaxCategory.STANDARD), Tax(D(7), TaxCategory.STANDARD)
    totals = tax_totals(items=[(euro("10"), low), (euro("100"), full), (euro("5"), low)], currency="EUR")

    assert [(row.tax.rate, str(row.net), str(row.amount)) for row in totals.rates] == [
        (D(19), "100.00 EUR", "19.00 EUR"),
        (D(7), "15.00 EUR", "1.05 EUR"),
    ]
    assert (str(totals.net), str(totals.tax), str(totals.gross)) == ("115.00 EUR", "20.05 EUR", "135.05 EUR")


def test_a_document_without_items_has_zero_totals() -> None:
    assert str(tax_totals(items=[], currency="JPY").gross) == "0 JPY"


def test_currencies_are_never_mixed_on_a_document() -> None:
    items = [(euro("10"), Tax(D(0), TaxCategory.ZERO)), (Money(D(10), "USD"), Tax(D(0), TaxCategory.ZERO))]

    with pytest.raises(CurrencyError):
        tax_totals(items=items, currency="EUR")


def euro(text: str) -> Money:
    return Money(D(text), "EUR").rounded()


MONEY = st.decimals(-10_000, 10_000, places=2).map(lambda amount: Money(amount, "EUR"))
TAXES = st.sampled_from([Tax(D(rate), TaxCategory.STANDARD) for rate in (0, 7, 19)])


@given(st.lists(st.tuples(MONEY, TAXES), max_size=8))
def test_a_credit_note_mirrors_its_invoice_to_the_cent(items: list[tuple[Money, Tax]]) -> None:
    totals = tax_totals(items=items, currency="EUR")
    mirrored = tax_totals(items=[(-net, tax) for net, tax in items], currency="EUR")

    assert (mirrored.net, mirrored.tax, mirrored.gross) == (-totals.net, -totals.tax, -totals.gross)
    assert totals.gross == totals.net + totals.tax
    assert totals.net.amount == sum(net.amount for net, _ in items)


@given(st.lists(st.tuples(MONEY.filter(lambda net: net.amount > 0), TAXES), min_size=1, max_size=8))
def test_a_document_discount_is_shared_out_to_the_cent(items: list[tuple[Money, Tax]]) -> None:
    discount = euro("0.01")
    lowered = with_document_discount(items=items, discount=discount)

    assert sum(net.amount for net, _ in lowered) == sum(net.amount for net, _ in items) - discount.amount
