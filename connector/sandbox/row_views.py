"""What single-record and collection resources share: fields chosen, rows shown, external ids looked up."""

from __future__ import annotations

from typing import Any

from connector.sandbox.errors import not_found, unknown_column
from connector.sandbox.org import DATA, Answer, Call, Org
from connector.sandbox.records import Row
from connector.sandbox.schema import Field, ObjectType
from connector.sandbox.values import show, stored


def chosen_fields(org: Org, kind: ObjectType, names: str | None) -> list[Field]:
    """The fields to show: all readable ones, or those named (and Id). Raises `Refusal` INVALID_FIELD."""
    if names is None:
        return org.schema.fields(kind)
    chosen: dict[str, Field] = {}
    for name in (*names.split(","), "Id"):
        field = org.schema.field(kind, name.strip())
        if field is None:
            raise unknown_column(name.strip(), kind.name)
        chosen.setdefault(field.name, field)
    return list(chosen.values())


def shown_row(call: Call, kind: ObjectType, row: Row, fields: list[Field]) -> dict[str, Any]:
    """A record as REST shows it."""
    url = f"{DATA}v{call.version}/sobjects/{kind.name}/{row['Id']}"
    return {"attributes": {"type": kind.name, "url": url}} | {item.name: show(row[item.name]) for item in fields}


def external_field(org: Org, kind: ObjectType, name: str) -> Field:
    """The external id field named in a path. Raises `Refusal` NOT_FOUND."""
    field = org.schema.field(kind, name)
    if field is None or not field.external_id:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name[:80]}")
    return field


def matching(org: Org, kind: ObjectType, field: Field, raw: str) -> list[Row]:
    """Live rows with this external id value."""
    return org.records.rows_by(kind.name, field.name, stored(field, raw))


def several(call: Call, kind: ObjectType, rows: list[Row]) -> Answer:
    """300 with the URLs of all matches."""
    return Answer(300, [f"{DATA}v{call.version}/sobjects/{kind.name}/{row['Id']}" for row in rows])
