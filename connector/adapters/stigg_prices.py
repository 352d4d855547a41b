"""Negotiated prices beside a subscription on Stigg, where the settings want them written. Pure.

Stigg bills nothing by them: subscriptions are made with payment collection NONE, and invoices are ours. A price that
Stigg's words cannot say exactly is refused, because a wrong price on a customer's page is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.adapters.stigg_words import GrantRefused, exact_number
from connector.domain.sold_prices import SoldPrice
from connector.domain.terms import ProvisionKind
from connector.ports import SubscriptionRequest

_PERIODS = {1: "MONTHLY", 12: "ANNUALLY"}
_WHOSE = {ProvisionKind.ENTITLEMENT: "feature_id", ProvisionKind.ADD_ON: "addon_id"}
_SHOWN = ("featureId", "addonId", "baseCharge", "amount", "currency")


def price_fields(request: SubscriptionRequest) -> dict[str, Any]:
    """Price overrides, minimum spend and billing period, as the SDK takes them; nothing without prices.

    Raises GrantRefused with the ref and what cannot be said.
    """
    prices = request.wanted.prices
    if not prices:
        return {}
    for price in prices:
        if price.unsaid:
            raise _unsayable(price, price.unsaid)
        if price.months not in _PERIODS or price.months != prices[0].months:
            raise _unsayable(price, f"a price of {price.months} months beside one of {prices[0].months}")
    currency = request.currency.lower()
    fields: dict[str, Any] = {
        "billing_period": _PERIODS[prices[0].months],
        "price_overrides": [_override(price, currency) for price in prices],
    }
    minimum = sum((price.minimum for price in prices), Decimal(0))
    if minimum:
        fields["minimum_spend"] = {"amount": exact_number(minimum, "the minimum spend"), "currency": currency}
    return fields


def prices_differ(request: SubscriptionRequest, row: Mapping[str, Any]) -> bool:
    """Whether Stigg shows other prices than these beside the subscription."""
    fields = price_fields(request)
    if not fields:
        return False
    wanted = [{_camel(name): value for name, value in one.items()} for one in fields["price_overrides"]]
    shown = [{name: one[name] for name in _SHOWN if one.get(name) is not None} for one in row.get("prices") or ()]
    minimum = row.get("minimumSpend") or None
    return sorted(map(_told, wanted)) != sorted(map(_told, shown)) or _told(fields.get("minimum_spend")) != _told(
        minimum
    )


def _override(price: SoldPrice, currency: str) -> dict[str, Any]:
    whose: dict[str, Any] = (
        {"base_charge": True} if price.kind is ProvisionKind.PLAN else {_WHOSE[price.kind]: price.ref}
    )
    return whose | {"amount": exact_number(price.amount, f"the price of {price.ref}"), "currency": currency}


def _told(fields: Any) -> str:
    """The same price, written the same way, whether its amount came as 12, 12.0 or 12.00."""
    if not fields:
        return ""
    said = {
        name: f"{Decimal(str(value)).normalize():f}" if name == "amount" else str(value)
        for name, value in fields.items()
        if value is not None and value is not False
    }
    return str(sorted(said.items()))


def _unsayable(price: SoldPrice, reason: str) -> GrantRefused:
    return GrantRefused(
        f"The price of {price.ref} cannot be written to Stigg: {reason}.",
        code="PRICE_NOT_ON_STIGG",
        fix="Set prices = false in [stigg] (invoices do not need it), or sell it at one price of a unit; then Resync.",
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
