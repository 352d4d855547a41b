"""Reads Salesforce's description of an object into ours.

Exists so that the shape of that long answer is known in one place. It must not call anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.adapters.salesforce_errors import unreadable
from connector.ports import FieldDescription, ObjectDescription


def description_of(name: str, body: Any, *, doing: str) -> ObjectDescription:
    """The object as our user sees it. Raises Unavailable when the answer has another shape."""
    fields = body.get("fields") if isinstance(body, Mapping) else None
    if not isinstance(fields, list) or not all(isinstance(item, Mapping) and item.get("name") for item in fields):
        raise unreadable(doing=doing, why="the answer has no fields")
    return ObjectDescription(
        name=str(body.get("name") or name),
        fields={str(item["name"]): _field(item) for item in fields},
        is_updateable=bool(body.get("updateable")),
        is_createable=bool(body.get("createable")),
    )


def _field(item: Mapping[str, Any]) -> FieldDescription:
    return FieldDescription(
        name=str(item["name"]),
        type=str(item.get("type") or ""),
        label=str(item.get("label") or ""),
        length=int(item.get("length") or 0),
        is_updateable=bool(item.get("updateable")),
        is_nillable=bool(item.get("nillable", True)),
        picklist_values=_picklist(item.get("picklistValues")),
        reference_to=tuple(str(name) for name in item.get("referenceTo") or ()),
        relationship_name=str(item.get("relationshipName") or ""),
    )


def _picklist(values: Any) -> tuple[str, ...]:
    """The API values that can still be chosen."""
    items = values if isinstance(values, list) else []
    return tuple(str(item.get("value")) for item in items if isinstance(item, Mapping) and item.get("active"))
