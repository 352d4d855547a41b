"""What is wrong with the `[mapping]` and `[[signed]]` settings, in words, with the place in the file.

Exists so that a mapping file is corrected in one round: unknown keys, wrong types and missing rules are told together.
It reads raw tables as well as checked ones, because half of a broken file can still be judged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from connector.errors import Fault
from mappings.builtin import OBJECTS, SHARED_HEADER, SHARED_LINE
from mappings.faults import REVOPS
from mappings.targets import HEADER, LINE
from mappings.text import shown

_NEEDED_HEADER = (*(name for name, target in HEADER.items() if target.is_required), "starts_on")
_TYPES = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false without quotes",
    "int_type": "must be a whole number",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list in square brackets",
    "missing": "is missing",
    "too_short": "is empty; at least one entry is needed",
}
_NEEDED_LINE = tuple(name for name, target in LINE.items() if target.is_required)


def setting_fault(place: str, message: str, *, fix: str, value: object = "") -> Fault:
    """A fault of one setting."""
    return Fault(code="SETTING", message=f"{place} {message}.", fix=fix, owner=REVOPS, field=place, value=shown(value))


def faults_of_error(error: ValidationError, *, model: type[BaseModel], section: str) -> list[Fault]:
    """Every fault that the model found, each with its place in the file."""
    return [_fault(details, model, section) for details in error.errors(include_url=False)]


def missing_rules(raw: Mapping[str, Any]) -> list[Fault]:
    """Rules that an object cannot do without and that neither the settings nor the built-in rules have."""
    objects = raw.get("objects")
    if not isinstance(objects, Mapping):
        return []
    return [
        fault
        for name, settings in objects.items()
        if isinstance(settings, Mapping)
        for fault in _missing_in_object(str(name), settings, raw)
    ]


def _missing_in_object(name: str, settings: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterable[Fault]:
    place = f"mapping.objects.{_key(name)}"
    if settings.get("shared") is False:
        raw = {**raw, "defaults": {}, "catalogue": {}}
    built_in = OBJECTS.get(name)
    header = _given(raw, settings, "header") | SHARED_HEADER.rules().keys()
    line = _given(raw, settings, "line") | SHARED_LINE.rules().keys()
    if built_in is not None:
        header, line = header | built_in.header.rules().keys(), line | built_in.line.rules().keys()
    needed = [target for target in _NEEDED_HEADER if target not in header]
    if not header & {"ends_on", "term_months"}:
        needed.append("ends_on")
    for target in needed:
        yield _no_rule(place, "header", target, HEADER[target].words)
    lines = settings.get("lines", built_in.lines if built_in else None)
    if lines and not settings.get("parent", built_in.parent if built_in else None):
        yield setting_fault(
            f"{place}.parent", "is not set", fix=f"Name the field of {shown(lines)} that points to {name}."
        )
    if lines:
        for target in (target for target in _NEEDED_LINE if target not in line):
            yield _no_rule(place, "line", target, LINE[target].words)
        if not line & {"unit_price", "unit_price_exact", "line_total"}:
            yield _no_rule(place, "line", "unit_price", "unit price")
        yield from _no_products(place, line, raw)


def _no_products(place: str, line: set[str], raw: Mapping[str, Any]) -> Iterable[Fault]:
    catalogue = raw.get("catalogue")
    reads_type = isinstance(catalogue, Mapping) and catalogue.get("type_field")
    if not (raw.get("products") or reads_type or "provision_type" in line):
        yield setting_fault(
            place, "sells products, but nothing says what a product gives",
            fix="Set mapping.catalogue.type_field and id_field, or list the products in [mapping.products.CODE].",
        )  # fmt: skip


def _no_rule(place: str, part: str, target: str, words: str) -> Fault:
    return setting_fault(
        f"{place}.{part}.{target}", f"has no rule, so the {words} cannot be read",
        fix=f"Name its field here or in [mapping.defaults.{part}].",
    )  # fmt: skip


def _given(raw: Mapping[str, Any], settings: Mapping[str, Any], part: str) -> set[str]:
    """The targets that the shared and the object's own rules fill, also when a rule itself is wrong."""
    shared = raw.get("defaults")
    tables = (shared.get(part) if isinstance(shared, Mapping) else None, settings.get(part))
    names: set[str] = set()
    for table in tables:
        names |= set(_flat(table if isinstance(table, Mapping) else {}, ""))
    return names


def _flat(table: Mapping[str, Any], prefix: str) -> Iterable[str]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if name in ("customer", "customer.billing_address") and isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif value is not None:
            yield name


def _fault(details: Any, model: type[BaseModel], section: str) -> Fault:
    location = tuple(part for part in details["loc"] if part != "[key]")
    place = section + "".join(f"[{part + 1}]" if isinstance(part, int) else f".{_key(part)}" for part in location)
    if details["type"] == "extra_forbidden":
        return _unknown_key(place, str(location[-1]), _table_at(model, location[:-1]))
    value = details.get("input", "")
    return setting_fault(place, _message(details), fix="Correct this setting.", value=value)


def _message(details: Any) -> str:
    kind = str(details["type"])
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind in _TYPES:
        return _TYPES[kind]
    if kind == "literal_error":
        return f"must be {details['ctx']['expected']}"
    return f"is wrong: {str(details['msg']).lower()}"


def _unknown_key(place: str, key: str, table: type[BaseModel] | None) -> Fault:
    known = sorted(field.alias or name for name, field in table.model_fields.items()) if table else []
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return Fault(
        code="SETTING", message=f"{place} is not a setting{hint}", owner=REVOPS, field=place,
        fix=f"Remove it, or use one of: {', '.join(known)}." if known else "Remove it.",
    )  # fmt: skip


def _table_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The table of the settings at a place, found by walking the models' annotations."""
    found: Any = model
    for part in location:
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            found = fields[str(part)].annotation if str(part) in fields else None
        elif get_origin(found) is dict:
            found = get_args(found)[1]
        if _is_optional(found):
            found = next((argument for argument in get_args(found) if _is_model(argument)), None)
    return found if _is_model(found) else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _key(part: object) -> str:
    """A key as TOML writes it."""
    text = str(part)
    return text if text.replace("_", "").replace("-", "").isalnum() and text.isascii() else f'"{shown(text)}"'
