"""Percentage of another line: the price follows what another line of the order costs after its percentage discount.

Limits: the other line must not be a percentage itself. Example: support at 20 % of a platform of 12,000 costs 2,400.
"""

from __future__ import annotations

from decimal import Decimal


def price_percent_of(*, percent: Decimal, base: Decimal) -> Decimal:
    """That share of the other line's price, exactly; `percent` is 0..100 or more."""
    return base * percent / 100
