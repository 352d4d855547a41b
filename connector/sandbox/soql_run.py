"""Runs a parsed query: rows chosen and ordered, shown as REST shows them, page by page.

The rows of a result are those at the moment of the query, also for later pages, because rows never change in place.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.clock import SandboxClock
from connector.sandbox.errors import Refusal, unknown_object
from connector.sandbox.ids import numbered_id
from connector.sandbox.records import Records, Row
from connector.sandbox.schema import Field, ObjectType, Schema
from connector.sandbox.soql import Aggregate, Query, parse
from connector.sandbox.soql_conditions import Binder
from connector.sandbox.values import show

Render = Callable[[Row], dict[str, Any]]
MOST_CURSORS = 50
CURSOR_LIFE = timedelta(days=2)
MOST_FIELDS_ROWS = 200


class Queries:
    """`query`, `queryAll` and their further pages for one org. Call under the lock of the records."""

    def __init__(self, *, schema: Schema, records: Records, clock: SandboxClock) -> None:
        self._schema = schema
        self._records = records
        self._clock = clock
        self._cursors: dict[str, tuple[list[Row], Render, int, datetime]] = {}
        self._opened = 0
        self.page_size_cap: int | None = None

    def first_page(self, text: str, *, version: str, size: int, deleted: bool) -> dict[str, Any]:
        """The answer to a query. Raises `Refusal`."""
        query = parse(text)
        kind = self._object(query.source)
        rows = self._rows(kind, query, deleted=deleted)
        if query.is_count:
            return {"totalSize": len(rows), "done": True, "records": []}
        if query.group_by or any(isinstance(item, Aggregate) and item.function != "FIELDS" for item in query.fields):
            records = self._aggregated(kind, query, rows)
            return {"totalSize": len(records), "done": True, "records": records}
        self._check_fields_function(query)
        size = min(size, self.page_size_cap or size)
        return self._page(rows, self._projection(kind, query, version, size, deleted=deleted), size, version)

    def next_page(self, locator: str, *, version: str) -> dict[str, Any]:
        """A further page. Raises `Refusal` INVALID_QUERY_LOCATOR when the cursor is unknown or too old."""
        cursor, _, start = locator.partition("-")
        kept = self._cursors.get(cursor)
        if kept is None or not start.isdigit() or self._clock.now() - kept[3] > CURSOR_LIFE:
            raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        rows, render, size, _ = kept
        return self._slice(cursor, rows, render, size, int(start), version)

    def forget_cursors(self) -> None:
        """Make every open cursor invalid."""
        self._cursors.clear()

    # Choosing

    def _object(self, name: str) -> ObjectType:
        kind = self._schema.object(name)
        if kind is None:
            raise unknown_object(name)
        return kind

    def _binder(self) -> Binder:
        return Binder(schema=self._schema, records=self._records, now=self._clock.now(), subquery=self._semi_join)

    def _semi_join(self, query: Query) -> list[Any]:
        kind = self._object(query.source)
        if len(query.fields) != 1 or not isinstance(query.fields[0], str):
            raise Refusal("MALFORMED_QUERY", "semi join sub-selects must have exactly one field")
        _, get = self._binder().path(kind, query.fields[0])
        return [get(row) for row in self._rows(kind, query, deleted=False)]

    def _rows(self, kind: ObjectType, query: Query, *, deleted: bool, among: list[Row] | None = None) -> list[Row]:
        binder = self._binder()
        if query.where is not None:
            bound = binder.condition(kind, query.where)
            if among is None and bound.index is not None:
                among = self._records.rows_among(kind.name, *bound.index)
            rows = among if among is not None else self._records.rows(kind.name, deleted=True)
            rows = [row for row in rows if bound.test(row)]
        else:
            rows = self._records.rows(kind.name, deleted=True) if among is None else among
        if not deleted:
            rows = [row for row in rows if not row["IsDeleted"]]
        for path, descending, nulls_last in reversed(query.order):
            self._sort(binder, kind, rows, path, descending=descending, nulls_last=nulls_last)
        end = None if query.limit is None else query.offset + query.limit
        return rows[query.offset : end] if not query.group_by else rows

    def _sort(
        self, binder: Binder, kind: ObjectType, rows: list[Row], path: str, *, descending: bool, nulls_last: bool
    ) -> None:
        field, get = binder.path(kind, path)
        if not field.is_filterable:
            raise Refusal("MALFORMED_QUERY", f"field '{field.name}' can not be sorted in a query call")
        empty = (1,) if nulls_last != descending else (-1,)

        def key(row: Row) -> tuple[Any, ...]:
            value = get(row)
            if value is None:
                return empty
            return (0, value.casefold() if isinstance(value, str) and field.type != "id" else value)

        rows.sort(key=key, reverse=descending)

    # Showing

    def _check_fields_function(self, query: Query) -> None:
        used = [item for item in query.fields if isinstance(item, Aggregate)]
        if used and (query.limit is None or query.limit > MOST_FIELDS_ROWS):
            raise Refusal("MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200")

    def _projection(self, kind: ObjectType, query: Query, version: str, size: int, *, deleted: bool) -> Render:
        tree: dict[str, Any] = {}
        for item in query.fields:
            if isinstance(item, Query):
                self._add_child(tree, kind, item, version, size, deleted=deleted)
            elif isinstance(item, Aggregate):
                for field in self._fields_of(kind, item.path):
                    tree.setdefault(field.name, field)
            else:
                self._add_path(tree, kind, item)
        return self._renderer(kind, tree, version)

    def _fields_of(self, kind: ObjectType, group: str) -> list[Field]:
        wanted = {"ALL": (True, False), "CUSTOM": (True,), "STANDARD": (False,)}.get(group.upper())
        if wanted is None:
            raise Refusal("MALFORMED_QUERY", f"unknown field group FIELDS({group[:40]})")
        return [field for field in self._schema.fields(kind) if field.is_custom in wanted]

    def _add_path(self, tree: dict[str, Any], kind: ObjectType, path: str) -> None:
        binder = self._binder()
        *parents, _ = binder.steps(kind, path)
        field, _ = binder.path(kind, path)
        for step in parents:
            lookup = binder.parent(kind, step, path)
            kind = self._schema.objects[lookup.refers_to]
            tree = tree.setdefault(lookup.relationship, (lookup.name, kind, {}))[2]
        if field.name in tree:
            raise Refusal("MALFORMED_QUERY", f"duplicate field selected: {path[:80]}")
        tree[field.name] = field

    def _add_child(
        self, tree: dict[str, Any], kind: ObjectType, query: Query, version: str, size: int, *, deleted: bool
    ) -> None:
        for child, lookup in self._schema.children(kind):
            if lookup.child_relationship.lower() == query.source.lower():
                render = self._projection(child, query, version, size, deleted=deleted)
                self._rows(child, query, deleted=deleted, among=[])  # refuses wrong names even without parents
                break
        else:
            raise Refusal(
                "INVALID_TYPE",
                f"Didn't understand relationship '{query.source[:80]}' in FROM part of query call. If you are "
                "attempting to use a custom relationship, be sure to append the '__r' after the custom "
                "relationship name.",
            )

        def children(row: Row) -> dict[str, Any] | None:
            among = self._records.rows_among(child.name, lookup.name, [row["Id"]])
            rows = self._rows(child, query, deleted=deleted, among=among)
            return self._page(rows, render, size, version) if rows else None

        tree[lookup.child_relationship] = children

    def _renderer(self, kind: ObjectType, tree: dict[str, Any], version: str) -> Render:
        find, stem = self._records.row, f"/services/data/v{version}/sobjects/{kind.name}/"
        plan: list[tuple[str, Callable[[Row], Any]]] = []
        for name, part in tree.items():
            if isinstance(part, Field):
                plan.append((name, lambda row, name=name: show(row[name])))  # type: ignore[misc]
            elif isinstance(part, tuple):
                inner = self._renderer(part[1], part[2], version)
                plan.append(
                    (name, lambda row, at=part[0], inner=inner: inner(up) if (up := find(row[at])) else None)  # type: ignore[misc]
                )
            else:
                plan.append((name, part))

        def render(row: Row) -> dict[str, Any]:
            shown: dict[str, Any] = {"attributes": {"type": kind.name, "url": stem + row["Id"]}}
            for name, value_of in plan:
                shown[name] = value_of(row)
            return shown

        return render

    # Pages

    def _page(self, rows: list[Row], render: Render, size: int, version: str) -> dict[str, Any]:
        if len(rows) <= size:
            return {"totalSize": len(rows), "done": True, "records": [render(row) for row in rows]}
        self._opened += 1
        cursor = numbered_id("01g", self._opened)
        self._cursors[cursor] = (rows, render, size, self._clock.now())
        while len(self._cursors) > MOST_CURSORS:
            del self._cursors[next(iter(self._cursors))]
        return self._slice(cursor, rows, render, size, 0, version)

    def _slice(
        self, cursor: str, rows: list[Row], render: Render, size: int, start: int, version: str
    ) -> dict[str, Any]:
        end = start + size
        page: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{cursor}-{end}"
        page["records"] = [render(row) for row in rows[start:end]]
        return page

    # Sums

    def _aggregated(self, kind: ObjectType, query: Query, rows: list[Row]) -> list[dict[str, Any]]:
        binder = self._binder()
        keys = [binder.path(kind, path) for path in query.group_by]
        grouped = [field.name for field, _ in keys]
        # Rows are sorted already, so groups appear in order; but only a grouped field has one value per group.
        loose = [path for path, _, _ in query.order if binder.path(kind, path)[0].name not in grouped]
        if loose:
            raise Refusal("MALFORMED_QUERY", f"Ordered field must be grouped or aggregated: {loose[0][:80]}")
        columns = self._columns(binder, kind, query, grouped)
        groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): rows}
        for row in rows if keys else ():
            groups.setdefault(tuple(get(row) for _, get in keys), []).append(row)
        shown = [
            {"attributes": {"type": "AggregateResult"}} | {name: value_of(members) for name, value_of in columns}
            for members in groups.values()
        ]
        end = None if query.limit is None else query.offset + query.limit
        return shown[query.offset : end]

    def _columns(
        self, binder: Binder, kind: ObjectType, query: Query, grouped: list[str]
    ) -> list[tuple[str, Callable[[list[Row]], Any]]]:
        columns: list[tuple[str, Callable[[list[Row]], Any]]] = []
        for item in query.fields:
            if isinstance(item, Query):
                raise Refusal("MALFORMED_QUERY", "sub-queries cannot stand in a grouped query")
            field, get = binder.path(kind, item if isinstance(item, str) else item.path)
            if isinstance(item, str):
                if field.name not in grouped:
                    raise Refusal("MALFORMED_QUERY", f"Field must be grouped or aggregated: {field.name}")
                columns.append((field.name, lambda rows, get=get: show(get(rows[0]))))  # type: ignore[misc]
            else:
                name = item.alias or f"expr{sum(1 for key, _ in columns if key.startswith('expr'))}"
                columns.append((name, lambda rows, get=get, item=item: _sum(item.function, map(get, rows))))  # type: ignore[misc]
        return columns


def _sum(function: str, found: Any) -> Any:
    present = [value for value in found if value is not None]
    if function == "COUNT":
        return len(present)
    if function == "COUNT_DISTINCT":
        return len(set(present))
    if not present:
        return None
    if function in ("MIN", "MAX"):
        return show(min(present) if function == "MIN" else max(present))
    if not isinstance(present[0], int | Decimal) or isinstance(present[0], bool):
        raise Refusal("MALFORMED_QUERY", f"field type does not support {function}")
    total = sum(present, Decimal(0))
    return total if function == "SUM" else total / len(present)
