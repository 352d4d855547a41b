"""What a person sees when a page cannot be shown: what happened, what to do, and a way back.

Machines get problem JSON from `connector.problems`; these pages are only for blueprints that people use.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NotFoundHere

from connector.errors import ConnectorError
from connector.problems import problem_of_bug, problem_of_http, status_of
from connector.web.hosted import answer_missing

_TITLES = {
    400: "This request cannot be understood",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address does not do that",
    413: "This is too large",
    422: "This cannot be done",
    503: "Not just now",
}


def register_pages_of_refusal(blueprint: Blueprint) -> None:
    """Have the blueprint answer refusals with a page."""
    blueprint.register_error_handler(CSRFError, _form_expired)
    blueprint.register_error_handler(HTTPException, _refused)
    blueprint.register_error_handler(ConnectorError, _anticipated)
    blueprint.register_error_handler(Exception, _bug)


def _form_expired(_error: CSRFError) -> Response:
    return _page(
        400, "This form is no longer good", "It was opened before you signed in, or in another window.",
        "Go back, reload the page and try again.",
    )  # fmt: skip


def answer_not_found(error: NotFoundHere) -> Response:
    """An address that nobody serves: a page for people, a problem document for machines.

    Below /invoice it is the page that every token gets which opens nothing.
    """
    if request.path.startswith("/invoice/"):
        return answer_missing()
    is_page = request.path == "/review" or request.path.startswith("/review/")
    return _refused(error) if is_page else problem_of_http(error)


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    page = _page(code, _TITLES.get(code, error.name), error.description or "", "")
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            page.headers[name] = value
    return page


def _anticipated(error: ConnectorError) -> Response:
    code = status_of(error)
    return _page(code, _TITLES.get(code, "This cannot be done"), str(error), error.fix)


def _bug(error: Exception) -> Response:
    told = problem_of_bug(error).get_json()
    return _page(500, told["title"], told["detail"], told["fix"])


def _page(code: int, title: str, message: str, fix: str) -> Response:
    return Response(render_template("refusal.html", title=title, message=message, fix=fix, code=code), status=code)
