"""SObject collections: up to 200 records per call, one result per record, all or none on request.

Mistakes that Salesforce finds while reading the JSON (unknown column, wrong type) refuse the whole call; mistakes it
finds while saving refuse the row.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from connector.sandbox.errors import Refusal, not_found
from connector.sandbox.faults import RowFaults
from connector.sandbox.ids import NotAnId, full_id
from connector.sandbox.org import Answer, Call, Org
from connector.sandbox.records import Parsed
from connector.sandbox.row_views import chosen_fields, external_field, shown_row
from connector.sandbox.schema import ObjectType
from connector.sandbox.values import stored

MOST_ROWS = 200
MOST_TYPE_CHUNKS = 10
MOST_RETRIEVED = 2_000
ROLLED_BACK = "Record rolled back because not all records were valid and the request was using AllOrNone header"


class _RollBack(Exception):
    """A row failed in an all-or-none call."""


def answer(org: Org, call: Call) -> Answer:
    """The answer of `composite/sobjects...`. Raises `Refusal` for the whole call."""
    tail = call.segments[2:]
    if len(tail) == 1 and call.method in ("GET", "POST"):
        return _retrieve(org, call, org.object(tail[0]))
    if len(tail) == 2 and call.method == "PATCH":
        return _upsert(org, call, org.object(tail[0]), tail[1])
    if tail:
        raise not_found()
    if call.method == "DELETE":
        return _delete(org, call)
    if call.method in ("POST", "PATCH"):
        return _save(org, call, create=call.method == "POST")
    raise Refusal("METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.", status=405)


def _records_of(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.record_body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
        raise Refusal("JSON_PARSER_ERROR", "records must be a list of objects")
    if not records:
        raise Refusal("REQUIRED_FIELD_MISSING", "records: at least one record is required")
    _check_count(len(records))
    return records, body.get("allOrNone") is True


def _check_count(count: int) -> None:
    if count > MOST_ROWS:
        text = f"record limit reached. cannot submit more than {MOST_ROWS} records in this call"
        raise Refusal("EXCEEDED_ID_LIMIT", text)


def _kind_of(org: Org, record: dict[str, Any]) -> ObjectType:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        text = "Missing entity type information. sObject requires a separate 'type' field be sent."
        raise Refusal("INVALID_INPUT", text)
    kind = org.schema.object(name)
    if kind is None:
        raise Refusal("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return kind


def _split_id(record: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The id of a record body, under any case of its key, and the rest."""
    rest_of = {name: value for name, value in record.items() if name.lower() != "id"}
    found = next((value for name, value in record.items() if name.lower() == "id"), None)
    return found, rest_of


def _save(org: Org, call: Call, *, create: bool) -> Answer:
    records, all_or_none = _records_of(call)
    kinds = [_kind_of(org, record) for record in records]
    chunks = 1 + sum(one is not two for one, two in pairwise(kinds))
    if chunks > MOST_TYPE_CHUNKS:
        raise Refusal("LIMIT_EXCEEDED", f"records change their type {chunks} times; at most {MOST_TYPE_CHUNKS} chunks")
    split = [_split_id(record) for record in records]
    parsed = [org.records.parse(kind, body, api=True) for kind, (_, body) in zip(kinds, split, strict=True)]
    seen: set[str] = set()

    def write(index: int, faults: RowFaults) -> dict[str, Any]:
        if create:
            if split[index][0] is not None:
                raise Refusal("INVALID_FIELD", "cannot specify Id in an insert call", fields=("Id",))
            faults.refuse(index, None)
            return _ok(org.records.insert(kinds[index], parsed[index], user=org.user_id, api=True))
        return _ok(_update(org, kinds[index], split[index][0], parsed[index], seen, index, faults))

    return Answer(200, _each(org, call, len(records), write, all_or_none=all_or_none))


def _update(
    org: Org, kind: ObjectType, raw_id: Any, parsed: Parsed, seen: set[str], index: int, faults: RowFaults
) -> str:
    row = _live_row(org, kind, raw_id, "update")
    record_id: str = row["Id"]
    if record_id in seen:
        raise Refusal("DUPLICATE_VALUE", f"duplicate id specified: {record_id}", fields=("Id",))
    seen.add(record_id)
    faults.refuse(index, record_id)
    org.records.update(kind, row, parsed, user=org.user_id, api=True)
    return record_id


def _live_row(org: Org, kind: ObjectType, raw_id: Any, verb: str) -> dict[str, Any]:
    if raw_id is None:
        raise Refusal("MISSING_ARGUMENT", f"Id not specified in an {verb} call", fields=())
    if not isinstance(raw_id, str):
        raise Refusal("MALFORMED_ID", f"malformed id {str(raw_id)[:40]}", fields=("Id",))
    try:
        return org.records.live(kind, raw_id)
    except Refusal as refusal:
        if refusal.code != "NOT_FOUND":
            raise
        code = "INVALID_CROSS_REFERENCE_KEY" if _looks_like_id(raw_id) else "MALFORMED_ID"
        text = "invalid cross reference id" if code.startswith("INVALID") else f"malformed id {raw_id[:40]}"
        raise Refusal(code, text, fields=("Id",)) from refusal


def _looks_like_id(value: str) -> bool:
    try:
        full_id(value)
    except NotAnId:
        return False
    return True


def _delete(org: Org, call: Call) -> Answer:
    ids = [item for item in call.params.get("ids", "").split(",") if item]
    if not ids:
        raise Refusal("REQUIRED_FIELD_MISSING", "ids: at least one id is required")
    _check_count(len(ids))

    def write(index: int, faults: RowFaults) -> dict[str, Any]:
        kind = org.schema.by_id(ids[index])
        if kind is None or org.schema.object(kind.name) is None:
            raise Refusal("MALFORMED_ID", f"malformed id {ids[index][:40]}", fields=("Id",))
        row = _live_row(org, kind, ids[index], "delete")
        faults.refuse(index, row["Id"])
        org.records.delete(kind, row, user=org.user_id)
        return _ok(row["Id"])

    all_or_none = call.params.get("allOrNone", "").lower() == "true"
    return Answer(200, _each(org, call, len(ids), write, all_or_none=all_or_none))


def _upsert(org: Org, call: Call, kind: ObjectType, field_name: str) -> Answer:
    field = external_field(org, kind, field_name)
    records, all_or_none = _records_of(call)
    parsed = []
    for record in records:
        if _kind_of(org, record) is not kind:
            raise Refusal("INVALID_TYPE", f"every record must be of type {kind.name}")
        if _split_id(record)[0] is not None:
            raise Refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
        parsed.append(org.records.parse(kind, record, api=True))

    def write(index: int, faults: RowFaults) -> dict[str, Any]:
        key = stored(field, parsed[index].get(field.name))
        if key is None:
            raise Refusal("MISSING_ARGUMENT", f"{field.name} not specified", fields=())
        found = org.records.rows_by(kind.name, field.name, key)
        if len(found) > 1:
            text = (
                f"{field.name}: more than one record found for external id field: [{', '.join(r['Id'] for r in found)}]"
            )
            raise Refusal("DUPLICATE_EXTERNAL_ID", text, fields=(field.name,))
        faults.refuse(index, found[0]["Id"] if found else None)
        if not found:
            made = org.records.insert(kind, parsed[index], user=org.user_id, api=True)
            return _ok(made) | {"created": True}
        changes = {name: value for name, value in parsed[index].items() if name != field.name}
        org.records.update(kind, found[0], changes, user=org.user_id, api=True)
        return _ok(found[0]["Id"]) | {"created": False}

    return Answer(200, _each(org, call, len(records), write, all_or_none=all_or_none))


def _retrieve(org: Org, call: Call, kind: ObjectType) -> Answer:
    if call.method == "POST":
        body = call.record_body()
        ids, names = body.get("ids"), body.get("fields")
        if not isinstance(ids, list) or not isinstance(names, list):
            raise Refusal("JSON_PARSER_ERROR", "ids and fields must be lists")
    else:
        ids = [item for item in call.params.get("ids", "").split(",") if item]
        names = [item for item in call.params.get("fields", "").split(",") if item]
    if not ids or not names:
        raise Refusal("REQUIRED_FIELD_MISSING", "ids and fields must not be empty")
    if len(ids) > MOST_RETRIEVED:
        raise Refusal("EXCEEDED_ID_LIMIT", f"at most {MOST_RETRIEVED} ids in this call")
    fields = chosen_fields(org, kind, ",".join(str(name) for name in names))
    found: list[dict[str, Any] | None] = []
    for raw_id in ids:
        try:
            found.append(shown_row(call, kind, org.records.live(kind, str(raw_id)), fields))
        except Refusal as refusal:
            if refusal.code == "MALFORMED_ID":
                raise
            found.append(None)
    return Answer(200, found)


def _ok(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def _each(
    org: Org, call: Call, count: int, write: Callable[[int, RowFaults], dict[str, Any]], *, all_or_none: bool
) -> list[dict[str, Any]]:
    faults = org.faults.for_rows(call.method, call.path)
    results: list[dict[str, Any]] = []
    try:
        with org.records.savepoint():
            for index in range(count):
                try:
                    with org.records.savepoint():
                        results.append(write(index, faults))
                except Refusal as refusal:
                    results.append({"success": False, "errors": [refusal.row()]})
            if all_or_none and not all(result["success"] for result in results):
                raise _RollBack
    except _RollBack:
        undone = Refusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", ROLLED_BACK, fields=())
        return [item if not item["success"] else {"success": False, "errors": [undone.row()]} for item in results]
    return results
