"""The records of the sandbox org: typed rows in memory, one lock, savepoints, indexes, and a word to listeners.

A row is never changed in place: every write puts a new dict. So a query result stays what it was when it was taken,
and a rollback is putting the old dict back. What may be written is decided here, whoever writes; who may write a
field (`api=True`, the integration user) is decided by the schema. No HTTP and no query language in this module.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.sandbox import derived, values
from connector.sandbox.clock import SandboxClock
from connector.sandbox.errors import Refusal, not_found, unknown_column
from connector.sandbox.ids import INSTANCE, IdSource, NotAnId, full_id
from connector.sandbox.schema import Field, ObjectType, Schema

Row = dict[str, Any]
Parsed = dict[str, Any]
# Ways around createable and updateable that only Python callers have: imports keep their original stamps.
STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


@dataclass(frozen=True)
class Change:
    """One record before and after a committed write; `before` is None for a new record."""

    object_name: str
    record_id: str
    before: Row | None
    after: Row
    user: str


def index_key(field: Field, value: Any) -> Any:
    """How a value is compared: text without case unless the field minds it."""
    return value.casefold() if isinstance(value, str) and field.type != "id" and not field.case_sensitive else value


class Records:
    """All rows of one org. Every public method takes the lock itself."""

    def __init__(self, *, schema: Schema, clock: SandboxClock, default_currency: str, instance: str = INSTANCE) -> None:
        self.lock = threading.RLock()
        self.listeners: list[Callable[[list[Change]], None]] = []
        self._schema = schema
        self._clock = clock
        self._currency = default_currency
        self._ids = IdSource(instance=instance)
        self._numbers: dict[tuple[str, str], int] = {}
        self._tables: dict[str, dict[str, Row]] = {}
        self._indexes: dict[tuple[str, str], dict[Any, dict[str, None]]] = {}
        self._undo: list[tuple[str, str, Row | None, str]] = []
        self._depth = 0

    # Reading

    def row(self, record_id: str | None) -> Row | None:
        """The row behind a full id, deleted or not."""
        kind = self._schema.by_id(record_id) if record_id else None
        return self._tables.get(kind.name, {}).get(record_id or "") if kind else None

    def rows(self, object_name: str, *, deleted: bool = False) -> list[Row]:
        """All rows of an object in insertion order, with `deleted` also those in the recycle bin."""
        with self.lock:
            found = list(self._tables.get(object_name, {}).values())
        return found if deleted else [row for row in found if not row["IsDeleted"]]

    def rows_by(self, object_name: str, field: str, value: Any) -> list[Row]:
        """Live rows whose indexed field has this value. Raises ValueError for a field without an index."""
        found = self.rows_among(object_name, field, [value])
        if found is None:
            raise ValueError(f"{object_name}.{field} has no index to look up by")
        return [row for row in found if not row["IsDeleted"]]

    def rows_among(self, object_name: str, field: str, wanted: Iterable[Any]) -> list[Row] | None:
        """Rows (deleted too) whose indexed field is one of `wanted`; None when the field has no index."""
        kind = self._schema.objects[object_name]
        table = self._tables.get(object_name, {})
        if field == "Id":
            return [table[record_id] for record_id in dict.fromkeys(wanted) if record_id in table]
        definition = kind.fields[field]
        if not _is_indexed(definition):
            return None
        index = self._indexes.get((object_name, field), {})
        keys = dict.fromkeys(index_key(definition, value) for value in wanted)
        return [table[record_id] for key in keys for record_id in index.get(key, ())]

    def live(self, kind: ObjectType, raw_id: str) -> Row:
        """The live row behind an id from outside. Raises `Refusal` MALFORMED_ID, NOT_FOUND or ENTITY_IS_DELETED."""
        try:
            record_id = full_id(raw_id)
        except NotAnId as mistake:
            if len(raw_id) in (15, 18) and raw_id.isalnum():
                raise Refusal("MALFORMED_ID", f"bad id {raw_id}", fields=("Id",)) from mistake
            text = f"Provided external ID field does not exist or is not accessible: {raw_id[:80]}"
            raise not_found(text) from mistake
        if record_id[:3] != kind.prefix:
            message = f"{kind.label} ID: id value of incorrect type: {record_id}"
            raise Refusal("MALFORMED_ID", message, fields=("Id",))
        row = self.row(record_id)
        if row is None:
            raise not_found()
        if row["IsDeleted"]:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=())
        return row

    # Writing

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All writes inside happen or none; listeners hear of them when the outermost savepoint ends well."""
        with self.lock:
            mark = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException:
                self._roll_back(mark)
                raise
            finally:
                self._depth -= 1
            if self._depth == 0:
                self._announce()

    def parse(self, kind: ObjectType, raw: Mapping[str, Any], *, api: bool) -> Parsed:
        """Stored values by exact field name. Raises `Refusal` for the whole call: unknown column, wrong JSON type."""
        parsed: Parsed = {}
        for name, value in raw.items():
            if name == "attributes":
                continue
            field = self._schema.field(kind, name) if api else kind.by_lower.get(name.lower())
            if field is None:
                found = unknown_column(name, kind.name)
                found.message = f"No such column '{name}' on sobject of type {kind.name}"
                raise found
            parsed[field.name] = values.stored(field, value)
        return parsed

    def insert(self, kind: ObjectType, parsed: Parsed, *, user: str, api: bool) -> str:
        """A new record; its id. Raises `Refusal` as a row error and then writes nothing."""
        with self.savepoint():
            self._check_access(kind, parsed, create=True, api=api)
            missing = [f.name for f in kind.fields.values() if f.required and parsed.get(f.name) is None]
            if kind.name == "Account" and parsed.get("LastName"):
                # A person account is named by its first and last name.
                missing = [name for name in missing if name != "Name"]
            if missing:
                message = f"Required fields are missing: [{', '.join(missing)}]"
                raise Refusal("REQUIRED_FIELD_MISSING", message, fields=tuple(missing))
            now = self._clock.now()
            record_id = self._ids.next(kind.prefix)
            row: Row = self._blank(kind, record_id, now, user) | self._fit(kind, parsed)
            self._put(kind, record_id, row, None, user)
            if row.get("IsPersonAccount"):
                self._add_person_contact(row, user)
        return record_id

    def update(self, kind: ObjectType, row: Row, parsed: Parsed, *, user: str, api: bool) -> None:
        """Change a live row. Stamps it even when nothing differs, as the platform does. Raises `Refusal`."""
        with self.savepoint():
            self._check_access(kind, parsed, create=False, api=api)
            emptied = tuple(name for name, value in parsed.items() if value is None and kind.fields[name].required)
            if emptied:
                message = f"Required fields are missing: [{', '.join(emptied)}]"
                raise Refusal("REQUIRED_FIELD_MISSING", message, fields=emptied)
            now = self._clock.now()
            stamps = {"LastModifiedDate": now, "LastModifiedById": user, "SystemModstamp": now}
            self._put(kind, row["Id"], row | stamps | self._fit(kind, parsed), row, user)

    def delete(self, kind: ObjectType, row: Row, *, user: str) -> None:
        """Move a row and its detail rows to the recycle bin."""
        self._bin(kind, row, user, deleted=True)

    def undelete(self, kind: ObjectType, row: Row, *, user: str) -> None:
        """Bring a row and its detail rows back under the same ids."""
        self._bin(kind, row, user, deleted=False)

    def _bin(self, kind: ObjectType, row: Row, user: str, *, deleted: bool) -> None:
        with self.savepoint():
            now = self._clock.now()
            marks = {"IsDeleted": deleted, "LastModifiedDate": now, "LastModifiedById": user, "SystemModstamp": now}
            self._put(kind, row["Id"], row | marks, row, user)
            for child, lookup in self._schema.children(kind):
                if lookup.required:
                    for detail in self.rows_among(child.name, lookup.name, [row["Id"]]) or []:
                        if detail["IsDeleted"] != deleted:
                            self._bin(child, detail, user, deleted=deleted)

    def set_master(self, loser: Row, winner_id: str, *, user: str) -> None:
        """Delete `loser` as merged into `winner_id`; its children move to the winner."""
        kind = self._schema.objects["Account"]
        with self.savepoint():
            for child, lookup in self._schema.children(kind):
                for detail in self.rows_by(child.name, lookup.name, loser["Id"]):
                    self._put(child, detail["Id"], detail | {lookup.name: winner_id}, detail, user)
            merged = loser | {"IsDeleted": True, "MasterRecordId": winner_id, "SystemModstamp": self._clock.now()}
            self._put(kind, loser["Id"], merged, loser, user)

    # Inside

    def _blank(self, kind: ObjectType, record_id: str, now: datetime, user: str) -> Row:
        row: Row = {}
        for field in kind.fields.values():
            row[field.name] = False if field.type == "boolean" else field.default or None
            if field.auto_number:
                count = self._numbers[kind.name, field.name] = self._numbers.get((kind.name, field.name), 0) + 1
                row[field.name] = str(count).rjust(field.auto_number, "0")
        row.update({"Id": record_id, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now})
        row.update({"CreatedById": user, "LastModifiedById": user})
        if "OwnerId" in row:
            row["OwnerId"] = user
        return row

    def _fit(self, kind: ObjectType, parsed: Parsed) -> Row:
        fitted: Row = {}
        for name, value in parsed.items():
            field = kind.fields[name]
            if field.type == "boolean":
                fitted[name] = bool(value)
            elif field.type == "reference" and value is not None:
                fitted[name] = self._reference(field, value)
            else:
                fitted[name] = values.checked(field, value)
        return fitted

    def _reference(self, field: Field, value: str) -> str:
        try:
            target = full_id(value)
        except NotAnId as mistake:
            message = f"{field.label}: id value of incorrect type: {value[:80]}"
            raise Refusal("MALFORMED_ID", message, fields=(field.name,)) from mistake
        if target[:3] != self._schema.objects[field.refers_to].prefix:
            raise Refusal("MALFORMED_ID", f"{field.label}: id value of incorrect type: {target}", fields=(field.name,))
        row = self.row(target)
        if row is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=(field.name,))
        if row["IsDeleted"]:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted", fields=(field.name,))
        return target

    def _check_access(self, kind: ObjectType, parsed: Parsed, *, create: bool, api: bool) -> None:
        if not api:
            return
        refused = tuple(n for n in parsed if not self._schema.may_edit(kind, kind.fields[n], create=create))
        if refused:
            raise Refusal(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                fields=refused,
            )

    def _put(self, kind: ObjectType, record_id: str, row: Row, before: Row | None, user: str) -> None:
        derived.complete(kind.name, row, before, self)
        if "CurrencyIsoCode" in row and row["CurrencyIsoCode"] is None:
            row["CurrencyIsoCode"] = self._currency
        self._check_unique(kind, row, before)
        self._place(kind.name, record_id, row, user)
        for header in {derived.header_of(kind.name, row), derived.header_of(kind.name, before or row)} - {None}:
            self._refresh_totals(*header, user) if header else None
        if kind.name == "Opportunity" and (before or {}).get("SyncedQuoteId") != row.get("SyncedQuoteId"):
            for quote in self.rows_by("Quote", "OpportunityId", record_id):
                self._place("Quote", quote["Id"], quote | {"IsSyncing": quote["Id"] == row["SyncedQuoteId"]}, user)

    def _refresh_totals(self, object_name: str, record_id: str, user: str) -> None:
        header = self.row(record_id)
        if header is not None:
            self._place(object_name, record_id, header | derived.totals(object_name, header, self), user)

    def _check_unique(self, kind: ObjectType, row: Row, before: Row | None) -> None:
        for field in kind.fields.values():
            value = row.get(field.name)
            if not field.unique or value is None or (before or {}).get(field.name) == value:
                continue
            others = [other for other in self.rows_by(kind.name, field.name, value) if other["Id"] != row["Id"]]
            if others:
                message = f"duplicate value found: {field.name} duplicates value on record with id: {others[0]['Id']}"
                raise Refusal("DUPLICATE_VALUE", message, fields=())

    def _add_person_contact(self, account: Row, user: str) -> None:
        person = {"FirstName": account["FirstName"], "LastName": account["LastName"], "Email": account["PersonEmail"]}
        made = self.insert(self._schema.objects["Contact"], person | {"AccountId": account["Id"]}, user=user, api=False)
        self._place("Account", account["Id"], account | {"PersonContactId": made}, user)

    def _place(self, object_name: str, record_id: str, row: Row | None, user: str, *, log: bool = True) -> None:
        table = self._tables.setdefault(object_name, {})
        before = table.get(record_id)
        if log:
            self._undo.append((object_name, record_id, before, user))
        for field in self._schema.objects[object_name].fields.values():
            if _is_indexed(field):
                self._reindex(object_name, field, record_id, before, row)
        if row is None:
            del table[record_id]
        else:
            table[record_id] = row

    def _reindex(self, object_name: str, field: Field, record_id: str, before: Row | None, row: Row | None) -> None:
        old = before.get(field.name) if before else None
        new = row.get(field.name) if row else None
        if old == new:
            return
        index = self._indexes.setdefault((object_name, field.name), {})
        if old is not None:
            index[index_key(field, old)].pop(record_id, None)
        if new is not None:
            index.setdefault(index_key(field, new), {})[record_id] = None

    def _roll_back(self, mark: int) -> None:
        for object_name, record_id, before, user in reversed(self._undo[mark:]):
            self._place(object_name, record_id, before, user, log=False)
        del self._undo[mark:]

    def _announce(self) -> None:
        first: dict[str, tuple[str, Row | None, str]] = {}
        for object_name, record_id, before, user in self._undo:
            first.setdefault(record_id, (object_name, before, user))
        self._undo.clear()
        changes = [
            Change(object_name, record_id, before, self._tables[object_name][record_id], user)
            for record_id, (object_name, before, user) in first.items()
        ]
        for listener in self.listeners if changes else ():
            listener(changes)


def _is_indexed(field: Field) -> bool:
    return field.type == "reference" or field.external_id or field.unique
