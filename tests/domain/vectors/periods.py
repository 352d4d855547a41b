"""Checks of cases about boundaries, days and proration."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from connector.domain.allocation import allocate_by_remainder
from connector.domain.contract_terms import Charge
from connector.domain.contracts import build_contract
from connector.domain.invoicing import draft_invoices
from connector.domain.money import allocate
from connector.domain.periods import Anchor, BillingPeriod, boundaries, period_ratio, service_day
from connector.domain.terms import BillingTiming, DealType
from tests.domain.making import MONTHLY, day, make_cancellation, make_item, make_order
from tests.domain.vectors.making import PER_MONTH, D, amount_of, changed, charges_of, eur, seats_changed

INTERVALS = {"month": 1, "quarter": 3, "year": 12}


def anchors(given: dict[str, Any], expected: dict[str, Any]) -> None:
    days = boundaries(anchor=day(given["anchor"]), months=INTERVALS[given["interval"]], count=given["count"])
    wanted = expected.get("boundaries") or expected.get("correct") or expected["day_of_month_28"]

    assert [str(one) for one in days] == wanted


def time_zones(given: dict[str, Any], expected: dict[str, Any]) -> None:
    instant = datetime.fromisoformat(given["event_utc"])

    assert str(service_day(at=instant, zone=given["billing_tz"])) == expected["local_date"]


# Proration
def changed_in_arrears(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = given["period"]
    terms = {**PER_MONTH, "billing_timing": BillingTiming.IN_ARREARS, "last": last}
    new = make_order(make_item(price=given["old_price"], start=start, **terms), start=start, last=last)
    dearer = make_item(price=given["new_price"], start=given["change_on"], **terms)
    old, later = charges_of(new, changed(dearer, given["change_on"], last, DealType.AMENDMENT))

    assert (old.period.days, later.period.days) == (expected["old_days"], expected["new_days"])
    assert (str(old.amount.amount), str(later.amount.amount)) == (expected["old_fee"], expected["new_fee"])


def served_in_a_month(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = given["service"]

    assert amount_of(given["price"], start, last, alignment_day=1, **PER_MONTH) == expected["amount"]


def actual_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = (day(text) for text in given["service"])
    ratio = expected.get("use_actual") or expected["actual_actual"]["ratio"]
    amount = expected["amounts"][0] if "amounts" in expected else expected["actual_actual"]["amount"]
    served = BillingPeriod(start, last + timedelta(days=1))

    assert Fraction(*period_ratio(anchor=Anchor.of(start.replace(day=1)), period=served, months=1)) == Fraction(ratio)
    assert amount_of(given["price"], str(start), str(last), alignment_day=1, **PER_MONTH) == amount


def backdated(given: dict[str, Any], expected: dict[str, Any]) -> None:
    last = str(day(given["next_cycle"]) - timedelta(days=1))

    assert amount_of(given["price"], given["backdate"], last, **PER_MONTH) == expected["amount"]


def half_a_period(given: dict[str, Any], expected: dict[str, Any]) -> None:
    # half of November
    new = make_order(
        make_item(price=given["old"], start="2026-11-01", last="2026-11-30", **PER_MONTH), start="2026-11-01"
    )
    dearer = make_item(price=given["new"], start="2026-11-16", last="2026-11-30", **PER_MONTH)
    _, credit, charge = charges_of(new, changed(dearer, "2026-11-16", "2026-11-30", DealType.AMENDMENT))

    assert (str(credit.amount.amount), str(charge.amount.amount)) == (
        expected["credit_unused"],
        expected["charge_remaining"],
    )
    assert str((credit.amount + charge.amount).amount) == expected["net"]


def twelve_of_thirty_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    new = make_order(
        make_item(price=given["old"], start="2026-11-01", last="2026-11-30", **PER_MONTH), start="2026-11-01"
    )
    dearer = make_item(price=given["new"], start="2026-11-19", last="2026-11-30", **PER_MONTH)
    _, credit, charge = charges_of(new, changed(dearer, "2026-11-19", "2026-11-30", DealType.AMENDMENT))

    assert (str(credit.amount.amount), str(charge.amount.amount)) == (expected["credit_old"], expected["charge_new"])
    assert str((credit.amount + charge.amount).amount) == expected["net"]


def year_in_part(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = given["service"]

    assert amount_of(given["annual_price"], start, last) == expected["amount"]


def upsold_over_a_leap_day(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, last = given["term"]
    new = make_order(make_item(price="0", start=start, last=last), start=start, last=last)
    item = make_item("More", price=given["annual_price"], start=given["upsell_from"], last=last)
    more = charges_of(new, changed(item, given["upsell_from"], last, DealType.UPSELL))[-1]

    assert more.period.days == expected["days"]
    assert str(more.amount.amount) == expected["actual_term"]


def co_termed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    (charge,) = seats_changed(given, "0", str(given["seats_added"]), DealType.UPSELL)

    assert charge.period.days == expected["days"]
    assert str(charge.amount.amount) == expected["amount"]


def extended(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given["days_in_plan_period_from_today"] == 31
    last = f"2026-01-{given['days_extended']:02d}"

    assert amount_of(given["plan_price"], "2026-01-01", last, **PER_MONTH) == expected["charge"]


def reduced(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given["days_in_current_term"] == 30
    first_unused = str(day("2026-12-01") - timedelta(days=given["days_reduced"]))

    assert cancelled(given["plan_price"], first_unused)[-1].amount.amount == -D(expected["credit"])


def cancelled(price: str, cancel_from: str) -> tuple[Charge, ...]:
    item = make_item(price=price, start="2026-11-01", last="2026-11-30", **PER_MONTH)
    new = make_order(item, start="2026-11-01", last="2026-11-30")
    return charges_of(new, make_cancellation(cancel_from, credited=True))


def cancel_day(given: dict[str, Any], expected: dict[str, Any]) -> None:
    # The record names the first day without service, so that both readings can be signed.
    def billed(cancel_from: date) -> str:
        return str(sum(charge.amount.amount for charge in cancelled(given["price"], str(cancel_from))))

    assert billed(day(given["cancel_on"]) + timedelta(days=1)) == expected["cancel_day_billed"]
    assert billed(day(given["cancel_on"])) == expected["cancel_day_not_billed"]


def days_not_seconds(given: dict[str, Any], expected: dict[str, Any]) -> None:
    last = str(day(given["period"][1]) - timedelta(days=1))

    assert amount_of(given["price"], given["change_on"], last, alignment_day=1, **PER_MONTH) == expected["day_based"]


def in_shares(given: dict[str, Any], expected: dict[str, Any]) -> None:
    whole = eur(given.get("total") or given["discount"])
    parts = allocate_by_remainder(whole, weights=[D(weight) for weight in given["weights"]])

    assert [str(part.amount) for part in parts] == expected["parts"]


def over_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    parts = allocate(eur(given["price"]), weights=[D(days) for days in given["segments_days"]])

    assert [str(part.amount) for part in parts] == expected["segments"]
    assert str(sum(part.amount for part in parts)) == expected["sum"]


def year_in_months(given: dict[str, Any], expected: dict[str, Any]) -> None:
    charges = charges_of(make_order(make_item(price=given["annual"], billing_period_months=MONTHLY)))
    amounts = [str(charge.amount.amount) for charge in charges]

    assert amounts == [expected["months_1_to_11"]] * 11 + [expected["month_12"]]
    assert str(sum(charge.amount.amount for charge in charges)) == expected["sum"]


def net_days(given: dict[str, Any], expected: dict[str, Any]) -> None:
    days = int(given["terms"].removeprefix("NET"))
    start = given["issue"]
    order = make_order(
        make_item(start=start, last="2028-12-31"), start=start, last="2028-12-31", payment_terms_days=days
    )
    draft = draft_invoices(contracts=[build_contract(orders=[order])], as_of=day(start)).drafts[0]

    assert str(draft.due_on) == expected["due"]
