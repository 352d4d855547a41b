"""Stairstep: the flat price of the reached tier, whatever the quantity inside it; never a rate per unit.

Limits: only `flat_price` counts. Example: 60 users on "up to 50 for 500, above for 900" cost 900.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.pricing.tiers import reached_tier
from connector.domain.terms import LineItem


def price_stairstep(*, item: LineItem, quantity: Decimal) -> Decimal:
    """The fee of the reached tier. Raises Refused when no tier reaches up to the quantity."""
    return reached_tier(item=item, quantity=quantity).flat_price
