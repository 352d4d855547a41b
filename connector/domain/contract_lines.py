"""What an order does to the lines of its contract: adds them, adds the difference, or replaces them from a day on.

Exists so that every kind of change is told as lines with dates, which then are charged like any other. Nothing is
priced here but what decides whether a change lowers the price (it then waits for the next boundary unless the unused
days are credited).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from connector.domain.contract_terms import BillTo, ContractLine, Cut, Term
from connector.domain.money import Money
from connector.domain.periods import Anchor, BillingPeriod, boundary, period_number, period_ratio
from connector.domain.pricing import EXACT
from connector.domain.rates import Rate, discounted, signed_price
from connector.domain.terms import BillingTiming, ChargeType, DealType, LineItem, Order, PriceModel
from connector.errors import Refused

# Unit prices that we work out ourselves keep twelve decimal places, as many as any price may have.
_PRICE_PLACES = Decimal("1E-12")
# What makes two lines cost the same per unit; the quantity may differ.
_PRICE_TERMS = (
    "unit_price",
    "price_model",
    "price_period_months",
    "billing_period_months",
    "billing_timing",
    "discount_percent",
    "discount_amount",
    "tiers",
    "package_size",
)


def with_order(*, lines: tuple[ContractLine, ...], order: Order, term: Term) -> tuple[ContractLine, ...]:
    """The contract's lines after this order took effect in this term."""
    if order.deal_type in (DealType.NEW, DealType.RENEWAL):
        return lines + tuple(_own_line(order, item) for item in order.line_items)
    for item in order.line_items:
        running = _running_lines(lines, order, item, term)
        if order.deal_type is DealType.AMENDMENT and _is_replacement(item, running):
            lines = _with_replacement(lines, order, item, term, running)
        else:
            lines = (*lines, _difference_line(order, item, term))
    return lines


def line_key(*, order: Order, item: LineItem) -> str:
    """The name of a contract line: the signed record and its line."""
    return f"{order.source.record_id}:{item.ref or item.position}"


def _own_line(order: Order, item: LineItem) -> ContractLine:
    day = item.alignment_day
    anchor = Anchor.of(item.starts_on) if day is None else Anchor.aligned(item.starts_on, day=day)
    return _with_total(_line(order, item, anchor=anchor, first_full_day=item.starts_on, starts_on=item.starts_on))


def _difference_line(order: Order, item: LineItem, term: Term) -> ContractLine:
    prior = item.prior_quantity or Decimal(0)
    # A record that names the total of its change has decided by itself what the change gives back, and when.
    is_lowered = item.quantity < prior and not order.is_unused_credited and not item.is_total_priced
    starts_on = _next_boundary(term, item, item.starts_on) if is_lowered else item.starts_on
    line = _line(order, item, anchor=term.anchor, first_full_day=term.starts_on, starts_on=starts_on)
    if is_lowered and item.charge_type is ChargeType.ONE_TIME:
        # There is no next time that could cost less: without a credit, what was charged once stays.
        return replace(line, starts_on=item.starts_on, quantity=prior, prior_quantity=prior)
    return _with_total(replace(line, prior_quantity=prior, ends_on=_end(order, item, term)))


def _with_replacement(
    lines: tuple[ContractLine, ...], order: Order, item: LineItem, term: Term, running: Sequence[ContractLine]
) -> tuple[ContractLine, ...]:
    new = _line(order, item, anchor=term.anchor, first_full_day=term.starts_on, starts_on=item.starts_on)
    new = replace(new, ends_on=_end(order, item, term))
    if not order.is_unused_credited and _monthly(new) < sum((_monthly(line) for line in running), Decimal(0)):
        new = replace(new, starts_on=_next_boundary(term, item, item.starts_on))
    cut = Cut(on=new.starts_on, cause=order.source.record_id)
    replaced = {line.key for line in running}
    kept = tuple(_with_cut(line, cut) if line.key in replaced else line for line in lines)
    return (*kept, new)


def _with_cut(line: ContractLine, cut: Cut) -> ContractLine:
    """The line ended on a day; only prepaid recurring days need a credit, everything else simply stops."""
    if line.item.charge_type is ChargeType.RECURRING and line.item.billing_timing is BillingTiming.IN_ADVANCE:
        return replace(line, cut=cut)
    return replace(line, ends_on=max(line.starts_on, min(line.ends_on, cut.on)))


def _running_lines(
    lines: tuple[ContractLine, ...], order: Order, item: LineItem, term: Term
) -> tuple[ContractLine, ...]:
    """The lines of the same product and kind that this item may replace: those not over on its first day."""
    return tuple(
        line
        for line in lines
        if line.item.product_code == item.product_code
        and line.item.charge_type is item.charge_type
        and line.order_ref != order.source.record_id
        and line.cut is None
        and line.ends_on > item.starts_on
        and line.starts_on < term.ends_on
    )


def _is_replacement(item: LineItem, running: Sequence[ContractLine]) -> bool:
    """Whether new terms take the place of running ones; the same terms with a prior quantity are only a difference."""
    if not running or item.is_total_priced or item.charge_type is ChargeType.ONE_TIME:
        return False
    has_same_terms = all(_terms(line.item) == _terms(item) for line in running)
    return item.prior_quantity is None or not has_same_terms


def _terms(item: LineItem) -> tuple[object, ...]:
    return tuple(getattr(item, name) for name in _PRICE_TERMS)


def _monthly(line: ContractLine) -> Decimal:
    with localcontext(EXACT):
        rate = discounted(item=line.item, rate=Rate(signed_price(line=line), Decimal(0)))
        months = line.item.billing_period_months
        off = rate.off / months if months else Decimal(0)
        return rate.amount / line.item.price_period_months - off


def _next_boundary(term: Term, item: LineItem, day: date) -> date:
    """The first boundary of the contract's billing periods on or after the day; upfront, the end of the term."""
    months = item.billing_period_months
    if months is None:
        return day if day == term.starts_on else term.ends_on
    number = period_number(anchor=term.anchor, day=day, months=months)
    here = boundary(anchor=term.anchor, months=number * months)
    return here if here == day else boundary(anchor=term.anchor, months=(number + 1) * months)


def _end(order: Order, item: LineItem, term: Term) -> date:
    """Changes end with the contract; a signed line end of its own is kept."""
    if order.is_co_termed and item.ends_on in (order.ends_on, item.starts_on):
        return term.ends_on
    return item.ends_on


def _with_total(line: ContractLine) -> ContractLine:
    """A line whose record named a total for its own dates: priced per billing period so that it adds up to that."""
    item = line.item
    if not item.is_total_priced or item.charge_type is not ChargeType.RECURRING or line.starts_on >= line.ends_on:
        return line
    signed = BillingPeriod(item.starts_on, item.ends_on)
    served = BillingPeriod(line.starts_on, line.ends_on)
    with localcontext(EXACT):
        days, whole = period_ratio(anchor=Anchor.of(item.starts_on), period=signed, months=item.price_period_months)
        total = Money(item.unit_price * days / whole, line.bill_to.currency).rounded()
        months = item.billing_period_months
        if months is not None:
            days, whole = period_ratio(anchor=line.anchor, period=served, months=months)
            price = (total.amount * whole / days).quantize(_PRICE_PLACES)
            item = replace(item, unit_price=price, price_period_months=months)
    return replace(line, item=item, total=total)


def _line(order: Order, item: LineItem, *, anchor: Anchor, first_full_day: date, starts_on: date) -> ContractLine:
    days = order.payment_terms_days if item.payment_terms_days is None else item.payment_terms_days
    bill_to = BillTo(
        customer_ref=order.customer.ref,
        payer_ref=item.payer_ref or order.customer.ref,
        legal_entity=item.legal_entity or order.legal_entity,
        currency=order.currency,
        payment_terms_days=days,
        po_number=order.po_number,
    )
    return ContractLine(
        key=line_key(order=order, item=item),
        order_ref=order.source.record_id,
        item=item,
        anchor=anchor,
        first_full_day=first_full_day,
        starts_on=starts_on,
        ends_on=item.ends_on,
        quantity=item.quantity,
        prior_quantity=Decimal(0),
        bill_to=bill_to,
        base_price=_base_price(order, item),
    )


def _base_price(order: Order, item: LineItem) -> Decimal:
    """What a percentage counts on: the other line's price after its percentage, per price period of this line."""
    if item.price_model is not PriceModel.PERCENT_OF:
        return Decimal(0)
    other = next((line for line in order.line_items if line.ref == item.percent_of_ref), None)
    if other is None or other.price_model is PriceModel.PERCENT_OF:
        raise Refused(
            f"Line {item.ref} is a percentage of {item.percent_of_ref or 'no line'}, which has no price here."
        )
    prior = other.prior_quantity if order.deal_type not in (DealType.NEW, DealType.RENEWAL) else None
    line = replace(_own_line(order, other), prior_quantity=prior or Decimal(0))
    with localcontext(EXACT):
        amount = signed_price(line=line) * (100 - other.discount_percent) / 100
        is_periodic = ChargeType.RECURRING is item.charge_type is other.charge_type
        return amount * item.price_period_months / other.price_period_months if is_periodic else amount
