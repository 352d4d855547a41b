"""Shares of one amount side by side: instalments, milestones, a document discount over tax rates.

Exists beside `money.allocate` because the rest goes elsewhere here: along time the last part takes it, between equals
the largest remainders do, the earlier one on ties (100 in three is 33.34, 33.33, 33.33). No cent is ever lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal, localcontext

from connector.domain.money import Money, currency_places
from connector.domain.pricing import EXACT


def allocate_by_remainder(amount: Money, *, weights: Sequence[Decimal]) -> tuple[Money, ...]:
    """Split an amount, already in the currency's places, by weights; missing units go to the largest remainders.

    A negative amount is split as its positive mirror. Raises ValueError for weights that are negative or all zero.
    """
    whole = sum(weights, Decimal(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must be positive and not all zero")
    if amount.amount < 0:
        return tuple(-part for part in allocate_by_remainder(-amount, weights=weights))
    with localcontext(EXACT):
        unit = Decimal(1).scaleb(-currency_places(amount.currency))
        exact = [amount.amount * weight / whole for weight in weights]
        parts = [share.quantize(unit, rounding=ROUND_FLOOR) for share in exact]
        missing = int((amount.amount - sum(parts, Decimal(0))) / unit)
        by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
        for index in by_remainder[:missing]:
            parts[index] += unit
    return tuple(Money(part, amount.currency) for part in parts)
