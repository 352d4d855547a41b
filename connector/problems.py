"""Errors as problem documents (RFC 9457): the one table from our error tree to HTTP.

Exists so that every refusal, by whichever view, says in the same form what is wrong, what to do, and which fields are
at fault, and so that a bug tells a stranger nothing but an incident id. Views raise; they do not build error answers.
An error class may name its own status as `http_status`; the roots have theirs here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from connector.errors import ConnectorError, Fault, Misconfigured, NotFound, RateLimited, Refused, Retryable
from connector.logs import log

CONTENT_TYPE = "application/problem+json"
_TYPE = "urn:countersign:problem:"
# Seconds after which a sender may ask again when nobody named a time: short faults have passed by then.
_RETRY_AFTER = 5

# The first class that fits decides, so a class stands before its parent.
_STATUS: tuple[tuple[type[ConnectorError], int], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RateLimited, HTTPStatus.SERVICE_UNAVAILABLE),
    (Retryable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Misconfigured, HTTPStatus.SERVICE_UNAVAILABLE),
    (ConnectorError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_FIXES = {
    HTTPStatus.NOT_FOUND: "Check the address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Use one of the methods that the header Allow names.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less in one request; the setting [web] largest_body is the limit.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send the content type that this address expects.",
}


def problem(status: int, code: str, title: str, detail: str, fix: str = "", faults: Iterable[Fault] = ()) -> Response:
    """A problem document; `code` is stable for machines, `detail` and `fix` are for people and hold no secrets."""
    document: dict[str, Any] = {
        "type": _TYPE + code.lower().replace("_", "-"),
        "title": title,
        "status": int(status),
        "code": code,
        "detail": detail,
        "fix": fix,
        "faults": [{name: text for name, text in asdict(fault).items() if text} for fault in faults],
    }
    return Response(json.dumps(document, ensure_ascii=False), status=int(status), content_type=CONTENT_TYPE)


def problem_of(error: ConnectorError) -> Response:
    """The problem document of one of our errors, with its faults, and Retry-After when waiting helps."""
    status = status_of(error)
    title = (type(error).__doc__ or HTTPStatus(status).phrase).strip().splitlines()[0]
    response = problem(status, error.code, title, str(error), error.fix, getattr(error, "faults", ()))
    if isinstance(error, Retryable):
        response.headers["Retry-After"] = str(getattr(error, "retry_after", _RETRY_AFTER))
    return response


def status_of(error: ConnectorError) -> int:
    """The HTTP status of one of our errors."""
    named = getattr(error, "http_status", None)
    if isinstance(named, int):
        return named
    return next(int(status) for kind, status in _STATUS if isinstance(error, kind))


def problem_of_http(error: HTTPException) -> Response:
    """The problem document of what Flask itself refuses (404, 405, 413, ...); its own headers are kept."""
    status = HTTPStatus(error.code or 500)
    response = problem(status, status.name, status.phrase, error.description or status.phrase, _FIXES.get(status, ""))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def problem_of_bug(error: Exception) -> Response:
    """The answer to an error that nobody anticipated: an incident id, which the log entry carries as well."""
    incident = uuid.uuid4().hex[:12]
    log.error("unexpected", incident=incident, kind=type(error).__name__, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "UNEXPECTED",
        "Something unexpected went wrong",
        f"Incident {incident}.",
        "Give this incident id to the operator; the log entry with the same id has the details.",
    )


def register_error_handlers(app: Flask) -> None:
    """Make every error that leaves a view a problem document; a blueprint's own handlers come first."""
    app.register_error_handler(ConnectorError, _answer)
    app.register_error_handler(HTTPException, problem_of_http)
    app.register_error_handler(Exception, problem_of_bug)


def _answer(error: ConnectorError) -> Response:
    if isinstance(error, Misconfigured):
        log.error("misconfigured", code=error.code, error=str(error), fix=error.fix)
    else:
        log.info("refused", code=error.code, error=str(error))
    return problem_of(error)
