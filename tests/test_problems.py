"""Errors as HTTP answers: the right status, a way out, and nothing that a stranger must not see."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import CapturingLogger
from werkzeug.exceptions import TooManyRequests

from connector.errors import (
    Conflict,
    ConnectorError,
    Fault,
    Misconfigured,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
    Uncertain,
)
from connector.problems import problem, register_error_handlers

FAULT = Fault(code="NO_PRICE", message="The price is missing.", fix="Set it.", owner="sales", field="UnitPrice")


class OrderRefused(Refused):
    """The order cannot be made."""

    code = "ORDER_REFUSED"
    fix = "Mend the record."
    faults = (FAULT,)


class TeapotRefused(Refused):
    """This is a teapot."""

    http_status = 418


def client_that_raises(error: Exception) -> FlaskClient:
    app = Flask("failing")
    register_error_handlers(app)

    @app.get("/")
    def fail() -> str:
        raise error

    return app.test_client()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("no"), 422),
        (OrderRefused("no"), 422),
        (TeapotRefused(), 418),
        (NotFound("none"), 404),
        (Unavailable("away"), 503),
        (Conflict("busy"), 503),
        (Uncertain("perhaps"), 503),
        (RateLimited("slow", retry_after=17), 503),
        (Misconfigured("wrong"), 503),
        (ConnectorError("odd"), 500),
    ],
)
def test_each_kind_of_error_has_its_status(error: ConnectorError, status: int) -> None:
    answer = client_that_raises(error).get("/")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json is not None
    assert answer.json["status"] == status
    assert answer.json["code"] == error.code
    assert answer.json["detail"] == str(error)
    assert answer.json["fix"] == error.fix


def test_only_what_waiting_can_mend_says_how_long_to_wait() -> None:
    assert client_that_raises(RateLimited("slow", retry_after=17)).get("/").headers["Retry-After"] == "17"
    assert client_that_raises(Unavailable("away")).get("/").headers["Retry-After"] == "5"
    assert "Retry-After" not in client_that_raises(Misconfigured("wrong")).get("/").headers
    assert "Retry-After" not in client_that_raises(Refused("no")).get("/").headers


def test_a_refusal_carries_its_title_and_its_faults() -> None:
    document = client_that_raises(OrderRefused("Order O-1 has no price.")).get("/").json

    assert document == {
        "type": "urn:countersign:problem:order-refused",
        "title": "The order cannot be made.",
        "status": 422,
        "code": "ORDER_REFUSED",
        "detail": "Order O-1 has no price.",
        "fix": "Mend the record.",
        "faults": [
            {
                "code": "NO_PRICE",
                "message": "The price is missing.",
                "fix": "Set it.",
                "owner": "sales",
                "field": "UnitPrice",
            }
        ],
    }


def test_a_bug_tells_an_incident_id_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = CapturingLogger()
    monkeypatch.setattr("connector.problems.log", logged)
    error = ZeroDivisionError("the secret is 42")

    answer = client_that_raises(error).get("/")

    assert answer.status_code == 500
    assert answer.json is not None
    incident = answer.json["detail"].removeprefix("Incident ").removesuffix(".")
    assert len(incident) == 12
    (entry,) = logged.calls
    assert (entry.method_name, entry.kwargs["incident"], entry.kwargs["exc_info"]) == ("error", incident, error)
    assert "42" not in answer.text.replace(incident, "")
    assert "ZeroDivision" not in answer.text


def test_what_flask_refuses_is_a_problem_document_with_its_headers() -> None:
    answer = client_that_raises(TooManyRequests(retry_after=30)).get("/")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.json is not None
    assert answer.json["code"] == "TOO_MANY_REQUESTS"


@pytest.mark.parametrize(("path", "method", "status"), [("/none", "GET", 404), ("/", "DELETE", 405)])
def test_unknown_addresses_and_methods_are_problem_documents(path: str, method: str, status: int) -> None:
    answer = client_that_raises(Refused("no")).open(path, method=method)

    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["fix"]


def test_a_problem_keeps_every_language() -> None:
    assert "Łódź 🚀" in problem(400, "BAD", "Bad", "Łódź 🚀").get_data(as_text=True)
