"""What must hold for every contract, tried on many made-up ones."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.allocation import allocate_by_remainder
from connector.domain.checks import check_order
from connector.domain.contract_terms import Charge, ChargeKind, Contract
from connector.domain.contracts import build_contract, contract_value, history, order_value, undo
from connector.domain.invoicing import Billed, InvoiceDraft, billed_items, draft_invoices, preview_invoices
from connector.domain.money import Money, allocate, round_amount
from connector.domain.periods import add_months
from connector.domain.schedule import due_charges, schedule
from connector.domain.terms import (
    BillingTiming,
    ChargeType,
    DealType,
    LineItem,
    Order,
    PriceModel,
    RecordRef,
    Tier,
)
from tests.domain.making import make_cancellation, make_item, make_order

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
STARTS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
AMOUNTS = st.decimals(0, 100_000, places=3)
MONTHS = st.sampled_from([1, 3, 6, 12])
TIERS = (Tier(Decimal(10), Decimal("7.5"), Decimal(20)), Tier(None, Decimal("6.25"), Decimal(100)))


@st.composite
def items(draw: st.DrawFn, start: date, end: date, position: int) -> LineItem:
    """A line of any model and period, inside the term or the whole of it."""
    first = draw(st.sampled_from([start, start + (end - start) / 3]))
    last = draw(st.sampled_from([end, end - timedelta(days=17)]))
    made = make_item(
        f"P{position}",
        quantity=str(draw(st.integers(0, 500))),
        price=str(draw(AMOUNTS)),
        price_model=draw(
            st.sampled_from([PriceModel.PER_UNIT, PriceModel.TIERED, PriceModel.VOLUME, PriceModel.PACKAGE])
        ),
        price_period_months=draw(MONTHS),
        billing_period_months=draw(st.sampled_from([1, 2, 3, 5, 6, 12, None])),
        billing_timing=draw(st.sampled_from(list(BillingTiming))),
        charge_type=draw(st.sampled_from([ChargeType.RECURRING, ChargeType.RECURRING, ChargeType.ONE_TIME])),
        discount_percent=draw(st.sampled_from([Decimal(0), Decimal("12.5"), Decimal("33.333"), Decimal(100)])),
        discount_periods=draw(st.sampled_from([None, None, 2])),
        free_months=draw(st.sampled_from([0, 0, 1, 3])),
        alignment_day=draw(st.sampled_from([None, None, 1, 31])),
        tiers=TIERS,
        package_size=Decimal(7),
    )
    return replace(made, position=position, starts_on=first, ends_on=last)


@st.composite
def new_orders(draw: st.DrawFn) -> Order:
    """An initial order of 6 to 40 months with up to three lines."""
    start = draw(STARTS)
    end = add_months(start, months=draw(st.integers(6, 40))) + timedelta(days=draw(st.integers(0, 20)))
    lines = tuple(draw(items(start, end, position)) for position in range(1, draw(st.integers(1, 3)) + 1))
    made = make_order(*lines, currency=draw(CURRENCIES))
    return replace(made, starts_on=start, ends_on=end)


@st.composite
def families(draw: st.DrawFn) -> list[Order]:
    """An initial order with changes of its lines on days inside its term."""
    new = draw(new_orders())
    orders = [new]
    for number in range(draw(st.integers(1, 3))):
        days = (new.ends_on - new.starts_on).days
        start = new.starts_on + timedelta(days=draw(st.integers(0, days - 20)))
        orders.append(draw(changes(new, start, f"CHANGE{number}")))
    if draw(st.booleans()):
        day = new.starts_on + timedelta(days=draw(st.integers(0, days)))
        orders.append(_cancelled(new, day, draw(st.booleans())))
    return orders


@st.composite
def changes(draw: st.DrawFn, new: Order, start: date, record: str) -> Order:
    deal = draw(st.sampled_from([DealType.UPSELL, DealType.DOWNSELL, DealType.AMENDMENT]))
    item = draw(st.sampled_from(new.line_items))
    quantity = Decimal(draw(st.integers(0, 500)))
    prior = None if deal is DealType.AMENDMENT and draw(st.booleans()) else item.quantity
    changed = replace(
        item, starts_on=start, ends_on=new.ends_on, quantity=quantity, prior_quantity=prior, free_months=0
    )
    source = RecordRef(new.source.org_id, "Quote", record)
    return replace(
        new,
        source=source,
        name=record,
        deal_type=deal,
        amends_ref=new.source.record_id,
        starts_on=start,
        line_items=(changed,),
        is_unused_credited=draw(st.booleans()),
    )


def _cancelled(new: Order, day: date, is_credited: bool) -> Order:
    made = make_cancellation(day.isoformat(), credited=is_credited, currency=new.currency)
    return replace(made, starts_on=day, ends_on=new.ends_on)


def sums(charges: tuple[Charge, ...]) -> dict[tuple[str, date], Decimal]:
    totals: dict[tuple[str, date], Decimal] = {}
    for charge in charges:
        key = (charge.line_key, charge.bill_on)
        totals[key] = totals.get(key, Decimal(0)) + charge.amount.amount
    return {key: amount for key, amount in totals.items() if amount}


@given(families())
def test_the_schedule_adds_up_to_the_value_and_the_orders_to_the_contract(orders: list[Order]) -> None:
    contract = build_contract(orders=orders)
    value = contract_value(contract=contract)
    charges = schedule(contract=contract)

    assert value.amount == sum(charge.amount.amount for charge in charges)
    assert value.amount == sum(change.value.amount for change in history(contract=contract))
    assert value.amount == sum(order_value(order=order, base=contract).amount for order in orders)
    assert all(charge.amount == charge.amount.rounded() for charge in charges)
    assert [charge.bill_on for charge in charges] == sorted(charge.bill_on for charge in charges)


@given(families())
def test_every_charge_has_a_key_of_its_own(orders: list[Order]) -> None:
    keys = [charge.key for charge in schedule(contract=build_contract(orders=orders))]

    assert len(keys) == len(set(keys))


@given(new_orders())
def test_periods_of_a_line_have_no_gap_and_no_overlap(order: Order) -> None:
    charges = schedule(contract=build_contract(orders=[order]))
    for item in order.line_items:
        if item.charge_type is not ChargeType.RECURRING:
            continue
        periods = [charge.period for charge in charges if charge.line_ref == item.ref]
        first_charged = max(item.starts_on, add_months(item.starts_on, months=item.free_months))
        if first_charged < item.ends_on:
            assert periods[0].start == first_charged
            assert periods[-1].end == item.ends_on
        assert all(before.end == after.start for before, after in pairwise(periods))


@given(
    STARTS,
    st.integers(1, 4),
    st.sampled_from([1, 3, 6, 12]),
    st.sampled_from([1, 3, 6, 12]),
    st.decimals(1, 10_000_000, places=0),
    CURRENCIES,
)
def test_whole_years_cost_the_yearly_price_whatever_the_rhythm(
    start: date, years: int, price_months: int, months: int, cents: Decimal, currency: str
) -> None:
    # A price in the currency's places, whole price periods: not a cent may appear or vanish.
    price = cents.scaleb(round_amount(Decimal(1), currency=currency).as_tuple().exponent)
    item = make_item(price=str(price), price_period_months=price_months, billing_period_months=months)
    end = add_months(start, months=12 * years)
    order = make_order(replace(item, starts_on=start, ends_on=end), currency=currency)
    contract = build_contract(orders=[replace(order, starts_on=start, ends_on=end)])

    assert contract_value(contract=contract).amount == price * 12 * years / price_months


@given(families(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_contract(orders: list[Order], shuffler: random.Random) -> None:
    shuffled = [*orders]
    shuffler.shuffle(shuffled)

    assert build_contract(orders=shuffled) == build_contract(orders=orders)
    assert schedule(contract=build_contract(orders=shuffled)) == schedule(contract=build_contract(orders=orders))


@given(families(), st.integers(0, 1500))
def test_an_undone_order_leaves_the_value_and_the_future_as_they_were(orders: list[Order], after: int) -> None:
    contract = build_contract(orders=orders)
    latest = contract.orders[-1]
    on = contract.starts_on + timedelta(days=after)
    restored = undo(contract=contract, order_ref=latest.source.record_id, on=on, reason="test")
    without = build_contract(orders=[order for order in orders if order is not latest])

    assert contract_value(contract=restored) == contract_value(contract=without)
    future = tuple(charge for charge in schedule(contract=restored) if charge.bill_on > on)
    assert sums(future) == sums(tuple(charge for charge in schedule(contract=without) if charge.bill_on > on))
    past = tuple(charge for charge in schedule(contract=restored) if charge.bill_on < on)
    assert past == tuple(charge for charge in schedule(contract=contract) if charge.bill_on < on)


def run(contract: Contract, days: list[date]) -> list[InvoiceDraft]:
    billed: list[Billed] = []
    drafts: list[InvoiceDraft] = []
    for as_of in days:
        for draft in draft_invoices(contracts=[contract], as_of=as_of, billed=billed).drafts:
            drafts.append(draft)
            billed.extend(billed_items(draft=draft, document=draft.key))
    return drafts


@given(families(), st.lists(st.integers(0, 1500), max_size=4))
def test_any_split_of_a_billing_run_equals_one_run(orders: list[Order], stops: list[int]) -> None:
    contract = build_contract(orders=orders)
    end = contract.ends_on + timedelta(days=1)
    days = [contract.starts_on + timedelta(days=stop) for stop in stops]

    once = run(contract, [end])
    assert sorted(run(contract, [*days, end]), key=lambda draft: draft.key) == sorted(once, key=lambda draft: draft.key)
    assert run(contract, [end, end, *days]) == once
    assert tuple(once) == preview_invoices(contracts=[contract])
    assert sum(draft.net.amount for draft in once) == contract_value(contract=contract).amount


@given(families(), st.integers(0, 1500), st.integers(0, 400))
def test_a_run_that_looks_after_a_day_finds_what_the_whole_schedule_has(
    orders: list[Order], after: int, days: int
) -> None:
    contract = build_contract(orders=orders)
    since = contract.starts_on + timedelta(days=after)
    as_of = since + timedelta(days=days)
    wanted = tuple(charge for charge in schedule(contract=contract) if since < charge.bill_on <= as_of)

    assert due_charges(contract=contract, as_of=as_of, since=since) == wanted


@given(families())
def test_changing_orders_between_runs_ends_at_what_is_owed(orders: list[Order]) -> None:
    # Bill half of the orders first, then all: whatever was billed too much or too little is made up for.
    late = build_contract(orders=orders)
    early = build_contract(orders=[order for order in orders[:2] if order.deal_type is not DealType.CANCELLATION])
    middle = late.starts_on + (late.ends_on - late.starts_on) / 2
    end = late.ends_on + timedelta(days=1)
    billed: list[Billed] = []
    for contract, as_of in ((early, middle), (late, end)):
        for draft in draft_invoices(contracts=[contract], as_of=as_of, billed=billed).drafts:
            billed.extend(billed_items(draft=draft, document=draft.key))

    assert sum(entry.amount.amount for entry in billed) == contract_value(contract=late).amount
    assert draft_invoices(contracts=[late], as_of=end, billed=billed).drafts == ()


@given(new_orders(), st.integers(0, 1400), st.booleans())
def test_a_cancellation_never_credits_more_than_was_charged(order: Order, after: int, is_credited: bool) -> None:
    day = min(order.starts_on + timedelta(days=after), order.ends_on)
    contract = build_contract(orders=[order, _cancelled(order, day, is_credited)])
    charges = schedule(contract=contract)

    for line in contract.lines:
        own = [charge for charge in charges if charge.line_key == line.key]
        assert sum(charge.amount.amount for charge in own) >= 0
        assert all(charge.bill_on < day for charge in own if charge.kind is not ChargeKind.CREDIT)
        assert all(charge.bill_on == day for charge in own if charge.kind is ChargeKind.CREDIT)


@given(new_orders(), st.integers(0, 300), st.integers(1, 400))
def test_an_upsell_and_its_mirror_cancel_each_other(order: Order, after: int, added: int) -> None:
    item = order.line_items[0]
    start = min(order.starts_on + timedelta(days=after), order.ends_on - timedelta(days=20))
    more, less = item.quantity + added, item.quantity
    up = _change(order, start, "UP", DealType.UPSELL, quantity=more, prior=less)
    down = _change(order, start, "DOWN", DealType.DOWNSELL, quantity=less, prior=more)
    base = build_contract(orders=[order])

    assert contract_value(contract=build_contract(orders=[order, up, down])) == contract_value(contract=base)


def _change(new: Order, start: date, record: str, deal: DealType, *, quantity: Decimal, prior: Decimal) -> Order:
    item = replace(
        new.line_items[0],
        starts_on=start,
        ends_on=new.ends_on,
        quantity=quantity,
        prior_quantity=prior,
        free_months=0,
    )
    source = RecordRef(new.source.org_id, "Quote", record)
    changed = replace(new, source=source, deal_type=deal, amends_ref=new.source.record_id, starts_on=start)
    return replace(changed, line_items=(item,), is_unused_credited=True)


@given(new_orders())
def test_made_up_orders_are_sound(order: Order) -> None:
    assert [fault.code for fault in check_order(order=order) if fault.code != "FREE_MONTHS"] == []


@given(st.decimals(-100_000, 100_000, places=3), CURRENCIES, st.lists(st.integers(0, 1000), min_size=1, max_size=12))
def test_an_allocation_never_loses_a_cent(amount: Decimal, currency: str, shares: list[int]) -> None:
    weights = [Decimal(share) for share in shares]
    weights[0] += 1
    whole = Money(amount, currency).rounded()

    for parts in (allocate(whole, weights=weights), allocate_by_remainder(whole, weights=weights)):
        assert sum(part.amount for part in parts) == whole.amount
        assert all(part == part.rounded() for part in parts)
        assert all(part.amount == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.decimals(0, 100_000, places=2), st.lists(st.integers(1, 1000), min_size=1, max_size=12))
def test_shares_differ_from_the_exact_ones_by_less_than_a_cent(amount: Decimal, shares: list[int]) -> None:
    weights = [Decimal(share) for share in shares]
    parts = allocate_by_remainder(Money(amount, "EUR"), weights=weights)

    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount - amount * weight / sum(weights)) < Decimal("0.01")
