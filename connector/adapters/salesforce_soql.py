"""Builds the few SOQL shapes we send, from checked names and quoted values.

Exists so that no id, name or instant can change the meaning of a query. Only the conditions of the configuration are
taken as they are: an administrator wrote them. It must not send anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from simple_salesforce.format import format_soql

from connector.errors import Misconfigured
from connector.ports import RecordSelection

_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}")
_ORDER = re.compile(rf"{_FIELD.pattern}(?: (?:ASC|DESC))?(?: NULLS (?:FIRST|LAST))?", re.IGNORECASE)

HEADERS, LINES, MEETING, GONE, MERGED = "headers", "lines", "meeting", "gone", "merged"


@dataclass(frozen=True, slots=True)
class Query:
    """One SOQL query; `name` finds its rows in a composite answer, `rest` is everything after the object.

    `optional` are those of its fields that the org need not have. `with_deleted` also finds what is in the recycle bin.
    """

    name: str
    object: str
    fields: tuple[str, ...]
    rest: str
    optional: frozenset[str] = frozenset()
    with_deleted: bool = False

    def soql(self) -> str:
        """The query's text; a field asked for twice is named once, as Salesforce demands."""
        first_of = {field.lower(): field for field in reversed(self.fields)}
        names = [first_of.pop(field.lower()) for field in self.fields if field.lower() in first_of]
        # Names are checked and values quoted by whoever made this query; nothing else can stand here.
        return f"SELECT {', '.join(names)} FROM {self.object} {self.rest}"  # noqa: S608

    def without(self, absent: Iterable[str]) -> Query:
        """The same query without some fields."""
        left_out = frozenset(absent)
        return replace(self, fields=tuple(name for name in self.fields if name not in left_out))


def checked_object(name: str) -> str:
    """The name if it can be an object's API name. Raises Misconfigured."""
    if not _OBJECT.fullmatch(name):
        raise _bad_name("object", name)
    return name


def checked_field(name: str) -> str:
    """The name if it can be a field's API name or a dotted path to one. Raises Misconfigured."""
    if not _FIELD.fullmatch(name):
        raise _bad_name("field", name)
    return name


def record_queries(selection: RecordSelection, *, record_ids: Sequence[str]) -> tuple[Query, ...]:
    """The queries for these records: headers, lines, and which of them meet the condition. Ids must be checked.

    Lines are their own query: a sub-select longer than its page is cut without an error.
    """
    queries = [
        Query(
            name=HEADERS,
            object=checked_object(selection.object),
            fields=("Id", *map(checked_field, selection.fields)),
            rest=format_soql("WHERE Id IN {}", list(record_ids)),
            optional=frozenset(selection.optional_fields),
        )
    ]
    if selection.line_object:
        queries.append(_lines(selection, record_ids=record_ids))
    if selection.where.strip():
        rest = format_soql("WHERE Id IN {} AND ({:literal})", list(record_ids), closed_condition(selection.where))
        queries.append(Query(name=MEETING, object=selection.object, fields=("Id",), rest=rest))
    return tuple(queries)


def signed_query(
    *, object_name: str, condition: str, since: datetime | None, until: datetime | None, limit: int
) -> Query:
    """Ids and stamps of records that meet a condition and were touched in [since, until), oldest first."""
    terms = [f"({closed_condition(condition)})"] if condition.strip() else []
    if since is not None:
        terms.append(format_soql("SystemModstamp >= {}", _aware(since)))
    if until is not None:
        terms.append(format_soql("SystemModstamp < {}", _aware(until)))
    where = f"WHERE {' AND '.join(terms)} " if terms else ""
    rest = f"{where}ORDER BY SystemModstamp, Id LIMIT {int(limit)}"
    return Query(name=HEADERS, object=checked_object(object_name), fields=("Id", "SystemModstamp"), rest=rest)


def lines_query(*, line_object: str, parent_field: str, since: datetime, until: datetime, limit: int) -> Query:
    """Parents and stamps of lines that were touched in [since, until), oldest first."""
    parent = checked_field(parent_field)
    rest = f"WHERE {_touched(since, until)} ORDER BY SystemModstamp, Id LIMIT {int(limit)}"
    return Query(LINES, checked_object(line_object), (parent, "SystemModstamp"), rest, with_deleted=True)


def gone_query(*, object_name: str, since: datetime, until: datetime, limit: int) -> Query:
    """Ids and stamps of records that were deleted in [since, until), oldest first."""
    rest = f"WHERE IsDeleted = true AND {_touched(since, until)} ORDER BY SystemModstamp, Id LIMIT {int(limit)}"
    return Query(GONE, checked_object(object_name), ("Id", "SystemModstamp"), rest, with_deleted=True)


def merges_query(*, since: datetime, until: datetime, limit: int) -> Query:
    """Accounts that lost a merge in [since, until), oldest first."""
    lost = "IsDeleted = true AND MasterRecordId != null"
    rest = f"WHERE {lost} AND {_touched(since, until)} ORDER BY SystemModstamp, Id LIMIT {int(limit)}"
    return Query(MERGED, "Account", ("Id", "MasterRecordId", "SystemModstamp"), rest, with_deleted=True)


def _touched(since: datetime, until: datetime) -> str:
    return str(format_soql("SystemModstamp >= {} AND SystemModstamp < {}", _aware(since), _aware(until)))


def closed_condition(condition: str) -> str:
    """The condition if its brackets and quotes close within itself. Raises Misconfigured.

    Anything else would reach into the query around it, and a slip of the pen would select other records.
    """
    depth, in_quotes, is_escaped = 0, False, False
    for letter in condition:
        if in_quotes:
            in_quotes = is_escaped or letter != "'"
            is_escaped = letter == "\\" and not is_escaped
        elif letter == "'":
            in_quotes = True
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if depth < 0:
                break
    if depth or in_quotes:
        raise Misconfigured(
            f"The condition {condition!r} does not close its brackets or quotes.",
            code="BAD_CONDITION",
            fix="Correct `where` of this object in the configuration.",
        )
    return condition.strip()


def _lines(selection: RecordSelection, *, record_ids: Sequence[str]) -> Query:
    parent = checked_field(selection.line_parent_field)
    order = ", ".join([parent, *map(_order_term, selection.line_order), "Id"])
    return Query(
        name=LINES,
        object=checked_object(selection.line_object),
        fields=("Id", parent, *map(checked_field, selection.line_fields)),
        rest=format_soql("WHERE {:literal} IN {} ORDER BY {:literal}", parent, list(record_ids), order),
        optional=frozenset(selection.optional_line_fields),
    )


def _order_term(term: str) -> str:
    if not _ORDER.fullmatch(term):
        raise _bad_name("sort field", term)
    return term


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a sweep needs aware instants (with a time zone)")
    return moment


def _bad_name(kind: str, name: str) -> Misconfigured:
    return Misconfigured(
        f"{name[:80]!r} cannot be the API name of a Salesforce {kind}.",
        code="BAD_API_NAME",
        fix="Use the API name that Setup, Object Manager shows, for example Amount__c or Account.Name.",
    )
