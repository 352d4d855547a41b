"""Nonsense in, faults out: an order that passes the checks can always be scheduled, anything else is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.checks import check_order
from connector.domain.contracts import build_contract, tie_out
from connector.domain.invoicing import preview_invoices
from connector.domain.terms import (
    BillingTiming,
    ChargeType,
    LineItem,
    Milestone,
    Order,
    PriceModel,
    Provision,
    ProvisionKind,
    Tier,
)
from tests.domain.making import make_item, make_order

NUMBERS = st.one_of(
    st.integers(0, 100).map(Decimal),
    st.decimals(-10, 10_000, places=2),
    st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("1E+12"), Decimal("0.00000001")]),
)
MAYBE = st.one_of(st.none(), NUMBERS)
DAYS = st.one_of(st.dates(date(2025, 1, 1), date(2029, 12, 31)), st.sampled_from([date.max, date(2026, 1, 1)]))
PERIODS = st.sampled_from([None, 0, 1, 3, 5, 12, 24])
TIERS = st.lists(st.builds(Tier, MAYBE, NUMBERS, NUMBERS), max_size=3).map(tuple)
MILESTONES = st.lists(st.builds(Milestone, st.dates(date(2026, 1, 1), date(2026, 1, 3)), NUMBERS), max_size=2).map(
    tuple
)


@st.composite
def wild_items(draw: st.DrawFn, position: int) -> LineItem:
    """A line item with anything in its fields; most are quite usual, so that some orders pass."""
    item = replace(make_item(f"P{position}"), position=position)
    wild = {
        "starts_on": DAYS,
        "ends_on": DAYS.filter(lambda end: end != date.max),
        "quantity": NUMBERS,
        "prior_quantity": MAYBE,
        "unit_price": NUMBERS,
        "price_model": st.sampled_from(list(PriceModel)),
        "charge_type": st.sampled_from(list(ChargeType)),
        "billing_timing": st.sampled_from(list(BillingTiming)),
        "price_period_months": st.sampled_from([0, 1, 3, 12]),
        "billing_period_months": PERIODS,
        "discount_percent": NUMBERS,
        "discount_amount": NUMBERS,
        "tiers": TIERS,
        "package_size": MAYBE,
        "included_units": NUMBERS,
        "minimum_amount": NUMBERS,
        "minimum_period_months": PERIODS,
        "prepaid_amount": NUMBERS,
        "free_months": st.sampled_from([-1, 0, 2, 999]),
        "alignment_day": st.sampled_from([None, 0, 1, 31, 32]),
        "discount_periods": st.sampled_from([None, -1, 0, 2]),
        "percent_of_ref": st.sampled_from(["", "line-P1", "line-P2"]),
        "milestones": MILESTONES,
        "provision": st.builds(Provision, st.sampled_from(list(ProvisionKind)), st.just("ref"), MAYBE, st.booleans()),
    }
    names = draw(st.sets(st.sampled_from(sorted(wild)), max_size=4))
    return replace(item, **{name: draw(wild[name]) for name in sorted(names)})


@st.composite
def wild_orders(draw: st.DrawFn) -> Order:
    """One or two such lines under a header that may be wrong too."""
    items = [draw(wild_items(position)) for position in range(1, draw(st.integers(1, 2)) + 1)]
    order = make_order(*items, currency=draw(st.sampled_from(["EUR", "JPY", "KWD", "€€€"])))
    signed_total = draw(st.one_of(st.none(), NUMBERS))
    term_months = draw(st.sampled_from([None, 12, 11, 99_999, -1]))
    return replace(order, signed_total=signed_total, term_months=term_months)


@given(wild_orders())
def test_an_order_is_either_told_its_faults_or_billed(order: Order) -> None:
    faults = check_order(order=order)

    if faults:
        assert all(fault.message and fault.fix and fault.owner and fault.record == "NEW" for fault in faults)
        return
    contract = build_contract(orders=[order])
    assert tie_out(order=replace(order, signed_total=None), base=None) == ()
    for draft in preview_invoices(contracts=[contract]):
        assert draft.net == draft.net.rounded()
