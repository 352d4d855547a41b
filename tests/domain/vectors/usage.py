"""Checks of cases about usage, commitments, price ramps and credit notes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract, contract_value
from connector.domain.credit_notes import CreditRefused, apply_credit, draft_credit_note
from connector.domain.invoicing import InvoiceItem, draft_invoices
from connector.domain.pricing import price
from connector.domain.renewals import renewed_items
from connector.domain.tax import (
    tax_totals,
)
from connector.domain.terms import ChargeType, DealType, PriceModel, Tier
from tests.domain.making import MONTHLY, day, make_item, make_order
from tests.domain.vectors.making import D, amount_of, charges_of, eur, seats_changed, vat


def tiered(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert priced(given, PriceModel.TIERED, given["quantity"]) == D(expected["amount"])


def volume(given: dict[str, Any], expected: dict[str, Any]) -> None:
    amounts = [priced(given, PriceModel.VOLUME, quantity) for quantity in given["quantities"]]

    assert amounts == [D(amount) for amount in expected["amounts"]]


def priced(given: dict[str, Any], model: PriceModel, quantity: int) -> Decimal:
    tiers = tuple(Tier(None if end is None else D(end), D(rate)) for end, rate in given["tiers"])
    return price(item=make_item(price_model=model, tiers=tiers), quantity=D(quantity))


def packaged(given: dict[str, Any], expected: dict[str, Any]) -> None:
    size = D(given["package_size"])
    item = make_item(price=given["package_price"], price_model=PriceModel.PACKAGE, package_size=size)

    assert price(item=item, quantity=D(given["quantity"])) == D(expected["amount"])


def usage_charges(used: list[str], **changes: Any) -> list[Charge]:
    """The usage and true-up charges of a line for one value of units per billing period, from 1 January on."""
    terms = {"price": "1", "billing_period_months": MONTHLY, **changes}
    item = make_item(charge_type=ChargeType.USAGE, **terms)
    blank = [charge for charge in charges_of(make_order(item)) if charge.kind.value == "usage"]
    readings = {charge.key: D(units) for charge, units in zip(blank, used, strict=False)}
    charges = charges_of(make_order(item), usage=readings)
    return [charge for charge in charges if not charge.is_estimate]


def over_the_included(given: dict[str, Any], expected: dict[str, Any]) -> None:
    terms = {"price": given["unit_price"], "included_units": D(given["included"])}

    assert str(usage_charges([str(given["used"])], **terms)[0].amount.amount) == expected["amount"]


def tiny_price(given: dict[str, Any], expected: dict[str, Any]) -> None:
    (charge,) = usage_charges([str(given["quantity"])], price=given["unit_price"])

    assert str(charge.amount.amount) == expected["amount"]


def minimum(given: dict[str, Any], expected: dict[str, Any]) -> None:
    charges = usage_charges([given["usage"]], minimum_amount=D(given["minimum"]))
    true_up = sum((charge.amount.amount for charge in charges[1:]), D("0.00"))

    assert (str(charges[0].amount.amount), str(true_up)) == (expected["usage_line"], expected["true_up"])
    assert str(charges[0].amount.amount + true_up) == expected["pre_tax"]


def yearly_minimum(given: dict[str, Any], expected: dict[str, Any]) -> None:
    terms = {"billing_period_months": 3, "minimum_period_months": 12, "minimum_amount": D(given["annual_commit"])}
    *quarters, true_up = usage_charges(given["quarterly_billed"], **terms)

    assert str(sum(charge.amount.amount for charge in quarters)) == expected["billed"]
    assert (str(true_up.amount.amount), str(true_up.bill_on)) == (expected["true_up"], "2027-01-01")


def minimum_of_a_short_period(given: dict[str, Any], expected: dict[str, Any]) -> None:
    last = f"2026-01-{given['days']:02d}"
    charges = usage_charges([given["usage"]], last=last, minimum_amount=D(given["minimum"]))

    assert str(charges[1].amount.amount) == expected["true_up"]
    assert str(charges[0].amount.amount + charges[1].amount.amount) == expected["prorated_minimum"]


def draw_down(given: dict[str, Any], expected: dict[str, Any]) -> None:
    charges = usage_charges(given["monthly_usage"], prepaid_amount=D(given["prepaid"]))

    assert [str(charge.amount.amount) for charge in charges] == [over for _, over in expected["balance_and_overage"]]


def uplift(given: dict[str, Any], expected: dict[str, Any]) -> None:
    contract = build_contract(orders=[make_order(make_item(price=given["year1"]))])
    percent = D(given["uplift_pct"])
    (second,) = renewed_items(contract=contract, months=12, uplift_percent=percent)
    following = make_order(second, start="2027-01-01", last="2027-12-31")
    (third,) = renewed_items(contract=build_contract(orders=[following]), months=12, uplift_percent=percent)

    assert str(contract_value(contract=build_contract(orders=[following])).amount) == expected["year2"]
    assert amount_of(str(third.unit_price), "2028-01-01", "2028-12-31") == expected["year3"]
    assert (
        amount_of(str(third.unit_price), "2028-01-01", "2028-12-31", billing_period_months=1)
        == expected["year3_monthly"]
    )


def downsell_credit(given: dict[str, Any], expected: dict[str, Any]) -> None:
    (charge,) = seats_changed(given, str(given["seats_removed"]), "0", DealType.DOWNSELL)
    totals = tax_totals(items=[(charge.amount, vat(given["vat_rate"]))], currency="EUR")

    assert [str(one.amount) for one in (totals.net, totals.tax, totals.gross)] == [
        expected["net_credit"],
        expected["vat_credit"],
        expected["gross_credit"],
    ]


def credit_with_tax(given: dict[str, Any], expected: dict[str, Any]) -> None:
    totals = tax_totals(items=[(-eur(given["credit_net"]), vat(given["original_rate"]))], currency="EUR")

    assert [str(one.amount) for one in (totals.net, totals.tax, totals.gross)] == [
        expected["net"],
        expected["tax"],
        expected["gross"],
    ]


def credit_and_payment(given: dict[str, Any], expected: dict[str, Any]) -> None:
    left, surplus = apply_credit(
        owed=eur(given["invoice_total"]), paid=eur(given["paid"]), credit=eur(given["credit_gross"])
    )

    assert (str(left.amount), str(surplus.amount)) == (expected["outstanding"], expected["refund_or_balance"])


def credit_up_to_the_line(given: dict[str, Any], expected: dict[str, Any]) -> None:
    contract = build_contract(orders=[make_order(make_item(price=given["line_net"]))])
    invoice = draft_invoices(contracts=[contract], as_of=day("2026-01-01")).drafts[0]
    key = invoice.items[0].charge_key
    credited: list[InvoiceItem] = []

    def credit(amount: str) -> None:
        note = draft_credit_note(
            invoice=invoice,
            document="DE-1",
            amounts={key: eur(amount)},
            credited=credited,
            bill_on=day("2026-02-01"),
            reason="agreed",
        )
        credited.extend(note.items)

    for amount in given["credits"]:
        credit(amount)
    assert expected["next_credit_allowed"] is False
    with pytest.raises(CreditRefused, match=f"{expected['remaining_creditable']} EUR is left"):
        credit(given["next_credit"])


def consolidated(given: dict[str, Any], expected: dict[str, Any]) -> None:
    contracts = [
        build_contract(orders=[make_order(make_item(price=one["net"]), record=one["id"], currency=one["ccy"])])
        for one in given["subscriptions"]
    ]
    drafts = draft_invoices(contracts=contracts, as_of=day("2026-01-01")).drafts
    documents = []
    for draft in drafts:
        items = [(item.amount, vat(given["vat_rate"])) for item in draft.items]
        totals = tax_totals(items=items, currency=draft.net.currency)
        sums = {"net": totals.net, "tax": totals.tax, "gross": totals.gross}
        subscriptions = [item.contract_ref for item in draft.items]
        figures = {name: str(sum_.amount) for name, sum_ in sums.items()}
        documents.append({"ccy": draft.net.currency, "subs": subscriptions, **figures})

    assert documents == expected["invoices"]
