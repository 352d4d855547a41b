"""Requests that the API refuses, each as one error with all its faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from connector.errors import Fault, Refused

_LONGEST_VALUE = 80
# What our library says in words of Python, said in those of JSON.
_MESSAGES = {
    "missing": "This is needed and missing.",
    "model_type": "must be an object.",
    "tuple_type": "must be a list.",
    "string_type": "must be text.",
    "int_type": "must be a whole number.",
    "bool_type": "must be true or false.",
    "string_unicode": "must be text that can be written as UTF-8.",
}


class BadParameters(Refused):
    """The request has parameters that cannot be used."""

    code = "BAD_PARAMETERS"
    owner = "caller"
    fix = "Correct the parameters named under faults; /api/docs lists what each address takes."
    http_status = HTTPStatus.BAD_REQUEST

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class BadBody(BadParameters):
    """The body of the request cannot be used."""

    code = "BAD_BODY"
    fix = "Correct the fields named under faults; /api/docs lists what each address takes."


class WrongContentType(Refused):
    """The body must be JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    owner = "caller"
    fix = "Send the header Content-Type: application/json."
    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def bad_fault(*, field: str, message: str, value: Any = None) -> Fault:
    """One fault of a request; the value is shown as text, cut short."""
    shown = "" if value is None else printable(value if isinstance(value, str) else repr(value))
    return Fault(
        code="BAD_VALUE", message=message, fix="", owner="caller", field=printable(field), value=shown[:_LONGEST_VALUE]
    )


def faults_of(error: ValidationError, *, unknown: str) -> list[Fault]:
    """Every finding of pydantic in our words; `unknown` is what is said of a name that we do not know."""
    return [_fault(item, unknown) for item in error.errors(include_url=False)]


def printable(text: str) -> str:
    """The text with lone surrogates and control characters replaced, so that it can travel in an answer."""
    kept = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else "?" for character in kept)


def _fault(item: Any, unknown: str) -> Fault:
    place = _place(item["loc"])
    if item["type"] == "extra_forbidden":
        return bad_fault(field=place, message=unknown)
    told = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
    message = _MESSAGES.get(item["type"], told)
    value = item["input"] if isinstance(item["input"], str | int | bool) else None
    return bad_fault(field=place, message=printable(message), value=value)


def _place(parts: Iterable[Any]) -> str:
    return ".".join(str(part) for part in parts) or "body"
