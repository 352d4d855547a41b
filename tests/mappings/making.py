"""Records as the model org answers them, and its mappings, for tests that change one thing at a time."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from connector.domain.terms import RecordRef
from connector.ports import Record, RecordMapping
from mappings import compile_mappings, read_mapping_config
from mappings.signed import read_signed_rules

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ORG = "00D5g000004hKqYEAU"
READ_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CPQ_ID = "a0x5g000004QuoTAAU"
IDS = {"Quote": "0Q05g000001AbCdCAK", "Opportunity": "0065g00000ZyXwVAAV", "Order": "8015g000000QwErAAK"}
LINE_IDS = {"Quote": "0QL5g0000001a{:02d}", "Opportunity": "00k5g0000001a{:02d}", "Order": "8025g0000001a{:02d}"}


def raw_model_org() -> dict[str, Any]:
    """The example file as tables, fresh for each caller."""
    return tomllib.loads((EXAMPLES / "model-org.toml").read_text())


def model_mappings() -> Mapping[str, RecordMapping]:
    """The mappings of the example file, with those of Salesforce CPQ added."""
    return example_mappings("model-org.toml", "cpq.toml")


@cache
def example_mappings(*names: str) -> Mapping[str, RecordMapping]:
    """The mappings of example files that are read as one."""
    raw = tomllib.loads("".join((EXAMPLES / name).read_text() for name in names))
    return compile_mappings(read_mapping_config(raw["mapping"]), signed=read_signed_rules(raw["signed"]))


def mapping_of(object_name: str, **mapping: Any) -> RecordMapping:
    """One mapping of the model org with tables of its `[mapping]` section replaced."""
    return compile_mappings(read_mapping_config(raw_model_org()["mapping"] | mapping))[object_name]


def make_record(object_name: str = "Quote", *, lines: list[dict[str, Any]] | None = None, **header: Any) -> Record:
    """A signed record that maps without faults: one seat line for a year, unless told otherwise.

    Dotted names set a field of a parent (`**{"Account.Name": "X"}`).
    """
    selection = model_mappings()[object_name].selection
    given = _HEADER | _OWN[object_name] | {"Id": IDS[object_name]} | header
    rows = [make_line(object_name, number, **line) for number, line in enumerate([{}] if lines is None else lines, 1)]
    ref = RecordRef(ORG, object_name, IDS[object_name])
    return Record(ref=ref, fields=_nested(object_name, selection.fields, given), lines=tuple(rows), read_at=READ_AT)


def make_line(object_name: str, number: int, **line: Any) -> dict[str, Any]:
    """One line of the model org, every selected field present."""
    selection = model_mappings()[object_name].selection
    own = {"Id": LINE_IDS[object_name].format(number)}
    if "SortOrder" in selection.line_fields:
        own |= {"SortOrder": number}
    given = _LINE | own | PRODUCTS[line.get("Product2.ProductCode") or "SEAT"] | line
    return _nested(selection.line_object, selection.line_fields, given)


def make_cpq_quote(*, lines: list[dict[str, Any]] | None = None, **header: Any) -> Record:
    """A signed quote of Salesforce CPQ; names without the package's prefix (`Quantity` for `SBQQ__Quantity__c`)."""
    selection = model_mappings()["SBQQ__Quote__c"].selection
    rows = [
        _nested(selection.line_object, selection.line_fields, _packaged(_CPQ_LINE | _cpq_line(number) | line))
        for number, line in enumerate([{}] if lines is None else lines, 1)
    ]
    fields = _nested("SBQQ__Quote__c", selection.fields, _packaged(_CPQ_HEADER | header))
    ref = RecordRef(ORG, "SBQQ__Quote__c", CPQ_ID)
    return Record(ref=ref, fields=fields, lines=tuple(rows), read_at=READ_AT)


def _cpq_line(number: int) -> dict[str, Any]:
    return {"Id": f"a0y5g0000003L{number:02d}", "Number": number}


def _packaged(given: Mapping[str, Any]) -> dict[str, Any]:
    """Bare names with the package's prefix; standard, custom and dotted names as they are."""
    standard = ("Id", "Name", "CurrencyIsoCode")
    return {name if name in standard or "__" in name else f"SBQQ__{name}__c": value for name, value in given.items()}


def product(code: str, name: str, kind: str | None, ref: str | None) -> dict[str, Any]:
    """The product's fields of a line."""
    return {
        "Product2.ProductCode": code,
        "Product2.Name": name,
        "Product2.Stigg_Type__c": kind,
        "Product2.Stigg_ID__c": ref,
    }


def _nested(kind: str, selected: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a query: every selected field, null where nothing is given, parents as records."""
    unknown = sorted(set(given) - set(selected))
    assert not unknown, f"{unknown} are not selected from {kind}"
    answer: dict[str, Any] = {"attributes": {"type": kind}}
    for path in selected:
        *parents, name = path.split(".")
        row = answer
        for parent in parents:
            row = row.setdefault(parent, {"attributes": {"type": parent}})
        row[name] = given.get(path)
    return answer


_HEADER: dict[str, Any] = {
    "AccountId": "0015g00000PqRsTAAV",
    "Account.Name": "Halvorsen Robotics AS",
    "Account.BillingStreet": "Strandgaten 12\r\nInngang B",
    "Account.BillingCity": "Bergen",
    "Account.BillingPostalCode": "5003",
    "Account.BillingCountry": "Norway",
    "Account.Billing_Email__c": "ap@halvorsen.example",
    "Account.Tax_Id__c": "NO 998 877 665",
    "Account.IsPersonAccount": False,
    "CurrencyIsoCode": "USD",
    "Deal_Type__c": "New",
    "Billing_Frequency__c": "Annual",
    "Billing_Timing__c": "In Advance",
    "Payment_Terms__c": "Net 30",
    "Legal_Entity__c": "US",
    "Credit_Unused__c": False,
}
_TERM = {"Contract_Start__c": "2026-01-01", "Contract_End__c": "2026-12-31"}
_OWN: dict[str, dict[str, Any]] = {
    "Quote": {
        "Name": "Halvorsen 2026",
        "QuoteNumber": "00000042",
        "Status": "Accepted",
        "Opportunity.SyncedQuoteId": IDS["Quote"],
        "Opportunity.SyncedQuote.Status": "Accepted",
        "PO_Number__c": "PO-7781",
        **_TERM,
    },
    "Opportunity": {"Name": "Halvorsen 2026", "IsWon": True, "PO_Number__c": "PO-7781", **_TERM},
    "Order": {
        "OrderNumber": "00000107",
        "StatusCode": "Activated",
        "EffectiveDate": "2026-01-01",
        "EndDate": "2026-12-31",
        "PoNumber": "PO-7781",
    },
}
_LINE: dict[str, Any] = {
    "CurrencyIsoCode": "USD",
    "Quantity": Decimal("50"),
    "UnitPrice": Decimal("240.00"),
    "Charge_Type__c": "Recurring",
    "Price_Model__c": "Per Unit",
    "Price_Period__c": "Year",
    "Separate_Invoice__c": False,
}
PRODUCTS = {
    code: product(code, name, kind, ref)
    for code, name, kind, ref in (
        ("PLATFORM", "Platform", "Plan", "plan-platform"),
        ("TEAM", "Team", "Plan", "plan-team"),
        ("USAGEPLAN", "Usage plan", "Plan", "plan-usage"),
        ("CREDPLAN", "Credit plan", "Plan", "plan-credits"),
        ("SEAT", "Seats", "Entitlement", "feature-seats"),
        ("API", "API calls", "Entitlement", "feature-api-calls"),
        ("STORAGE", "Storage (GB)", "Entitlement", "feature-storage-gb"),
        ("CREDIT-AI", "AI credits", "Credit entitlement", "cred-type-ai"),
        ("PRIO", "Priority support", "Add-on", "addon-priority"),
        ("ONBOARD", "Onboarding", "None", None),
        ("PACK", "Data packs", "None", None),
        ("MYSTERY", "Something new", None, None),
    )
}

_CPQ_HEADER: dict[str, Any] = {
    "Id": CPQ_ID,
    "Name": "Q-00315",
    "CurrencyIsoCode": "USD",
    "Account": "0015g00000PqRsTAAV",
    "SBQQ__Account__r.Name": "Halvorsen Robotics AS",
    "SBQQ__Account__r.BillingCity": "Bergen",
    "SBQQ__Account__r.BillingCountry": "Norway",
    "SBQQ__Account__r.Billing_Email__c": "ap@halvorsen.example",
    "SBQQ__Account__r.IsPersonAccount": False,
    "Status": "Accepted",
    "Type": "Quote",
    "StartDate": "2026-01-01",
    "SubscriptionTerm": Decimal("24"),
    "PaymentTerms": "Net 45",
    "BillingFrequency": "Annual",
    "Uncalculated": False,
    "PO_Number__c": "PO-7781",
}
_CPQ_LINE: dict[str, Any] = {
    "CurrencyIsoCode": "USD",
    "ProductCode": "SEAT",
    "ProductName": "Seats",
    "SBQQ__Product__r.ProductCode": "SEAT",
    "SBQQ__Product__r.Name": "Seats",
    "SBQQ__Product__r.Stigg_Type__c": "Entitlement",
    "SBQQ__Product__r.Stigg_ID__c": "feature-seats",
    "Quantity": Decimal("50"),
    "NetPrice": Decimal("480.00"),
    "NetTotal": Decimal("24000.00"),
    "SubscriptionPricing": "Fixed Price",
    "EffectiveStartDate": "2026-01-01",
    "EffectiveEndDate": "2027-12-31",
    "Optional": False,
    "SBQQ__Group__r.SBQQ__Optional__c": None,
    "BillingType": "Advance",
}
