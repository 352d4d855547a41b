"""The OpenAPI 3.1 document of the API, made from the table of addresses and the models that check and answer.

Made once per process; nothing in it is written by hand but titles, so it cannot fall behind the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from connector import __version__
from connector.web.api.answers_of_actions import ProblemAnswer
from connector.web.api.endpoints import Endpoint

_SCHEMAS = "#/components/schemas/"
_EVERY_REFUSAL = (400, 401, 403)
_BODY_REFUSALS = (413, 415)
_DESCRIPTION = (
    "Orders, contracts and messages of Countersign. Lists are paged by cursor: `limit` rows at most, and `after` takes "
    "the value of `next` of the page before. Instants are ISO 8601 in UTC, money and numbers are exact text, `ends_on` "
    "is the first day without service. Errors are problem documents (RFC 9457) with `fix` and `faults`."
)

_Wanted = tuple[type[BaseModel], JsonSchemaMode]
_Refs = Mapping[Any, dict[str, Any]]


_UPLOAD = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The signed document, a PDF."},
        "salesforce_id": {"type": "string", "description": "The record that it belongs to, when it does not name it."},
    },
}


def openapi_document(*, endpoints: Sequence[Endpoint], prefix: str) -> dict[str, Any]:
    """The whole document."""
    refs, definitions = models_json_schema(_models(endpoints), ref_template=_SCHEMAS + "{model}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Countersign", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions.get("$defs", {}).items())),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, made by `countersign token create`; its scopes say what it may do.",
                }
            },
        },
    }


def _models(endpoints: Sequence[Endpoint]) -> list[_Wanted]:
    wanted: dict[_Wanted, None] = {(ProblemAnswer, "serialization"): None}
    for endpoint in endpoints:
        if endpoint.answer is not None:
            wanted[endpoint.answer, "serialization"] = None
        if endpoint.body is not None:
            wanted[endpoint.body, "validation"] = None
    return list(wanted)


def _operation(endpoint: Endpoint, refs: _Refs) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"{endpoint.view.__doc__} Needs the scope {' or '.join(endpoint.scopes)}.",
        "tags": [endpoint.path.split("/")[1]],
        # Several requirements are alternatives: any one of them opens the address.
        "security": [{"token": [scope]} for scope in endpoint.scopes],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint, refs),
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": refs[endpoint.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.upload:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.parameters is None:
        return []
    schema = endpoint.parameters.model_json_schema(mode="validation")
    found = []
    for name, described in schema["properties"].items():
        kept = {key: value for key, value in described.items() if key not in ("title", "description")}
        # Null cannot be said in an address: leaving the parameter out is how to say nothing.
        if "anyOf" in kept:
            kept = next(item for item in kept["anyOf"] if item != {"type": "null"})
        found.append({"name": name, "in": "query", "description": described["description"], "schema": kept})
    return found


def _responses(endpoint: Endpoint, refs: _Refs) -> dict[str, Any]:
    good: dict[str, Any] = {
        "description": HTTPStatus(endpoint.status).phrase,
        "content": {endpoint.media: {"schema": _answer_schema(endpoint, refs)}},
    }
    if endpoint.location:
        good["headers"] = {"Location": {"description": "Where to ask how far it is.", "schema": {"type": "string"}}}
    refusals = {*_EVERY_REFUSAL, *endpoint.refusals, *(_BODY_REFUSALS if endpoint.body else ())}
    told = {"application/problem+json": {"schema": refs[ProblemAnswer, "serialization"]}}
    bad = {str(code): {"description": HTTPStatus(code).phrase, "content": told} for code in sorted(refusals)}
    return {str(endpoint.status): good, **bad}


def _answer_schema(endpoint: Endpoint, refs: _Refs) -> dict[str, Any]:
    """The model of the answer, or that it is a file."""
    return {"type": "string", "format": "binary"} if endpoint.answer is None else refs[endpoint.answer, "serialization"]
