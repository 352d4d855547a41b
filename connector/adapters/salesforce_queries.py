"""Asks several SOQL queries in one call and brings back all their rows, whole or not at all.

Exists because a composite answer is "200 OK" while every part of it failed, and because a page that is not followed is
lost lines. Queries travel in the body, never in an address. It must not know what the rows mean.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connector.adapters.salesforce_codes import ADMIN
from connector.adapters.salesforce_connection import Answer, Call, Purpose, SalesforceConnection
from connector.adapters.salesforce_errors import (
    VendorFault,
    error_of_answer,
    missing_field,
    unreadable,
    vendor_fault,
)
from connector.adapters.salesforce_soql import Query
from connector.errors import ConnectorError, Misconfigured
from connector.ports import Clock

_log = logging.getLogger(__name__)

Row = Mapping[str, Any]

# These exist only in orgs with several currencies, and are left out elsewhere like optional fields. The org is asked
# again after a while, because one that gains currencies must not be billed in its old one until somebody restarts us.
_ONLY_WITH_CURRENCIES = ("CurrencyIsoCode", "DefaultCurrencyIsoCode")
_ABSENCE_LASTS = timedelta(hours=1)
_CURSOR = re.compile(r"/services/data/v[0-9.]+/(query(?:All)?/[A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of each query by its name, without `attributes`, and Salesforce's own time of the answer."""

    by_name: Mapping[str, tuple[Row, ...]]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Part:
    """One query's part of a composite answer."""

    query: Query
    status: int
    body: Any

    @property
    def fault(self) -> VendorFault | None:
        return vendor_fault(self.body) if self.status >= 300 else None


class SalesforceQueries:
    """Asks queries over one connection. May be used from many threads."""

    def __init__(self, *, connection: SalesforceConnection, clock: Clock, api_version: str) -> None:
        self._connection, self._clock = connection, clock
        self._path = f"/services/data/v{api_version}/"
        self._lock = threading.Lock()
        self._absent: dict[tuple[str, str], datetime] = {}

    def ask(self, *queries: Query, purpose: Purpose, doing: str) -> Rows:
        """All rows of up to five queries in one call (more only for further pages).

        Optional fields, and those that exist only in orgs with several currencies, are left out where the org refused
        them; any other refused field raises Misconfigured naming it. Raises ConnectorErrors only.
        """
        asked = tuple(query.without(self._absent_of(query)) for query in queries)
        parts, at = self._composite(asked, purpose=purpose, doing=doing)
        if self._learn_absent(parts):
            return self.ask(*queries, purpose=purpose, doing=doing)
        for part in parts:
            if part.status >= 300:
                raise _error_of(part, doing=doing)
        rows = {part.query.name: self._all_rows(part.body, purpose=purpose, doing=doing) for part in parts}
        return Rows(by_name=rows, at=at)

    def _composite(
        self, queries: Sequence[Query], *, purpose: Purpose, doing: str
    ) -> tuple[tuple[_Part, ...], datetime]:
        body = {
            "allOrNone": False,
            "compositeRequest": [
                {"method": "GET", "referenceId": query.name, "url": self._address(query)} for query in queries
            ],
        }
        answer = self._connection.call(Call(purpose=purpose, doing=doing, path="composite", method="POST", body=body))
        found = _parts_by_name(answer, doing=doing)
        missing = [query.name for query in queries if query.name not in found]
        if missing:
            raise unreadable(doing=doing, why=f"the answer has no part {missing[0]}")
        return tuple(_Part(query, *found[query.name]) for query in queries), answer.at

    def _address(self, query: Query) -> str:
        return f"{self._path}{'queryAll' if query.with_deleted else 'query'}?q={quote(query.soql(), safe='')}"

    # Fields that need not exist.

    def _absent_of(self, query: Query) -> tuple[str, ...]:
        now = self._clock.now()
        with self._lock:
            known = [name for (object_, name), at in self._absent.items() if object_ == query.object and now < at]
        return tuple(field for field in query.fields if field in known)

    def _learn_absent(self, parts: Sequence[_Part]) -> bool:
        """Whether the org refused a field that can be left out; it is left out from now on."""
        learned = False
        for part in parts:
            missing = missing_field(part.fault) if part.fault else None
            for path in _dispensable(part.query, name=missing.field if missing else ""):
                with self._lock:
                    self._absent[part.query.object, path] = self._clock.now() + _ABSENCE_LASTS
                _log.info("%s of %s does not exist in this org and is left out", path, part.query.object)
                learned = True
        return learned

    # Pages.

    def _all_rows(self, page: Any, *, purpose: Purpose, doing: str) -> tuple[Row, ...]:
        """The rows of a page and of all that follow. Raises Unavailable when fewer rows come than were announced."""
        rows = list(_rows_of(page, doing=doing))
        announced, seen = page.get("totalSize"), set[str]()
        while page.get("done") is False:
            path = _cursor_path(page.get("nextRecordsUrl"), doing=doing)
            if path in seen:
                raise unreadable(doing=doing, why="Salesforce answered with the same page again")
            seen.add(path)
            page = self._connection.call(Call(purpose=purpose, doing=doing, path=path)).body
            rows.extend(_rows_of(page, doing=doing))
        if isinstance(announced, int) and announced != len(rows):
            raise unreadable(doing=doing, why=f"{announced} rows were announced and {len(rows)} came")
        return tuple(without_attributes(row) for row in rows)


def without_attributes(row: Mapping[str, Any]) -> Row:
    """The row and its parents without Salesforce's `attributes`."""
    return {
        name: without_attributes(value) if isinstance(value, Mapping) else value
        for name, value in row.items()
        if name != "attributes"
    }


def _dispensable(query: Query, *, name: str) -> tuple[str, ...]:
    """The query's fields that need not exist and in which the refused name stands, as field or as relationship."""
    return tuple(
        path
        for path in query.fields
        if name in path.split(".") and (path in query.optional or path.rpartition(".")[2] in _ONLY_WITH_CURRENCIES)
    )


def _parts_by_name(answer: Answer, *, doing: str) -> dict[str, tuple[int, Any]]:
    parts = answer.body.get("compositeResponse") if isinstance(answer.body, Mapping) else None
    if not isinstance(parts, list):
        raise unreadable(doing=doing, why="the answer has no parts")
    found: dict[str, tuple[int, Any]] = {}
    for part in parts:
        if not isinstance(part, Mapping) or not isinstance(part.get("httpStatusCode"), int):
            raise unreadable(doing=doing, why="a part of the answer has no status")
        found[str(part.get("referenceId"))] = (part["httpStatusCode"], part.get("body"))
    return found


def _rows_of(page: Any, *, doing: str) -> list[Row]:
    rows = page.get("records") if isinstance(page, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise unreadable(doing=doing, why="the answer has no rows")
    return rows


def _cursor_path(address: Any, *, doing: str) -> str:
    """The path of the next page below the API's root; nothing but a query cursor is followed."""
    found = _CURSOR.fullmatch(address) if isinstance(address, str) else None
    if not found:
        raise unreadable(doing=doing, why="there is more, and the answer does not say where")
    return found[1]


def _error_of(part: _Part, *, doing: str) -> ConnectorError:
    """Our error for one failed query, naming object and field when Salesforce did."""
    if part.fault is None:
        return error_of_answer(status=part.status, body=part.body, doing=doing)
    missing = missing_field(part.fault)
    if missing is not None:
        return _hidden_field(part.query, entity=missing.object, field=missing.field, doing=doing)
    if part.fault.code == "INVALID_TYPE":
        return hidden_object(part.query.object, doing=doing)
    error = error_of_answer(status=part.status, body=part.body, doing=doing)
    if part.fault.code == "MALFORMED_QUERY":
        error.fix = f"Check the condition `where` and the field names of {part.query.object} in the configuration."
    return error


def _hidden_field(query: Query, *, entity: str, field: str, doing: str) -> Misconfigured:
    where = entity or query.object
    named = f"{where}.{field}" if field else f"one of {query.object}: {', '.join(query.fields)}"
    return Misconfigured(
        f"Could not {doing}: Salesforce does not know the field {named}. It is misspelt in the configuration, or "
        f"hidden from the integration user by field-level security.",
        code="INVALID_FIELD",
        owner=ADMIN,
        fix=f"Check the spelling of {field or 'the fields'} in the mapping of {query.object}; if it is right, give the "
        f"integration user's permission set read access to {where}.{field or '...'}.",
    )


def hidden_object(name: str, *, doing: str) -> Misconfigured:
    """Our error for an object that the org does not show us."""
    return Misconfigured(
        f"Could not {doing}: Salesforce does not know the object {name}. It is misspelt in the configuration, or "
        f"hidden from the integration user.",
        code="INVALID_TYPE",
        owner=ADMIN,
        fix=f"Check the API name {name}; if it is right, give the integration user's permission set read access to it.",
    )
