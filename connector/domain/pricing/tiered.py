"""Tiered (graduated): each unit costs the rate of the tier it falls into; a tier's flat price is added once reached.

Limits: the last tier must be open or the quantity inside it. Example: 60 units on 0-50 at 30 and above at 25 cost
50 x 30 + 10 x 25 = 1,750.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.pricing.tiers import check_reach
from connector.domain.terms import LineItem


def price_tiered(*, item: LineItem, quantity: Decimal) -> Decimal:
    """The sum over the reached tiers. Raises Refused when no tier reaches up to the quantity."""
    check_reach(item=item, quantity=quantity)
    amount, below = Decimal(0), Decimal(0)
    for tier in item.tiers:
        if quantity <= below:
            break
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        amount += (top - below) * tier.unit_price + tier.flat_price
        below = top
    return amount
