"""The demo story in an org: the product catalogue, the deals of `story_deals.py`, and how each is signed.

`seed` writes everything unsigned; `sign` does what the sales rep would do. What the demo has to check stands in
`SeededDeal` as plain data. `CUSTOM_PLANS` says which plans the entitlement platform knows and which of their values
are negotiated per deal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from connector.sandbox.derived import LINES
from connector.sandbox.pushes import SIGNED
from connector.sandbox.story_deals import Deal, deals

if TYPE_CHECKING:
    from connector.sandbox.sandbox import Sandbox

# Plan id -> the variable entitlements it must be given and those it may be given.
CUSTOM_PLANS: dict[str, dict[str, tuple[str, ...]]] = {
    "plan-platform": {"required": ("feature-seats",), "optional": ("cred-type-ai",)},
    "plan-team": {"required": ("feature-seats",), "optional": ()},
    "plan-enterprise": {"required": ("feature-seats", "feature-api-calls"), "optional": ()},
    "plan-usage": {"required": ("feature-api-calls",), "optional": ()},
    "plan-credits": {"required": ("cred-type-ai",), "optional": ()},
    "plan-analytics": {"required": ("feature-storage-gb",), "optional": ()},
    "plan-support": {"required": (), "optional": ()},
}
CUSTOM_ADD_ONS = ("addon-priority",)

# Product code, name, family, Stigg type, Stigg id.
PRODUCTS: tuple[tuple[str, str, str, str, str | None], ...] = (
    ("PLATFORM", "Halyard Platform", "Plans", "Plan", "plan-platform"),
    ("TEAM", "Halyard Team", "Plans", "Plan", "plan-team"),
    ("ENT", "Halyard Enterprise", "Plans", "Plan", "plan-enterprise"),
    ("USAGEPLAN", "Halyard Pay as you go", "Plans", "Plan", "plan-usage"),
    ("CREDPLAN", "Halyard Credits", "Plans", "Plan", "plan-credits"),
    ("ANALYTICS", "Halyard Analytics", "Plans", "Plan", "plan-analytics"),
    ("SUPPORT", "Premium Support", "Plans", "Plan", "plan-support"),
    ("SEAT", "Seat", "Entitlements", "Entitlement", "feature-seats"),
    ("API", "API calls", "Entitlements", "Entitlement", "feature-api-calls"),
    ("STORAGE", "Storage (GB)", "Entitlements", "Entitlement", "feature-storage-gb"),
    ("CREDIT-AI", "AI credits", "Entitlements", "Credit entitlement", "cred-type-ai"),
    ("PRIO", "Priority queue", "Add-ons", "Add-on", "addon-priority"),
    ("ONBOARD", "Onboarding", "Services", "None", None),
    ("TRAIN", "Training day", "Services", "None", None),
    ("PACK", "Starter pack", "Services", "None", None),
)


@dataclass(frozen=True)
class SeededDeal:
    """A deal in the org: the record to sign, how, and the end to expect."""

    key: str
    title: str
    shows: str
    object_name: str
    record_id: str
    account_id: str
    sign_field: str
    sign_value: str
    expected: str
    expected_code: str
    deliveries: int
    contract_value: str
    currency: str


def seed(sandbox: Sandbox) -> list[SeededDeal]:
    """Put catalogue and deals into the org, nothing signed; the terms start on the first of the org's month."""
    catalogue = _Catalogue(sandbox)
    first = sandbox.clock.now().date().replace(day=1)
    seeded = [_seed_deal(sandbox, catalogue, deal, first) for deal in deals(first)]
    sandbox.story = seeded
    return seeded


def sign(sandbox: Sandbox, deal: SeededDeal) -> None:
    """Sign a deal as the sales rep."""
    values: dict[str, Any] = {deal.sign_field: deal.sign_value, "Signed_On__c": sandbox.clock.now().date()}
    sandbox.update(deal.object_name, deal.record_id, values)


class _Catalogue:
    """Products and price book entries; an entry per product and currency, made when first sold."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.book = sandbox.insert("Pricebook2", {"Name": "Standard Price Book", "IsActive": True})
        self._products: dict[str, str] = {}
        self._entries: dict[tuple[str, str], str] = {}
        for code, name, family, kind, platform_id in PRODUCTS:
            self.add(
                {
                    "ProductCode": code,
                    "Name": name,
                    "Family": family,
                    "Stigg_Type__c": kind,
                    "Stigg_ID__c": platform_id,
                    "IsActive": True,
                }
            )

    def add(self, product: dict[str, Any]) -> None:
        """Add a product."""
        self._products[product["ProductCode"]] = self._sandbox.insert("Product2", product)

    def entry(self, code: str, currency: str, price: str) -> str:
        """The price book entry of a product in a currency."""
        key = (code, currency)
        if key not in self._entries:
            values: dict[str, Any] = {"Pricebook2Id": self.book, "Product2Id": self._products[code], "UnitPrice": price}
            values |= {"CurrencyIsoCode": currency, "IsActive": True}
            self._entries[key] = self._sandbox.insert("PricebookEntry", values)
        return self._entries[key]


def _seed_deal(sandbox: Sandbox, catalogue: _Catalogue, deal: Deal, first: date) -> SeededDeal:
    for product in deal.extra_products:
        catalogue.add(product)
    account_id = sandbox.insert("Account", deal.account | {"Type": "Customer - Direct"})
    contact_id = sandbox.insert("Contact", deal.contact | {"AccountId": account_id})
    record_id = _seed_header(sandbox, catalogue, deal, account_id, contact_id, first)
    _seed_lines(sandbox, catalogue, deal, record_id)
    if deal.deliveries == 0:
        sandbox.never_push(record_id)
    elif deal.deliveries > 1:
        sandbox.deliver_times(record_id, deal.deliveries)
    field, value = SIGNED[deal.object_name]
    return SeededDeal(
        key=deal.key,
        title=deal.title,
        shows=deal.shows,
        object_name=deal.object_name,
        record_id=record_id,
        account_id=account_id,
        sign_field=field,
        sign_value=value,
        expected=deal.expected,
        expected_code=deal.expected_code,
        deliveries=deal.deliveries,
        contract_value=deal.contract_value,
        currency=deal.header["CurrencyIsoCode"],
    )


def _seed_header(
    sandbox: Sandbox, catalogue: _Catalogue, deal: Deal, account_id: str, contact_id: str, first: date
) -> str:
    name = deal.title.partition(":")[0]
    book = {"Pricebook2Id": catalogue.book}
    if deal.object_name == "Order":
        who = {"Name": name, "AccountId": account_id, "BillToContactId": contact_id}
        return sandbox.insert("Order", who | book | deal.header)
    opportunity = {
        "Name": name,
        "AccountId": account_id,
        "ContactId": contact_id,
        "StageName": "Negotiation/Review",
        "CloseDate": first,
        "Type": "New Business",
        "CurrencyIsoCode": deal.header["CurrencyIsoCode"],
    }
    if deal.object_name == "Opportunity":
        return sandbox.insert("Opportunity", opportunity | book | deal.header)
    opportunity_id = sandbox.insert("Opportunity", opportunity | book)
    quote = {"Name": name, "OpportunityId": opportunity_id, "ContactId": contact_id, "Status": "Presented"}
    quote_id = sandbox.insert("Quote", quote | book | deal.header)
    sandbox.update("Opportunity", opportunity_id, {"SyncedQuoteId": quote_id})
    return quote_id


def _seed_lines(sandbox: Sandbox, catalogue: _Catalogue, deal: Deal, record_id: str) -> None:
    line_object, lookup = next((line, lookup) for line, (lookup, header) in LINES.items() if header == deal.object_name)
    has_order = "SortOrder" in sandbox.schema.objects[line_object].fields
    for position, line in enumerate(deal.lines, start=1):
        values = {name: value for name, value in line.items() if name != "product"}
        entry = catalogue.entry(line["product"], deal.header["CurrencyIsoCode"], line["UnitPrice"])
        place = {"SortOrder": position} if has_order else {}
        sandbox.insert(line_object, {lookup: record_id, "PricebookEntryId": entry} | place | values)
