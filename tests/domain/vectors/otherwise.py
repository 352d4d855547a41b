"""What we compute for the cases that the billing conventions decide in another way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connector.domain.contracts import build_contract
from connector.domain.invoicing import draft_invoices
from connector.domain.money import Money
from connector.domain.payment_reference import creditor_reference
from connector.domain.tax import (
    tax_totals,
)
from tests.domain.making import day, make_cancellation, make_item, make_order
from tests.domain.vectors.making import PER_MONTH, D, amount_of, charges_of, vat


def seconds(given: dict[str, Any], expected: dict[str, Any]) -> None:
    # 14 Feb to 14 March 2017, changed on 3 March: 11 of 28 days are left.
    item = make_item(price=given["price"], start="2017-02-14", last="2017-03-13", **PER_MONTH)
    new = make_order(item, start="2017-02-14", last="2017-03-13", currency=given["currency"])
    charges = charges_of(new, make_cancellation("2017-03-03", credited=True, currency=given["currency"]))

    assert str(charges[-1].amount.amount) == "-3.93" != expected["credit"]


def whole_months_plus_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = given["service"]

    assert amount_of(given["annual_price"], start, last) == "9600.00" != expected["amount"]


def half_up_on_the_document(given: dict[str, Any], expected: dict[str, Any]) -> None:
    totals = tax_totals(items=[(Money(D(given["net"]), "GBP"), vat(given["rate"]))], currency="GBP")

    assert str(totals.tax.amount) == expected["half_up"] != expected["rounded_down_total"]


def no_cash_rounding(given: dict[str, Any], expected: dict[str, Any]) -> None:
    totals = [str(Money(D(amount), "CHF").rounded().amount) for amount in given["totals"]]

    assert totals == given["totals"] != expected["rounded"]


def net_days_only(given: dict[str, Any], expected: dict[str, Any]) -> None:
    issued = given.get("issue") or given["raw_due"]
    order = make_order(
        make_item(start=issued, last="2028-12-31"), start=issued, last="2028-12-31", payment_terms_days=30
    )
    draft = draft_invoices(contracts=[build_contract(orders=[order])], as_of=day(issued)).drafts[0]

    assert draft.due_on == day(issued) + timedelta(days=30)
    assert str(draft.due_on) not in expected.values()


def one_form_of_reference(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert creditor_reference(given["base10"]) == "RF890202600042" != expected["printed"]
