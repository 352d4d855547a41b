"""Puts field writes into bodies of at most 200 records and reads what became of each.

Exists because the answer to such a body is "200 OK" while any of its records may have failed. It must not send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.adapters.salesforce_errors import VendorFault, vendor_fault
from connector.adapters.salesforce_soql import checked_field, checked_object
from connector.domain.salesforce_ids import id18
from connector.errors import Refused
from connector.ports import JsonScalar, KeyedRow, RecordWrite, WriteResult

CHUNK = 200
_NOT_WRITEABLE = frozenset({"id", "attributes"})

Key = tuple[str, str]


def key_of(write: RecordWrite) -> Key:
    """The one record a write is for: object and 18-character id. Raises Misconfigured or NotASalesforceId."""
    return checked_object(write.object), id18(write.record_id)


def merged(writes: Sequence[RecordWrite]) -> dict[Key, dict[str, JsonScalar]]:
    """One set of fields for each record, in order of object; a later write of the same field wins.

    The same record twice in one body is refused by Salesforce. Objects are kept together, because a body may change
    between objects only a few times.
    """
    fields_of: dict[Key, dict[str, JsonScalar]] = {}
    for write in sorted(writes, key=lambda item: item.object):
        if not write.fields:
            raise Refused(f"The write to {write.object} {write.record_id} has no field.", code="NOTHING_TO_WRITE")
        fields_of.setdefault(key_of(write), {}).update(_checked(write.fields))
    return fields_of


def chunks(fields_of: Mapping[Key, Mapping[str, JsonScalar]]) -> Iterator[tuple[tuple[Key, ...], dict[str, Any]]]:
    """The keys and the body of each call."""
    keys = tuple(fields_of)
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        records = [{"attributes": {"type": key[0]}, "id": key[1], **fields_of[key]} for key in part]
        yield part, {"allOrNone": False, "records": records}


def row_chunks(
    *, object_name: str, key_field: str, rows: Sequence[KeyedRow]
) -> Iterator[tuple[tuple[Key, ...], dict[str, Any]]]:
    """The keys and the body of each call that makes or changes rows. Raises Misconfigured or Refused for a name."""
    kind, key_name = checked_object(object_name), checked_field(key_field)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        records = [{"attributes": {"type": kind}, key_name: row.key, **_checked(row.fields)} for row in part]
        yield tuple((kind, row.key) for row in part), {"allOrNone": False, "records": records}


def result_of(key: Key, item: Any) -> WriteResult:
    """What became of one record of a body."""
    if isinstance(item, Mapping) and item.get("success") is True:
        return WriteResult(record_id=key[1], is_written=True)
    errors = item.get("errors") if isinstance(item, Mapping) else None
    fault = vendor_fault(errors) or VendorFault(code="NO_REASON", text="no reason was given")
    return WriteResult(
        record_id=key[1],
        is_written=False,
        code=fault.code,
        message=fault.sentence(),
        is_transient=fault.is_transient,
    )


def _checked(fields: Mapping[str, JsonScalar]) -> dict[str, JsonScalar]:
    for name in fields:
        if name.lower() in _NOT_WRITEABLE or "." in checked_field(name):
            raise Refused(f"The field {name} cannot be written.", code="NOT_WRITEABLE")
    return dict(fields)
