"""The documentation says what the API does: the document is valid, and every answer has the shape it promises."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.fulfilment import OrderState
from connector.store.unit_of_work import Database
from connector.web.api import ACCESS, ENDPOINTS, PREFIX
from tests.billing import Books
from tests.builders import (
    a_fault,
    make_message_rows,
    make_order_rows,
    make_record_row,
    make_token,
    make_user,
    quote_id,
)
from tests.web.conftest import Machine
from tests.web.serving import make_config, make_services


@pytest.fixture
def document(stranger: FlaskClient) -> dict[str, Any]:
    found = stranger.get("/api/openapi.json").json
    assert isinstance(found, dict)
    return found


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"

    validate(document)


def test_every_address_is_described_with_its_scope(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert set(described) == {(endpoint.method, PREFIX + endpoint.path) for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        operation = described[endpoint.method, PREFIX + endpoint.path]
        assert operation["security"] == [{"token": [scope]} for scope in endpoint.scopes]
        assert {"400", "401", "403"} < set(operation["responses"])


def test_parameters_and_bodies_are_described(document: dict[str, Any]) -> None:
    orders = {item["name"]: item["schema"] for item in document["paths"]["/api/v1/orders"]["get"]["parameters"]}
    resync = document["components"]["schemas"]["ResyncBody"]

    assert orders["limit"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert "BLOCKED" in orders["state"]["enum"]
    assert set(resync["properties"]) == {"salesforce_id", "order", "since", "until", "dry_run"}
    assert resync["additionalProperties"] is False


def test_every_answer_has_the_shape_that_is_documented(
    machine: Machine, stranger: FlaskClient, document: dict[str, Any], sqlite_database: Database, clock: FixedClock
) -> None:
    done = make_order_rows(sqlite_database, clock)
    blocked = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault()], question="Changed?")
    make_order_rows(sqlite_database, clock, state=OrderState.RETRYING, step_fault=a_fault())
    make_order_rows(sqlite_database, clock, state=OrderState.NEW, customer="")
    make_message_rows(sqlite_database, clock, ref=make_record_row(sqlite_database, clock, number=9))
    Books(sqlite_database, clock).bill("2027-01-01")
    token = machine.post("/resync", {"order": done.number}).json["token"]
    make_user(sqlite_database, clock)
    finance = Machine(stranger, make_token(sqlite_database, clock, "finance", person="anna"))
    reason = {"reason": "The customer asked."}

    seen = {
        ("get", "/orders"): machine.get("/orders"),
        ("get", "/orders/{number}"): machine.get(f"/orders/{done.number}"),
        ("get", "/contracts"): machine.get("/contracts"),
        ("get", "/contracts/{number}"): machine.get(f"/contracts/{done.contract_number}"),
        ("get", "/contracts/{number}/schedule"): machine.get(f"/contracts/{done.contract_number}/schedule"),
        ("get", "/invoices"): machine.get("/invoices"),
        ("get", "/invoices/{invoice_id}"): machine.get("/invoices/1"),
        ("post", "/invoices/{invoice_id}/hold"): finance.post("/invoices/1/hold", reason),
        ("post", "/invoices/{invoice_id}/approve"): finance.post("/invoices/1/approve", {"content_hash": "0" * 64}),
        ("post", "/invoices/{invoice_id}/credit"): finance.post("/invoices/1/credit", reason),
        ("post", "/invoices/{invoice_id}/reject"): finance.post("/invoices/1/reject", {**reason, "owner": "rosa"}),
        ("post", "/invoices/{invoice_id}/void"): finance.post("/invoices/1/void", reason),
        ("get", "/payments"): machine.get("/payments"),
        ("get", "/payments/{payment_id}"): machine.get("/payments/1"),
        ("post", "/order-forms"): machine.upload("/order-forms", b"%PDF-1.7", salesforce_id=quote_id(1)),
        ("get", "/order-forms/{number}"): machine.get("/order-forms/F-000001"),
        ("get", "/customers"): machine.get("/customers"),
        ("get", "/parked"): machine.get("/parked"),
        ("post", "/parked/replay"): machine.post("/parked/replay", {"all": True}),
        ("post", "/resync"): machine.post("/resync", {"order": blocked.number, "dry_run": True}),
        ("get", "/resync/{token}"): machine.get(f"/resync/{token}"),
        ("post", "/preview"): machine.post("/preview", {"salesforce_id": quote_id(99)}),
    }
    refused = [
        (("get", "/orders"), machine.get("/orders", limit=0)),
        (("post", "/order-forms"), machine.upload("/order-forms", b"no PDF")),
        (("post", "/order-forms"), machine.upload("/order-forms", b"%PDF-1.7", salesforce_id=quote_id(2))),
        (("get", "/order-forms/{number}"), machine.get("/order-forms/F-000009")),
        (("get", "/orders/{number}"), machine.get("/orders/nix")),
        (("get", "/orders/{number}"), machine.get(f"/orders/{blocked.number}")),
        (("post", "/resync"), machine.post("/resync", {})),
        (("post", "/resync"), machine.send("/resync", b"", "text/plain")),
        (("get", "/parked"), stranger.get("/api/v1/parked")),
        (("post", "/invoices/{invoice_id}/hold"), machine.post("/invoices/1/hold", reason)),
        (("post", "/invoices/{invoice_id}/hold"), finance.post("/invoices/1/hold", {"until": "soon"})),
        (("post", "/invoices/{invoice_id}/hold"), finance.post("/invoices/99/hold", reason)),
    ]

    # What these answer where there is something to tell is in test_api_delivery.py.
    nothing = "/invoices/DE-2026-999999"
    seen |= {
        ("get", "/invoices/{number}/files"): machine.get(f"{nothing}/files"),
        ("post", "/invoices/{number}/files"): machine.send(f"{nothing}/files", b""),
        ("post", "/invoices/{number}/stop"): machine.post(f"{nothing}/stop", {"kind": "pause", "reason": "x"}),
        ("post", "/invoices/{number}/resume"): machine.send(f"{nothing}/resume", b""),
        ("get", "/invoices/{number}/links"): machine.get(f"{nothing}/links"),
        ("post", "/invoices/{number}/links"): machine.post(f"{nothing}/links", {"label": "x"}),
        ("post", "/links/{link_id}/revoke"): machine.send("/links/7/revoke", b""),
        ("get", "/invoices/{number}/deliveries"): machine.get(f"{nothing}/deliveries"),
        ("post", "/invoices/{number}/deliveries"): machine.post(f"{nothing}/deliveries", {"recipient": "a@b.example"}),
        ("get", "/deliveries"): machine.get("/deliveries"),
        ("post", "/deliveries/{delivery_id}/bounce"): machine.post("/deliveries/7/bounce", {"reason": "No."}),
    }
    # Files have no shape; the shapes of access are looked at where customers have some, in test_api_access.
    apart = {endpoint.path for endpoint in ACCESS}
    assert set(seen) == {
        (endpoint.method.lower(), endpoint.path)
        for endpoint in ENDPOINTS
        if endpoint.answer and endpoint.path not in apart
    }
    for (method, path), answer in [*seen.items(), *refused]:
        responses = document["paths"][PREFIX + path][method]["responses"]
        (media,) = responses[str(answer.status_code)]["content"].items()
        assert answer.content_type == media[0]
        schema = {**media[1]["schema"], "components": document["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json)


def test_the_page_for_people_shows_every_address(stranger: FlaskClient) -> None:
    page = stranger.get("/api/docs")

    assert page.status_code == 200
    assert all(f"<code>{PREFIX}{endpoint.path}</code>" in page.text for endpoint in ENDPOINTS)
    assert 'id="ResyncBody"' in page.text


def test_documentation_and_metrics_can_be_switched_off(sqlite_database: Database, clock: FixedClock) -> None:
    config = make_config(api_docs=False, metrics=False)
    client = create_app(services=make_services(sqlite_database, clock, config=config)).test_client()

    for path in ("/api/docs", "/api/openapi.json", "/metrics"):
        assert client.get(path).status_code == 404
