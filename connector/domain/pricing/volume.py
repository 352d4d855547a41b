"""Volume: all units cost the rate of the reached tier; its flat price is added.

Limits: the amount may fall at a tier's edge (1,001 units cheaper than 1,000), which is what the model means.
Example: 60 units on 0-50 at 30 and above at 25 cost 60 x 25 = 1,500.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.pricing.tiers import reached_tier
from connector.domain.terms import LineItem


def price_volume(*, item: LineItem, quantity: Decimal) -> Decimal:
    """All units at the reached rate. Raises Refused when no tier reaches up to the quantity."""
    tier = reached_tier(item=item, quantity=quantity)
    return quantity * tier.unit_price + tier.flat_price
