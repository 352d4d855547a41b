"""JSON text without float damage: a Decimal is written with exactly its own digits, a float is refused.

Exists because the standard encoder turns every fraction into a binary float, and 12345678901234.123 would not survive.
It must not know any vendor's field names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def exact_json(value: Any) -> str:
    """The value as JSON text: mappings, lists, tuples, text, integers, booleans, None and finite Decimals.

    Raises TypeError for anything else (above all float and datetime) and ValueError for NaN and infinity.
    """
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{exact_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(exact_json(item) for item in value) + "]"
    if value is None or isinstance(value, str | bool | int):
        return json.dumps(value)
    raise TypeError(f"JSON takes no {type(value).__name__} here: use text, a whole number or a Decimal")


def _number(value: Decimal) -> str:
    """All digits and no exponent; JSON has no word for NaN or infinity."""
    if not value.is_finite():
        raise ValueError("JSON takes no NaN and no infinity")
    return format(value, "f")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("the keys of a JSON object are text")
    return json.dumps(key)
