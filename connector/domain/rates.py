"""From a price to the amount of one period: parts of a price period, broken periods, discounts, one rounding.

Exists so that billing conventions 2.1 to 2.5 are decided in one place:

- whole billing period, price period shorter or equal: that many price periods, one rounding;
- whole billing period, price period longer: equal parts, each rounded, the last one takes the rest;
- broken period: whole price periods count fully, a broken one counts days served / days of that full price period.

It must not know why a period is broken or when it is billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from connector.domain.contract_terms import ContractLine
from connector.domain.money import Money
from connector.domain.periods import PeriodPart, period_ratio
from connector.domain.pricing import price
from connector.domain.terms import LineItem


class Rate(NamedTuple):
    """What one price period costs (exact, with sign), and what comes off each full billing period."""

    amount: Decimal
    off: Decimal


class LineRates:
    """The amounts of one line; equal months are computed once. Call it inside the EXACT decimal context."""

    def __init__(self, line: ContractLine) -> None:
        item = line.item
        self._line = line
        self._currency = line.bill_to.currency
        self._gross = Rate(signed_price(line=line), Decimal(0))
        self._net = discounted(item=item, rate=self._gross)
        months, price_months = item.billing_period_months, item.price_period_months
        # Of one price period, or of several in one billing period; a period that is neither is counted by days.
        self._parts = price_months // months if months and price_months % months == 0 else 1
        self._multiple = months // price_months if months and months % price_months == 0 else 1
        self._is_divisible = months is not None and 0 in (price_months % months, months % price_months)

    def amounts(self, parts: Sequence[PeriodPart], *, first: int = 0) -> list[Money]:
        """The rounded amounts of the line's periods, in their order; `first` is the index of the first one given."""
        if self._line.item.discount_periods is not None or not self._is_divisible:
            return [self.amount(part, index=index) for index, part in enumerate(parts, start=first)]
        # Only the first and the last period can be broken; one regular part and one closing part price all others.
        count = self._parts
        has_closing = any(part.number % count == count - 1 for part in parts)
        regular = self._regular(0)
        closing = self._closing(0) if has_closing and count > 1 else regular
        return [
            (closing if part.number % count == count - 1 else regular)
            if part.period is part.full
            else self.amount(part)
            for part in parts
        ]

    def amount(self, part: PeriodPart, *, index: int = 0) -> Money:
        """The rounded amount of one period; `index` counts the line's own periods from 0."""
        if part.period is not part.full or not self._is_divisible:
            return self._rounded(self._by_days(part, rate=self._rate(index)))
        is_closing = part.number % self._parts == self._parts - 1
        return self._closing(index) if is_closing else self._regular(index)

    def _regular(self, index: int) -> Money:
        return self._rounded(self._whole(self._rate(index)))

    def _closing(self, index: int) -> Money:
        """The last part of a price period: what the whole costs less the rounded parts before it."""
        earlier = [self._rate(index - back) for back in range(1, self._parts)]
        if not earlier:
            return self._regular(index)
        # One division at the very end: a sum of divided parts could miss an exact half cent.
        here = self._rate(index)
        whole = sum((rate.amount for rate in earlier), here.amount) / self._parts
        off = sum((rate.off for rate in earlier), here.off)
        rounded = {rate: self._rounded(self._whole(rate)).amount for rate in set(earlier)}
        return self._rounded(whole - off - sum((rounded[rate] for rate in earlier), Decimal(0)))

    def _whole(self, rate: Rate) -> Decimal:
        return rate.amount * self._multiple / self._parts - rate.off

    def _by_days(self, part: PeriodPart, *, rate: Rate) -> Decimal:
        numerator, denominator = period_ratio(
            anchor=self._line.anchor, period=part.period, months=self._line.item.price_period_months
        )
        off = rate.off * part.period.days / part.full.days if rate.off else rate.off
        return rate.amount * numerator / denominator - off

    def _rate(self, index: int) -> Rate:
        return self._net if self._is_discounted(index) else self._gross

    def _is_discounted(self, index: int) -> bool:
        limit = self._line.item.discount_periods
        return limit is None or index < limit

    def _rounded(self, amount: Decimal) -> Money:
        return Money(amount, self._currency).rounded()


def signed_price(*, line: ContractLine) -> Decimal:
    """The exact price of one price period (one-time: of the whole), less that of the quantity before a change."""
    if line.item.is_total_priced:
        return line.item.unit_price
    amount = price(item=line.item, quantity=line.quantity, base=line.base_price)
    if line.prior_quantity:
        amount -= price(item=line.item, quantity=line.prior_quantity, base=line.base_price)
    return amount


def discounted(*, item: LineItem, rate: Rate) -> Rate:
    """The rate after the percentage, with the amount off; a lowered quantity mirrors the discount, never deepens it."""
    off = item.discount_amount if rate.amount >= 0 else -item.discount_amount
    return Rate(rate.amount * (100 - item.discount_percent) / 100, off)
