"""The questions of a sweep, several in one call: what is signed, whose lines changed, what was deleted or merged.

Exists so that finding what no message told costs one call for each kind of record. It must not judge what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.adapters.salesforce_errors import unreadable
from connector.adapters.salesforce_queries import Row, Rows, SalesforceQueries
from connector.adapters.salesforce_soql import (
    GONE,
    HEADERS,
    LINES,
    MERGED,
    Query,
    gone_query,
    lines_query,
    merges_query,
    signed_query,
)
from connector.domain.salesforce_ids import id18
from connector.ports_sweeps import AccountMerge, RecordStamp, Touched, TouchedQuestion


def ask_touched(*, queries: SalesforceQueries, question: TouchedQuestion) -> Touched:
    """Everything that moved in the time asked for. Raises ConnectorErrors, ValueError for naive instants."""
    doing = f"look for changes of {question.object[:80]}"
    rows = queries.ask(*_queries(question), purpose="sweep", doing=doing)
    by_lines: dict[str, RecordStamp] = {}
    for row in rows.by_name.get(LINES, ()):
        stamp = stamp_of(row, question.line_parent_field, doing=doing)
        by_lines[stamp.record_id] = stamp
    return Touched(
        signed=_stamps(rows, HEADERS, doing),
        by_lines=tuple(by_lines.values()),
        gone=_stamps(rows, GONE, doing),
        merges=tuple(_merge(row, doing) for row in rows.by_name.get(MERGED, ())),
        whole_until=min(_whole_until(found, question, doing) for found in rows.by_name.values()),
    )


def stamp_of(row: Row, id_field: str, *, doing: str) -> RecordStamp:
    """The record that a row names, and the row's `SystemModstamp`. Raises Unavailable when it has none."""
    return RecordStamp(id_in(row.get(id_field), doing=doing), _moment(row, doing=doing))


def _queries(question: TouchedQuestion) -> Iterator[Query]:
    since, until, limit = question.since, question.until, question.limit
    yield signed_query(object_name=question.object, condition=question.condition, since=since, until=until, limit=limit)
    yield gone_query(object_name=question.object, since=since, until=until, limit=limit)
    if question.line_object:
        parent = question.line_parent_field
        yield lines_query(line_object=question.line_object, parent_field=parent, since=since, until=until, limit=limit)
    if question.with_merges:
        yield merges_query(since=since, until=until, limit=limit)


def _whole_until(found: Sequence[Row], question: TouchedQuestion, doing: str) -> datetime:
    """A kind of answer that reached the limit is whole only before its last stamp."""
    return question.until if len(found) < question.limit else _moment(found[-1], doing=doing)


def _stamps(rows: Rows, name: str, doing: str) -> tuple[RecordStamp, ...]:
    return tuple(stamp_of(row, "Id", doing=doing) for row in rows.by_name.get(name, ()))


def _merge(row: Row, doing: str) -> AccountMerge:
    loser, winner = (id_in(row.get(name), doing=doing) for name in ("Id", "MasterRecordId"))
    return AccountMerge(loser, winner, _moment(row, doing=doing))


def _moment(row: Row, *, doing: str) -> datetime:
    try:
        return datetime.fromisoformat(str(row.get("SystemModstamp"))).astimezone(UTC)
    except ValueError as error:
        raise unreadable(doing=doing, why="a row has no readable SystemModstamp") from error


def id_in(value: Any, *, doing: str) -> str:
    """The record id that a row gives. Raises Unavailable when it is none."""
    try:
        return id18(value)
    except ValueError as error:
        raise unreadable(doing=doing, why="a row has no record id") from error
