"""The documentation of the API: the OpenAPI document, and a page for people made from it. Both can be switched off."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template

from connector.services import current_services
from connector.web.api import ENDPOINTS, PREFIX
from connector.web.api.openapi import openapi_document

documentation = Blueprint("documentation", __name__, url_prefix="/api")


@documentation.before_request
def refuse_when_off() -> None:
    """There is nothing here when the setting says so."""
    if not current_services().config.web.api_docs:
        abort(404)


@documentation.get("/openapi.json")
def show_document() -> Response:
    """The OpenAPI document."""
    return jsonify(_document())


@documentation.get("/docs")
def show_page() -> str:
    """The same for people."""
    document = _document()
    return render_template(
        "api_docs.html",
        info=document["info"],
        operations=[
            {"method": method.upper(), "path": path, **operation}
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ],
        schemas=document["components"]["schemas"],
    )


@cache
def _document() -> dict[str, Any]:
    return openapi_document(endpoints=ENDPOINTS, prefix=PREFIX)
