"""Every commercial fault of one order, told at once and in plain words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.checks import check_order
from connector.domain.terms import (
    ChargeType,
    DealType,
    LineItem,
    Milestone,
    Order,
    PriceModel,
    Provision,
    ProvisionKind,
    Tier,
)
from tests.domain.making import UPFRONT, day, make_cancellation, make_item, make_order

D = Decimal


def codes(order: Order) -> list[str]:
    return [fault.code for fault in check_order(order=order)]


@pytest.mark.parametrize(
    "order",
    [
        make_order(make_item()),
        make_order(make_item(), term_months=12),
        make_order(
            make_item(start="2026-01-31", last="2026-02-27"), start="2026-01-31", last="2026-02-27", term_months=1
        ),
        make_order(make_item(quantity="0", price="0", billing_period_months=UPFRONT)),
        make_order(make_item(discount_percent=D(100)), payment_terms_days=0),
        make_order(make_item(quantity="2.5")),
        make_order(make_item(free_months=12)),
        make_order(make_item(start="2025-12-01", last="2028-12-31")),
        make_order(make_item(charge_type=ChargeType.USAGE, included_units=D(5), minimum_amount=D(100))),
        make_cancellation("2026-05-01"),
        make_order(make_item(prior_quantity=D(2)), record="UP", deal=DealType.UPSELL),
    ],
)
def test_an_order_in_order_has_no_fault(order: Order) -> None:
    assert check_order(order=order) == ()


@pytest.mark.parametrize(
    ("order", "code", "field", "value"),
    [
        (make_order(make_item(), currency="EURO"), "UNKNOWN_CURRENCY", "currency", "EURO"),
        (make_order(make_item(), payment_terms_days=-1), "PAYMENT_TERMS", "payment_terms_days", "-1"),
        (make_order(make_item(), legal_entity=""), "LEGAL_ENTITY_MISSING", "legal_entity", ""),
        (make_order(make_item(), last="2025-12-31"), "END_BEFORE_START", "ends_on", "2026-01-01"),
        (make_order(make_item(), term_months=11), "TERM_MISMATCH", "term_months", "11"),
        (make_order(make_item(), amends_ref="OLD"), "SECOND_INITIAL_ORDER", "amends_ref", "OLD"),
        (
            make_order(make_item(), deal=DealType.UPSELL, amends_ref=""),
            "AMENDED_RECORD_MISSING",
            "amends_ref",
            "",
        ),
        (replace(make_cancellation("2026-05-01"), cancel_from=None), "CANCEL_DATE_MISSING", "cancel_from", ""),
        (
            replace(make_cancellation("2026-05-01"), line_items=(make_item(),)),
            "CANCELLATION_WITH_LINES",
            "line_items",
            "1",
        ),
        (make_order(), "NO_LINES", "line_items", ""),
    ],
)
def test_a_fault_of_the_header_names_its_field_and_value(order: Order, code: str, field: str, value: str) -> None:
    (fault,) = check_order(order=order)

    assert (fault.code, fault.field, fault.value) == (code, field, value)
    assert fault.record == order.source.record_id
    assert fault.owner in ("sales rep", "RevOps", "finance")
    assert fault.message.endswith(".") and fault.fix.endswith(".")


SEATS = Provision(ProvisionKind.ENTITLEMENT, "feature-seats")
TIERED = PriceModel.TIERED


@pytest.mark.parametrize(
    ("item", "code", "field", "value"),
    [
        (make_item(last="2025-12-31"), "END_BEFORE_START", "ends_on", "2026-01-01"),
        (make_item(quantity="-3"), "NEGATIVE_QUANTITY", "quantity", "-3"),
        (make_item(prior_quantity=D(-1)), "NEGATIVE_QUANTITY", "prior_quantity", "-1"),
        (make_item(quantity="NaN"), "NOT_A_NUMBER", "quantity", "NaN"),
        (make_item(discount_percent=D("100.01")), "DISCOUNT_ABOVE_100", "discount_percent", "100.01"),
        (make_item(discount_percent=D(-5)), "NEGATIVE_DISCOUNT", "discount_percent", "-5"),
        (make_item(discount_amount=D(-5)), "NEGATIVE_DISCOUNT", "discount_amount", "-5"),
        (make_item(discount_amount=D(12001)), "DISCOUNT_ABOVE_PRICE", "discount_amount", "12001"),
        (make_item(free_months=13), "FREE_MONTHS", "free_months", "13"),
        (make_item(free_months=-1), "FREE_MONTHS", "free_months", "-1"),
        (make_item(alignment_day=32), "ALIGNMENT_DAY", "alignment_day", "32"),
        (make_item(billing_period_months=0), "PERIOD", "billing_period_months", "0"),
        (make_item(price_period_months=-1), "PERIOD", "price_period_months", "-1"),
        (make_item(minimum_period_months=0), "PERIOD", "minimum_period_months", "0"),
        (make_item(discount_periods=0), "PERIOD", "discount_periods", "0"),
        (make_item(tiers=(Tier(None, D("NaN")),)), "NOT_A_NUMBER", "tiers", "NaN"),
        (make_item(price_model=TIERED), "TIERS_MISSING", "tiers", ""),
        (make_item(price_model=TIERED, tiers=(Tier(D(5), D(1)),)), "TIER_OPEN_END_MISSING", "tiers", "5"),
        (
            make_item(price_model=TIERED, tiers=(Tier(D(9), D(1)), Tier(D(5), D(1)), Tier(None, D(1)))),
            "TIERS_UNORDERED",
            "tiers",
            "5",
        ),
        (
            make_item(price_model=PriceModel.STAIRSTEP, tiers=(Tier(None, D(5)),)),
            "TIERS_WITHOUT_FLAT_PRICE",
            "tiers",
            "",
        ),
        (make_item(price_model=PriceModel.PACKAGE), "PACKAGE_SIZE_MISSING", "package_size", ""),
        (make_item(price_model=PriceModel.PACKAGE, package_size=D(0)), "PACKAGE_SIZE_MISSING", "package_size", "0"),
        (
            make_item(price_model=PriceModel.PERCENT_OF, percent_of_ref="gone"),
            "PERCENT_OF_MISSING",
            "percent_of_ref",
            "gone",
        ),
        (make_item(included_units=D(5)), "USAGE_TERM_WITHOUT_USAGE", "included_units", "5"),
        (make_item(minimum_amount=D(5)), "USAGE_TERM_WITHOUT_USAGE", "minimum_amount", "5"),
        (make_item(quantity="2.5", provision=SEATS), "FRACTIONAL_ENTITLEMENT", "quantity", "2.5"),
        (
            make_item(provision=replace(SEATS, value=D("7.5"))),
            "FRACTIONAL_ENTITLEMENT",
            "quantity",
            "7.5",
        ),
        (
            make_item(charge_type=ChargeType.ONE_TIME, milestones=(Milestone(day("2026-02-01"), D(0)),)),
            "MILESTONE",
            "milestones",
            "",
        ),
        (
            make_item(
                charge_type=ChargeType.ONE_TIME,
                milestones=(Milestone(day("2026-02-01"), D(1)), Milestone(day("2026-02-01"), D(1))),
            ),
            "MILESTONE",
            "milestones",
            "2026-02-01",
        ),
    ],
)
def test_a_fault_of_a_line_names_line_field_and_value(item: LineItem, code: str, field: str, value: str) -> None:
    (fault,) = check_order(order=make_order(item))

    assert (fault.code, fault.field, fault.value) == (code, field, value)
    assert fault.line == item.ref
    assert "Line 1, Seats: " in fault.message


def test_an_unlimited_entitlement_may_have_any_quantity() -> None:
    item = make_item(quantity="2.5", provision=replace(SEATS, is_unlimited=True))

    assert codes(make_order(item)) == []


def test_a_percentage_of_a_percentage_is_refused() -> None:
    one = make_item("One", price_model=PriceModel.PERCENT_OF, percent_of_ref="line-Two")
    two = make_item("Two", price_model=PriceModel.PERCENT_OF, percent_of_ref="line-One")

    assert codes(make_order(one, two)) == ["PERCENT_OF_PERCENT", "PERCENT_OF_PERCENT"]


def test_a_downsell_must_say_the_quantity_before() -> None:
    assert codes(make_order(make_item(), record="DOWN", deal=DealType.DOWNSELL)) == ["PRIOR_QUANTITY_MISSING"]


def test_the_same_line_twice_is_told() -> None:
    assert codes(make_order(make_item(), make_item())) == ["DUPLICATE_LINE"]


def test_a_plan_sold_twice_for_the_same_days_is_told() -> None:
    plan = Provision(ProvisionKind.PLAN, "plan-team")
    one, two = make_item("One", provision=plan), make_item("Two", provision=plan)
    later = make_item("Later", start="2027-01-01", last="2027-12-31", provision=plan)

    assert codes(make_order(one, two)) == ["TWO_PLANS_OF_ONE_PRODUCT"]
    assert codes(make_order(one, later)) == []


def test_ramp_steps_must_follow_each_other() -> None:
    def step(number: int, start: str, last: str) -> LineItem:
        item = make_item(f"Step {number}", start=start, last=last, ramp_key="seats", ramp_step=number)
        return replace(item, product_code="SEAT")

    first, second = step(1, "2026-01-01", "2026-06-30"), step(2, "2026-07-01", "2026-12-31")

    assert codes(make_order(first, second)) == []
    assert codes(make_order(first, step(2, "2026-06-30", "2026-12-31"))) == ["RAMP_OVERLAP"]
    assert codes(make_order(replace(first, ramp_step=2), replace(second, ramp_step=1))) == ["RAMP_OVERLAP"]


def test_all_faults_of_an_order_come_at_once() -> None:
    order = make_order(
        make_item(quantity="-1", discount_percent=D(120)),
        replace(make_item("Other", price_model=TIERED, last="2025-01-01"), position=2),
        currency="XXX",
        last="2025-06-30",
    )

    assert set(codes(order)) == {
        "UNKNOWN_CURRENCY",
        "END_BEFORE_START",
        "NEGATIVE_QUANTITY",
        "DISCOUNT_ABOVE_100",
        "TIERS_MISSING",
    }
    assert codes(order).count("END_BEFORE_START") == 2


def test_the_sentence_helps_a_sales_rep() -> None:
    (fault,) = check_order(order=make_order(make_item(discount_percent=D(120))))

    assert fault.sentence() == "Line 1, Seats: the discount of 120 % is above 100 %. Enter 0 to 100 %."
