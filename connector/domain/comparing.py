"""Two documents of the same kind, compared value by value: what was, and what would be.

Exists so that a mapping can be tried on deals that were done, and two mappings be held against each other, in words
that name the place. It must not know what the documents are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs: its place (`line_items[00k...].quantity`), and both sides; None where there is none."""

    place: str
    was: Any
    would_be: Any


def changes(*, was: Any, would_be: Any) -> tuple[Change, ...]:
    """Every place at which two documents differ. Rows that have a `ref` are matched by it, others by position."""
    return tuple(_changes("", was, would_be))


def _changes(place: str, was: Any, would_be: Any) -> Iterator[Change]:
    if isinstance(was, Mapping) and isinstance(would_be, Mapping):
        yield from _of_members(place, was, would_be, "{}.{}" if place else "{}{}")
    elif _is_rows(was) and _is_rows(would_be):
        yield from _of_members(place, _by_ref(was), _by_ref(would_be), "{}[{}]")
    elif was != would_be:
        yield Change(place, _shown(was), _shown(would_be))


def _of_members(place: str, was: Mapping[str, Any], would_be: Mapping[str, Any], form: str) -> Iterator[Change]:
    for name in dict.fromkeys((*was, *would_be)):
        yield from _changes(form.format(place, name), was.get(name, _ABSENT), would_be.get(name, _ABSENT))


def _is_rows(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _by_ref(rows: Sequence[Any]) -> dict[str, Any]:
    refs = [str(row["ref"]) if isinstance(row, Mapping) and row.get("ref") else "" for row in rows]
    is_keyed = all(refs) and len(set(refs)) == len(refs)
    return dict(zip(refs if is_keyed else (str(number) for number in range(1, len(rows) + 1)), rows, strict=True))


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
