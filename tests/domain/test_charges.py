"""What one line of a first order is charged, period by period, to the cent. Dates are bill dates."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract, contract_value
from connector.domain.schedule import schedule
from connector.domain.terms import BillingTiming, ChargeType, LineItem, Milestone, Order, PriceModel, Tier
from tests.domain.making import MONTHLY, QUARTERLY, UPFRONT, YEARLY, day, make_item, make_order, rows, sums_by_date


def charges_of(*items: LineItem, usage: dict[str, Decimal] | None = None, **changes: object) -> tuple[Charge, ...]:
    order: Order = make_order(*items, **changes)
    return schedule(contract=build_contract(orders=[order]), usage=usage)


def amounts(*items: LineItem) -> list[str]:
    return [amount for _, _, amount in rows(charges_of(*items))]


def test_a_yearly_price_billed_yearly_is_one_charge_on_the_first_day() -> None:
    assert rows(charges_of(make_item())) == [("2026-01-01", "Seats", "12000.00")]


def test_a_monthly_price_billed_yearly_is_twelve_months_in_one_charge() -> None:
    item = make_item(quantity="25", price="29.995", price_period_months=1)

    # Rounded once at the end: 12 x 25 x 29.995 = 8,998.50; a rounded month would give 8,999.88.
    assert amounts(item) == ["8998.50"]


def test_a_yearly_price_billed_monthly_gives_the_rest_to_the_last_month() -> None:
    item = make_item(price="10000", billing_period_months=MONTHLY)

    assert amounts(item) == ["833.33"] * 11 + ["833.37"]


def test_the_rest_comes_at_the_end_of_every_price_period() -> None:
    # quarters of 100.00: 33.33 33.33 33.34, again and again
    item = make_item(price="100", price_period_months=3, billing_period_months=MONTHLY)

    assert amounts(item) == ["33.33", "33.33", "33.34"] * 4


def test_an_exact_half_cent_survives_the_split_of_a_price_period() -> None:
    # 10.005 in three: 3.335 is 3.34 twice, the rest is 3.325 and rounds up, away from zero.
    item = make_item(price="10.005", last="2026-03-31", price_period_months=3, billing_period_months=MONTHLY)

    assert amounts(item) == ["3.34", "3.34", "3.33"]


def test_eighteen_months_of_a_yearly_price_are_a_year_and_181_days_of_365() -> None:
    item = make_item(last="2027-06-30")

    assert amounts(item) == ["12000.00", "5950.68"]


def test_whole_months_of_a_broken_year_cost_their_equal_part_and_a_broken_month_its_days_of_the_year() -> None:
    assert amounts(make_item(last="2027-06-30", billing_period_months=MONTHLY)) == ["1000.00"] * 18
    assert amounts(make_item(last="2026-12-15", billing_period_months=MONTHLY)) == ["1000.00"] * 11 + ["493.15"]


def test_months_billed_in_arrears_are_billed_the_day_after_their_last_day() -> None:
    item = make_item(
        last="2026-02-28",
        price="100",
        price_period_months=1,
        billing_period_months=MONTHLY,
        billing_timing=BillingTiming.IN_ARREARS,
    )

    assert rows(charges_of(item)) == [("2026-02-01", "Seats", "100.00"), ("2026-03-01", "Seats", "100.00")]


def test_periods_are_counted_from_the_31st_and_come_back_to_it() -> None:
    item = make_item(
        start="2026-01-31", last="2026-04-29", price="310", price_period_months=1, billing_period_months=MONTHLY
    )

    # |31 Jan - 28 Feb|28 Feb - 31 Mar|31 Mar - 30 Apr|
    assert rows(charges_of(item)) == [
        ("2026-01-31", "Seats", "310.00"),
        ("2026-02-28", "Seats", "310.00"),
        ("2026-03-31", "Seats", "310.00"),
    ]


def test_a_broken_last_month_counts_its_actual_days() -> None:
    item = make_item(
        start="2026-01-10", last="2026-02-28", price="1000", price_period_months=1, billing_period_months=MONTHLY
    )

    # 10 Feb - 28 Feb are 19 of the 28 days from 10 Feb to 10 Mar.
    assert amounts(item) == ["1000.00", "678.57"]


def test_a_first_period_aligned_to_the_calendar_is_broken_at_its_start() -> None:
    item = make_item(
        start="2026-01-10",
        last="2026-02-28",
        price="1000",
        price_period_months=1,
        billing_period_months=MONTHLY,
        alignment_day=1,
    )

    # 22 of 31 days, then whole months on the first.
    assert rows(charges_of(item)) == [("2026-01-10", "Seats", "709.68"), ("2026-02-01", "Seats", "1000.00")]


def test_every_five_months_is_counted_by_days_where_years_do_not_divide() -> None:
    item = make_item(billing_period_months=5)

    # 151, 153 and 61 of 365 days of 12,000.
    assert rows(charges_of(item)) == [
        ("2026-01-01", "Seats", "4964.38"),
        ("2026-06-01", "Seats", "5030.14"),
        ("2026-11-01", "Seats", "2005.48"),
    ]


def test_upfront_is_one_charge_for_the_whole_term() -> None:
    item = make_item(last="2028-12-31", price="1000", price_period_months=1, billing_period_months=UPFRONT)

    assert rows(charges_of(item)) == [("2026-01-01", "Seats", "36000.00")]


def test_a_percentage_is_taken_exactly_and_rounded_with_the_charge() -> None:
    item = make_item(quantity="3", price="33.333", discount_percent=Decimal("12.5"), billing_period_months=YEARLY)

    # 99.999 x 0.875 = 87.499125
    assert amounts(item) == ["87.50"]


def test_an_amount_off_counts_for_each_full_period_and_in_proportion_in_a_broken_one() -> None:
    item = make_item(
        last="2026-02-14",
        price="1000",
        price_period_months=1,
        billing_period_months=MONTHLY,
        discount_amount=Decimal(100),
    )

    # February has 14 of 28 days: 500 - 50.
    assert amounts(item) == ["900.00", "450.00"]


def test_a_discount_may_end_after_some_periods() -> None:
    item = make_item(
        last="2026-04-30",
        price="1000",
        price_period_months=1,
        billing_period_months=MONTHLY,
        discount_percent=Decimal(50),
        discount_periods=2,
    )

    assert amounts(item) == ["500.00", "500.00", "1000.00", "1000.00"]


def test_a_discount_that_ends_inside_a_price_period_loses_no_cent() -> None:
    item = make_item(
        last="2026-03-31",
        price="100",
        price_period_months=3,
        billing_period_months=MONTHLY,
        discount_percent=Decimal(50),
        discount_periods=1,
    )

    # exact: 16.666 + 33.333 + 33.333 = 83.333
    assert amounts(item) == ["16.67", "33.33", "33.33"]


def test_after_a_discount_the_rest_of_a_price_period_still_comes_at_its_end() -> None:
    item = make_item(
        last="2026-06-30",
        price="100",
        price_period_months=3,
        billing_period_months=MONTHLY,
        discount_percent=Decimal(10),
        discount_periods=3,
    )

    assert amounts(item) == ["30.00"] * 3 + ["33.33", "33.33", "33.34"]


def test_free_months_cost_nothing_and_the_rest_keeps_its_dates() -> None:
    item = make_item(
        last="2026-06-30", price="100", price_period_months=1, billing_period_months=QUARTERLY, free_months=2
    )

    # |free Jan|free Feb|Mar 100| Apr May Jun 300 |
    assert rows(charges_of(item)) == [("2026-03-01", "Seats", "100.00"), ("2026-04-01", "Seats", "300.00")]


def test_a_line_free_for_its_whole_term_has_no_charge() -> None:
    assert charges_of(make_item(free_months=12)) == ()


def test_a_one_time_line_is_charged_on_its_first_day_whatever_the_timing() -> None:
    item = make_item(
        "Onboarding",
        start="2026-02-15",
        quantity="2",
        price="2500",
        charge_type=ChargeType.ONE_TIME,
        billing_timing=BillingTiming.IN_ARREARS,
        discount_percent=Decimal(10),
    )

    assert rows(charges_of(item)) == [("2026-02-15", "Onboarding", "4500.00")]


def test_milestones_share_a_one_time_price_without_losing_a_cent() -> None:
    item = make_item(
        "Project",
        price="10000",
        charge_type=ChargeType.ONE_TIME,
        milestones=tuple(Milestone(day(text), Decimal(1)) for text in ("2026-02-01", "2026-04-01", "2026-06-01")),
    )

    assert rows(charges_of(item)) == [
        ("2026-02-01", "Project", "3333.34"),
        ("2026-04-01", "Project", "3333.33"),
        ("2026-06-01", "Project", "3333.33"),
    ]


def test_a_ramp_is_lines_that_follow_each_other() -> None:
    items = [
        make_item(
            f"Seats {year}",
            start=f"{year}-01-01",
            last=f"{year}-12-31",
            quantity=quantity,
            price=price,
            ramp_key="seats",
            ramp_step=step,
        )
        for step, (year, quantity, price) in enumerate(
            [(2026, "10", "100"), (2027, "20", "95"), (2028, "40", "90")], start=1
        )
    ]

    assert rows(charges_of(*items, last="2028-12-31")) == [
        ("2026-01-01", "Seats 2026", "1000.00"),
        ("2027-01-01", "Seats 2027", "1900.00"),
        ("2028-01-01", "Seats 2028", "3600.00"),
    ]


def test_a_percentage_line_follows_another_line_of_the_order() -> None:
    platform = make_item("Platform", price="12000", discount_percent=Decimal(10))
    support = make_item(
        "Support",
        price="20",
        price_model=PriceModel.PERCENT_OF,
        percent_of_ref="line-Platform",
        price_period_months=1,
        billing_period_months=QUARTERLY,
    )

    # 20 % of 10,800 a year is 180 a month, 540 a quarter.
    assert sums_by_date(charges_of(platform, support)) == {
        "2026-01-01": Decimal("11340.00"),
        "2026-04-01": Decimal("540.00"),
        "2026-07-01": Decimal("540.00"),
        "2026-10-01": Decimal("540.00"),
    }


USAGE = make_item(
    "API",
    last="2026-03-31",
    price="0.002",
    charge_type=ChargeType.USAGE,
    billing_period_months=MONTHLY,
    included_units=Decimal(10000),
)


def usage_key(item: LineItem, start: str) -> str:
    return f"NEW:{item.ref}/{start}/usage"


def test_usage_above_the_included_units_is_billed_after_each_month() -> None:
    usage = {usage_key(USAGE, "2026-01-01"): Decimal(12345), usage_key(USAGE, "2026-02-01"): Decimal(9000)}

    january, february, march = charges_of(USAGE, usage=usage)

    assert (str(january.bill_on), str(january.amount), january.is_estimate) == ("2026-02-01", "4.69 EUR", False)
    assert (str(february.bill_on), str(february.amount), february.is_estimate) == ("2026-03-01", "0.00 EUR", False)
    assert march.is_estimate


def test_usage_adds_nothing_to_the_contract_value() -> None:
    order = make_order(make_item(), USAGE)

    assert str(contract_value(contract=build_contract(orders=[order]))) == "12000.00 EUR"


def test_tiers_of_usage_start_again_each_month() -> None:
    item = replace(
        USAGE,
        included_units=Decimal(0),
        price_model=PriceModel.TIERED,
        tiers=(Tier(Decimal(100), Decimal("1.00")), Tier(None, Decimal("0.50"))),
    )
    usage = {usage_key(item, f"2026-0{month}-01"): Decimal(150) for month in (1, 2, 3)}

    assert [str(charge.amount.amount) for charge in charges_of(item, usage=usage)] == ["125.00"] * 3


@pytest.mark.parametrize(("used", "expected"), [("800", ["800.00", "200.00"]), ("1300", ["1300.00"])])
def test_a_minimum_is_trued_up_as_a_charge_of_its_own(used: str, expected: list[str]) -> None:
    item = replace(
        USAGE,
        ends_on=day("2026-02-01"),
        unit_price=Decimal(1),
        included_units=Decimal(0),
        minimum_amount=Decimal(1000),
    )
    charges = charges_of(item, usage={usage_key(item, "2026-01-01"): Decimal(used)})

    assert [str(charge.amount.amount) for charge in charges] == expected


def test_a_minimum_counts_by_days_in_a_broken_period() -> None:
    item = replace(
        USAGE,
        ends_on=day("2026-01-11"),
        unit_price=Decimal(1),
        included_units=Decimal(0),
        minimum_amount=Decimal(1000),
    )
    charges = charges_of(item, usage={usage_key(item, "2026-01-01"): Decimal(250)})

    assert [str(charge.amount.amount) for charge in charges] == ["250.00", "72.58"]


def test_prepaid_credit_is_drawn_down_before_usage_costs_anything() -> None:
    item = replace(
        USAGE,
        ends_on=day("2026-05-01"),
        unit_price=Decimal(1),
        included_units=Decimal(0),
        prepaid_amount=Decimal(50000),
    )
    used = ["12000.00", "15500.50", "18000.00", "9000.00"]
    usage = {usage_key(item, f"2026-0{month}-01"): Decimal(units) for month, units in enumerate(used, start=1)}

    assert [str(charge.amount.amount) for charge in charges_of(item, usage=usage)] == [
        "0.00",
        "0.00",
        "0.00",
        "4500.50",
    ]


@pytest.mark.parametrize(
    ("currency", "first", "last"), [("JPY", "833", "837"), ("EUR", "833.33", "833.37"), ("KWD", "833.333", "833.337")]
)
def test_amounts_have_the_places_of_their_currency(currency: str, first: str, last: str) -> None:
    charges = charges_of(make_item(price="10000", billing_period_months=MONTHLY), currency=currency)

    assert (str(charges[0].amount.amount), str(charges[-1].amount.amount)) == (first, last)
    assert sum(charge.amount.amount for charge in charges) == 10000


def test_a_line_may_have_its_own_entity_terms_and_payer() -> None:
    item = make_item(legal_entity="DE", payment_terms_days=60, payer_ref="001B")
    bill_to = charges_of(item)[0].line.bill_to

    assert (bill_to.legal_entity, bill_to.payment_terms_days, bill_to.payer_ref) == ("DE", 60, "001B")
