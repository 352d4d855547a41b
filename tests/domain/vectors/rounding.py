"""Checks of cases about tax and rounding."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.money import Money, currency_places, round_amount
from connector.domain.pricing import price
from connector.domain.tax import (
    DEFAULT_TAX_RULES,
    PriceBasis,
    Tax,
    TaxCategory,
    TaxRounding,
    decide_tax,
    in_accounting_currency,
    tax_totals,
    with_document_discount,
)
from tests.domain.making import day, make_item, make_order
from tests.domain.vectors.making import D, charges_of, eur, vat


def line_or_document(given: dict[str, Any], expected: dict[str, Any]) -> None:
    items = [(eur(net), vat(given["rate"])) for net in given["lines"]]
    per_line = tax_totals(items=items, currency="EUR", rounding=TaxRounding.LINE)

    assert str(per_line.tax.amount) == expected["per_line_tax"]
    assert str(tax_totals(items=items, currency="EUR").tax.amount) == expected["per_document_tax"]


def inclusive(given: dict[str, Any], expected: dict[str, Any]) -> None:
    items = [(eur(given["gross"]), vat(given["rate"]))]
    totals = tax_totals(items=items, currency="EUR", basis=PriceBasis.INCLUSIVE)

    assert (str(totals.net.amount), str(totals.tax.amount)) == (expected["net"], expected["tax"])


def inclusive_line_or_document(given: dict[str, Any], expected: dict[str, Any]) -> None:
    items = [(eur(gross), vat(given["rate"])) for gross in given["gross_lines"]]
    for rounding, name in ((TaxRounding.LINE, "per_line"), (TaxRounding.DOCUMENT, "per_document")):
        totals = tax_totals(items=items, currency="EUR", basis=PriceBasis.INCLUSIVE, rounding=rounding)
        assert {"net": str(totals.net.amount), "tax": str(totals.tax.amount)} == expected[name]


def reverse_charge(given: dict[str, Any], expected: dict[str, Any]) -> None:
    tax = decide_tax(
        rules=DEFAULT_TAX_RULES,
        legal_entity="DE",
        entity_country=given["seller_country"],
        customer_country=given["buyer_country"],
        has_tax_id=True,
        on=day("2026-01-01"),
    )
    totals = tax_totals(items=[(eur(given["net"]), tax)], currency="EUR")

    assert tax == Tax(D(expected["rate"]), TaxCategory.REVERSE_CHARGE, expected["mention"], expected["exemption_code"])
    assert (str(totals.tax.amount), str(totals.gross.amount)) == (expected["tax"], expected["gross"])


def discounted_document(given: dict[str, Any], expected: dict[str, Any]) -> None:
    items = [(eur(line["net"]), vat(line["rate"])) for line in given["lines"]]
    whole = sum(net.amount for net, _ in items)
    discount = Money(whole * D(given["document_discount_pct"]) / 100, "EUR").rounded()
    totals = tax_totals(items=with_document_discount(items=items, discount=discount), currency="EUR")

    assert [str(row.net.amount) for row in totals.rates] == expected["taxable"]
    assert [str(row.amount.amount) for row in totals.rates] == expected["tax"]
    assert (str(totals.net.amount), str(totals.gross.amount)) == (expected["net"], expected["gross"])


def split_heads(given: dict[str, Any], expected: dict[str, Any]) -> None:
    net = eur(given["net"])
    central, state = Tax(D(9), TaxCategory.STANDARD, "CGST"), Tax(D(9), TaxCategory.STANDARD, "SGST")
    within = tax_totals(items=[(net, central), (net, state)], currency="EUR")
    between = tax_totals(items=[(net, Tax(D(18), TaxCategory.STANDARD, "IGST"))], currency="EUR")

    assert [str(row.amount.amount) for row in within.rates] == [expected["cgst"], expected["sgst"]]
    assert (str(within.tax.amount), str(between.tax.amount)) == (expected["sum_split"], expected["igst"])


def document_sums(given: dict[str, Any], expected: dict[str, Any]) -> None:
    lines = [(eur(net), vat(given["rate"])) for net in given["lines"]]
    lowered = with_document_discount(items=lines, discount=eur(given["allowance"]))
    totals = tax_totals(items=[*lowered, (eur(given["charge"]), vat(given["rate"]))], currency="EUR")

    assert str(sum(net.amount for net, _ in lines)) == expected["BT-106"]
    assert [str(totals.net.amount), str(totals.tax.amount), str(totals.gross.amount)] == [
        expected["BT-109"],
        expected["BT-110"],
        expected["BT-112"],
    ]


def accounting_currency(given: dict[str, Any], expected: dict[str, Any]) -> None:
    items = [(Money(D(given["net"]), given["currency"]), vat(given["vat_rate"]))]
    tax = tax_totals(items=items, currency=given["currency"]).tax
    in_euro = in_accounting_currency(amount=tax, rate=D(given["rate_usd_per_eur"]), currency="EUR")

    assert (str(tax.amount), str(in_euro.amount)) == (expected["vat_usd"], expected["vat_eur_bt111"])


def half_up(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given["places"] == 2
    assert str(round_amount(D(given["value"]), currency="EUR")) == expected["half_up"]


def no_float(given: dict[str, Any], expected: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Decimal"):
        Money(float(given["value"]), "EUR")  # type: ignore[arg-type]
    assert str(eur(given["value"]).rounded().amount) == expected["decimal_half_up"]


def whole_yen(given: dict[str, Any], expected: dict[str, Any]) -> None:
    totals = tax_totals(items=[(Money(D(given["net"]), "JPY"), vat(given["rate"]))], currency="JPY")

    assert str(totals.tax.amount) == expected["half_up"]


def three_places(given: dict[str, Any], expected: dict[str, Any]) -> None:
    totals = tax_totals(items=[(Money(D(given["net"]), "KWD"), vat(given["rate"]))], currency="KWD")

    assert (str(totals.tax.amount), str(totals.gross.amount)) == (expected["tax"], expected["gross"])
    assert str(round_amount(D("1.2345"), currency="KWD")) == expected["half_up_1_2345"]


def minor_units(given: dict[str, Any], expected: dict[str, Any]) -> None:
    amounts = [Money(D(amount), currency).rounded() for amount, currency in given["amounts"]]

    assert [int(one.amount.scaleb(currency_places(one.currency))) for one in amounts] == expected["minor"]


def many_decimals(given: dict[str, Any], expected: dict[str, Any]) -> None:
    item = make_item(quantity=given["quantity"], price=given["unit_price"])

    assert price(item=item, quantity=item.quantity) == D(expected["exact"])
    for currency in ("usd", "jpy"):
        (charge,) = charges_of(make_order(item, currency=currency.upper()))
        assert str(charge.amount.amount) == expected[currency]
