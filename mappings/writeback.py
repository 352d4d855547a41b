"""A status in our words becomes fields of a Salesforce record.

Exists so that names of fields are said once; the configuration may rename or switch off single ones. Pure: it must not
know whether or when anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from connector.domain.status import Attempt, CashStatus, InvoiceStatus, Status
from connector.ports import JsonScalar

# The longest text each field of our package holds.
_LONGEST_SENTENCE = 4000
_LONGEST_CODE = 80
_LONGEST_USAGE = 255

_FIELDS: dict[str, Callable[[Status], JsonScalar]] = {
    "Status": lambda status: status.word.value,
    "Step": lambda status: status.step or None,
    "Steps": lambda status: _cut(status.steps) or None,
    "Error_Code": lambda status: status.code[:_LONGEST_CODE] or None,
    "Error": lambda status: _cut(status.sentence) or None,
    "Attempts": lambda status: min(status.attempts, 9999),
    "Key": lambda status: status.key or None,
    "Order_Number": lambda status: status.order_number or None,
    "Contract_Number": lambda status: status.contract_number or None,
    "Contract_Value": lambda status: status.contract_value,
    "Link": lambda status: status.link or None,
    "Last_Attempt": lambda status: _instant(status.attempted_at),
    "Last_Success": lambda status: _instant(status.succeeded_at),
    "Source_Hash": lambda status: status.source_hash or None,
}

# What is issued and paid; on the objects that the settings name, the account among them.
_MONEY_FIELDS: dict[str, Callable[[CashStatus], JsonScalar]] = {
    "Payment_State": lambda cash: cash.word.value if cash.word else None,
    "Open_Balance": lambda cash: cash.open,
    "Overdue_Balance": lambda cash: cash.overdue,
    "Last_Payment_On": lambda cash: _day(cash.last_payment_on),
    "Next_Invoice_On": lambda cash: _day(cash.next_invoice_on),
    "Next_Invoice_Amount": lambda cash: cash.next_invoice_amount,
    "Last_Invoice": lambda cash: cash.last_invoice[:_LONGEST_CODE] or None,
    "Usage": lambda cash: _cut(cash.usage, _LONGEST_USAGE) or None,
}


def status_fields(
    *, objects: tuple[str, ...], prefix: str, renamed: Mapping[str, str], money: tuple[str, ...] = ()
) -> Callable[[str, Status], dict[str, JsonScalar]]:
    """A function (object, status) -> Salesforce fields.

    `renamed` maps our names (Status, Step, Error...) to field names; empty text switches the field off. `money` are the
    objects that show balances as well; those that are in `money` alone, such as Account, show nothing else.
    """
    balances = {name: renamed.get(name, f"{prefix}{name}__c") for name in _MONEY_FIELDS}
    names = {name: renamed.get(name, f"{prefix}{name}__c") for name in _FIELDS}

    def fields_of(object_name: str, status: Status) -> dict[str, JsonScalar]:
        found: dict[str, JsonScalar] = {}
        if object_name in objects:
            found |= {names[name]: value(status) for name, value in _FIELDS.items() if names[name]}
        if object_name in money:
            found |= {balances[name]: value(status.cash) for name, value in _MONEY_FIELDS.items() if balances[name]}
        return found

    return fields_of


def attempt_fields(attempt: Attempt) -> dict[str, JsonScalar]:
    """One row of the log object of our package, without its key."""
    return {
        "Record_Id__c": attempt.record_id,
        "Object__c": attempt.object,
        # An account that is deleted or hidden would make Salesforce refuse the row; a lookup may stay empty.
        "Account__c": attempt.account_id if attempt.account_id.startswith("001") else None,
        "Opportunity__c": attempt.record_id if attempt.object == "Opportunity" else None,
        "Status__c": attempt.word.value,
        "Error_Code__c": attempt.code[:_LONGEST_CODE] or None,
        "Error__c": _cut(attempt.sentence) or None,
        "Owner__c": attempt.owner[:_LONGEST_CODE] or None,
        "Order_Number__c": attempt.order_number or None,
        "At__c": _instant(attempt.at),
        "Run__c": attempt.run[:120],
    }


def invoice_fields(invoice: InvoiceStatus) -> dict[str, JsonScalar]:
    """One row of the invoice object of our package, without its key."""
    return {
        "Name": invoice.number or f"Draft {invoice.id}",
        "Account__c": invoice.account_id if invoice.account_id.startswith("001") else None,
        "Kind__c": invoice.kind,
        "State__c": invoice.state,
        "Issued_On__c": _day(invoice.issued_on),
        "Due_On__c": _day(invoice.due_on),
        "Total__c": invoice.total,
        "Open__c": invoice.open,
        "Currency__c": invoice.currency,
        "Contract_Number__c": invoice.contract_number or None,
        "Link__c": invoice.link or None,
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(sentence: str, longest: int = _LONGEST_SENTENCE) -> str:
    """The sentence within the field's length, without control characters; a cut one ends with a mark."""
    clean = "".join(character for character in sentence if character >= " " or character in "\n\t")
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def status_field_name(*, prefix: str, renamed: Mapping[str, str]) -> str:
    """The Salesforce field that shows the state word; empty when it is switched off."""
    return renamed.get("Status", f"{prefix}Status__c")


def status_names(*, prefix: str, renamed: Mapping[str, str]) -> dict[str, str]:
    """Every field that tells the status, by our name for it; those switched off are left out."""
    return _named(_FIELDS, prefix, renamed)


def money_names(*, prefix: str, renamed: Mapping[str, str]) -> dict[str, str]:
    """Every field that tells of money, by our name for it; those switched off are left out."""
    return _named(_MONEY_FIELDS, prefix, renamed)


def _named(names: Iterable[str], prefix: str, renamed: Mapping[str, str]) -> dict[str, str]:
    found = {name: renamed.get(name, f"{prefix}{name}__c") for name in names}
    return {name: field for name, field in found.items() if field}
