"""The REST resources of one org except composite: records, describe, queries, limits, replication.

`dispatch` takes a call and always gives an answer; refusals become Salesforce's JSON error list. It is used for calls
from outside and for the parts of a composite. Authentication and call faults belong to `server.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from connector.sandbox import composite, describe, row_batches
from connector.sandbox.errors import Refusal, not_found
from connector.sandbox.org import DATA, Answer, Call, Org
from connector.sandbox.records import Row
from connector.sandbox.row_views import chosen_fields, external_field, matching, several, shown_row
from connector.sandbox.schema import ObjectType
from connector.sandbox.values import DATETIME, parse_datetime, show, stored

SMALLEST_PAGE, LARGEST_PAGE = 200, 2_000
REPLICATION_DAYS = {"updated": 30, "deleted": 15}


def dispatch(org: Org, call: Call) -> Answer:
    """The answer to one call; never raises `Refusal`."""
    try:
        with org.records.lock:
            return _route(org, call)
    except Refusal as refusal:
        return Answer(refusal.status, [refusal.plain()])


def _route(org: Org, call: Call) -> Answer:
    head = call.segments[0] if call.segments else ""
    if head == "composite":
        return _composite(org, call)
    if head == "sobjects":
        return _sobjects(org, call)
    if call.method != "GET":
        raise _not_allowed(call)
    if head in ("query", "queryAll"):
        return _query(org, call)
    if head == "limits" and len(call.segments) == 1:
        return _limits(org)
    if not head:
        base = f"{DATA}v{call.version}/"
        return Answer(200, {name: base + name for name in ("sobjects", "query", "queryAll", "composite", "limits")})
    raise not_found()


def _not_allowed(call: Call) -> Refusal:
    text = f"HTTP Method '{call.method}' not allowed. Allowed are HEAD,GET,PATCH,POST,DELETE"
    return Refusal("METHOD_NOT_ALLOWED", text, status=405)


def _composite(org: Org, call: Call) -> Answer:
    if call.segments[1:2] == ("sobjects",):
        return row_batches.answer(org, call)
    if call.method != "POST" or call.segments[1:] not in ((), ("batch",)):
        raise not_found() if call.segments[1:] not in ((), ("batch",)) else _not_allowed(call)
    return (composite.batch if call.segments[1:] else composite.composite)(org, call, dispatch)


# Queries and limits


def _query(org: Org, call: Call) -> Answer:
    if len(call.segments) == 2:
        return Answer(200, org.queries.next_page(call.segments[1], version=call.version))
    if "q" not in call.params or len(call.segments) > 2:
        raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
    match = re.search(r"batchSize=(\d{1,6})", call.header("Sforce-Query-Options"), re.IGNORECASE)
    size = min(max(int(match[1]), SMALLEST_PAGE), LARGEST_PAGE) if match else LARGEST_PAGE
    deleted = call.segments[0] == "queryAll"
    return Answer(200, org.queries.first_page(call.params["q"], version=call.version, size=size, deleted=deleted))


def _limits(org: Org) -> Answer:
    left = max(0, org.daily_limit - org.calls.total)
    return Answer(
        200,
        {
            "DailyApiRequests": {"Max": org.daily_limit, "Remaining": left},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DataStorageMB": {"Max": 1_024, "Remaining": 1_000},
            "HourlyTimeBasedWorkflow": {"Max": 1_000, "Remaining": 1_000},
        },
    )


# Objects and records


def _sobjects(org: Org, call: Call) -> Answer:
    if len(call.segments) == 1:
        if call.method != "GET":
            raise _not_allowed(call)
        visible = [kind for kind in org.schema.objects.values() if org.schema.object(kind.name)]
        shown = [describe.summary(kind, call.version) for kind in visible]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})
    kind = org.object(call.segments[1])
    tail = call.segments[2:]
    if not tail:
        return _object(org, call, kind)
    if len(tail) == 1 and tail[0] in _FIXED and call.method == "GET":
        return _FIXED[tail[0]](org, call, kind)
    if len(tail) > 2:
        raise not_found()
    action = {"GET": _retrieve, "PATCH": _change, "DELETE": _remove}.get(call.method)
    if action is None:
        raise _not_allowed(call)
    return action(org, call, kind, tail)


def _object(org: Org, call: Call, kind: ObjectType) -> Answer:
    if call.method == "GET":
        return Answer(200, {"objectDescribe": describe.summary(kind, call.version), "recentItems": []})
    if call.method != "POST":
        raise _not_allowed(call)
    parsed = org.records.parse(kind, call.record_body(), api=True)
    org.faults.for_rows(call.method, call.path).refuse(0, None)
    return _created(call, kind, org.records.insert(kind, parsed, user=org.user_id, api=True), {})


def _created(call: Call, kind: ObjectType, record_id: str, extra: dict[str, Any]) -> Answer:
    where = {"Location": f"{DATA}v{call.version}/sobjects/{kind.name}/{record_id}"}
    return Answer(201, {"id": record_id, "success": True, "errors": []} | extra, where)


def _describe(org: Org, call: Call, kind: ObjectType) -> Answer:
    since = call.header("If-Modified-Since")
    changed = org.schema.changed_at(org.clock.now())
    if since:
        try:
            if parsedate_to_datetime(since) >= changed:
                return Answer(304)
        except (TypeError, ValueError) as mistake:
            raise Refusal("INVALID_HEADER", "If-Modified-Since is not an HTTP date") from mistake
    stamp = format_datetime(changed.astimezone(UTC), usegmt=True)
    return Answer(200, describe.full(org.schema, kind, call.version), {"Last-Modified": stamp})


def _retrieve(org: Org, call: Call, kind: ObjectType, tail: tuple[str, ...]) -> Answer:
    fields = chosen_fields(org, kind, call.params.get("fields"))
    if len(tail) == 1:
        return Answer(200, shown_row(call, kind, org.records.live(kind, tail[0]), fields))
    found = matching(org, kind, external_field(org, kind, tail[0]), tail[1])
    if not found:
        raise not_found()
    if len(found) > 1:
        return several(call, kind, found)
    return Answer(200, shown_row(call, kind, found[0], fields))


def _change(org: Org, call: Call, kind: ObjectType, tail: tuple[str, ...]) -> Answer:
    body = call.record_body()
    if any(name.lower() == "id" for name in body):
        raise Refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    if len(tail) == 2 and tail[0].lower() != "id":
        return _upsert(org, call, kind, tail)
    row = org.records.live(kind, tail[-1])
    parsed = org.records.parse(kind, body, api=True)
    _check_unmodified(call, row)
    org.faults.for_rows(call.method, call.path).refuse(0, row["Id"])
    org.records.update(kind, row, parsed, user=org.user_id, api=True)
    return Answer(204)


def _check_unmodified(call: Call, row: Row) -> None:
    limit = call.header("If-Unmodified-Since")
    if not limit:
        return
    try:
        is_older = row["SystemModstamp"] <= parsedate_to_datetime(limit)
    except (TypeError, ValueError) as mistake:
        raise Refusal("INVALID_HEADER", "If-Unmodified-Since is not an HTTP date") from mistake
    if not is_older:
        raise Refusal("PRECONDITION_FAILED", "The record was modified after the time given.", status=412)


def _upsert(org: Org, call: Call, kind: ObjectType, tail: tuple[str, ...]) -> Answer:
    field = external_field(org, kind, tail[0])
    body = call.record_body()
    if any(name.lower() == field.name.lower() for name in body):
        raise Refusal("INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.")
    parsed = org.records.parse(kind, body, api=True)
    found = matching(org, kind, field, tail[1])
    if len(found) > 1:
        return several(call, kind, found)
    if not found and call.params.get("updateOnly", "").lower() == "true":
        raise not_found()
    org.faults.for_rows(call.method, call.path).refuse(0, found[0]["Id"] if found else None)
    if not found:
        values = parsed | {field.name: stored(field, tail[1])}
        made = org.records.insert(kind, values, user=org.user_id, api=True)
        return _created(call, kind, made, {"created": True})
    org.records.update(kind, found[0], parsed, user=org.user_id, api=True)
    if int(call.version.split(".")[0]) < 46:
        return Answer(204)
    return Answer(200, {"id": found[0]["Id"], "success": True, "errors": [], "created": False})


def _remove(org: Org, call: Call, kind: ObjectType, tail: tuple[str, ...]) -> Answer:
    if len(tail) == 1:
        row = org.records.live(kind, tail[0])
    else:
        found = matching(org, kind, external_field(org, kind, tail[0]), tail[1])
        if len(found) > 1:
            return several(call, kind, found)
        if not found:
            raise not_found()
        row = found[0]
    org.faults.for_rows(call.method, call.path).refuse(0, row["Id"])
    org.records.delete(kind, row, user=org.user_id)
    return Answer(204)


# Replication


def _replicated(org: Org, call: Call, kind: ObjectType) -> Answer:
    word = call.segments[2]
    start, end = (_minute(call, name) for name in ("start", "end"))
    now = org.clock.now()
    if start >= end or start < now - timedelta(days=REPLICATION_DAYS[word]) or end < start + timedelta(minutes=1):
        raise Refusal("INVALID_REPLICATION_DATE", f"start and end do not fit: {show(start)} to {show(end)}")
    rows = [row for row in org.records.rows(kind.name, deleted=True) if start <= row["SystemModstamp"] < end]
    latest = show(min(end, now.replace(second=0)))
    if word == "updated":
        return Answer(200, {"ids": [row["Id"] for row in rows if not row["IsDeleted"]], "latestDateCovered": latest})
    gone = [{"id": row["Id"], "deletedDate": show(row["SystemModstamp"])} for row in rows if row["IsDeleted"]]
    earliest = show(now - timedelta(days=REPLICATION_DAYS["deleted"]))
    return Answer(200, {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": latest})


def _minute(call: Call, name: str) -> datetime:
    text = call.params.get(name, "")
    if not DATETIME.match(text):
        raise Refusal("INVALID_REPLICATION_DATE", f"{name} is not a date and time with an offset: {text[:40]!r}")
    try:
        return parse_datetime(text).replace(second=0)
    except ValueError as mistake:
        raise Refusal("INVALID_REPLICATION_DATE", f"{name}: no such time: {text[:40]!r}") from mistake


_FIXED: dict[str, Callable[[Org, Call, ObjectType], Answer]] = {
    "describe": _describe,
    "updated": _replicated,
    "deleted": _replicated,
}
