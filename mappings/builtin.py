"""The rules that hold when the settings are silent: standard Salesforce fields only, so that mapping files stay short.

Written in the same language as the settings; anything here can be overridden there. No custom field may appear here,
and no field that is missing in ordinary orgs: naming one in a query makes the whole query fail. The exception is
`CurrencyIsoCode`, which only orgs with several currencies have; others set `currency = { constant = "USD" }`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.config import HeaderRules, LineRules, ObjectMapping

SHARED_HEADER = HeaderRules.model_validate(
    {
        "customer": {
            "ref": "AccountId",
            "name": "Account.Name",
            "billing_address": {
                "street": "Account.BillingStreet",
                "city": "Account.BillingCity",
                "state": "Account.BillingState",
                "postal_code": "Account.BillingPostalCode",
                "country": "Account.BillingCountry",
            },
        },
        "name": "Name",
        "currency": "CurrencyIsoCode",
    }
)
SHARED_LINE = LineRules.model_validate(
    {
        "product_code": "Product2.ProductCode",
        "product_name": "Product2.Name",
        "description": {"path": "Description", "may_be_absent": True},
        "currency": {"path": "CurrencyIsoCode", "may_be_absent": True},
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
    }
)

# Order lines have no discount and no sort order of their own.
_SORTED_LINE = {"position": "SortOrder", "discount_percent": "Discount"}


def _object(**settings: Any) -> ObjectMapping:
    return ObjectMapping.model_validate(settings)


OBJECTS: Mapping[str, ObjectMapping] = {
    "Quote": _object(
        lines="QuoteLineItem",
        parent="QuoteId",
        order_by=["SortOrder"],
        # Several quotes of one opportunity can be accepted; these say which one counts.
        also_read=["OpportunityId", "IsSyncing", "Opportunity.SyncedQuoteId"],
        header={"name": {"path": "Name", "or": ["QuoteNumber"]}},
        line=_SORTED_LINE,
    ),
    "Opportunity": _object(
        lines="OpportunityLineItem", parent="OpportunityId", order_by=["SortOrder"], line=_SORTED_LINE
    ),
    "Order": _object(
        lines="OrderItem",
        parent="OrderId",
        order_by=["OrderItemNumber"],
        header={
            "name": "OrderNumber",
            "starts_on": "EffectiveDate",
            "ends_on": "EndDate",
            "po_number": "PoNumber",
        },
    ),
}
