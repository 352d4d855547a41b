"""`[mapping.products]` by itself: what a product's code alone says about a line, without any record.

Exists for documents that become orders without Salesforce. What the table does not say stays out, because a default
would be a guess about somebody else's paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.terms import BillingTiming, ChargeType, ProvisionKind
from mappings.config import MappingConfig
from mappings.line_items import months_or_upfront, provision_of

_AS_THEY_ARE = (
    "charge_type", "price_model", "price_period_months", "tiers", "package_size", "included_units", "minimum_amount",
    "billing_timing", "free_months", "is_separate_invoice", "tax_code",
)  # fmt: skip


def product_catalogue(config: MappingConfig) -> dict[str, dict[str, Any]]:
    """Product code -> the values of a LineItem that the table states, `provision` among them when it is complete."""
    return {code: _line(product.literals()) for code, product in config.products.items()}


def _line(stated: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: stated[name] for name in _AS_THEY_ARE if name in stated}
    if "billing_period_months" in stated:
        found["billing_period_months"] = months_or_upfront(stated["billing_period_months"])
    if found.get("charge_type") is ChargeType.USAGE:
        found.setdefault("billing_timing", BillingTiming.IN_ARREARS)
    kind = stated.get("provision_type")
    if kind is ProvisionKind.NOTHING or (kind is not None and stated.get("provision_ref")):
        unsaid = {"provision_ref": None, "provision_value": None, "credit_cadence": None, "credit_rollover": False}
        found["provision"] = provision_of(unsaid | dict(stated))
    return found
