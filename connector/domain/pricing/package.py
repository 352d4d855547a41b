"""Package: started packages x the price of one package. Limits: the line must name its package size.

Example: 2,500 units in packages of 1,000 at 44 are 3 packages, 132.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from connector.domain.terms import LineItem
from connector.errors import Refused


def price_package(*, item: LineItem, quantity: Decimal) -> Decimal:
    """Every started package costs its full price. Raises Refused when the package size is missing or not positive."""
    if item.package_size is None or item.package_size <= 0:
        raise Refused(f"Line {item.ref or item.position} is priced by package and names no package size.")
    return packages(quantity=quantity, size=item.package_size) * item.unit_price


def packages(*, quantity: Decimal, size: Decimal) -> Decimal:
    """How many packages are started."""
    return (quantity / size).to_integral_value(rounding=ROUND_CEILING)
