"""What is wrong with the settings file, in words: pydantic's findings with their place in the file, each told once.

Exists so that a typing error is mended in one round and nobody has to know pydantic. A value never gets into a fault:
it may be a secret in the wrong place. It must not read files or the environment.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from connector.errors import Fault

OPERATOR = "operator"

_SECRET_WORDS = ("secret", "password", "passwd", "token", "private_key", "api_key", "credential")
_MESSAGES = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "tuple_type": "must be a list",
    "string_pattern_mismatch": "has a wrong form",
}


def setting_fault(place: str, message: str, fix: str = "") -> Fault:
    """A fault of one setting or variable."""
    return Fault(code="CONFIGURATION", message=message, fix=fix, owner=OPERATOR, field=place)


def faults_of(error: ValidationError, *, raw: Mapping[str, Any], model: type[BaseModel]) -> list[Fault]:
    """Every fault once, in the order of the file's sections.

    A parent that is only wrong because something in it is wrong is left out; the branches of "this or that" become one.
    """
    items = error.errors(include_url=False, include_input=False)
    found: dict[str, list[Any]] = {}
    for item in items:
        if not _is_parent_of_another(item["loc"], items):
            found.setdefault(place_of(item["loc"], raw, is_key_absent=item["type"] == "missing"), []).append(item)
    return [_fault(place, same, raw, model) for place, same in found.items()]


def place_of(location: Sequence[int | str], raw: Mapping[str, Any], *, is_key_absent: bool = False) -> str:
    """The place in the file: `salesforce[2].auth`, counted from 1; a single table has no number."""
    value: Any = raw
    place = ""
    for at, part in enumerate(location):
        is_last = at == len(location) - 1
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            place, value = f"{place}[{part + 1}]", value[part]
        elif isinstance(part, str) and isinstance(value, Mapping) and (part in value or (is_last and is_key_absent)):
            place, value = f"{place}.{part}" if place else part, value.get(part)
        # Else the part is no key of the file: the number of a single table, or a branch that pydantic tried.
    return place or "the file"


def _is_parent_of_another(location: Sequence[Any], items: Iterable[Any]) -> bool:
    return any(len(item["loc"]) > len(location) and item["loc"][: len(location)] == location for item in items)


def _fault(place: str, same: Sequence[Any], raw: Mapping[str, Any], model: type[BaseModel]) -> Fault:
    first = same[0]
    if first["type"] == "extra_forbidden":
        return _unknown_key(place, first["loc"], model)
    if first["type"] == "missing":
        return setting_fault(place, "This key is needed and missing.", "Add it; config.example.toml explains it.")
    told = list(dict.fromkeys(_message(item) for item in same))
    joined = " or ".join([told[0], *(text.removeprefix("must be ") for text in told[1:])])
    return setting_fault(
        place, f"This {_kind_of(place, raw)} {joined}.", "Correct it; config.example.toml explains it."
    )


def _kind_of(place: str, raw: Mapping[str, Any]) -> str:
    return "section" if place in raw and isinstance(raw[place], Mapping | list) else "setting"


def _message(item: Any) -> str:
    kind, context = str(item["type"]), item.get("ctx", {})
    if kind == "value_error":
        return str(context["error"]).rstrip(".")
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("'", '"')
    if kind == "too_short":
        return "needs at least one entry"
    bound = next((context[name] for name in ("ge", "le", "min_length", "max_length") if name in context), None)
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"must be {'at least' if kind.startswith('greater') else 'at most'} {bound:,}"
    if kind in ("string_too_short", "string_too_long"):
        return f"must have {'at least' if kind.endswith('short') else 'at most'} {bound} character(s)"
    return _MESSAGES.get(kind, "has a wrong form or type")


def _unknown_key(place: str, location: Sequence[int | str], model: type[BaseModel]) -> Fault:
    key = str(location[-1])
    if looks_secret(key):
        return setting_fault(
            place,
            "Secrets do not belong in this file.",
            "Take it out, put it into the environment (see config.example.toml), and change it if others saw the file.",
        )
    known = _keys_at(model, location[:-1])
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return setting_fault(
        place,
        "This key is not known.",
        f"{hint}Correct the spelling or remove it; config.example.toml lists every key.",
    )


def looks_secret(key: str) -> bool:
    """Whether a key by its name holds a secret."""
    return any(word in key.lower() for word in _SECRET_WORDS)


def _keys_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys that a table of the file may have, found by walking the models."""
    found: Any = model
    for part in location:
        if isinstance(part, str) and _is_model(found) and part in found.model_fields:
            annotation = found.model_fields[part].annotation
            choices = [annotation, *get_args(annotation)]
            found = next((choice for choice in choices if _is_model(choice)), None)
    return sorted(found.model_fields) if _is_model(found) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
