"""What a sales team does in the sandbox org: a catalogue, customers, quotes and opportunities, signed or not.

Exists so that a story reads like a deal. Every price is per year and every term one year from 1 April 2026 unless a
test says otherwise, so the value of a deal is the sum of quantity times price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connector.sandbox import Sandbox
from connector.sandbox.story import CUSTOM_PLANS, PRODUCTS

START, END = date(2026, 4, 1), date(2027, 3, 31)

Line = tuple[str, str, str] | tuple[str, str, str, Mapping[str, Any]]
"""Product code, quantity, price of a year; further fields of the line."""

PLATFORM: tuple[Line, ...] = (("PLATFORM", "1", "1000"), ("SEAT", "50", "24"))
PLATFORM_VALUE = Decimal(2200)


@dataclass(frozen=True, slots=True)
class SignedDeal:
    """A record in the org that is, or can be, signed."""

    object: str
    id: str
    account: str


class Seller:
    """Sells in one sandbox; the catalogue is made on first use."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._book = sandbox.insert("Pricebook2", {"Name": "Standard", "IsActive": True})
        self._products = {
            code: sandbox.insert(
                "Product2",
                {"ProductCode": code, "Name": name, "Stigg_Type__c": kind, "Stigg_ID__c": ref, "IsActive": True},
            )
            for code, name, _family, kind, ref in PRODUCTS
        }
        self._entries: dict[str, str] = {}
        self._deals = 0

    def account(self, name: str = "Aurora Analytics GmbH") -> str:
        """A customer."""
        return self.sandbox.insert("Account", {"Name": name, "Billing_Email__c": "billing@aurora.example"})

    def quote(
        self, lines: Sequence[Line] = PLATFORM, *, account: str = "", signed: bool = True, **header: Any
    ) -> SignedDeal:
        """A quote with its opportunity; its total is the sum of its lines unless the header says otherwise."""
        owner = account or self.account()
        opportunity = self.sandbox.insert("Opportunity", self._opportunity(owner))
        values = {"OpportunityId": opportunity, "Status": "Accepted" if signed else "Presented"}
        quote = self.sandbox.insert("Quote", values | self._header(lines) | header)
        self._add_lines("QuoteLineItem", "QuoteId", quote, lines)
        return SignedDeal("Quote", quote, owner)

    def opportunity(
        self, lines: Sequence[Line] = PLATFORM, *, account: str = "", signed: bool = True, **header: Any
    ) -> SignedDeal:
        """An opportunity without any quote; it is itself what is signed."""
        owner = account or self.account()
        stage = {"StageName": "Closed Won" if signed else "Negotiation/Review"}
        deal = self.sandbox.insert("Opportunity", self._opportunity(owner) | self._header(lines) | stage | header)
        self._add_lines("OpportunityLineItem", "OpportunityId", deal, lines)
        return SignedDeal("Opportunity", deal, owner)

    def order(
        self, lines: Sequence[Line] = PLATFORM, *, account: str = "", signed: bool = True, **header: Any
    ) -> SignedDeal:
        """An order of the standard object; it starts and ends like every other deal."""
        owner = account or self.account()
        own = {"AccountId": owner, "EffectiveDate": START, "EndDate": END, "Status": "Activated" if signed else "Draft"}
        made = self.sandbox.insert("Order", self._header(lines) | own | header)
        self._add_lines("OrderItem", "OrderId", made, lines)
        return SignedDeal("Order", made, owner)

    def product(self, code: str) -> str:
        """The id of a product of the catalogue."""
        return self._products[code]

    def sign(self, deal: SignedDeal) -> None:
        """The rep marks the deal as signed."""
        self.sandbox.update(deal.object, deal.id, _SIGNED[deal.object])

    def unsign(self, deal: SignedDeal) -> None:
        """The rep takes the signature back."""
        self.sandbox.update(deal.object, deal.id, _UNSIGNED[deal.object])

    def change(self, deal: SignedDeal, **values: Any) -> None:
        """The rep corrects the record."""
        self.sandbox.update(deal.object, deal.id, values)

    def lines_of(self, deal: SignedDeal) -> list[dict[str, Any]]:
        """The line items of a quote."""
        return [line for line in self.sandbox.all("QuoteLineItem") if line["QuoteId"] == deal.id]

    def shown(self, deal: SignedDeal) -> dict[str, Any]:
        """Our status fields on the record, by their short name: Status, Error_Code, Attempts ..."""
        row = self.sandbox.get(deal.object, deal.id)
        return {name[5:-3]: value for name, value in row.items() if name.startswith("Sync_")}

    def _opportunity(self, account: str) -> dict[str, Any]:
        self._deals += 1
        return {
            "Name": f"Deal {self._deals}",
            "AccountId": account,
            "StageName": "Negotiation/Review",
            "CloseDate": START,
            "Pricebook2Id": self._book,
            "CurrencyIsoCode": "USD",
        }

    def _header(self, lines: Sequence[Line]) -> dict[str, Any]:
        return {
            "Name": f"Deal {self._deals}",
            "Pricebook2Id": self._book,
            "Contract_Start__c": START,
            "Contract_End__c": END,
            "Billing_Frequency__c": "Annual",
            "Billing_Timing__c": "In Advance",
            "Payment_Terms__c": "Net 30",
            "Deal_Type__c": "New",
            "Legal_Entity__c": "US",
            "Total_Contract_Value__c": sum((Decimal(line[1]) * Decimal(line[2]) for line in lines), Decimal(0)),
            "CurrencyIsoCode": "USD",
        }

    def _add_lines(self, line_object: str, lookup: str, deal: str, lines: Sequence[Line]) -> None:
        for position, line in enumerate(lines, start=1):
            code, quantity, price = line[:3]
            values = {
                lookup: deal,
                "PricebookEntryId": self.entry(code),
                "Quantity": quantity,
                "UnitPrice": price,
                "Price_Period__c": "Year",
            }
            if line_object != "OrderItem":
                values["SortOrder"] = position
            self.sandbox.insert(line_object, values | dict(line[3] if len(line) == 4 else {}))

    def entry(self, code: str) -> str:
        """The price book entry of a product, made on first use."""
        if code not in self._entries:
            self._entries[code] = self.sandbox.insert(
                "PricebookEntry",
                {
                    "Pricebook2Id": self._book,
                    "Product2Id": self._products[code],
                    "UnitPrice": "1",
                    "CurrencyIsoCode": "USD",
                    "IsActive": True,
                },
            )
        return self._entries[code]


_SIGNED = {
    "Quote": {"Status": "Accepted"},
    "Opportunity": {"StageName": "Closed Won"},
    "Order": {"Status": "Activated"},
    "Contract": {"Status": "Activated"},
    "SBQQ__Quote__c": {"SBQQ__Status__c": "Accepted"},
}
_UNSIGNED = {
    "Quote": {"Status": "Rejected"},
    "Opportunity": {"StageName": "Negotiation/Review"},
    "Order": {"Status": "Draft"},
    "Contract": {"Status": "Draft"},
    "SBQQ__Quote__c": {"SBQQ__Status__c": "Draft"},
}


def plan_settings() -> list[dict[str, Any]]:
    """The custom plans of the catalogue, as settings of the embedded platform."""
    return [
        {
            "ref": ref,
            "product": ref.replace("plan-", "product-"),
            "entitlements": [
                {
                    "ref": name,
                    "kind": "credit" if name.startswith("cred-") else "entitlement",
                    "variable": True,
                    "optional": is_optional,
                }
                for is_optional, names in ((False, plan["required"]), (True, plan["optional"]))
                for name in names
            ],
        }
        for ref, plan in CUSTOM_PLANS.items()
    ]
