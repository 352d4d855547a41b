"""What each kind of order changes in the schedule of its contract, told by date."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from connector.domain.contracts import (
    build_contract,
)
from connector.domain.schedule import schedule
from connector.domain.terms import BillingTiming, ChargeType, DealType, PriceModel
from tests.domain.making import (
    MONTHLY,
    UPFRONT,
    day,
    make_cancellation,
    make_item,
    make_order,
    rows,
    sums_by_date,
)
from tests.domain.seat_orders import (
    NEW,
    NEW_MONTHLY,
    change,
    dates_of,
    downsell,
    monthly_seats,
    seats,
    upsell,
    value_of,
)

MONTHLY_TERMS: dict[str, Any] = {"price_period_months": 1, "billing_period_months": MONTHLY}


# Upsell
def test_an_upsell_is_prorated_to_the_end_of_the_running_year() -> None:
    # |1 Jan ---- 50 seats ------------------------- 31 Dec|
    #                 |20 May -- 10 seats more ----- 31 Dec|   226 of 365 days
    assert dates_of(NEW, upsell("60", "50", "2026-05-20")) == {"2026-01-01": "12000.00", "2026-05-20": "1486.03"}


def test_an_upsell_is_billed_with_the_contract_from_the_next_boundary_on() -> None:
    item = monthly_seats("60", prior_quantity=Decimal(50), last="2026-06-30")
    more = change(item, deal=DealType.UPSELL, start="2026-04-16", last="2026-06-30")

    # 10 seats x 20 for 15 of 30 days, then 1,000 + 200.
    assert dates_of(NEW_MONTHLY, more) == {
        "2026-01-01": "1000.00",
        "2026-02-01": "1000.00",
        "2026-03-01": "1000.00",
        "2026-04-01": "1000.00",
        "2026-04-16": "100.00",
        "2026-05-01": "1200.00",
        "2026-06-01": "1200.00",
    }


def test_an_upsell_uses_the_anchor_of_the_contract_even_on_the_31st() -> None:
    new = make_order(monthly_seats(start="2026-01-31", last="2026-06-29"), start="2026-01-31", last="2026-06-29")
    item = monthly_seats("60", prior_quantity=Decimal(50), last="2026-06-29")
    more = change(item, deal=DealType.UPSELL, start="2026-03-10", last="2026-06-29")

    # 28 Feb - 31 Mar has 31 days, 21 of them from 10 March on.
    assert dates_of(new, more)["2026-03-10"] == "135.48"
    assert dates_of(new, more)["2026-03-31"] == "1200.00"


def test_an_upsell_of_a_new_product_is_billed_in_full() -> None:
    item = make_item("Analytics", price="3650")
    more = change(item, deal=DealType.UPSELL, start="2026-12-01")

    assert dates_of(NEW, more)["2026-12-01"] == "310.00"


def test_an_upsell_of_an_upfront_contract_is_one_charge_to_the_end_of_the_term() -> None:
    new = make_order(seats(last="2027-12-31", billing_period_months=UPFRONT), last="2027-12-31")
    item = seats("60", prior_quantity=Decimal(50), last="2027-12-31", billing_period_months=UPFRONT)
    more = change(item, deal=DealType.UPSELL, start="2026-05-20", last="2027-12-31")

    # 226 of 365 days, then a whole year, rounded once.
    assert dates_of(new, more) == {"2026-01-01": "24000.00", "2026-05-20": "3886.03"}


def test_an_amount_off_an_upfront_term_counts_by_days_in_an_upsell() -> None:
    new = make_order(seats(billing_period_months=UPFRONT))
    item = seats("60", prior_quantity=Decimal(50), billing_period_months=UPFRONT, discount_amount=Decimal(365))
    more = change(item, deal=DealType.UPSELL, start="2026-07-01")

    # 184 of 365 days: 1,209.86 less 184.
    assert dates_of(new, more)["2026-07-01"] == "1025.86"


def test_an_upsell_without_an_end_of_its_own_ends_with_the_contract() -> None:
    more = upsell("60", "50", "2026-05-20", last="2030-12-31", is_co_termed=True)
    more = replace(more, line_items=(replace(more.line_items[0], ends_on=more.ends_on),))

    assert value_of(NEW, more) == "13486.03"


def test_an_upsell_with_another_end_keeps_it() -> None:
    more = upsell("60", "50", "2026-05-20", last="2026-06-30")
    more = replace(more, line_items=(replace(more.line_items[0], ends_on=day("2026-07-01")),))

    # 42 of 365 days
    assert dates_of(NEW, more)["2026-05-20"] == "276.16"


def test_a_negotiated_discount_survives_an_upsell_unchanged() -> None:
    new = make_order(seats(discount_percent=Decimal("33.333")))
    before = rows(schedule(contract=build_contract(orders=[new])))
    after = schedule(contract=build_contract(orders=[new, upsell("60", "50", "2026-05-20")]))

    assert rows(tuple(charge for charge in after if charge.line.order_ref == "NEW")) == before


# Downsell
def test_a_downsell_without_credit_waits_for_the_next_boundary() -> None:
    item = monthly_seats("40", prior_quantity=Decimal(50), last="2026-06-30")
    less = change(item, deal=DealType.DOWNSELL, start="2026-04-16", last="2026-06-30")

    assert dates_of(NEW_MONTHLY, less) == {
        "2026-01-01": "1000.00",
        "2026-02-01": "1000.00",
        "2026-03-01": "1000.00",
        "2026-04-01": "1000.00",
        "2026-05-01": "800.00",
        "2026-06-01": "800.00",
    }


def test_a_downsell_without_credit_on_a_boundary_takes_effect_at_once() -> None:
    item = monthly_seats("40", prior_quantity=Decimal(50), last="2026-06-30")
    less = change(item, deal=DealType.DOWNSELL, start="2026-04-01", last="2026-06-30")

    assert dates_of(NEW_MONTHLY, less)["2026-04-01"] == "800.00"


def test_a_downsell_without_credit_inside_the_last_period_changes_nothing() -> None:
    assert value_of(NEW, downsell("40", "50", "2026-05-20")) == "12000.00"


def test_a_downsell_with_credit_is_the_mirror_of_the_upsell() -> None:
    less = downsell("40", "50", "2026-05-20", is_unused_credited=True)

    assert dates_of(NEW, less) == {"2026-01-01": "12000.00", "2026-05-20": "-1486.03"}
    assert value_of(NEW, less) == "10513.97"


def test_an_amount_off_is_mirrored_by_a_downsell_too() -> None:
    item = seats(discount_amount=Decimal(1000))
    more = change(
        replace(item, quantity=Decimal(60), prior_quantity=Decimal(50)), deal=DealType.UPSELL, start="2026-05-20"
    )
    less = change(
        replace(item, quantity=Decimal(50), prior_quantity=Decimal(60)),
        deal=DealType.DOWNSELL,
        start="2026-05-20",
        record="DOWN",
        is_unused_credited=True,
    )

    assert value_of(NEW, more, less) == value_of(NEW)


# Amendment
def test_a_higher_price_mid_term_shows_the_credit_and_the_new_charge() -> None:
    new = make_order(make_item("Platform", price="100", last="2026-11-30", **MONTHLY_TERMS), last="2026-11-30")
    item = make_item("Platform", price="250", last="2026-11-30", **MONTHLY_TERMS)
    dearer = change(item, deal=DealType.AMENDMENT, start="2026-11-19", last="2026-11-30")

    # 12 of 30 days are left: -40.00 and +100.00, two rows.
    charges = rows(schedule(contract=build_contract(orders=[new, dearer])))
    assert charges[-2:] == [("2026-11-19", "Platform", "-40.00"), ("2026-11-19", "Platform", "100.00")]
    assert charges[-3] == ("2026-11-01", "Platform", "100.00")


def test_a_lower_price_without_credit_waits_for_the_next_boundary() -> None:
    cheaper = change(
        monthly_seats(price="10", last="2026-06-30"), deal=DealType.AMENDMENT, start="2026-04-16", last="2026-06-30"
    )

    assert list(dates_of(NEW_MONTHLY, cheaper).values()) == ["1000.00"] * 4 + ["500.00"] * 2


def test_a_lower_price_with_credit_counts_from_its_day() -> None:
    cheaper = change(
        monthly_seats(price="10", last="2026-06-30"),
        deal=DealType.AMENDMENT,
        start="2026-04-16",
        last="2026-06-30",
        is_unused_credited=True,
    )

    # -500 and +250 for 15 of 30 days
    assert dates_of(NEW_MONTHLY, cheaper)["2026-04-16"] == "-250.00"
    assert dates_of(NEW_MONTHLY, cheaper)["2026-05-01"] == "500.00"


def test_an_amendment_of_quantity_alone_is_a_difference_like_an_upsell() -> None:
    amended = change(seats("60", prior_quantity=Decimal(50)), deal=DealType.AMENDMENT, start="2026-05-20")

    assert dates_of(NEW, amended) == dates_of(NEW, upsell("60", "50", "2026-05-20"))


def test_an_amended_line_in_arrears_is_billed_for_the_days_it_served() -> None:
    terms = {**MONTHLY_TERMS, "billing_timing": BillingTiming.IN_ARREARS, "last": "2026-04-30"}
    new = make_order(make_item("Platform", price="300", **terms), last="2026-04-30")
    dearer = change(
        make_item("Platform", price="600", **terms), deal=DealType.AMENDMENT, start="2026-04-11", last="2026-04-30"
    )

    # 10 days at 300 billed on the change, 20 days at 600 after the month.
    assert dates_of(new, dearer)["2026-04-11"] == "100.00"
    assert dates_of(new, dearer)["2026-05-01"] == "400.00"


def test_an_amendment_replaces_what_earlier_upsells_added() -> None:
    more = upsell("60", "50", "2026-05-20")
    amended = change(seats("60", price="365"), deal=DealType.AMENDMENT, start="2026-12-01", record="PRICE")

    # Credited: 31 days of 50 and of 10 seats at 240. Charged: 31 days of 60 seats at 365.
    assert dates_of(NEW, more, amended)["2026-12-01"] == str(
        Decimal("1860.00") - Decimal("1019.18") - Decimal("203.84")
    )


def test_an_amendment_may_bring_a_ramp_of_its_own() -> None:
    steps = [
        seats(price=price, start=start, last=last, ref=f"step {price}")
        for price, start, last in [("365", "2026-07-01", "2026-09-30"), ("730", "2026-10-01", "2026-12-31")]
    ]
    ramp = make_order(*steps, record="RAMP", start="2026-07-01", deal=DealType.AMENDMENT)

    # 92 days each: 50 seats at 1.00 and at 2.00 a day, less 184 days at 240 a year.
    assert dates_of(NEW, ramp) == {
        "2026-01-01": "12000.00",
        "2026-07-01": str(Decimal("4600.00") - Decimal("6049.32")),
        "2026-10-01": "9200.00",
    }


# Renewal
def test_a_renewal_joins_a_new_term_and_the_value_adds_up() -> None:
    renewal = make_order(
        seats("60", price="252", start="2027-01-01", last="2027-12-31"),
        record="RENEW",
        start="2027-01-01",
        last="2027-12-31",
        deal=DealType.RENEWAL,
    )

    assert dates_of(NEW, renewal) == {"2026-01-01": "12000.00", "2027-01-01": "15120.00"}
    assert value_of(NEW, renewal) == "27120.00"
    assert build_contract(orders=[NEW, renewal]).warnings == ()


def test_a_change_in_a_renewed_term_is_counted_from_that_term() -> None:
    renewal = make_order(
        seats(start="2027-03-01", last="2028-02-29"),
        record="RENEW",
        start="2027-03-01",
        last="2028-02-29",
        deal=DealType.RENEWAL,
    )
    more = upsell("60", "50", "2027-08-30", last="2028-02-29", amends_ref="RENEW")
    more = replace(more, line_items=(replace(more.line_items[0], ends_on=day("2028-03-01")),))

    # 184 of 366 days of the year from 1 March 2027.
    contract = build_contract(orders=[NEW, renewal, more])
    assert rows(schedule(contract=contract))[-1] == ("2027-08-30", "Seats", "1206.56")
    assert [fault.code for fault in contract.warnings] == ["RENEWAL_GAP"]


# Cancellation
def test_a_cancellation_without_credit_only_stops_later_charges() -> None:
    assert list(dates_of(NEW_MONTHLY, make_cancellation("2026-03-15"))) == ["2026-01-01", "2026-02-01", "2026-03-01"]


def test_a_cancellation_on_a_bill_date_stops_that_charge() -> None:
    assert list(dates_of(NEW_MONTHLY, make_cancellation("2026-03-01"))) == ["2026-01-01", "2026-02-01"]


def test_a_cancellation_with_credit_returns_the_prepaid_days() -> None:
    # 226 of 365 days of 12,000 from 20 May on.
    cancelled = make_cancellation("2026-05-20", credited=True)

    assert dates_of(NEW, cancelled) == {"2026-01-01": "12000.00", "2026-05-20": "-7430.14"}
    assert value_of(NEW, cancelled) == "4569.86"


def test_a_cancellation_credits_upsells_as_well() -> None:
    cancelled = make_cancellation("2026-07-01", credited=True)

    # 184 of 365 days of 12,000 and of 2,400.
    assert dates_of(NEW, upsell("60", "50", "2026-05-20"), cancelled)["2026-07-01"] == str(
        -(Decimal("6049.32") + Decimal("1209.86"))
    )


def test_a_cancellation_never_credits_more_than_was_charged() -> None:
    # Half a year of a yearly price costs 6,000; 183 unused days of 365 alone would be 6,016.44.
    new = make_order(
        seats(start="2026-07-01", last="2027-06-30", billing_period_months=6), start="2026-07-01", last="2027-06-30"
    )
    cancelled = make_cancellation("2026-07-02", credited=True)

    assert dates_of(new, cancelled) == {"2026-07-01": "6000.00", "2026-07-02": "-6000.00"}


def test_a_cancellation_does_not_return_one_time_charges() -> None:
    new = make_order(seats(), make_item("Onboarding", price="500", charge_type=ChargeType.ONE_TIME))

    assert dates_of(new, make_cancellation("2026-01-02", credited=True))["2026-01-02"] == "-11967.12"


def test_a_cancellation_after_a_replacement_credits_only_the_running_line() -> None:
    amended = change(seats(price="365"), deal=DealType.AMENDMENT, start="2026-05-20", record="PRICE")
    cancelled = make_cancellation("2026-12-01", credited=True)

    # 31 days of 50 seats at 365.
    assert dates_of(NEW, amended, cancelled)["2026-12-01"] == "-1550.00"


def test_service_in_arrears_that_a_cancellation_leaves_unbilled_is_told() -> None:
    new = make_order(monthly_seats(billing_timing=BillingTiming.IN_ARREARS))
    contract = build_contract(orders=[new, make_cancellation("2026-03-01")])

    assert list(sums_by_date(schedule(contract=contract))) == ["2026-02-01"]
    assert [(fault.code, fault.owner) for fault in contract.warnings] == [("ARREARS_NOT_BILLED", "finance")]


def test_a_renewal_signed_before_the_cancellation_is_cancelled_with_it() -> None:
    renewal = make_order(
        seats(start="2027-01-01", last="2027-12-31"),
        record="RENEW",
        start="2027-01-01",
        last="2027-12-31",
        deal=DealType.RENEWAL,
        signed_on=day("2026-03-01"),
    )

    assert value_of(NEW, renewal, make_cancellation("2026-06-01", signed_on=day("2026-04-01"))) == "12000.00"


def test_a_one_time_line_lowered_without_credit_stays_charged() -> None:
    training = make_item("Training", quantity="5", price="100", charge_type=ChargeType.ONE_TIME)
    less = change(
        replace(training, quantity=Decimal(2), prior_quantity=Decimal(5)), deal=DealType.DOWNSELL, start="2026-05-20"
    )

    assert value_of(make_order(training), less) == "500.00"
    assert value_of(make_order(training), replace(less, is_unused_credited=True)) == "200.00"


def test_a_record_that_names_the_total_of_a_change_adds_exactly_that() -> None:
    total = make_item("Seats", quantity="0", price="-500", price_model=PriceModel.FLAT, is_total_priced=True)
    less = change(replace(total, price_period_months=6), deal=DealType.AMENDMENT, start="2026-07-01")

    assert dates_of(NEW, less) == {"2026-01-01": "12000.00", "2026-07-01": "-500.00"}


def test_the_total_of_a_change_is_shared_out_over_the_periods_of_the_contract() -> None:
    # 100.00 from 16 April to 30 June in the contract's months: half of April, May and June are 2.5 times 40.00.
    item = make_item("More", price="486.666666666667", price_model=PriceModel.FLAT, is_total_priced=True)
    item = replace(item, starts_on=day("2026-04-16"), ends_on=day("2026-07-01"), billing_period_months=MONTHLY)
    more = change(item, deal=DealType.AMENDMENT, start="2026-04-16", last="2026-06-30")
    charges = schedule(contract=build_contract(orders=[NEW_MONTHLY, more]))

    # 76 of 365 days of the price are 101.33; its last cent comes at the end.
    own = tuple(charge for charge in charges if charge.line.order_ref == "CHANGE")
    assert [(row[0], row[2]) for row in rows(own)] == [
        ("2026-04-16", "20.27"),
        ("2026-05-01", "40.53"),
        ("2026-06-01", "40.53"),
    ]
    assert sum(charge.amount.amount for charge in own) == Decimal("101.33")
