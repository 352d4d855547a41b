"""Fields the platform computes: line and header totals, won and closed flags, status codes, names, defaults.

Pure functions over one row, its parents and its children, called by the record store around each write. They never
stamp a record: a change of lines does not move the header's SystemModstamp, as on the real platform.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

Row = dict[str, Any]
CENT = Decimal("0.01")
# Line object -> (lookup to the header, header object).
LINES = {
    "QuoteLineItem": ("QuoteId", "Quote"),
    "OpportunityLineItem": ("OpportunityId", "Opportunity"),
    "OrderItem": ("OrderId", "Order"),
}
STAGES: dict[str, tuple[bool, bool, str, int]] = {
    # stage -> won, closed, forecast category, default probability
    "Closed Won": (True, True, "Closed", 100),
    "Closed Lost": (False, True, "Omitted", 0),
    "Negotiation/Review": (False, False, "Forecast", 90),
    "Proposal/Price Quote": (False, False, "BestCase", 75),
}
ORDER_CODES = {"Draft": "Draft", "In Review": "Draft", "Activated": "Activated", "Cancelled": "Canceled"}
CONTRACT_CODES = {
    "Draft": "Draft",
    "In Approval Process": "InApproval",
    "Activated": "Activated",
    "Terminated": "Terminated",
}


class Lookup(Protocol):
    """What the functions may ask of the record store."""

    def row(self, record_id: str | None) -> Row | None:
        """The row behind an id, or None."""

    def rows_by(self, object_name: str, field: str, value: Any) -> list[Row]:
        """Live rows of an object whose indexed field has this value."""


def complete(object_name: str, row: Row, before: Row | None, store: Lookup) -> None:
    """Fill the computed fields of `row` in place, before it is stored."""
    filler = _FILLERS.get(object_name)
    if filler is not None:
        filler(row, before, store)
    if object_name in LINES:
        _fill_line(object_name, row, store)


def header_of(object_name: str, row: Row) -> tuple[str, str] | None:
    """The header (object, id) whose totals a line belongs to, or None for other objects."""
    if object_name not in LINES:
        return None
    lookup, header = LINES[object_name]
    return (header, row[lookup]) if row.get(lookup) else None


def totals(object_name: str, header: Row, store: Lookup) -> Row:
    """The computed totals of a header from its live lines."""
    line_object = {header_name: line for line, (_, header_name) in LINES.items()}[object_name]
    lines = store.rows_by(line_object, LINES[line_object][0], header["Id"])
    total = sum((line["TotalPrice"] or Decimal(0) for line in lines), Decimal(0))
    if object_name == "Opportunity":
        return {"HasOpportunityLineItem": bool(lines)} | ({"Amount": total} if lines else {})
    if object_name == "Order":
        return {"TotalAmount": total}
    subtotal = sum((line["Subtotal"] or Decimal(0) for line in lines), Decimal(0))
    extra = (header.get("Tax") or Decimal(0)) + (header.get("ShippingHandling") or Decimal(0))
    discount = ((1 - total / subtotal) * 100).quantize(CENT, ROUND_HALF_UP) if subtotal else None
    return {
        "Subtotal": subtotal,
        "TotalPrice": total,
        "GrandTotal": total + extra,
        "Discount": discount,
        "LineItemCount": len(lines),
    }


def _fill_line(object_name: str, row: Row, store: Lookup) -> None:
    entry = store.row(row.get("PricebookEntryId"))
    if entry is not None:
        row["Product2Id"] = row.get("Product2Id") or entry["Product2Id"]
        row["ListPrice"] = entry["UnitPrice"]
    product = store.row(row.get("Product2Id"))
    row["ProductCode"] = product.get("ProductCode") if product else None
    header = store.row(row[LINES[object_name][0]])
    row["CurrencyIsoCode"] = row.get("CurrencyIsoCode") or (header or {}).get("CurrencyIsoCode")
    quantity, price = row.get("Quantity") or Decimal(0), row.get("UnitPrice") or Decimal(0)
    kept = 1 - (row.get("Discount") or Decimal(0)) / 100
    row["Subtotal"] = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    row["TotalPrice"] = (quantity * price * kept).quantize(CENT, ROUND_HALF_UP)
    if object_name == "OpportunityLineItem":
        row["Name"] = f"{(header or {}).get('Name', '')} {(product or {}).get('Name', '')}".strip()[:376]
    if object_name == "OrderItem":
        row["AvailableQuantity"] = quantity


def _fill_opportunity(row: Row, before: Row | None, store: Lookup) -> None:
    stage = row.get("StageName") or ""
    won, closed, forecast, probability = STAGES.get(stage, (False, False, "Pipeline", 10))
    row.update(IsWon=won, IsClosed=closed, ForecastCategory=forecast)
    if before is None or before.get("StageName") != stage:
        given = row.get("Probability") if before is None else None
        row["Probability"] = Decimal(probability) if given is None else given
    account = store.row(row.get("AccountId")) or {}
    row["CurrencyIsoCode"] = row.get("CurrencyIsoCode") or account.get("CurrencyIsoCode")
    row.setdefault("HasOpportunityLineItem", False)


def _fill_quote(row: Row, before: Row | None, store: Lookup) -> None:
    deal = store.row(row.get("OpportunityId")) or {}
    row["AccountId"] = row.get("AccountId") or deal.get("AccountId")
    account = store.row(row["AccountId"]) or {}
    row["CurrencyIsoCode"] = row.get("CurrencyIsoCode") or deal.get("CurrencyIsoCode") or account.get("CurrencyIsoCode")
    row["IsSyncing"] = bool(deal) and deal.get("SyncedQuoteId") == row["Id"]
    if before is None:
        row["BillingName"] = row.get("BillingName") or account.get("Name")
        _copy_address(row, account)
        row.update(Subtotal=Decimal(0), TotalPrice=Decimal(0), LineItemCount=0)
    extra = (row.get("Tax") or Decimal(0)) + (row.get("ShippingHandling") or Decimal(0))
    row["GrandTotal"] = (row.get("TotalPrice") or Decimal(0)) + extra


def _copy_address(row: Row, account: Row) -> None:
    parts = [name for name in account if name.startswith("Billing") and not name.endswith("__c")]
    if not any(row.get(name) for name in parts):
        row.update({name: account[name] for name in parts})


def _fill_order(row: Row, before: Row | None, store: Lookup) -> None:
    row["StatusCode"] = ORDER_CODES.get(row.get("Status") or "", "Draft")
    account = store.row(row.get("AccountId")) or {}
    quote = store.row(row.get("QuoteId")) or {}
    row["CurrencyIsoCode"] = (
        row.get("CurrencyIsoCode") or quote.get("CurrencyIsoCode") or account.get("CurrencyIsoCode")
    )
    if before is None:
        row["TotalAmount"] = Decimal(0)
        _copy_address(row, account)
    _stamp_activation(row)


def _fill_contract(row: Row, _before: Row | None, store: Lookup) -> None:
    row["StatusCode"] = CONTRACT_CODES.get(row.get("Status") or "", "Draft")
    start, term = row.get("StartDate"), row.get("ContractTerm")
    row["EndDate"] = last_day(start, term) if start and term else None
    account = store.row(row.get("AccountId")) or {}
    row["CurrencyIsoCode"] = row.get("CurrencyIsoCode") or account.get("CurrencyIsoCode")
    _stamp_activation(row)


def _stamp_activation(row: Row) -> None:
    if row["StatusCode"] == "Activated" and row.get("ActivatedDate") is None:
        row["ActivatedDate"] = row["SystemModstamp"]
        if "OrderNumber" in row:
            row["ActivatedById"] = row["LastModifiedById"]


def last_day(start: date, months: int) -> date:
    """The inclusive last day of a term of whole months."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1])) - timedelta(days=1)


def _fill_account(row: Row, _before: Row | None, _store: Lookup) -> None:
    row["IsPersonAccount"] = bool(row.get("LastName"))
    if row["IsPersonAccount"]:
        row["Name"] = _full_name(row)


def _fill_person(row: Row, _before: Row | None, _store: Lookup) -> None:
    row["Name"] = _full_name(row)


def _full_name(row: Row) -> str:
    return " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))


def _fill_package_line(row: Row, _before: Row | None, store: Lookup) -> None:
    product = store.row(row.get("SBQQ__Product__c")) or {}
    row["SBQQ__ProductCode__c"], row["SBQQ__ProductName__c"] = product.get("ProductCode"), product.get("Name")


def _fill_entry(row: Row, _before: Row | None, store: Lookup) -> None:
    product = store.row(row.get("Product2Id")) or {}
    row["Name"], row["ProductCode"] = product.get("Name"), product.get("ProductCode")


_FILLERS: dict[str, Callable[[Row, Row | None, Lookup], None]] = {
    "Account": _fill_account,
    "Contact": _fill_person,
    "User": _fill_person,
    "Opportunity": _fill_opportunity,
    "Quote": _fill_quote,
    "Order": _fill_order,
    "Contract": _fill_contract,
    "PricebookEntry": _fill_entry,
    "SBQQ__QuoteLine__c": _fill_package_line,
}
