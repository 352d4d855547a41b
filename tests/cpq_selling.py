"""What a sales team does with Salesforce CPQ in the sandbox: quotes, and the orders and contracts made of them.

Exists beside `selling` because the package computes effective dates, quantities and totals by itself; here a test says
them, as the package's own code would have filled them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.selling import END, START, Seller, SignedDeal

PACKAGES = {"packages": ("cpq",)}

CpqLine = tuple[str, str, str] | tuple[str, str, str, dict[str, Any]]
"""Product code, quantity, net total for the line's own dates; further fields of the line without the prefix."""

TERM: tuple[CpqLine, ...] = (("PLATFORM", "1", "1000"), ("SEAT", "50", "1200"))


class CpqSeller:
    """Sells with the package in one sandbox."""

    def __init__(self, seller: Seller) -> None:
        self.seller = seller
        self.sandbox = seller.sandbox

    def quote(
        self, lines: Sequence[CpqLine] = TERM, *, account: str = "", signed: bool = True, **header: Any
    ) -> SignedDeal:
        """A primary quote with its opportunity; bare names of `header` are the package's fields."""
        owner = account or self.seller.account()
        deal = self.sandbox.insert(
            "Opportunity",
            {"Name": "Packaged deal", "AccountId": owner, "StageName": "Negotiation/Review", "CloseDate": START},
        )
        values = {
            "Account": owner,
            "Opportunity2": deal,
            "Primary": True,
            "Status": "Accepted" if signed else "Draft",
            "Type": "Quote",
            "StartDate": START,
            "EndDate": END,
            "PaymentTerms": "Net 30",
            "BillingFrequency": "Annual",
            "NetAmount": _total(lines),
            "CurrencyIsoCode": "USD",
        }
        quote = self.sandbox.insert("SBQQ__Quote__c", _packaged(values | header))
        for number, line in enumerate(lines, start=1):
            self._add_line(quote, number, line, header)
        return SignedDeal("SBQQ__Quote__c", quote, owner)

    def lines_of(self, quote: SignedDeal) -> list[dict[str, Any]]:
        """The quote's lines, in order."""
        found = [row for row in self.sandbox.all("SBQQ__QuoteLine__c") if row["SBQQ__Quote__c"] == quote.id]
        return sorted(found, key=lambda row: int(row["SBQQ__Number__c"]))

    def order_of(self, quote: SignedDeal, *, signed: bool = True, **header: Any) -> SignedDeal:
        """The order that the package makes of a quote: products with what changed alone, prices for their own dates."""
        row = self.sandbox.get("SBQQ__Quote__c", quote.id)
        values = {
            "AccountId": quote.account,
            "OpportunityId": row["SBQQ__Opportunity2__c"],
            "SBQQ__Quote__c": quote.id,
            "SBQQ__PaymentTerm__c": row["SBQQ__PaymentTerms__c"],
            "EffectiveDate": row["SBQQ__StartDate__c"],
            "EndDate": row["SBQQ__EndDate__c"],
            "CurrencyIsoCode": "USD",
        }
        order = self.sandbox.insert("Order", values | header)
        for line in self.lines_of(quote):
            self._add_product(order, line)
        if signed:
            self.sandbox.update("Order", order, {"Status": "Activated"})
        return SignedDeal("Order", order, quote.account)

    def contract_of(self, quote: SignedDeal, *, signed: bool = True, **header: Any) -> SignedDeal:
        """The contract that the package makes of a quote, with a subscription for each line."""
        row = self.sandbox.get("SBQQ__Quote__c", quote.id)
        values = {
            "AccountId": quote.account,
            "SBQQ__Quote__c": quote.id,
            "SBQQ__Opportunity__c": row["SBQQ__Opportunity2__c"],
            "StartDate": row["SBQQ__StartDate__c"],
            "ContractTerm": 12,
            "CurrencyIsoCode": "USD",
        }
        contract = self.sandbox.insert("Contract", values | header)
        for line in self.lines_of(quote):
            dates = {
                "SubscriptionStartDate": line["SBQQ__EffectiveStartDate__c"],
                "SubscriptionEndDate": line["SBQQ__EffectiveEndDate__c"],
            }
            own = {"Contract": contract, "QuoteLine": line["Id"], "Quantity": line["SBQQ__Quantity__c"]}
            self.sandbox.insert("SBQQ__Subscription__c", _packaged(own | dates | {"CurrencyIsoCode": "USD"}))
        if signed:
            self.sandbox.update("Contract", contract, {"Status": "Activated"})
        return SignedDeal("Contract", contract, quote.account)

    def _add_line(self, quote: str, number: int, line: CpqLine, header: dict[str, Any]) -> None:
        code, quantity, total = line[:3]
        values = {
            "Quote": quote,
            "Product": self.seller.product(code),
            "Number": number,
            "Quantity": quantity,
            "EffectiveQuantity": quantity,
            "NetPrice": (Decimal(total) / (Decimal(quantity) or 1)).quantize(Decimal("0.01")),
            "NetTotal": total,
            "SubscriptionPricing": "Fixed Price",
            "ChargeType": "Recurring",
            "BillingType": "Advance",
            "EffectiveStartDate": header.get("StartDate", START),
            "EffectiveEndDate": header.get("EndDate", END),
            "CurrencyIsoCode": "USD",
        }
        own = line[3] if len(line) == 4 else {}
        self.sandbox.insert("SBQQ__QuoteLine__c", _packaged(values | own))

    def _add_product(self, order: str, line: dict[str, Any]) -> None:
        if line["SBQQ__Optional__c"]:
            return
        quantity = line["SBQQ__EffectiveQuantity__c"]
        values = {
            "OrderId": order,
            "PricebookEntryId": self.seller.entry(self._code(line)),
            "Quantity": quantity,
            "UnitPrice": line["SBQQ__NetPrice__c"],
            "ServiceDate": line["SBQQ__EffectiveStartDate__c"],
            "EndDate": line["SBQQ__EffectiveEndDate__c"],
            "SBQQ__QuoteLine__c": line["Id"],
            "SBQQ__ChargeType__c": line["SBQQ__ChargeType__c"],
            "SBQQ__BillingType__c": line["SBQQ__BillingType__c"],
            "SBQQ__SegmentKey__c": line["SBQQ__SegmentKey__c"],
            "SBQQ__SegmentIndex__c": line["SBQQ__SegmentIndex__c"],
            "CurrencyIsoCode": "USD",
        }
        self.sandbox.insert("OrderItem", values)

    def _code(self, line: dict[str, Any]) -> str:
        return str(self.sandbox.get("Product2", line["SBQQ__Product__c"])["ProductCode"])


def segment(key: str, index: int, starts_on: date, ends_on: date) -> dict[str, Any]:
    """The further fields of one step of a ramp; the last day is inclusive."""
    dates = {"EffectiveStartDate": starts_on, "EffectiveEndDate": ends_on}
    return {"SegmentKey": key, "SegmentIndex": index, **dates}


def _total(lines: Sequence[CpqLine]) -> Decimal:
    bought = (line for line in lines if len(line) == 3 or not line[3].get("Optional"))
    return sum((Decimal(line[2]) for line in bought), Decimal(0))


def _packaged(given: dict[str, Any]) -> dict[str, Any]:
    standard = ("Name", "CurrencyIsoCode")
    return {name if name in standard or "__" in name else f"SBQQ__{name}__c": value for name, value in given.items()}
