"""From which day what is granted: ramps, changes, renewals, cancellations, orders that are taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.access_timeline import AccessTimeline, access_timelines
from connector.domain.contract_terms import Undo
from connector.domain.contracts import build_contract
from connector.domain.entitlements import CustomPlan, PlanEntitlement, describe_grant
from connector.domain.terms import Cadence, DealType, LineItem, Order, Provision, ProvisionKind
from tests.domain.making import day, make_cancellation, make_item, make_order

_SEATS = PlanEntitlement("seats", ProvisionKind.ENTITLEMENT, is_variable=True)
_AI = PlanEntitlement("ai", ProvisionKind.CREDIT, is_variable=True, is_optional=True)
_PLANS = {
    "plan-a": CustomPlan("plan-a", "product-a", (_SEATS, _AI)),
    "plan-big": CustomPlan("plan-big", "product-a", (_SEATS,)),
    "plan-b": CustomPlan("plan-b", "product-b", (PlanEntitlement("gb", ProvisionKind.ENTITLEMENT, is_variable=True),)),
}


def _line(kind: ProvisionKind, ref: str, quantity: str = "1", name: str = "", **changes: Any) -> LineItem:
    cadence = Cadence.MONTH if kind is ProvisionKind.CREDIT else None
    return make_item(name or ref, quantity=quantity, provision=Provision(kind, ref, cadence=cadence), **changes)


def _plan(ref: str = "plan-a", **changes: Any) -> LineItem:
    return _line(ProvisionKind.PLAN, ref, **changes)


def _seats(quantity: str, name: str = "seats", **changes: Any) -> LineItem:
    return _line(ProvisionKind.ENTITLEMENT, "seats", quantity, name, **changes)


def _first(*lines: LineItem, **changes: Any) -> Order:
    return make_order(*(lines or (_plan(), _seats("50"))), **changes)


def _change(*lines: LineItem, deal: DealType, start: str, record: str = "CHANGE", **changes: Any) -> Order:
    return make_order(*lines, deal=deal, record=record, start=start, **changes)


def _timelines(*orders: Order, undone: tuple[Undo, ...] = ()) -> tuple[AccessTimeline, ...]:
    contract = build_contract(orders=orders, undone=undone)
    found, faults = access_timelines(orders=orders, undone=undone, contract=contract, plans=_PLANS)
    assert faults == ()
    return found


def _told(timeline: AccessTimeline) -> list[str]:
    """Each phase as `day: grants, until end`."""
    return [
        f"{phase.starts_on}: {', '.join(f'{g.ref} {describe_grant(g)}' for g in phase.wanted.grants)}, "
        f"until {phase.wanted.ends_on}"
        for phase in timeline.phases
    ]


def test_one_order_is_one_phase() -> None:
    (found,) = _timelines(_first())

    assert _told(found) == ["2026-01-01: seats 50, until 2027-01-01"]
    assert found.after(day("2026-01-01")) == ()


def test_each_step_of_a_ramp_begins_on_its_day() -> None:
    steps = [
        _seats("100", "one", ramp_key="r"),
        _seats("150", "two", start="2027-01-01", last="2027-12-31", ramp_key="r"),
        _seats("200", "three", start="2028-01-01", last="2028-12-31", ramp_key="r"),
    ]

    (found,) = _timelines(_first(_plan(last="2028-12-31"), *reversed(steps), last="2028-12-31"))

    assert _told(found) == [
        "2026-01-01: seats 100, until 2029-01-01",
        "2027-01-01: seats 150, until 2029-01-01",
        "2028-01-01: seats 200, until 2029-01-01",
    ]
    assert found.at(day("2027-12-31")).grants[0].value == 150
    assert [phase.starts_on for phase in found.after(day("2027-01-01"))] == [day("2028-01-01")]


def test_an_upsell_counts_from_its_own_day() -> None:
    more = _seats("60", "more", start="2026-04-15", prior_quantity=Decimal(50))

    (found,) = _timelines(_first(), _change(more, deal=DealType.UPSELL, start="2026-04-15"))

    assert _told(found) == ["2026-01-01: seats 50, until 2027-01-01", "2026-04-15: seats 60, until 2027-01-01"]


def test_a_downsell_waits_for_the_end_of_the_billing_period_as_its_price_does() -> None:
    quarterly = replace(_seats("50"), billing_period_months=3)
    less = replace(_seats("30", "less", start="2026-04-15", prior_quantity=Decimal(50)), billing_period_months=3)

    (found,) = _timelines(_first(_plan(), quarterly), _change(less, deal=DealType.DOWNSELL, start="2026-04-15"))

    assert _told(found)[1:] == ["2026-07-01: seats 30, until 2027-01-01"]


def test_a_downsell_whose_unused_days_are_credited_counts_at_once() -> None:
    less = _seats("30", "less", start="2026-04-15", prior_quantity=Decimal(50))

    (found,) = _timelines(_first(), _change(less, deal=DealType.DOWNSELL, start="2026-04-15", is_unused_credited=True))

    assert _told(found)[1:] == ["2026-04-15: seats 30, until 2027-01-01"]


def test_a_renewal_lengthens_the_subscription_at_once_and_brings_its_values_on_its_first_day() -> None:
    renewal = _change(
        _plan(start="2027-01-01", last="2027-12-31", name="again"),
        _seats("80", "renewed", start="2027-01-01", last="2027-12-31"),
        deal=DealType.RENEWAL, start="2027-01-01", last="2027-12-31",
    )  # fmt: skip

    (found,) = _timelines(_first(), renewal)

    assert _told(found) == ["2026-01-01: seats 50, until 2028-01-01", "2027-01-01: seats 80, until 2028-01-01"]


def test_what_a_renewal_does_not_name_stays() -> None:
    renewal = _change(
        _plan(start="2027-01-01", last="2027-12-31", name="again"),
        deal=DealType.RENEWAL, start="2027-01-01", last="2027-12-31",
    )  # fmt: skip

    (found,) = _timelines(_first(), renewal)

    assert _told(found) == ["2026-01-01: seats 50, until 2028-01-01"]


def test_another_plan_of_the_same_product_takes_over_on_its_day() -> None:
    bigger = _change(
        _plan("plan-big", start="2026-07-01"), _seats("90", "big", start="2026-07-01"),
        deal=DealType.AMENDMENT, start="2026-07-01",
    )  # fmt: skip

    (found,) = _timelines(_first(), bigger)

    assert [(phase.starts_on, phase.wanted.plan_ref) for phase in found.phases] == [
        (day("2026-01-01"), "plan-a"), (day("2026-07-01"), "plan-big"),
    ]  # fmt: skip
    assert {phase.wanted.starts_on for phase in found.phases} == {day("2026-01-01")}


def test_a_product_that_begins_later_is_one_subscription_that_begins_later_with_its_values() -> None:
    second = _change(
        _plan("plan-b", start="2026-06-01"), _line(ProvisionKind.ENTITLEMENT, "gb", "500", start="2026-06-01"),
        deal=DealType.UPSELL, start="2026-06-01",
    )  # fmt: skip

    found = {one.product_ref: one for one in _timelines(_first(), second)}

    assert _told(found["product-b"]) == ["2026-06-01: gb 500, until 2027-01-01"]
    assert found["product-b"].at(day("2026-01-15")).starts_on == day("2026-06-01")
    assert found["product-b"].after(day("2026-01-15")) == ()


def test_a_limit_that_is_sold_from_a_later_day_is_nothing_until_then() -> None:
    (found,) = _timelines(_first(_plan(), _seats("50", start="2026-03-01")))

    assert _told(found) == ["2026-01-01: seats 0, until 2027-01-01", "2026-03-01: seats 50, until 2027-01-01"]


def test_an_optional_credit_that_begins_later_is_not_there_until_then() -> None:
    credit = _line(ProvisionKind.CREDIT, "ai", "1000", start="2026-03-01")

    (found,) = _timelines(_first(_plan(), _seats("50"), credit))

    assert _told(found)[0] == "2026-01-01: seats 50, until 2027-01-01"
    assert _told(found)[1] == "2026-03-01: seats 50, ai 1000 each month, until 2027-01-01"


def test_a_credit_that_the_plan_needs_from_its_first_day_cannot_begin_later() -> None:
    plans = {"plan-a": CustomPlan("plan-a", "product-a", (replace(_AI, is_optional=False),))}
    order = _first(_plan(), _line(ProvisionKind.CREDIT, "ai", "1000", start="2026-03-01"))

    _found, (fault,) = access_timelines(orders=[order], plans=plans)

    assert fault.code == "CREDIT_BEGINS_LATE"
    assert "2026-03-01" in fault.message


def test_a_cancellation_ends_every_phase() -> None:
    (found,) = _timelines(_first(), make_cancellation("2026-09-01"))

    assert _told(found) == ["2026-01-01: seats 50, until 2026-09-01"]


def test_an_order_that_is_taken_back_counts_until_its_day() -> None:
    more = _change(
        _seats("60", "more", start="2026-04-01", prior_quantity=Decimal(50)),
        deal=DealType.UPSELL, start="2026-04-01",
    )  # fmt: skip

    (found,) = _timelines(_first(), more, undone=(Undo("CHANGE", day("2026-10-01"), "by mistake"),))

    assert _told(found) == [
        "2026-01-01: seats 50, until 2027-01-01",
        "2026-04-01: seats 60, until 2027-01-01",
        "2026-10-01: seats 50, until 2027-01-01",
    ]


def test_a_product_that_only_an_undone_order_sold_ends_on_the_day_of_the_undo() -> None:
    second = _change(
        _plan("plan-b", start="2026-06-01"), _line(ProvisionKind.ENTITLEMENT, "gb", "500", start="2026-06-01"),
        deal=DealType.UPSELL, start="2026-06-01",
    )  # fmt: skip

    found = _timelines(_first(), second, undone=(Undo("CHANGE", day("2026-10-01"), "by mistake"),))

    ends = {one.product_ref: one.at(day("2026-07-01")).ends_on for one in found}
    assert ends == {"product-a": day("2027-01-01"), "product-b": day("2026-10-01")}


@given(
    values=st.lists(st.integers(1, 500), min_size=1, max_size=6),
    offset=st.integers(-5, 400),
    shuffled=st.randoms(use_true_random=False),
)
def test_on_every_day_the_step_that_began_last_holds(values: list[int], offset: int, shuffled: Any) -> None:
    begins = [date(2026, 1, 1) + timedelta(days=60 * number) for number in range(len(values))]
    steps = [
        _seats(str(value), f"step {number}", start=begin.isoformat(), ramp_key="r")
        for number, (value, begin) in enumerate(zip(values, begins, strict=True))
    ]
    shuffled.shuffle(steps)
    on = date(2026, 1, 1) + timedelta(days=offset)
    held = [value for value, begin in zip(values, begins, strict=True) if begin <= on] or values[:1]

    ((found,), _faults) = access_timelines(orders=[_first(_plan(), *steps)], plans=_PLANS)

    assert found.at(on).grants[0].value == held[-1]
    assert all(one.wanted != other.wanted for one, other in zip(found.phases, found.phases[1:], strict=False))
