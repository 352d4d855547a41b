"""The charges of one contract line over its whole life: recurring, one-time, usage with true-up and draw-down.

Exists so that bill dates (conventions 3.1) and what a period contains are decided once. Every charge is rounded here,
once, and never again. It must not know what was billed already.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple

from connector.domain.allocation import allocate_by_remainder
from connector.domain.contract_terms import Charge, ChargeKind, ContractLine, Cut
from connector.domain.money import Money, total
from connector.domain.periods import BillingPeriod, PeriodPart, add_months, cut_days, cut_periods
from connector.domain.pricing import EXACT, price
from connector.domain.rates import LineRates, Rate, discounted, signed_price
from connector.domain.terms import BillingTiming, ChargeType

_ONE_DAY = timedelta(days=1)

UsageReadings = Mapping[str, Decimal]
"""Units used, by the key of the usage charge (line, first day of the period)."""


class BillDates(NamedTuple):
    """The bill dates that are asked for: after the first day, up to and including the second."""

    after: date
    until: date


def line_charges(
    *, line: ContractLine, usage: UsageReadings | None = None, due: BillDates | None = None
) -> tuple[Charge, ...]:
    """All charges of the line in the order of their periods, without what a cancellation takes away.

    `usage` gives the units used by charge key; a usage period without a reading is charged as zero units and marked
    as an estimate. `due` lets the line leave out charges with other bill dates, which saves time; it need not.
    Raises Refused when the line cannot be priced.
    """
    with localcontext(EXACT):
        if line.item.charge_type is ChargeType.ONE_TIME:
            return _one_time(line)
        if line.item.charge_type is ChargeType.USAGE:
            return _usage(line, usage or {})
        return _recurring(line, due)


def next_bill_day(*, line: ContractLine, after: date) -> date | None:
    """The first bill date of the line after a day, without what a cancellation takes away; None when none is left.

    Told from the dates alone wherever these do not depend on amounts. Raises Refused like `line_charges`.
    """
    item = line.item
    if item.charge_type is ChargeType.RECURRING and line.cut is None:
        bill_dates = _bill_dates(line)
        place = bisect_right(bill_dates, after)
        return bill_dates[place] if place < len(bill_dates) else None
    return min((charge.bill_on for charge in line_charges(line=line) if charge.bill_on > after), default=None)


def served_parts(*, line: ContractLine) -> tuple[PeriodPart, ...]:
    """The line's billing periods with their charged days; months without charge at its beginning are left out."""
    start = _first_charged_day(line)
    if start >= line.ends_on:
        return ()
    months = line.item.billing_period_months
    if months is None:
        served = BillingPeriod(start, line.ends_on)
        return (PeriodPart(served, BillingPeriod(min(line.first_full_day, start), line.ends_on), 0),)
    return cut_periods(anchor=line.anchor, start=start, end=line.ends_on, months=months)


def _first_charged_day(line: ContractLine) -> date:
    if not line.item.free_months:
        return line.starts_on
    return max(line.starts_on, add_months(line.item.starts_on, months=line.item.free_months))


def _bill_dates(line: ContractLine) -> tuple[date, ...]:
    """The bill dates of the periods of a recurring line, in order."""
    start, months = _first_charged_day(line), line.item.billing_period_months
    is_in_arrears = line.item.billing_timing is BillingTiming.IN_ARREARS
    if start >= line.ends_on:
        return ()
    if months is None:
        return (line.ends_on if is_in_arrears else start,)
    return cut_days(anchor=line.anchor, start=start, end=line.ends_on, months=months)[is_in_arrears]


def unused_credit(*, charge: Charge, since: date, cause: str) -> Charge | None:
    """The credit for the prepaid days of a charge from `since` on, at the price they were charged at.

    None when no day is left or nothing was prepaid. Never more than the charge itself.
    """
    if since >= charge.period.end or charge.kind is not ChargeKind.RECURRING:
        return None
    part, index = _part_of(charge)
    unused = PeriodPart(BillingPeriod(max(since, charge.period.start), charge.period.end), part.full, part.number)
    with localcontext(EXACT):
        amount = LineRates(charge.line).amount(unused, index=index)
    if abs(amount.amount) > abs(charge.amount.amount) or unused.period == charge.period:
        amount = charge.amount
    return Charge(
        line=charge.line,
        period=unused.period,
        bill_on=since,
        amount=-amount,
        quantity=charge.quantity,
        kind=ChargeKind.CREDIT,
        cause=cause,
        reverses=charge.key,
    )


def _part_of(charge: Charge) -> tuple[PeriodPart, int]:
    for index, part in enumerate(served_parts(line=charge.line)):
        if part.period.start == charge.period.start:
            return part, index
    raise ValueError(f"the charge {charge.key} is not one of its line's periods")


def _recurring(line: ContractLine, due: BillDates | None) -> tuple[Charge, ...]:
    rates = LineRates(line)
    parts = served_parts(line=line)
    is_in_arrears = line.item.billing_timing is BillingTiming.IN_ARREARS
    first = 0
    if due is not None and line.cut is None and line.total is None:
        bill_dates = _bill_dates(line)
        first = bisect_right(bill_dates, due.after)
        parts = parts[first : bisect_right(bill_dates, due.until)]
    amounts = rates.amounts(parts, first=first)
    if line.total is not None and amounts and not line.item.free_months:
        amounts[-1] = line.total - total(amounts[:-1], currency=line.bill_to.currency)
    quantity = line.quantity - line.prior_quantity
    kind = ChargeKind.RECURRING
    pairs = zip(parts, amounts, strict=True)
    if is_in_arrears:
        return tuple([Charge(line, part[0], part[0].end, amount, quantity, kind) for part, amount in pairs])
    charges = tuple([Charge(line, part[0], part[0].start, amount, quantity, kind) for part, amount in pairs])
    return charges if line.cut is None else _cut_short(charges, line.cut)


def _cut_short(charges: tuple[Charge, ...], cut: Cut) -> tuple[Charge, ...]:
    """Charges of a prepaid line that was replaced: the days from the cut on are credited on the day of the cut."""
    kept = tuple(charge for charge in charges if charge.period.start < cut.on)
    credits = (unused_credit(charge=charge, since=cut.on, cause=cut.cause) for charge in kept)
    return (*kept, *(credit for credit in credits if credit is not None))


def _one_time(line: ContractLine) -> tuple[Charge, ...]:
    rate = discounted(item=line.item, rate=Rate(signed_price(line=line), Decimal(0)))
    amount = Money(rate.amount - rate.off, line.bill_to.currency).rounded()
    quantity = line.quantity - line.prior_quantity
    if not line.item.milestones:
        return (_on_day(line, line.starts_on, amount, quantity),)
    shares = allocate_by_remainder(amount, weights=[milestone.weight for milestone in line.item.milestones])
    pairs = zip(line.item.milestones, shares, strict=True)
    return tuple(_on_day(line, milestone.due_on, share, quantity) for milestone, share in pairs)


def _on_day(line: ContractLine, day: date, amount: Money, quantity: Decimal) -> Charge:
    return Charge(line, BillingPeriod(day, day + _ONE_DAY), day, amount, quantity, ChargeKind.ONE_TIME)


def _usage(line: ContractLine, usage: UsageReadings) -> tuple[Charge, ...]:
    charges = []
    balance = line.item.prepaid_amount
    nothing = Money.zero(line.bill_to.currency)
    for index, part in enumerate(served_parts(line=line)):
        blank = Charge(line, part.period, part.period.end, nothing, Decimal(0), ChargeKind.USAGE)
        units = usage.get(blank.key)
        gross = usage_amount(line=line, part=part, units=units or Decimal(0), index=index)
        drawn = min(balance, gross.amount)
        balance -= drawn
        amount = Money(gross.amount - drawn, gross.currency)
        charge = blank._replace(amount=amount, quantity=units or Decimal(0), is_estimate=units is None)
        charges.append(charge)
        if line.item.minimum_period_months is None:
            charges.extend(_true_up(charge, part, used=gross))
    return (*charges, *_long_true_ups(line, charges))


def usage_amount(*, line: ContractLine, part: PeriodPart, units: Decimal, index: int = 0) -> Money:
    """What the units used in one billing period cost; tiers, packages and included units start again each period."""
    item = line.item
    billable = max(Decimal(0), units - item.included_units)
    rate = Rate(price(item=item, quantity=billable, base=line.base_price), Decimal(0))
    if item.discount_periods is None or index < item.discount_periods:
        rate = discounted(item=item, rate=rate)
    exact = rate.amount - rate.off * part.period.days / part.full.days
    return Money(max(Decimal(0), exact), line.bill_to.currency).rounded()


def _true_up(charge: Charge, part: PeriodPart, *, used: Money) -> tuple[Charge, ...]:
    """What is missing to the minimum of a period, by days when the period is broken; none when nothing is."""
    minimum = charge.line.item.minimum_amount
    if not minimum:
        return ()
    least = Money(minimum * part.period.days / part.full.days, used.currency).rounded()
    missing = Money(max(Decimal(0), least.amount - used.amount), used.currency)
    return (charge._replace(amount=missing, quantity=Decimal(1), kind=ChargeKind.TRUE_UP),) if missing else ()


def _long_true_ups(line: ContractLine, charges: Sequence[Charge]) -> tuple[Charge, ...]:
    """True-ups of a minimum that spans several billing periods, each at the end of its own stretch."""
    months = line.item.minimum_period_months
    if months is None or not charges:
        return ()
    found: list[Charge] = []
    first, last = charges[0].period.start, charges[-1].period.end
    for part in cut_periods(anchor=line.anchor, start=first, end=last, months=months):
        own = [charge for charge in charges if part.period.contains(charge.period.start)]
        if own:
            used = total((charge.amount for charge in own), currency=line.bill_to.currency)
            is_estimate = any(charge.is_estimate for charge in own)
            whole = own[-1]._replace(period=part.period, bill_on=part.period.end, is_estimate=is_estimate)
            found.extend(_true_up(whole, part, used=used))
    return tuple(found)
