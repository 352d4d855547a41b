"""Flat: one fixed price, whatever the quantity. Limits: the quantity only says whether anything was bought at all.

Example: a platform at 12,000 a year costs 12,000 for 1 and for 3.
"""

from __future__ import annotations

from decimal import Decimal

from connector.domain.terms import LineItem


def price_flat(*, item: LineItem, quantity: Decimal) -> Decimal:
    """The price itself; nothing when nothing was bought."""
    return item.unit_price if quantity else Decimal(0)
