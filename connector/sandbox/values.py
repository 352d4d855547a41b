"""Field values: what Salesforce accepts on write, how it stores them, how it shows them in JSON and in SOAP.

Stored forms: str, bool, int, Decimal, date, aware datetime to the second, or None. Numbers never pass through float.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii
from typing import Any

from connector.sandbox.errors import Refusal
from connector.sandbox.schema import Field

EMAIL = re.compile(r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$")
DATETIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$")
# The widest exponent that a number on the wire may have, so that hostile digits cannot fill the memory.
MOST_DIGITS = 60


def stored(field: Field, raw: Any) -> Any:
    """The stored form of a value from the wire or from Python. Raises `Refusal`: JSON_PARSER_ERROR for a wrong type."""
    if raw is None:
        return None
    if isinstance(raw, float):
        raise TypeError(f"{field.name}: the sandbox takes Decimal, int or text, not the float {raw!r}")
    return _READERS[field.type](field, raw)


def checked(field: Field, value: Any) -> Any:
    """`value` again when it fits the field. Raises `Refusal` as a row error (length, range, picklist, address)."""
    if value is None:
        return None
    if isinstance(value, str):
        return _checked_text(field, value)
    if isinstance(value, Decimal):
        rounded = (
            value.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
            if -MOST_DIGITS < value.adjusted() < MOST_DIGITS
            else value
        )
        if abs(rounded) >= Decimal(10) ** (field.precision - field.scale):
            raise Refusal(
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"{field.label}: value outside of valid range on numeric field: {value}",
                fields=(field.name,),
            )
        return rounded
    return value


def _checked_text(field: Field, value: str) -> str:
    if field.length and len(value) > field.length:
        raise Refusal(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {value[:255]} (max length={field.length})",
            fields=(field.name,),
        )
    if field.restricted and value not in field.values:
        raise Refusal(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {value}",
            fields=(field.name,),
        )
    if field.type == "email" and not EMAIL.match(value):
        raise Refusal("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", fields=(field.name,))
    return value


def _misfit(kind: str, raw: Any) -> Refusal:
    token = {bool: "VALUE_TRUE" if raw is True else "VALUE_FALSE", str: "VALUE_STRING", int: "VALUE_NUMBER_INT"}.get(
        type(raw), "VALUE_NUMBER_FLOAT" if isinstance(raw, Decimal) else "START_OBJECT"
    )
    shown = str(raw)[:80] if not isinstance(raw, dict | list) else "{"
    return Refusal(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {token} value {shown} or request may be missing a required field "
        "at [line:1, column:1]",
    )


def _read_text(_field: Field, raw: Any) -> str | None:
    if not isinstance(raw, str):
        raise _misfit("string", raw)
    # Salesforce trims text and keeps no empty text: it becomes null.
    return raw.strip() or None


def _read_number(field: Field, raw: Any) -> Decimal | int | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise _misfit(field.type, raw)
    if isinstance(raw, str) and not raw.strip():
        return None
    try:
        number = Decimal(raw)
    except InvalidOperation as mistake:
        raise _misfit(field.type, raw) from mistake
    if not number.is_finite():
        raise _misfit(field.type, raw)
    if field.type != "int":
        return number
    if abs(number.adjusted()) > MOST_DIGITS or number != number.to_integral_value() or abs(number) >= 10**9:
        raise _misfit("int", raw)
    return int(number)


def _read_boolean(_field: Field, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    raise _misfit("boolean", raw)


def _read_date(_field: Field, raw: Any) -> date | None:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    if not isinstance(raw, str):
        raise _misfit("date", raw)
    if not raw.strip():
        return None
    try:
        return date.fromisoformat(raw.strip()[:10]) if re.match(r"^\d{4}-\d\d-\d\d", raw.strip()) else _fail(raw)
    except ValueError as mistake:
        raise _misfit("date", raw) from mistake


def _fail(raw: str) -> date:
    raise ValueError(raw)


def _read_datetime(field: Field, raw: Any) -> datetime | None:
    if isinstance(raw, datetime):
        if raw.tzinfo is None:
            raise TypeError(f"{field.name}: the sandbox needs an aware time, got {raw!r}")
        return raw.astimezone(UTC).replace(microsecond=0)
    if not isinstance(raw, str):
        raise _misfit("datetime", raw)
    if not raw.strip():
        return None
    try:
        return parse_datetime(raw.strip())
    except ValueError as mistake:
        raise _misfit("datetime", raw) from mistake


def parse_datetime(text: str) -> datetime:
    """`2026-01-01T09:30:00Z`, `.000+0000`, `+00:00` -> aware UTC to the second. Raises ValueError."""
    match = DATETIME.match(text)
    if match is None:
        raise ValueError(f"not a date and time with an offset: {text!r}")
    day, clock, offset = match.groups()
    return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset == 'Z' else offset}").astimezone(UTC)


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(("string", "textarea", "picklist", "email", "phone", "url", "reference", "id"), _read_text),
    **dict.fromkeys(("double", "currency", "percent", "int"), _read_number),
    "boolean": _read_boolean,
    "date": _read_date,
    "datetime": _read_datetime,
}


def show(value: Any) -> Any:
    """A stored value as REST shows it; Decimals stay Decimals for `to_json`."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if isinstance(value, date):
        return value.isoformat()
    return value


def plain_number(value: Decimal) -> str:
    """All digits, no exponent, no idle zeros, one place at least: `1200.0`, `0.00012`."""
    text = format(value, "f")
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def soap_text(value: Any) -> str:
    """A stored value as an outbound message writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(value, Decimal):
        return plain_number(value)
    return str(show(value))


def to_json(value: Any) -> str:
    """JSON text in which a Decimal is a number with exactly its digits; the standard encoder cannot do that."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value: Any, put: Callable[[str], None]) -> None:
    if isinstance(value, str):
        put(encode_basestring_ascii(value))
    elif value is None:
        put("null")
    elif value is True or value is False:
        put("true" if value else "false")
    elif isinstance(value, Decimal):
        put(plain_number(value))
    elif isinstance(value, int):
        put(str(value))
    elif isinstance(value, dict):
        lead = "{"
        for key, item in value.items():
            put(f"{lead}{encode_basestring_ascii(key)}:")
            _write(item, put)
            lead = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple):
        lead = "["
        for item in value:
            put(lead)
            _write(item, put)
            lead = ","
        put("]" if value else "[]")
    else:
        put(encode_basestring_ascii(str(show(value))))
