"""Per unit: quantity x unit price. Limits: none; the unit price keeps all its digits.

Example: 25 seats at 30 cost 750; 1,234,567 calls at 0.0000375 cost 46.2962625 before rounding.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.terms import LineItem


def price_per_unit(*, item: LineItem, quantity: Decimal) -> Decimal:
    """Quantity times unit price, exactly."""
    return quantity * item.unit_price
