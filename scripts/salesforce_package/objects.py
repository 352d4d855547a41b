"""Fields, our own two objects, list views of what needs somebody, and a report: what there is to see in Salesforce."""

from __future__ import annotations

import re

from scripts.salesforce_package.fields import ACCOUNT, INVOICE, LOG, MONEY, STATUS, STATUS_WORDS, Field, Signed
from scripts.salesforce_package.writing import Item, document

_SHAPE = re.compile(r"(\w+)(?:\(([\w,]+)\))?")
LOG_OBJECT, INVOICE_OBJECT = "Sync_Log__c", "Sync_Invoice__c"
_RELATED = {LOG_OBJECT: ("Sync Logs", "Sync_Logs"), INVOICE_OBJECT: ("Invoices", "Sync_Invoices")}
_NEEDS_SOMEBODY = "Failed,Blocked,Warning"
_RESYNC: list[Item] = [
    ("actionSubtype", "Action"),
    ("label", "Resync with billing"),
    ("lightningWebComponent", "syncResync"),
    ("optionsCreateFeedItem", False),
    ("type", "LightningWebComponent"),
]


def signed_files(signed: Signed) -> dict[str, str]:
    """Status and money fields of an object that gets signed, and its list view."""
    view = f"objects/{signed.name}/listViews/Sync_Needs_Somebody.listView-meta.xml"
    columns = (*signed.columns, "Sync_Status__c", "Sync_Error_Code__c", "Sync_Last_Attempt__c")
    button = f"quickActions/{signed.name}.Sync_Resync.quickAction-meta.xml"
    return {
        button: document("QuickAction", _RESYNC),
        **_field_files(signed.name, (*STATUS, *MONEY)),
        view: _list_view("Sync_Needs_Somebody", "Billing: Needs Somebody", columns, "Sync_Status__c"),
    }


def account_files() -> dict[str, str]:
    """What the account shows."""
    return _field_files("Account", ACCOUNT)


def own_object_files() -> dict[str, str]:
    """The log with one row an attempt, and the invoices as a related list of the account."""
    log, invoice = f"objects/{LOG_OBJECT}", f"objects/{INVOICE_OBJECT}"
    failed = ("NAME", "Status__c", "Error_Code__c", "Owner__c", "At__c")
    number: list[Item] = [("displayFormat", "SL-{000000}"), ("label", "Log Number"), ("type", "AutoNumber")]
    name: list[Item] = [("label", "Invoice Number"), ("type", "Text")]
    return {
        f"{log}/{LOG_OBJECT}.object-meta.xml": _object("Sync Log", "One row for each attempt at a deal.", number),
        f"{invoice}/{INVOICE_OBJECT}.object-meta.xml": _object("Sync Invoice", "Invoices and credit notes.", name),
        f"{log}/listViews/All.listView-meta.xml": _list_view("All", "All", failed, ""),
        f"{log}/listViews/Needs_Somebody.listView-meta.xml": _list_view(
            "Needs_Somebody", "Needs Somebody", failed, "Status__c"
        ),
        f"{invoice}/listViews/All.listView-meta.xml": _list_view(
            "All", "All", ("NAME", "Account__c", "State__c", "Due_On__c", "Total__c", "Open__c"), ""
        ),
        **_field_files(LOG_OBJECT, LOG),
        **_field_files(INVOICE_OBJECT, INVOICE),
    }


def report_files() -> dict[str, str]:
    """A folder with one report: the deals that need somebody, by who acts."""
    folder: list[Item] = [("accessType", "Public"), ("name", "Countersign"), ("publicFolderAccess", "ReadOnly")]
    return {
        "reports/Countersign.reportFolder-meta.xml": document("ReportFolder", folder),
        "reports/Countersign/Deals_That_Need_Somebody.report-meta.xml": document("Report", _report()),
    }


def api_name(owner: str, field: Field) -> str:
    """The field's name in Salesforce; on our own objects it needs no prefix."""
    return f"{field.name}__c" if owner in _RELATED else field.api_name


def _field_files(owner: str, fields: tuple[Field, ...]) -> dict[str, str]:
    return {
        f"objects/{owner}/fields/{api_name(owner, field)}.field-meta.xml": document("CustomField", _field(owner, field))
        for field in fields
    }


def _field(owner: str, field: Field) -> list[Item]:
    """The field's elements, by name, as the schema wants them."""
    match = _SHAPE.fullmatch(field.kind)
    assert match is not None, field
    kind, size = match.group(1), match.group(2) or ""
    items: list[Item] = [
        ("description", f"{field.help} Written by Countersign."),
        ("inlineHelpText", field.help),
        ("label", field.label),
        ("type", {"LongText": "LongTextArea", "Status": "Picklist"}.get(kind, kind)),
        *_of_kind(owner, kind, size),
    ]
    if field.is_external_id:
        items.append(("externalId", True))
    if field.is_unique:
        items += [("caseSensitive", True), ("unique", True)]
    return [("fullName", api_name(owner, field)), *sorted(items, key=lambda item: item[0])]


def _of_kind(owner: str, kind: str, size: str) -> list[Item]:
    """What one kind of field needs beyond the rest."""
    if kind == "LongText":
        return [("length", int(size)), ("visibleLines", 6)]
    if kind == "Text":
        return [("length", int(size)), ("required", False)]
    if kind == "Number":
        precision, scale = size.split(",")
        return [("precision", int(precision)), ("required", False), ("scale", int(scale))]
    if kind == "Lookup":
        label, name = _RELATED[owner]
        related: list[Item] = [("referenceTo", size), ("relationshipLabel", label), ("relationshipName", name)]
        return [("deleteConstraint", "SetNull"), *related, ("required", False)]
    if kind == "Status":
        return [("required", False), ("valueSet", _words())]
    return [("required", False)]


def _words() -> list[Item]:
    values: list[Item] = [("value", [("fullName", word), ("default", False), ("label", word)]) for word in STATUS_WORDS]
    return [("restricted", True), ("valueSetDefinition", [("sorted", False), *values])]


def _object(label: str, description: str, name_field: list[Item]) -> str:
    return document(
        "CustomObject",
        [
            ("deploymentStatus", "Deployed"),
            ("description", f"{description} Written by Countersign."),
            ("enableReports", True),
            ("label", label),
            ("nameField", name_field),
            ("pluralLabel", f"{label}s"),
            ("sharingModel", "Read"),
        ],
    )


def _list_view(name: str, label: str, columns: tuple[str, ...], status: str) -> str:
    """A list view of everybody's rows; with a status field, only of those that need somebody."""
    filters: list[Item] = [("field", status), ("operation", "equals"), ("value", _NEEDS_SOMEBODY)]
    narrowed: list[Item] = [("filters", filters)] if status else []
    return document(
        "ListView",
        [
            ("fullName", name),
            *(("columns", column) for column in columns),
            ("filterScope", "Everything"),
            *narrowed,
            ("label", label),
        ],
    )


def _report() -> list[Item]:
    log = LOG_OBJECT
    shown = ("CUST_NAME", f"{log}.At__c", f"{log}.Order_Number__c", f"{log}.Error_Code__c", f"{log}.Error__c")
    criteria: list[Item] = [
        ("column", f"{log}.Status__c"),
        ("isUnlocked", False),
        ("operator", "equals"),
        ("value", _NEEDS_SOMEBODY),
    ]
    grouping: list[Item] = [("dateGranularity", "Day"), ("field", f"{log}.Owner__c"), ("sortOrder", "Asc")]
    columns: list[Item] = [("columns", [("field", column)]) for column in shown]
    return [
        *columns,
        ("filter", [("criteriaItems", criteria)]),
        ("format", "Summary"),
        ("groupingsDown", grouping),
        ("name", "Deals That Need Somebody"),
        ("reportType", f"CustomEntity${log}"),
        ("scope", "organization"),
        ("showDetails", True),
        ("timeFrameFilter", [("dateColumn", f"{log}.At__c"), ("interval", "INTERVAL_LAST30")]),
    ]
