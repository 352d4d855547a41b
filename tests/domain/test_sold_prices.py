"""What a line says about the price of what it grants, and what one price of a unit cannot say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from connector.domain.sold_prices import SoldPrice, sold_prices
from connector.domain.terms import ChargeType, LineItem, PriceModel, Provision, ProvisionKind, Tier

SEAT = LineItem(
    ref="L1",
    position=1,
    product_code="SEAT",
    product_name="Seat",
    starts_on=date(2026, 4, 1),
    ends_on=date(2027, 4, 1),
    quantity=Decimal(50),
    unit_price=Decimal(24),
    provision=Provision(ProvisionKind.ENTITLEMENT, "feature-seats"),
)
PLAN = replace(SEAT, ref="L2", quantity=Decimal(2), provision=Provision(ProvisionKind.PLAN, "plan-a"))


def test_a_feature_has_the_price_of_a_unit_and_a_plan_that_of_all_of_it() -> None:
    seat, plan = sold_prices(line_items=[replace(SEAT, discount_percent=Decimal("12.5")), PLAN])

    assert seat == SoldPrice(ProvisionKind.ENTITLEMENT, "feature-seats", Decimal(21), 12)
    assert plan == SoldPrice(ProvisionKind.PLAN, "plan-a", Decimal(48), 12)


def test_equal_lines_are_one_price_and_different_ones_are_unsaid() -> None:
    (same,) = sold_prices(line_items=[SEAT, replace(SEAT, ref="L3")])
    (other,) = sold_prices(line_items=[SEAT, replace(SEAT, ref="L3", unit_price=Decimal(20))])

    assert (same.unsaid, other.unsaid) == ("", "two prices of one thing")


@pytest.mark.parametrize(
    "line",
    [
        replace(SEAT, price_model=PriceModel.VOLUME, tiers=(Tier(None, Decimal(1)),)),
        replace(SEAT, charge_type=ChargeType.ONE_TIME),
        replace(SEAT, included_units=Decimal(10)),
        replace(SEAT, discount_amount=Decimal(5)),
        replace(SEAT, free_months=2),
        replace(SEAT, is_total_priced=True),
        replace(SEAT, minimum_amount=Decimal(5), minimum_period_months=3),
    ],
    ids=["tiers", "once", "allowance", "discount", "free months", "total", "minimum of another period"],
)
def test_what_one_price_cannot_say_is_told(line: LineItem) -> None:
    (price,) = sold_prices(line_items=[line])

    assert price.unsaid
