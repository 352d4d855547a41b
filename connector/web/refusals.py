"""What a person sees when a page cannot be shown: what happened, what to do, and a way back.

Machines get problem JSON from `connector.problems`; these pages are only for blueprints that people use.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from connector.errors import ConnectorError, NotFound, Retryable

_TITLES = {
    400: "This request cannot be understood",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address does not do that",
    413: "This is too large",
    503: "Not just now",
}


def register_pages_of_refusal(blueprint: Blueprint) -> None:
    """Have the blueprint answer refusals with a page."""
    blueprint.register_error_handler(CSRFError, _form_expired)
    blueprint.register_error_handler(HTTPException, _refused)
    blueprint.register_error_handler(ConnectorError, _anticipated)


def _form_expired(_error: CSRFError) -> Response:
    return _page(
        400, "This form is no longer good", "It was opened before you signed in, or in another window.",
        "Go back, reload the page and try again.",
    )  # fmt: skip


def _refused(error: HTTPException) -> Response:
    if error.response is not None:
        return Response(error.response.get_data(), status=error.response.status_code)
    code = error.code or 500
    return _page(code, _TITLES.get(code, error.name), error.description or "", "")


def _anticipated(error: ConnectorError) -> Response:
    code = 404 if isinstance(error, NotFound) else 503 if isinstance(error, Retryable) else 409
    return _page(code, _TITLES.get(code, "This cannot be done"), str(error), error.fix)


def _page(code: int, title: str, message: str, fix: str) -> Response:
    return Response(render_template("refusal.html", title=title, message=message, fix=fix, code=code), status=code)
