"""Who may do what: the integration user just what the service needs, people read the status and ask for a Resync.

Required fields and fields of the system are always visible and must not be listed. Fields of the org's own are added by
its administrator: `countersign check` names each that the integration user cannot see.
"""

from __future__ import annotations

from scripts.salesforce_package.fields import ACCOUNT, INVOICE, LOG, MONEY, SIGNED, STATUS, Field, Signed
from scripts.salesforce_package.objects import INVOICE_OBJECT, LOG_OBJECT, api_name
from scripts.salesforce_package.writing import Item, document

# Standard fields that the mapping reads and that an administrator can hide.
READ_FIELDS = (
    *("Account.BillingAddress", "Opportunity.AccountId", "OpportunityLineItem.Description"),
    *("OpportunityLineItem.Discount", "Order.EndDate", "Order.PoNumber", "OrderItem.Description"),
    *("Product2.ProductCode", "QuoteLineItem.Description", "QuoteLineItem.Discount"),
)
_LINES = {
    "Quote": "QuoteLineItem",
    "Opportunity": "OpportunityLineItem",
    "Order": "OrderItem",
    "SBQQ__Quote__c": "SBQQ__QuoteLine__c",
}
# What is edited when a person presses Resync.
_ASKING = ("Requested_At", "Requested_By")
# Lines of standard objects have the permissions of their parents.
_WITHOUT_OWN_PERMISSIONS = {"QuoteLineItem", "OpportunityLineItem", "OrderItem"}


def permission_files() -> dict[str, str]:
    """Two permission sets and the custom permission that keeps our own writing from calling us."""
    return {
        "customPermissions/Sync_Bypass.customPermission-meta.xml": document(
            "CustomPermission",
            [
                ("description", "Changes by whoever has this send nothing to Countersign."),
                ("isLicensed", False),
                ("label", "Sync: changes send nothing"),
            ],
        ),
        "permissionsets/Sync_Integration.permissionset-meta.xml": document("PermissionSet", _integration()),
        "permissionsets/Sync_User.permissionset-meta.xml": document("PermissionSet", _user(SIGNED)),
    }


def cpq_permission_files(cpq: tuple[Signed, ...]) -> dict[str, str]:
    """The same for the objects of Salesforce CPQ."""
    fields = [(one.name, field, True) for one in cpq for field in (*STATUS, *MONEY)]
    objects = [(one.name, "edit") for one in cpq] + [(_LINES[one.name], "read") for one in cpq]
    # The lines of a contract that is signed by itself.
    objects.append(("SBQQ__Subscription__c", "read"))
    integration: list[Item] = [
        ("description", "For the integration user of Countersign: the quotes of Salesforce CPQ."),
        *_fields(fields, []),
        ("hasActivationRequired", False),
        ("label", "Countersign CPQ Integration"),
        *(_object(name, level) for name, level in sorted(objects)),
    ]
    return {
        "permissionsets/Sync_CPQ_Integration.permissionset-meta.xml": document("PermissionSet", integration),
        "permissionsets/Sync_CPQ_User.permissionset-meta.xml": document("PermissionSet", _user(cpq, "Countersign CPQ")),
    }


def _integration() -> list[Item]:
    """No delete, no "Modify All", no setup: read what is mapped, edit our fields, write our two objects."""
    ours = [(one.name, field, True) for one in SIGNED for field in (*STATUS, *MONEY)]
    ours += [("Account", field, True) for field in ACCOUNT]
    ours += [(LOG_OBJECT, field, True) for field in LOG] + [(INVOICE_OBJECT, field, True) for field in INVOICE]
    objects = [(one.name, "edit") for one in SIGNED]
    objects += [("Account", "edit"), ("Contact", "read"), ("Pricebook2", "read"), ("Product2", "read")]
    objects += [(LOG_OBJECT, "create"), (INVOICE_OBJECT, "create")]
    return [
        ("customPermissions", [("enabled", True), ("name", "Sync_Bypass")]),
        ("description", "For the integration user of Countersign. Assign it to nobody else."),
        *_fields(ours, list(READ_FIELDS)),
        ("hasActivationRequired", False),
        ("label", "Countersign Integration"),
        *(_object(name, level) for name, level in sorted(objects)),
        ("userPermissions", [("enabled", True), ("name", "ApiEnabled")]),
    ]


def _user(signed: tuple[Signed, ...], label: str = "Countersign") -> list[Item]:
    """People read everything we write; to ask for a Resync they may set the two fields that ask."""
    fields = [(one.name, field, field.name in _ASKING) for one in signed for field in (*STATUS, *MONEY)]
    items: list[Item] = [("description", "Read the status of deals in billing, and ask for a Resync.")]
    if signed is not SIGNED:
        return [*items, *_fields(fields, []), ("hasActivationRequired", False), ("label", f"{label} User")]
    fields += [("Account", field, False) for field in ACCOUNT]
    fields += [(LOG_OBJECT, field, False) for field in LOG] + [(INVOICE_OBJECT, field, False) for field in INVOICE]
    return [
        *items,
        *_fields(fields, []),
        ("hasActivationRequired", False),
        ("label", f"{label} User"),
        *(_object(name, "read") for name in sorted((LOG_OBJECT, INVOICE_OBJECT))),
        *(_tab(name) for name in sorted((LOG_OBJECT, INVOICE_OBJECT))),
    ]


def _fields(ours: list[tuple[str, Field, bool]], others: list[str]) -> list[Item]:
    rows = [(f"{owner}.{api_name(owner, field)}", is_edited) for owner, field, is_edited in ours]
    rows += [(name, False) for name in others]
    return [
        ("fieldPermissions", [("editable", is_edited), ("field", name), ("readable", True)])
        for name, is_edited in sorted(rows)
    ]


def _object(name: str, level: str) -> Item:
    """`read`, `edit`, or `create` (and edit)."""
    return (
        "objectPermissions",
        [
            ("allowCreate", level == "create"),
            ("allowDelete", False),
            ("allowEdit", level in ("edit", "create")),
            ("allowRead", True),
            ("modifyAllRecords", False),
            ("object", name),
            ("viewAllRecords", level != "create"),
        ],
    )


def _tab(name: str) -> Item:
    return ("tabSettings", [("tab", name), ("visibility", "Visible")])
