"""What the API shows: exact values, complete answers, one scope to read them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.fulfilment import OrderState
from connector.domain.terms import Customer
from connector.store import contracts
from connector.store.unit_of_work import Database
from tests.builders import (
    ORG_ID,
    a_fault,
    account_id,
    make_message_rows,
    make_order_rows,
    make_record_row,
    make_token,
    quote_id,
)
from tests.web.conftest import Machine
from tests.web.serving import make_config, make_services


def test_an_order_is_shown_with_exact_money_and_instants(
    machine: Machine, sqlite_database: Database, clock: FixedClock
) -> None:
    make_order_rows(sqlite_database, clock)

    answer = machine.get("/orders")

    (order,) = _data(answer)
    assert answer.content_type == "application/json"
    assert order["value"] == {"amount": "17900.00", "currency": "EUR"}
    assert (order["starts_on"], order["ends_on"]) == ("2026-04-01", "2027-04-01")
    assert order["created_at"] == "2026-03-02T09:25:00Z"
    assert order["record"]["id"] == quote_id(1)
    assert order["step"] is None
    assert order["problem"] is None


def test_a_blocked_order_says_why_and_who_acts(machine: Machine, sqlite_database: Database, clock: FixedClock) -> None:
    made = make_order_rows(sqlite_database, clock, state=OrderState.BLOCKED, faults=[a_fault(), a_fault(line="5")])

    order = _object(machine.get(f"/orders/{made.number}"))

    assert order["problem"]["code"] == "UNKNOWN_PRODUCT"
    assert order["problem"]["others"] == 1
    assert order["faults"][0]["field"] == "Product2.ProductCode"
    assert order["line_items"] == []
    assert order["value"] is None
    assert [step["state"] for step in order["steps"]] == ["waiting"] * 5


def test_one_order_comes_with_everything(machine: Machine, sqlite_database: Database, clock: FixedClock) -> None:
    made = make_order_rows(sqlite_database, clock)

    order = _object(machine.get(f"/orders/{made.number}"))

    seats = order["line_items"][1]
    assert (seats["quantity"], seats["unit_price"], seats["discount_percent"]) == ("50", "120.00", "10")
    assert order["contract"] == made.contract_number
    assert order["messages"][0]["state"] == "done"
    assert order["history"][-1]["event"] == "open"
    written = {field["name"]: field for field in order["write_back"][0]["fields"]}
    assert written["Sync_Status__c"] == {
        "name": "Sync_Status__c", "wanted": "Synced", "written": "Synced", "is_owed": False,
    }  # fmt: skip


def test_orders_are_filtered_by_state_and_text(machine: Machine, sqlite_database: Database, clock: FixedClock) -> None:
    make_order_rows(sqlite_database, clock, customer="Aurora")
    make_order_rows(sqlite_database, clock, customer="Kestrel", state=OrderState.RETRYING)

    assert [row["number"] for row in _data(machine.get("/orders", state="RETRYING"))] == ["O-000002"]
    assert [row["number"] for row in _data(machine.get("/orders", q="auro"))] == ["O-000001"]
    assert _data(machine.get("/orders", q="%")) == []
    assert [row["number"] for row in _data(machine.get("/orders", q="  KESTREL "))] == ["O-000002"]


def test_a_contract_comes_with_lines_versions_and_access(
    machine: Machine, sqlite_database: Database, clock: FixedClock
) -> None:
    made = make_order_rows(sqlite_database, clock)

    contract = _object(machine.get(f"/contracts/{made.contract_number}"))

    assert contract["versions"][0]["change"] == {"amount": "17900.00", "currency": "EUR"}
    assert contract["lines"][1]["value"] == {"amount": "6000.00", "currency": "EUR"}
    assert contract["subscriptions"][0]["grants"][1] == {
        "ref": "credit-ai", "kind": "credit", "value": "10000", "is_unlimited": False, "cadence": "month",
    }  # fmt: skip
    assert contract["orders"][0]["number"] == made.number
    assert [row["number"] for row in _data(machine.get("/contracts", q="aurora"))] == [made.contract_number]


def test_the_schedule_of_a_contract_adds_up_to_its_charges(
    machine: Machine, sqlite_database: Database, clock: FixedClock
) -> None:
    made = make_order_rows(sqlite_database, clock)

    schedule = _object(machine.get(f"/contracts/{made.contract_number}/schedule"))

    shown = [(charge["bill_on"], charge["amount"]["amount"]) for charge in schedule["charges"]]
    assert shown == [
        ("2026-04-01", "9600.00"), ("2026-04-01", "5400.00"), ("2026-04-01", "1400.00"), ("2026-04-01", "1500.00"),
    ]  # fmt: skip


def test_customers_and_parked_messages_are_listed(
    machine: Machine, sqlite_database: Database, clock: FixedClock
) -> None:
    with sqlite_database.unit_of_work() as work:
        customer = Customer(account_id(7), "Aurora")
        contracts.save_customer(work=work, org_id=ORG_ID, customer=customer, platform_ref="", now=clock.now())
        work.commit()
    ref = make_record_row(sqlite_database, clock, number=1, state="parked")
    make_message_rows(sqlite_database, clock, ref=ref, reason="No access.")
    make_order_rows(sqlite_database, clock, number=2)

    assert _data(machine.get("/customers", q=account_id(7))) == [
        {
            "org_id": ORG_ID, "salesforce_id": account_id(7), "name": "Aurora", "platform_ref": "",
            "created_at": "2026-03-02T09:30:00Z",
        }
    ]  # fmt: skip
    assert [(row["reason"], row["state"]) for row in _data(machine.get("/parked"))] == [("No access.", "parked")]


@pytest.mark.parametrize(
    "path", ["/orders/O-999999", "/contracts/C-999999", "/contracts/C-999999/schedule", "/resync/nix", "/orders/%00"]
)
def test_what_is_not_there_is_a_404(machine: Machine, path: str) -> None:
    answer = machine.get(path)

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("read", "get", "/orders", 200),
        ("read", "post", "/resync", 403),
        ("read", "post", "/parked/replay", 403),
        ("orders:write", "get", "/orders", 403),
        ("orders:write", "post", "/resync", 202),
        ("orders:write", "post", "/preview", 403),
        ("finance", "get", "/orders", 403),
        ("finance", "get", "/resync/x", 403),
        ("read", "get", "/resync/x", 404),
        ("orders:write", "get", "/resync/x", 404),
    ],
)
def test_a_token_opens_what_its_scopes_name(
    app: Flask, sqlite_database: Database, clock: FixedClock, scope: str, method: str, path: str, status: int
) -> None:
    make_order_rows(sqlite_database, clock)
    headers = {"Authorization": f"Bearer {make_token(sqlite_database, clock, scope)}"}
    body = {"json": {"order": "O-000001"}} if method == "post" else {}

    answer = getattr(app.test_client(), method)(f"/api/v1{path}", headers=headers, **body)

    assert answer.status_code == status
    if status == 403:
        needed = {"get": "read", "post": "read" if path == "/preview" else "orders:write"}[method]
        assert needed in answer.json["detail"]
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def _data(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found = answer.json["data"]
    assert isinstance(found, list)
    return found


def _object(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def test_a_token_that_calls_too_often_is_told_when_to_come_back(sqlite_database: Database, clock: FixedClock) -> None:
    services = make_services(sqlite_database, clock, config=make_config(api_calls_per_minute=2))
    client = create_app(services=services).test_client()
    one, other = make_token(sqlite_database, clock, "read", name="one"), make_token(sqlite_database, clock, name="two")

    answers = [client.get("/api/v1/orders", headers={"Authorization": f"Bearer {one}"}) for _ in range(3)]
    beside = client.get("/api/v1/orders", headers={"Authorization": f"Bearer {other}"})

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].content_type == "application/problem+json"
    assert answers[2].headers["Retry-After"] == "30"
    assert beside.status_code == 200
