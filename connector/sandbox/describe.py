"""Describe answers: what a client learns about objects and fields, in Salesforce's shape.

Built from the schema as the integration user sees it; a hidden field is absent here too. Nothing is decided here.
"""

from __future__ import annotations

from typing import Any

from connector.sandbox.schema import Field, ObjectType, Schema

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
# Objects that the replication calls (updated, deleted) do not serve.
NOT_REPLICATED = ("Organization",)


def summary(kind: ObjectType, version: str) -> dict[str, Any]:
    """One object in the list of all objects, and the head of its full describe."""
    base = f"/services/data/v{version}/sobjects/{kind.name}"
    urls = {"sobject": base, "describe": f"{base}/describe", "rowTemplate": base + "/{ID}"}
    return {
        "name": kind.name,
        "label": kind.label,
        "labelPlural": kind.plural,
        "keyPrefix": kind.prefix,
        "custom": kind.name.endswith("__c"),
        "activateable": False,
        "createable": kind.name != "Organization",
        "customSetting": False,
        "deletable": kind.name not in ("Organization", "User"),
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": kind.name == "Account",
        "isSubtype": False,
        "layoutable": True,
        "mergeable": kind.name in ("Account", "Contact"),
        "mruEnabled": True,
        "queryable": True,
        "replicateable": kind.name not in NOT_REPLICATED,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": kind.name not in ("Organization", "User"),
        "updateable": True,
        "urls": urls,
    }


def full(schema: Schema, kind: ObjectType, version: str) -> dict[str, Any]:
    """The describe of one object with its fields and child relationships."""
    may_change = schema.may_change(kind)
    own = {} if may_change else {"createable": False, "updateable": False}
    return (
        summary(kind, version)
        | own
        | {
            "fields": [field_of(schema, kind, item) for item in schema.fields(kind)],
            "childRelationships": [
                {
                    "cascadeDelete": lookup.required,
                    "childSObject": child.name,
                    "deprecatedAndHidden": False,
                    "field": lookup.name,
                    "relationshipName": lookup.child_relationship,
                    "restrictedDelete": False,
                }
                for child, lookup in schema.children(kind)
                if schema.is_visible(child, lookup)
            ],
            "recordTypeInfos": [
                {"active": True, "available": True, "defaultRecordTypeMapping": True, "master": True, "name": "Master"}
            ],
            "supportedScopes": [{"label": f"All {kind.plural.lower()}", "name": "everything"}],
        }
    )


def field_of(schema: Schema, kind: ObjectType, item: Field) -> dict[str, Any]:
    """One field."""
    return {
        "name": item.name,
        "label": item.label,
        "type": item.type,
        "soapType": SOAP_TYPES.get(item.type, "xsd:string"),
        "length": item.length,
        "byteLength": item.length * 3 if item.type not in ("id", "reference") else 18,
        "precision": item.precision if item.type != "int" else 0,
        "scale": item.scale,
        "digits": item.precision if item.type == "int" else 0,
        "nillable": not item.required and item.type not in ("boolean", "id"),
        "createable": schema.may_edit(kind, item, create=True),
        "updateable": schema.may_edit(kind, item, create=False),
        "custom": item.is_custom,
        "calculated": False,
        "autoNumber": bool(item.auto_number),
        "nameField": item.is_name,
        "idLookup": item.type == "id" or item.external_id,
        "externalId": item.external_id,
        "unique": item.unique,
        "caseSensitive": item.case_sensitive,
        "filterable": item.is_filterable,
        "sortable": item.is_filterable,
        "groupable": item.is_filterable and not item.is_number and item.type != "datetime",
        "aggregatable": item.is_filterable,
        "defaultedOnCreate": bool(item.default) or item.type == "boolean",
        "defaultValue": item.default or (False if item.type == "boolean" else None),
        "restrictedPicklist": item.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == item.default, "label": value, "validFor": None, "value": value}
            for value in item.values
        ],
        "referenceTo": [item.refers_to] if item.refers_to else [],
        "relationshipName": item.relationship or None,
        "deprecatedAndHidden": False,
        "permissionable": not item.required and item.type != "id",
        "htmlFormatted": False,
        "inlineHelpText": None,
        "extraTypeInfo": "plaintextarea" if item.type == "textarea" else None,
    }
