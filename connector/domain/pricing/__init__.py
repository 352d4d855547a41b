"""What does a quantity cost? One module per price model; this one is their table and the only door to them.

Exists so that a new model is one module and one row. Prices are exact here: nothing is rounded before a charge is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal, localcontext
from types import MappingProxyType

from connector.domain.pricing.flat import price_flat
from connector.domain.pricing.package import price_package
from connector.domain.pricing.per_unit import price_per_unit
from connector.domain.pricing.percent_of import price_percent_of
from connector.domain.pricing.stairstep import price_stairstep
from connector.domain.pricing.tiered import price_tiered
from connector.domain.pricing.tiers import TierRow, tier_faults, tiers_from_rows
from connector.domain.pricing.volume import price_volume
from connector.domain.terms import LineItem, PriceModel
from connector.errors import Refused

__all__ = ["EXACT", "PRICING_MODELS", "TierRow", "price", "price_percent_of", "tier_faults", "tiers_from_rows"]

# Wide enough that quantity x price x discount of any Salesforce number (18 digits each) is never cut.
EXACT = Context(prec=80)

PRICING_MODELS: Mapping[PriceModel, Callable[..., Decimal]] = MappingProxyType(
    {
        PriceModel.FLAT: price_flat,
        PriceModel.PER_UNIT: price_per_unit,
        PriceModel.TIERED: price_tiered,
        PriceModel.VOLUME: price_volume,
        PriceModel.STAIRSTEP: price_stairstep,
        PriceModel.PACKAGE: price_package,
    }
)


def price(*, item: LineItem, quantity: Decimal, base: Decimal = Decimal(0)) -> Decimal:
    """The exact price of a quantity for one price period (usage: of the units used), before discounts.

    `base` is the price of the line that a PERCENT_OF line counts on. Quantity 0 costs nothing in every model.
    Raises Refused for a negative quantity, missing tiers or a missing package size.
    """
    if quantity < 0:
        raise Refused(f"Quantity {quantity} of line {item.ref or item.position} is negative.", code="NEGATIVE_QUANTITY")
    if not quantity:
        return Decimal(0)
    with localcontext(EXACT):
        if item.price_model is PriceModel.PERCENT_OF:
            return price_percent_of(percent=item.unit_price, base=base)
        return PRICING_MODELS[item.price_model](item=item, quantity=quantity)
