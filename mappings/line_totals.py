"""A line whose record names its total for its own dates, not a price per period: turned into a price that yields it.

Exists because Salesforce CPQ prorates by itself: `SBQQ__NetTotal__c` is what the line costs from its first to its last
day, after discounts. The price that comes out bills exactly that total when the term is a whole number of billing
periods, or is billed at once; otherwise each charge is rounded on its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from connector.domain.periods import Anchor, BillingPeriod, add_months, period_ratio
from connector.domain.terms import ChargeType, LineItem, PriceModel

# As many decimal places as a price may have anywhere else.
_PLACES = Decimal("1E-12")
_DIGITS = 60


def with_total(item: LineItem, *, total: Decimal) -> LineItem:
    """A copy priced flat so that its charges add up to `total`; discounts are taken to be in the total already.

    The prior quantity stays and tells how many units the change is; its price is the total, whatever the quantities
    are. Usage lines stay as they are.
    """
    if item.charge_type is ChargeType.USAGE:
        return item
    months, price = _price_period(item, total)
    return replace(
        item,
        price_model=PriceModel.FLAT,
        unit_price=price,
        price_period_months=months,
        discount_percent=Decimal(0),
        discount_amount=Decimal(0),
        tiers=(),
        is_total_priced=True,
    )


def _price_period(item: LineItem, total: Decimal) -> tuple[int, Decimal]:
    """Months of the price period and the price of one."""
    whole = _whole_months(item.starts_on, item.ends_on)
    billing = item.billing_period_months
    if whole and (billing is None or whole % billing == 0 or item.charge_type is ChargeType.ONE_TIME):
        # The billing divides such a price into equal parts and gives the rest to the last one.
        return whole, total
    months = billing or 12
    if item.ends_on <= item.starts_on:
        # Dates in the wrong order are told by the commercial checks.
        return months, total
    try:
        period = BillingPeriod(item.starts_on, item.ends_on)
        numerator, denominator = period_ratio(anchor=Anchor.of(item.starts_on), period=period, months=months)
    except ValueError:
        # The last day of the calendar has no period after it to compare with.
        return months, total
    with localcontext(prec=_DIGITS):
        return months, (total * denominator / numerator).quantize(_PLACES).normalize()


def _whole_months(start: date, end: date) -> int:
    """The number of whole months between two days, 0 when it is broken."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if months > 0 and add_months(start, months=months) == end else 0
