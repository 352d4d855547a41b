"""The rules that hold when the settings are silent: standard Salesforce fields only, so that mapping files stay short.

Written in the same language as the settings; anything here can be overridden there. No custom field may appear here,
and no field that is missing in ordinary orgs: naming one in a query makes the whole query fail. The exception is
`CurrencyIsoCode`, which only orgs with several currencies have; others set `currency = { constant = "USD" }`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.config import HeaderRules, LineRules, ObjectMapping


def _unless_hidden(path: str) -> dict[str, Any]:
    """A field that is only shown to people: an org that hides it must not lose its orders for that."""
    return {"path": path, "may_be_absent": True}


SHARED_HEADER = HeaderRules.model_validate(
    {
        "customer": {
            "ref": "AccountId",
            "name": "Account.Name",
            "billing_address": {
                "street": _unless_hidden("Account.BillingStreet"),
                "city": _unless_hidden("Account.BillingCity"),
                "state": _unless_hidden("Account.BillingState"),
                "postal_code": _unless_hidden("Account.BillingPostalCode"),
                # Tax depends on the country, so it must be known whether it is empty or hidden.
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
        "description": _unless_hidden("Description"),
        "currency": _unless_hidden("CurrencyIsoCode"),
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
    }
)

# Order lines have no discount and no sort order of their own.
_SORTED_LINE = {"position": _unless_hidden("SortOrder"), "discount_percent": "Discount"}


# The CPQ package: effective dates are resolved from line, group and quote; the net total is for the line's own dates.
_CPQ_HEADER = {
    "customer": {
        "ref": "SBQQ__Account__c",
        "name": "SBQQ__Account__r.Name",
        "billing_address": {
            "street": _unless_hidden("SBQQ__Account__r.BillingStreet"),
            "city": _unless_hidden("SBQQ__Account__r.BillingCity"),
            "state": _unless_hidden("SBQQ__Account__r.BillingState"),
            "postal_code": _unless_hidden("SBQQ__Account__r.BillingPostalCode"),
            "country": "SBQQ__Account__r.BillingCountry",
        },
    },
    "starts_on": "SBQQ__StartDate__c",
    "ends_on": "SBQQ__EndDate__c",
    "term_months": "SBQQ__SubscriptionTerm__c",
    "payment_terms_days": "SBQQ__PaymentTerms__c",
    "billing_period_months": "SBQQ__BillingFrequency__c",
    "deal_type": {
        "path": "SBQQ__Type__c",
        "values": {"Quote": "new", "Re-Quote": "new", "Renewal": "renewal", "Amendment": "amendment"},
    },
    # Amendments and renewals name the contract, which names the quote that made it.
    "amends_ref": "SBQQ__MasterContract__r.SBQQ__Quote__c",
    "signed_total": "SBQQ__NetAmount__c",
}
_CPQ_LINE = {
    "product_code": {"path": "SBQQ__ProductCode__c", "or": ["SBQQ__Product__r.ProductCode"]},
    "product_name": {"path": "SBQQ__ProductName__c", "or": ["SBQQ__Product__r.Name"]},
    "description": {"constant": ""},
    "position": "SBQQ__Number__c",
    # An amendment repeats the running quantity: what it changes is the difference, and so is its net total.
    "quantity": "SBQQ__Quantity__c",
    "prior_quantity": {"path": "SBQQ__PriorQuantity__c", "may_be_absent": True},
    # Only usage is priced by the unit.
    "unit_price": "SBQQ__NetPrice__c",
    "line_total": {"path": "SBQQ__NetTotal__c", "required": True},
    # Without subscription pricing a product is no subscription.
    "charge_type": {
        "path": "SBQQ__ChargeType__c",
        "or": ["SBQQ__SubscriptionPricing__c"],
        "values": {
            "Recurring": "recurring",
            "One-Time": "one_time",
            "Usage": "usage",
            "Fixed Price": "recurring",
            "Percent Of Total": "recurring",
        },
        "default": "one_time",
    },
    "starts_on": "SBQQ__EffectiveStartDate__c",
    "ends_on": "SBQQ__EffectiveEndDate__c",
    "billing_period_months": {
        "path": "SBQQ__BillingFrequency__c",
        "values": {"Monthly": 1, "Quarterly": 3, "Semiannual": 6, "Annual": 12, "Upfront": "upfront", "One-Time": ""},
    },
    "billing_timing": "SBQQ__BillingType__c",
    "ramp_key": "SBQQ__SegmentKey__c",
    "ramp_step": "SBQQ__SegmentIndex__c",
}


def _object(**settings: Any) -> ObjectMapping:
    return ObjectMapping.model_validate(settings)


OBJECTS: Mapping[str, ObjectMapping] = {
    "Quote": _object(
        lines="QuoteLineItem",
        parent="QuoteId",
        order_by=["SortOrder"],
        header={"name": {"path": "Name", "or": ["QuoteNumber"], "may_be_absent": True}},
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
    # A contract has no lines of its own; packages give it some.
    "Contract": _object(
        header={
            "name": "ContractNumber",
            "starts_on": "StartDate",
            "ends_on": "EndDate",
            "term_months": "ContractTerm",
            "signed_on": "CustomerSignedDate",
        },
    ),
    "SBQQ__Quote__c": _object(
        lines="SBQQ__QuoteLine__c",
        parent="SBQQ__Quote__c",
        order_by=["SBQQ__Number__c"],
        # Optional lines and groups are offered, not bought; a quote in calculation has old totals.
        skip_lines=["SBQQ__Optional__c", "SBQQ__Group__r.SBQQ__Optional__c"],
        wait_while=["SBQQ__Uncalculated__c"],
        header=_CPQ_HEADER,
        line=_CPQ_LINE,
    ),
}
