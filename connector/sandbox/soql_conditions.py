"""WHERE: a parsed condition becomes a function from row to yes or no, checked against the schema first.

Follows SOQL where it differs from SQL: text compares without case, `!=` and NOT IN keep empty fields, ids match in
both lengths, date literals are ranges. Also tells which index could narrow the rows. Runs no query itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.errors import Refusal, unknown_column
from connector.sandbox.ids import NotAnId, full_id
from connector.sandbox.records import Records, Row
from connector.sandbox.schema import Field, ObjectType, Schema
from connector.sandbox.soql import Condition, Group, Query, Quoted, RelativeDay, unescape

Getter = Callable[[Row], Any]
Predicate = Callable[[Row], bool]
LONGEST_PATTERN = 1_000
MOST_PARENTS = 5
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_TYPE_WORDS = {
    "double": "double",
    "currency": "currency",
    "percent": "double",
    "int": "int",
    "boolean": "boolean",
    "date": "date",
    "datetime": "dateTime",
}


@dataclass(frozen=True)
class Bound:
    """A condition ready to run; `index` is a field and the only values it can have, when the condition says so."""

    test: Predicate
    index: tuple[str, tuple[Any, ...]] | None = None


class Binder:
    """Binds paths and conditions of one object; `subquery` runs the inner query of a semi-join."""

    def __init__(
        self, *, schema: Schema, records: Records, now: datetime, subquery: Callable[[Query], list[Any]]
    ) -> None:
        self._schema = schema
        self._records = records
        self._now = now
        self._subquery = subquery

    def path(self, kind: ObjectType, path: str) -> tuple[Field, Getter]:
        """The field a path ends at and the way to its value. Raises `Refusal` INVALID_FIELD."""
        *parents, last = self.steps(kind, path)
        target, lookups = kind, list[str]()
        for step in parents:
            lookup = self.parent(target, step, path)
            lookups.append(lookup.name)
            target = self._schema.objects[lookup.refers_to]
        field = self._schema.field(target, last)
        if field is None:
            raise unknown_column(last, target.name)
        return field, self._getter(tuple(lookups), field.name)

    def steps(self, kind: ObjectType, path: str) -> list[str]:
        """The names in a path; the object's own name in front of it is dropped, as SOQL allows it."""
        steps = path.split(".")
        if len(steps) > 1 and steps[0].lower() == kind.name.lower() and self._schema.parent(kind, steps[0]) is None:
            steps = steps[1:]
        if len(steps) > MOST_PARENTS + 1:
            raise Refusal(
                "MALFORMED_QUERY", f"SOQL: at most {MOST_PARENTS} parent relationships in a path: {path[:80]}"
            )
        return steps

    def parent(self, kind: ObjectType, step: str, path: str) -> Field:
        """The lookup field of one step. Raises `Refusal` INVALID_FIELD."""
        lookup = self._schema.parent(kind, step)
        if lookup is None or self._schema.object(lookup.refers_to) is None:
            raise Refusal(
                "INVALID_FIELD",
                f"Didn't understand relationship '{step}' in field path '{path[:120]}'. If you are attempting to use a "
                "custom relationship, be sure to append the '__r' after the custom relationship name.",
            )
        return lookup

    def _getter(self, lookups: tuple[str, ...], name: str) -> Getter:
        if not lookups:
            return operator.itemgetter(name)
        find = self._records.row

        def far(row: Row) -> Any:
            current: Row | None = row
            for lookup in lookups:
                current = find(current[lookup]) if current is not None else None
            return current[name] if current is not None else None

        return far

    def condition(self, kind: ObjectType, node: Any) -> Bound:
        """A condition tree as one function. Raises `Refusal` for names and values that do not fit."""
        if isinstance(node, Group):
            return self._group(kind, node)
        assert isinstance(node, Condition)
        field, get = self.path(kind, node.path)
        if not field.is_filterable:
            raise Refusal("INVALID_FIELD", f"field '{field.name}' can not be filtered in a query call")
        if node.operator in ("in", "not in"):
            return self._membership(field, get, node)
        if node.operator == "like":
            return Bound(_like(field, get, node.value))
        if isinstance(node.value, RelativeDay):
            return Bound(self._relative(field, get, node))
        wanted = operand(field, node.value)
        if node.operator in ("=", "!="):
            test = _equals(field, get, wanted, negated=node.operator == "!=")
            usable = node.operator == "=" and "." not in node.path and wanted is not None
            return Bound(test, (field.name, (wanted,)) if usable else None)
        return Bound(_ordering(field, get, node.operator, wanted))

    def _group(self, kind: ObjectType, node: Group) -> Bound:
        bound = [self.condition(kind, part) for part in node.parts]
        tests = [part.test for part in bound]
        if node.word == "not":
            inner = tests[0]
            return Bound(lambda row: not inner(row))
        if node.word == "or":
            return Bound(lambda row: any(test(row) for test in tests))
        usable = [part.index for part in bound if part.index is not None]
        # Fewest values first: an id beats a list of parents.
        return Bound(
            lambda row: all(test(row) for test in tests), min(usable, key=lambda index: len(index[1]), default=None)
        )

    def _membership(self, field: Field, get: Getter, node: Condition) -> Bound:
        if isinstance(node.value, Query):
            members = [value for value in self._subquery(node.value) if value is not None]
        elif any(isinstance(value, RelativeDay) for value in node.value):
            raise Refusal("MALFORMED_QUERY", f"date literals cannot be used in a list: {node.path}")
        else:
            members = [operand(field, value) for value in node.value]
        folded = {_folded(field, value) for value in members}
        if node.operator == "not in":
            return Bound(lambda row: _folded(field, get(row)) not in folded)
        usable = "." not in node.path and None not in folded
        return Bound(lambda row: _folded(field, get(row)) in folded, (field.name, tuple(members)) if usable else None)

    def _relative(self, field: Field, get: Getter, node: Condition) -> Predicate:
        if field.type not in ("date", "datetime"):
            raise _wrong_type(field)
        first, behind = day_range(node.value, self._now.date())
        start: Any = first if field.type == "date" else datetime.combine(first, time(), UTC)
        end: Any = behind if field.type == "date" else datetime.combine(behind, time(), UTC)
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda value: start <= value < end,
            "!=": lambda value: not start <= value < end,
            "<": lambda value: value < start,
            ">": lambda value: value >= end,
            "<=": lambda value: value < end,
            ">=": lambda value: value >= start,
        }
        test = tests[node.operator]
        return lambda row: (value := get(row)) is not None and test(value)


def day_range(word: RelativeDay, today: date) -> tuple[date, date]:
    """A date literal as a half-open range of days; the org's time zone is UTC."""
    one = timedelta(days=1)
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    count = timedelta(days=min(word.count, 100_000))
    ranges: dict[str, Callable[[], tuple[date, date]]] = {
        "TODAY": lambda: (today, today + one),
        "YESTERDAY": lambda: (today - one, today),
        "TOMORROW": lambda: (today + one, today + 2 * one),
        "LAST_N_DAYS": lambda: (today - count, today + one),
        "NEXT_N_DAYS": lambda: (today + one, today + one + count),
        "THIS_MONTH": lambda: (month, (month + 31 * one).replace(day=1)),
        "LAST_MONTH": lambda: ((month - one).replace(day=1), month),
        "THIS_YEAR": lambda: (year, year.replace(year=year.year + 1)),
        "LAST_YEAR": lambda: (year.replace(year=year.year - 1), year),
    }
    return ranges[word.name]()


def operand(field: Field, literal: Any) -> Any:
    """A literal in the stored form of the field. Raises `Refusal` when SOQL would refuse the pair."""
    if literal is None:
        return None
    if field.type in ("id", "reference"):
        return _id_operand(field, literal)
    if field.is_number:
        fits = isinstance(literal, Decimal)
    elif field.type == "boolean":
        fits = isinstance(literal, bool)
    elif field.type == "datetime":
        fits = isinstance(literal, datetime)
    elif field.type == "date":
        fits = isinstance(literal, date) and not isinstance(literal, datetime)
    else:
        fits = isinstance(literal, Quoted)
    if not fits:
        raise _wrong_type(field)
    return (literal.value or None) if isinstance(literal, Quoted) else literal


def _id_operand(field: Field, literal: Any) -> str | None:
    if not isinstance(literal, Quoted):
        raise _wrong_type(field)
    if not literal.value:
        return None
    try:
        return full_id(literal.value)
    except NotAnId as mistake:
        message = f"{field.name}: invalid ID field: {literal.value[:40]}"
        raise Refusal("INVALID_QUERY_FILTER_OPERATOR", message) from mistake


def _wrong_type(field: Field) -> Refusal:
    word = _TYPE_WORDS.get(field.type)
    text = (
        f"of type {word} and should not be enclosed in quotes"
        if word
        else "of type string and should be enclosed in quotes"
    )
    return Refusal("INVALID_FIELD", f"value of filter criterion for field '{field.name}' must be {text}")


def _folded(field: Field, value: Any) -> Any:
    if isinstance(value, str) and field.type not in ("id", "reference") and not field.case_sensitive:
        return value.casefold()
    return value


def _equals(field: Field, get: Getter, wanted: Any, *, negated: bool) -> Predicate:
    target = _folded(field, wanted)
    if negated:
        return lambda row: _folded(field, get(row)) != target
    return lambda row: _folded(field, get(row)) == target


def _ordering(field: Field, get: Getter, sign: str, wanted: Any) -> Predicate:
    if field.type == "boolean" or wanted is None:
        raise Refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field: {field.name}")
    compare, target = _ORDERINGS[sign], _folded(field, wanted)
    return lambda row: (value := get(row)) is not None and compare(_folded(field, value), target)


def _like(field: Field, get: Getter, literal: Any) -> Predicate:
    if field.type in ("id", "reference", "boolean", "date", "datetime") or field.is_number:
        raise Refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field: {field.name}")
    if not isinstance(literal, Quoted):
        raise _wrong_type(field)
    if len(literal.raw) > LONGEST_PATTERN:
        raise Refusal("MALFORMED_QUERY", f"LIKE pattern longer than {LONGEST_PATTERN} characters: {field.name}")
    pattern = [("" if escaped else char, char.casefold()) for char, escaped in unescape(literal.raw)]
    return lambda row: (value := get(row)) is not None and matches(pattern, value.casefold())


def matches(pattern: list[tuple[str, str]], text: str) -> bool:
    """Whether LIKE matches: wildcards by one saved position instead of a regular expression, so no text is slow."""
    at_pattern = at_text = 0
    star, resume = -1, 0
    while at_text < len(text):
        wildcard, char = pattern[at_pattern] if at_pattern < len(pattern) else ("", "")
        if wildcard == "%":
            star, resume = at_pattern, at_text
            at_pattern += 1
        elif at_pattern < len(pattern) and (wildcard == "_" or char == text[at_text]):
            at_pattern += 1
            at_text += 1
        elif star >= 0:
            resume += 1
            at_pattern, at_text = star + 1, resume
        else:
            return False
    return all(wildcard == "%" for wildcard, _ in pattern[at_pattern:])
