"""Read a request: parameters and JSON body, checked against the model that also documents them.

Strict on purpose: a name we do not know, a value given twice, a number that JSON does not have are refused, so that a
typing error in a script cannot mean "everything". All faults are told at once.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypeVar

from flask import request
from pydantic import ValidationError

from connector.web.api.refusals import BadBody, BadParameters, WrongContentType, bad_fault, faults_of
from connector.web.api.requests import Request

Model = TypeVar("Model", bound=Request)


def read_parameters(model: type[Model]) -> Model:
    """The parameters of the address as that model. Raises BadParameters."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    faults = [bad_fault(field=name, message="This parameter is given more than once.") for name in twice]
    values = {name: value for name, value in request.args.items() if name not in twice}
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        faults += faults_of(error, unknown="This parameter is not known here.")
    if faults:
        raise BadParameters(faults)
    return found


def refuse_parameters() -> None:
    """This address takes no parameters. Raises BadParameters when there are some."""
    if request.args:
        unknown = "This parameter is not known here."
        raise BadParameters([bad_fault(field=name, message=unknown) for name in request.args])


def read_body(model: type[Model]) -> Model:
    """The JSON body as that model. Raises WrongContentType and BadBody."""
    if request.mimetype != "application/json":
        raise WrongContentType(f"The content type is {request.mimetype[:80] or 'missing'}.")
    given = _json(request.get_data())
    faults = []
    if isinstance(given, dict) and (wrong_choice := model.refuse_choice(given)):
        faults.append(bad_fault(field="body", message=wrong_choice))
    try:
        found = model.model_validate(given)
    except ValidationError as error:
        faults += faults_of(error, unknown="This field is not known here.")
    if faults:
        raise BadBody(faults)
    return found


def _json(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object_without_twins,
        )
    except RecursionError:
        raise BadBody([bad_fault(field="body", message="The body is nested too deeply.")]) from None
    except UnicodeDecodeError:
        raise BadBody([bad_fault(field="body", message="The body is not UTF-8 text.")]) from None
    except ValueError as error:
        raise BadBody([bad_fault(field="body", message=f"The body is not JSON: {_reason(error)}.")]) from None


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error) if isinstance(error, _NotJson) else "a number has too many digits"


class _NotJson(ValueError):
    """Something that Python's reader takes and JSON does not have."""


def _no_constant(name: str) -> None:
    raise _NotJson(f"{name} is not a number")


def _object_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotJson("a name is there twice")
    return found
