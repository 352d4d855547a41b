"""The real Salesforce: one org, spoken to over REST in as few calls as possible, in the words of the port.

Exists so that nobody else knows SOQL, composite bodies or simple-salesforce. It must not decide anything about a
record: it brings rows and sets fields.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connector.adapters.http import HttpSettings
from connector.adapters.salesforce_auth import SalesforceLogin
from connector.adapters.salesforce_connection import Call, SalesforceConnection
from connector.adapters.salesforce_describe import description_of
from connector.adapters.salesforce_errors import unreadable
from connector.adapters.salesforce_queries import Row, Rows, SalesforceQueries, hidden_object
from connector.adapters.salesforce_soql import (
    HEADERS,
    LINES,
    MEETING,
    Query,
    checked_object,
    record_queries,
    signed_query,
)
from connector.adapters.salesforce_sweeps import ask_touched, id_in, stamp_of
from connector.adapters.salesforce_writes import CHUNK, Key, chunks, key_of, merged, result_of, row_chunks
from connector.domain.salesforce_ids import id18
from connector.domain.terms import RecordRef
from connector.errors import ConnectorError
from connector.ports import (
    ApiUsage,
    Clock,
    KeyedRow,
    ObjectDescription,
    Organization,
    Record,
    RecordSelection,
    RecordWrite,
    WriteResult,
)
from connector.ports_sweeps import RecordStamp, Touched, TouchedQuestion

_DESCRIPTION_LASTS = timedelta(hours=1)


class SimpleSalesforceGateway:
    """A SalesforceGateway over simple-salesforce. May be used from many threads; make one for each org."""

    def __init__(
        self,
        *,
        login: SalesforceLogin,
        clock: Clock,
        http: HttpSettings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is called yet. `sleep` waits between quick repeats."""
        self._clock = clock
        self._connection = SalesforceConnection(login=login, clock=clock, http=http, sleep=sleep)
        self._queries = SalesforceQueries(connection=self._connection, clock=clock, api_version=login.api_version)
        self._lock = threading.Lock()
        self._organization: Organization | None = None
        self._descriptions: dict[str, tuple[datetime, ObjectDescription]] = {}

    # Reading.

    def organization(self) -> Organization:
        """Who we are talking to; one call, then remembered. Raises ConnectorErrors only."""
        with self._lock:
            known = self._organization
        if known is not None:
            return known
        doing = "read the organization"
        fields = ("Id", "Name", "IsSandbox", "DefaultCurrencyIsoCode")
        query = Query(name=HEADERS, object="Organization", fields=fields, rest="LIMIT 1")
        rows = self._queries.ask(query, purpose="describe", doing=doing).by_name[HEADERS]
        if not rows:
            raise unreadable(doing=doing, why="the answer has no rows")
        found = _organization(rows[0], doing=doing)
        with self._lock:
            self._organization = found
        return found

    def fetch(self, *, selection: RecordSelection, record_ids: Sequence[str]) -> tuple[Record, ...]:
        """The records with their lines, in the order of the ids, each once; absent ones are left out.

        One call for 200 ids, more only for pages. Raises NotASalesforceId for an id, Misconfigured for a name, a field
        that is hidden or misspelt, or a login; else Retryable errors.
        """
        wanted = tuple(dict.fromkeys(id18(record_id) for record_id in record_ids))
        records: list[Record] = []
        for start in range(0, len(wanted), CHUNK):
            records.extend(self._fetch_chunk(selection, wanted[start : start + CHUNK]))
        return tuple(records)

    def fetch_signed(
        self, *, object_name: str, condition: str, since: datetime | None, until: datetime | None, limit: int
    ) -> tuple[RecordStamp, ...]:
        """Ids and stamps of records that meet a SOQL condition, oldest stamp first, at most `limit` (1 or more).

        Stamps are in [since, until), to the second. Raises ConnectorErrors, ValueError for naive instants or the limit.
        """
        if limit < 1:
            raise ValueError("a sweep needs a limit of at least 1")
        doing = f"look for signed records of {object_name[:80]}"
        query = signed_query(object_name=object_name, condition=condition, since=since, until=until, limit=limit)
        rows = self._queries.ask(query, purpose="sweep", doing=doing).by_name[HEADERS]
        return tuple(stamp_of(row, "Id", doing=doing) for row in rows)

    def fetch_touched(self, *, question: TouchedQuestion) -> Touched:
        """What moved in a time: signed, by its lines, deleted, merged; one call, more only for pages."""
        return ask_touched(queries=self._queries, question=question)

    def server_now(self) -> datetime:
        """Salesforce's own clock, from a recent `Date` header; one cheap call when there is none."""
        now = self._connection.server_now()
        if now is None:
            answer = self._connection.call(Call(purpose="describe", doing="ask Salesforce for the time", path="limits"))
            now = self._connection.server_now() or answer.at
        return now

    def describe(self, *, object_name: str) -> ObjectDescription:
        """What our user can see of an object, at most an hour old. Raises Misconfigured when it is not visible."""
        now = self._clock.now()
        with self._lock:
            kept = self._descriptions.get(object_name)
        if kept is not None and now - kept[0] < _DESCRIPTION_LASTS:
            return kept[1]
        found = self._describe(object_name)
        with self._lock:
            self._descriptions[object_name] = (now, found)
        return found

    # Writing.

    def write(self, *, writes: Sequence[RecordWrite]) -> tuple[WriteResult, ...]:
        """Set fields on records, 200 a call, each item answered on its own, in the order given.

        Writes to the same record are merged, a later field wins; each of them gets the record's result. Raises when a
        whole call fails: Uncertain when its answer was lost. Repeating is safe, fields are set by record id.
        """
        results: dict[Key, WriteResult] = {}
        for keys, body in chunks(merged(writes)):
            doing = f"write to {len(keys)} record{'' if len(keys) == 1 else 's'} of {keys[0][0]}"
            answer = self._connection.call(
                Call("write_back", doing, "composite/sobjects", method="PATCH", body=body, is_write=True)
            ).body
            if not isinstance(answer, list) or len(answer) != len(keys):
                raise unreadable(doing=doing, why="the answer does not name every record", is_write=True)
            results.update((key, result_of(key, item)) for key, item in zip(keys, answer, strict=True))
        return tuple(results[key_of(write)] for write in writes)

    def upsert(self, *, object_name: str, key_field: str, rows: Sequence[KeyedRow]) -> tuple[WriteResult, ...]:
        """Make or change rows found by an external id, 200 a call, each answered on its own, in the order given.

        Repeating is safe: the same key is the same row. Raises as `write` does; a key twice in one call is refused.
        """
        results: list[WriteResult] = []
        for keys, body in row_chunks(object_name=object_name, key_field=key_field, rows=rows):
            doing = f"write {len(keys)} row{'' if len(keys) == 1 else 's'} of {object_name}"
            path = f"composite/sobjects/{object_name}/{key_field}"
            answer = self._connection.call(
                Call("write_back", doing, path, method="PATCH", body=body, is_write=True)
            ).body
            if not isinstance(answer, list) or len(answer) != len(keys):
                raise unreadable(doing=doing, why="the answer does not name every row", is_write=True)
            results += [result_of(key, item) for key, item in zip(keys, answer, strict=True)]
        return tuple(results)

    # Telling about itself.

    def usage(self) -> ApiUsage:
        """API calls used, from the limit header; `calls` are our own since start, logins not counted."""
        return self._connection.usage()

    def calls_by_purpose(self) -> Mapping[str, int]:
        """Our own calls since start: fetch, sweep, write_back, describe, login; repeats included."""
        return self._connection.calls_by_purpose()

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self._connection.close()

    # Private.

    def _fetch_chunk(self, selection: RecordSelection, record_ids: Sequence[str]) -> Iterator[Record]:
        doing = f"fetch {len(record_ids)} record{'' if len(record_ids) == 1 else 's'} of {selection.object[:80]}"
        queries = record_queries(selection, record_ids=record_ids)
        rows = self._queries.ask(*queries, purpose="fetch", doing=doing)
        org_id = self._connection.org_id() or self.organization().org_id
        headers = {_row_id(row, doing=doing): row for row in rows.by_name[HEADERS]}
        lines = _lines_by_parent(rows, parent_field=selection.line_parent_field, doing=doing)
        meeting = None
        if MEETING in rows.by_name:
            meeting = {_row_id(row, doing=doing) for row in rows.by_name[MEETING]}
        for record_id in record_ids:
            if record_id in headers:
                yield Record(
                    ref=RecordRef(org_id=org_id, object=selection.object, record_id=record_id),
                    fields=headers[record_id],
                    lines=tuple(lines[record_id]),
                    read_at=rows.at,
                    meets_where=meeting is None or record_id in meeting,
                )

    def _describe(self, name: str) -> ObjectDescription:
        doing = f"describe the object {checked_object(name)}"
        try:
            body = self._connection.call(Call("describe", doing, f"sobjects/{name}/describe")).body
        except ConnectorError as error:
            if error.code in ("NOT_FOUND", "INVALID_TYPE"):
                raise hidden_object(name, doing=doing) from error
            raise
        return description_of(name, body, doing=doing)


def _lines_by_parent(rows: Rows, *, parent_field: str, doing: str) -> Mapping[str, list[Row]]:
    by_parent: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows.by_name.get(LINES, ()):
        by_parent[id_in(_value_at(row, parent_field), doing=doing)].append(row)
    return by_parent


def _value_at(row: Row, path: str) -> Any:
    """The value at a dotted path; None when a parent on the way is empty."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _row_id(row: Row, *, doing: str) -> str:
    return id_in(row.get("Id"), doing=doing)


def _organization(row: Row, *, doing: str) -> Organization:
    return Organization(
        org_id=_row_id(row, doing=doing),
        name=str(row.get("Name") or ""),
        is_sandbox=row.get("IsSandbox") is True,
        default_currency=str(row.get("DefaultCurrencyIsoCode") or ""),
    )
