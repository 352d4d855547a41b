"""Proposals for another term."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connector.domain.contracts import build_contract
from connector.domain.renewals import renewed_items
from connector.domain.terms import ChargeType, DealType, PriceModel, Tier
from tests.domain.making import day, make_cancellation, make_item, make_order


def test_a_renewal_continues_the_running_quantity_at_the_same_terms() -> None:
    new = make_order(
        make_item(quantity="50", price="240", free_months=2, discount_percent=Decimal(10)),
        make_item("Onboarding", charge_type=ChargeType.ONE_TIME),
        make_item("Trial", last="2026-03-31"),
    )
    item = make_item(
        start="2026-05-20", quantity="60", price="240", prior_quantity=Decimal(50), discount_percent=Decimal(10)
    )
    more = make_order(item, record="UP", start="2026-05-20", deal=DealType.UPSELL)
    (seats,) = renewed_items(contract=build_contract(orders=[new, more]), months=12)

    assert (seats.product_name, seats.quantity, seats.unit_price) == ("Seats", Decimal(60), Decimal(240))
    assert (seats.starts_on, seats.ends_on) == (day("2027-01-01"), day("2028-01-01"))
    assert (seats.free_months, seats.prior_quantity, seats.discount_percent) == (0, None, Decimal(10))


def test_an_uplift_raises_prices_and_tiers_exactly() -> None:
    tiers = (Tier(Decimal(50), Decimal("0.0000375"), Decimal(10)), Tier(None, Decimal("0.00003")))
    contract = build_contract(orders=[make_order(make_item(price_model=PriceModel.TIERED, price="1", tiers=tiers))])
    (item,) = renewed_items(contract=contract, months=12, uplift_percent=Decimal("3.5"))

    assert [(tier.unit_price, tier.flat_price) for tier in item.tiers] == [
        (Decimal("0.0000388125"), Decimal("10.35")),
        (Decimal("0.00003105"), Decimal(0)),
    ]


def test_a_percentage_line_is_not_raised_twice() -> None:
    support = make_item("Support", price="20", price_model=PriceModel.PERCENT_OF, percent_of_ref="line-Platform")
    contract = build_contract(orders=[make_order(make_item("Platform"), support)])

    assert [item.unit_price for item in renewed_items(contract=contract, months=12, uplift_percent=Decimal(5))] == [
        Decimal(12600),
        Decimal(20),
    ]


def test_of_a_ramp_the_last_step_is_renewed() -> None:
    steps = [
        make_item("One", last="2026-06-30", quantity="10", ramp_key="r", ramp_step=1),
        make_item("Two", start="2026-07-01", quantity="20", ramp_key="r", ramp_step=2),
    ]
    steps = [replace(step, product_code="SEAT") for step in steps]
    (item,) = renewed_items(contract=build_contract(orders=[make_order(*steps)]), months=6)

    assert (item.quantity, item.ramp_key, item.ramp_step, item.position) == (Decimal(20), "", None, 1)


def test_what_is_gone_is_not_proposed() -> None:
    new = make_order(make_item(quantity="50"))
    none = make_item(start="2026-05-20", quantity="0", prior_quantity=Decimal(50))
    less = make_order(none, record="DOWN", start="2026-05-20", deal=DealType.DOWNSELL, is_unused_credited=True)

    assert renewed_items(contract=build_contract(orders=[new, less]), months=12) == ()
    assert renewed_items(contract=build_contract(orders=[new, make_cancellation("2026-05-01")]), months=12) == ()
