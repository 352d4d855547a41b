"""Whether a JSON body fits one of the SDK's own TypedDicts: every key known, every type right, nothing missing.

The SDK writes its arguments by those types, so a body that does not fit them is one that Stigg never described. Keys
are compared by their wire names (camelCase).
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from stigg._utils import PropertyInfo
from typing_extensions import is_typeddict

_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)


class Misfit(Exception):
    """The value does not fit; the message names the place and the reason."""


def check_body(kind: type, value: Any) -> None:
    """Raises Misfit when the parsed JSON body is not what that TypedDict describes."""
    _check(kind, value, "body")


def check_query(kind: type, given: Mapping[str, str], *, path_keys: tuple[str, ...] = ()) -> None:
    """Raises Misfit when a query names a key that the type does not know or lacks one that it requires."""
    fields = _fields(kind)
    names = {name for name, (_hint, _is_required) in fields.items()} - set(path_keys)
    for name in given:
        if name.partition("[")[0] not in names:
            raise Misfit(f"the query knows no {name}")
    for name, (_hint, is_required) in fields.items():
        if is_required and name in names and not given.get(name):
            raise Misfit(f"the query needs {name}")
    if "limit" in given and not 1 <= int(given["limit"]) <= 100:
        raise Misfit("limit must be 1 to 100")


@cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """Wire name -> (type, whether required); headers that the SDK sends beside the body are left out."""
    found: dict[str, tuple[Any, bool]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        is_required, inner, wire = _unwrapped(hint, name)
        if not wire.startswith("X-"):
            found[wire] = (inner, is_required)
    return found


def _unwrapped(hint: Any, name: str) -> tuple[bool, Any, str]:
    is_required, wire = False, name
    while get_origin(hint) in (Required, NotRequired, Annotated):
        told = hint.__metadata__ if get_origin(hint) is Annotated else ()
        is_required = is_required or get_origin(hint) is Required
        hint = get_args(hint)[0]
        for one in told:
            if isinstance(one, PropertyInfo):
                wire = one.alias or wire
                hint = _instant(hint) if one.format == "iso8601" else hint
    return is_required, hint, wire


def _instant(hint: Any) -> Any:
    """The SDK takes text for instants as well; on the wire it must be an instant all the same."""
    return datetime | None if type(None) in get_args(hint) else datetime


def _check(hint: Any, value: Any, place: str) -> None:
    origin = get_origin(hint)
    if origin is Annotated:
        _check(get_args(hint)[0], value, place)
    elif origin in (Union, types.UnionType):
        _check_union(get_args(hint), value, place)
    elif origin is Literal:
        if value not in get_args(hint) or isinstance(value, bool):
            raise Misfit(f"{place} must be one of {', '.join(map(str, get_args(hint)[:14]))}, not {value!r}")
    elif is_typeddict(hint):
        _check_object(hint, value, place)
    elif origin in _LISTS or getattr(hint, "__name__", "") == "SequenceNotStr" or _is_sequence(origin):
        _check_list(get_args(hint), value, place)
    elif origin in (dict, collections.abc.Mapping):
        _check_map(get_args(hint), value, place)
    else:
        _check_scalar(hint, value, place)


def _is_sequence(origin: Any) -> bool:
    return getattr(origin, "__name__", "") == "SequenceNotStr"


def _check_object(kind: type, value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise Misfit(f"{place} must be an object")
    fields = _fields(kind)
    for name in value:
        if name not in fields:
            raise Misfit(f"{place} knows no {name}")
    for name, (hint, is_required) in fields.items():
        if name in value:
            _check(hint, value[name], f"{place}.{name}")
        elif is_required:
            raise Misfit(f"{place}.{name} is required")


def _check_union(choices: tuple[Any, ...], value: Any, place: str) -> None:
    reasons = []
    # Variants that name their kind are judged by it, so that the reason is about the right one.
    for choice in _fitting_kind(choices, value):
        try:
            return _check(choice, value, place)
        except Misfit as misfit:
            reasons.append(str(misfit))
    raise Misfit(reasons[0] if len(reasons) == 1 else f"{place}: " + "; or ".join(reasons))


def _fitting_kind(choices: tuple[Any, ...], value: Any) -> Iterator[Any]:
    named = [choice for choice in choices if is_typeddict(choice) and _is_of_kind(choice, value)]
    yield from named or choices


def _is_of_kind(choice: type, value: Any) -> bool:
    hint = _fields(choice).get("type", (None, False))[0]
    return isinstance(value, dict) and get_origin(hint) is Literal and value.get("type") in get_args(hint)


def _check_list(inner: tuple[Any, ...], value: Any, place: str) -> None:
    if not isinstance(value, list):
        raise Misfit(f"{place} must be a list")
    for position, one in enumerate(value):
        _check(inner[0], one, f"{place}[{position}]")


def _check_map(inner: tuple[Any, ...], value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise Misfit(f"{place} must be an object")
    for name, one in value.items():
        _check(inner[1], one, f"{place}.{name}")


def _check_scalar(hint: Any, value: Any, place: str) -> None:
    fits = {
        str: lambda: isinstance(value, str),
        bool: lambda: isinstance(value, bool),
        int: lambda: isinstance(value, int) and not isinstance(value, bool),
        float: lambda: isinstance(value, int | Decimal) and not isinstance(value, bool),
        datetime: lambda: _is_instant(value),
        type(None): lambda: value is None,
        Any: lambda: True,
        object: lambda: True,
    }
    if hint not in fits:
        raise AssertionError(f"{place}: no rule for {hint}")
    if not fits[hint]():
        raise Misfit(f"{place} must be {getattr(hint, '__name__', hint)}, not {value!r}")


def _is_instant(value: Any) -> bool:
    """An ISO 8601 instant with its zone; the SDK would send a naive one without a word."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
