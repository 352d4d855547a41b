"""The eighteen deal shapes: every row of the table, priced by our models and not by the nearest wrong one.

The table calls quantity x price "flat"; that is our per-unit model (our flat price does not count units).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.contracts import build_contract
from connector.domain.pricing import TierRow, price, tiers_from_rows
from connector.domain.schedule import schedule
from connector.domain.terms import LineItem, PriceModel
from tests.domain.making import MONTHLY, make_item, make_order
from tests.domain.vectors import pricing_cases

D = Decimal
ROWS = pricing_cases()
PREPAID = "08 annual prepaid"
MODELS = {
    "flat": PriceModel.PER_UNIT,
    "tiered": PriceModel.TIERED,
    "volume": PriceModel.VOLUME,
    "stairstep": PriceModel.STAIRSTEP,
    "package": PriceModel.PACKAGE,
}


def item_of(model: str, rows: list[dict[str, Any]]) -> LineItem:
    """The line item that the rows of one deal shape describe."""
    if model == "flat":
        return make_item(price=str(rows[0]["price"]))
    if model == "package":
        size = D(rows[0]["packageSize"])
        return make_item(price=str(rows[0]["price"]), price_model=PriceModel.PACKAGE, package_size=size)
    tiers, faults = tiers_from_rows(rows=[_tier_row(row, model) for row in rows])
    assert faults == ()
    return make_item(price_model=MODELS[model], tiers=tiers)


def _tier_row(row: dict[str, Any], model: str) -> TierRow:
    end = None if row["to"] is None else D(row["to"])
    amount, nothing = D(row["price"]), D(0)
    is_fee = model == "stairstep"
    return TierRow(D(row["from"]), end, nothing if is_fee else amount, amount if is_fee else nothing)


@pytest.mark.parametrize("row", [row for row in ROWS if row["case"] != PREPAID], ids=lambda row: row["case"])
def test_a_deal_shape_costs_what_was_worked_out(row: dict[str, str]) -> None:
    item = item_of(row["model"], json.loads(row["rows"], parse_float=Decimal))
    amount = price(item=item, quantity=D(row["quantity_or_usage"]))

    assert amount == D(row["expected_amount"])
    assert not row["wrong_model_amount"] or amount != D(row["wrong_model_amount"])


@pytest.mark.parametrize(("months", "invoices"), [(12, 2), (MONTHLY, 24)])
def test_two_years_prepaid_yearly_are_two_invoices(months: int, invoices: int) -> None:
    assert [row["category"] for row in ROWS if row["case"] == PREPAID] == ["fixed"]
    item = make_item(last="2027-12-31", billing_period_months=months)
    charges = schedule(contract=build_contract(orders=[make_order(item, last="2027-12-31")]))

    assert len({charge.bill_on for charge in charges}) == invoices


def test_the_table_has_all_eighteen_shapes() -> None:
    assert len(ROWS) == 18
