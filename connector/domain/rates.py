"""From a price to the amount of one period: parts of a price period, broken periods, discounts, one rounding.

Exists so that billing conventions 2.1 to 2.5 are decided in one place:

- whole billing period, price period shorter or equal: that many price periods, one rounding;
- whole billing period, price period longer: equal parts, each rounded, the last one takes the rest;
- broken period: whole price periods count fully, a broken one counts days served / days of that full price period.

It must not know why a period is broken or when it is billed.
"""

from __future__ import annotations

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
        self._remembered: dict[tuple[bool, bool], Money] = {}
        months, price_months = item.billing_period_months, item.price_period_months
        self._parts = price_months // months if months and price_months % months == 0 else 1
        self._multiple = months // price_months if months and months % price_months == 0 else 0

    def amount(self, part: PeriodPart, *, index: int = 0) -> Money:
        """The rounded amount of one period; `index` counts the line's own periods from 0."""
        if part.period is not part.full or self._line.item.billing_period_months is None:
            return self._rounded(self._broken(part, rate=self._rate(index)))
        is_last = self._parts > 1 and part.number % self._parts == self._parts - 1
        if is_last and self._is_mixed(index):
            return self._rest(part, index=index)
        state = (self._is_discounted(index), is_last)
        if state not in self._remembered:
            self._remembered[state] = self._rest(part, index=index) if is_last else self._regular(part, index=index)
        return self._remembered[state]

    def _regular(self, part: PeriodPart, *, index: int) -> Money:
        return self._rounded(self._whole(part, rate=self._rate(index)))

    def _rest(self, part: PeriodPart, *, index: int) -> Money:
        earlier = [self._whole(part, rate=self._rate(index - back)) for back in range(1, self._parts)]
        exact = self._whole(part, rate=self._rate(index)) + sum(earlier, Decimal(0))
        billed = sum((self._rounded(amount).amount for amount in earlier), Decimal(0))
        return self._rounded(exact - billed)

    def _whole(self, part: PeriodPart, *, rate: Rate) -> Decimal:
        if self._multiple:
            return rate.amount * self._multiple - rate.off
        if self._parts > 1:
            return rate.amount / self._parts - rate.off
        return self._broken(part, rate=rate)

    def _broken(self, part: PeriodPart, *, rate: Rate) -> Decimal:
        item = self._line.item
        numerator, denominator = period_ratio(
            anchor=self._line.anchor, period=part.period, months=item.price_period_months
        )
        off = rate.off * part.period.days / part.full.days if rate.off else rate.off
        return rate.amount * numerator / denominator - off

    def _rate(self, index: int) -> Rate:
        return self._net if self._is_discounted(index) else self._gross

    def _is_discounted(self, index: int) -> bool:
        limit = self._line.item.discount_periods
        return limit is None or index < limit

    def _is_mixed(self, index: int) -> bool:
        return self._is_discounted(index) != self._is_discounted(index - self._parts + 1)

    def _rounded(self, amount: Decimal) -> Money:
        return Money(amount, self._currency).rounded()


def signed_price(*, line: ContractLine) -> Decimal:
    """The exact price of one price period (one-time: of the whole), less that of the quantity before a change."""
    amount = price(item=line.item, quantity=line.quantity, base=line.base_price)
    if line.prior_quantity:
        amount -= price(item=line.item, quantity=line.prior_quantity, base=line.base_price)
    return amount


def discounted(*, item: LineItem, rate: Rate) -> Rate:
    """The rate after the percentage, with the amount off; a lowered quantity mirrors the discount, never deepens it."""
    off = item.discount_amount if rate.amount >= 0 else -item.discount_amount
    return Rate(rate.amount * (100 - item.discount_percent) / 100, off)
