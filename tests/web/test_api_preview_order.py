"""A preview of an order that somebody wrote down: the same chain, all faults at once, nothing written, never a 5xx."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.entitlements import CustomPlan, PlanEntitlement
from connector.domain.terms import (
    BillingTiming,
    Cadence,
    ChargeType,
    DealType,
    Order,
    PriceModel,
    Provision,
    ProvisionKind,
    Tier,
)
from connector.granting_embedded import embedded_platform
from connector.store.tables import metadata
from connector.store.terms import order_document
from connector.store.unit_of_work import Database
from connector.web.api.showing import plain
from tests.billing import Books
from tests.builders import make_token, quote_id
from tests.web.billed import cancellation, line, order, seats, upsell, usage_line
from tests.web.conftest import Machine
from tests.web.serving import make_services

_PLAN = CustomPlan(
    "plan-business",
    "product-platform",
    (PlanEntitlement("feature-seats", ProvisionKind.ENTITLEMENT, is_variable=True),),
)


@pytest.fixture
def client(database: Database, clock: FixedClock) -> FlaskClient:
    platform = embedded_platform(database=database, clock=clock, plans=(_PLAN,))
    return create_app(services=make_services(database, clock, platform=platform)).test_client()


@pytest.fixture
def machine(client: FlaskClient, database: Database, clock: FixedClock) -> Machine:
    return Machine(client, make_token(database, clock, "read"))


@pytest.fixture
def sqlite_machine(sqlite_database: Database, clock: FixedClock) -> Machine:
    platform = embedded_platform(database=sqlite_database, clock=clock, plans=(_PLAN,))
    client = create_app(services=make_services(sqlite_database, clock, platform=platform)).test_client()
    return Machine(client, make_token(sqlite_database, clock, "read"))


@pytest.fixture
def books(database: Database, clock: FixedClock) -> Books:
    return Books(database, clock)


def as_json(terms: Order) -> Any:
    """The order as the answer of a preview shows it."""
    return plain(order_document(terms))


def preview(machine: Machine, terms: Order) -> Any:
    answer = machine.post("/preview", {"order": as_json(terms)})
    assert answer.status_code == 200, answer.text
    return answer.json


def complicated() -> Order:
    """Every kind of line beside each other, part months, discounts, and one that wants its own invoice."""
    plan = line(1, "Platform", price="999.99", provision=Provision(ProvisionKind.PLAN, "plan-business"))
    users = line(
        2, "Seats", quantity="7", price="33.333", discount_percent=Decimal("12.5"), starts_on=date(2026, 2, 11),
        provision=Provision(ProvisionKind.ENTITLEMENT, "feature-seats"),
    )  # fmt: skip
    quarterly = line(3, "Support", price="250", billing_period_months=3, billing_timing=BillingTiming.IN_ARREARS)
    once = line(4, "Onboarding", price="4500", charge_type=ChargeType.ONE_TIME, is_separate_invoice=True)
    tiered = line(
        5, "Storage", quantity="150", price="0", price_model=PriceModel.TIERED, billing_period_months=12,
        tiers=(Tier(Decimal(100), Decimal("1.10")), Tier(None, Decimal("0.90"))),
    )  # fmt: skip
    return order(1, plan, users, quarterly, once, tiered)


def test_what_was_previewed_is_what_is_billed(machine: Machine, books: Books) -> None:
    terms = complicated()
    found = preview(machine, terms)

    books.sign(terms)
    books.bill("2027-12-31")

    billed = [
        (str(row.bill_on), str(row.due_on), row.kind, str(row.net), str(row.tax), str(row.gross))
        for row in books.drafts()
    ]
    previewed = [
        (row["bill_on"], row["due_on"], row["kind"], *(row[name]["amount"] for name in ("net", "tax", "gross")))
        for row in found["documents"]
    ]
    assert found["faults"] == []
    assert len(billed) > 12
    assert previewed == billed
    assert _items(found) == [
        (str(row.bill_on), row.description, str(row.starts_on), str(row.ends_on), f"{row.amount:.2f}")
        for row in sorted(books.items(), key=lambda row: (row.bill_on, row.description, row.starts_on))
    ]


def test_a_change_is_previewed_on_its_contract_and_billed_as_previewed(machine: Machine, books: Books) -> None:
    books.sign(order(1, seats()))
    books.bill("2026-03-02")
    change = upsell(2, quantity="80", prior="50", on=date(2026, 2, 15))

    found = preview(machine, change)
    books.sign(change)
    books.bill("2027-01-31")

    assert found["contract"]["change"] == {"amount": "6300.00", "currency": "EUR"}
    assert found["contract"]["value"] == {"amount": "18300.00", "currency": "EUR"}
    # What was billed before the change stays as it is.
    fresh = [row for row in books.drafts() if row.id > 3]
    assert [(row["bill_on"], row["net"]["amount"]) for row in found["documents"]] == [
        (str(row.bill_on), str(row.net)) for row in fresh
    ]


def test_a_cancellation_is_previewed_with_its_credit(machine: Machine, books: Books) -> None:
    books.sign(order(1, line(1, "Platform", price="1200", price_period_months=12, billing_period_months=12)))
    books.bill("2026-01-01")

    found = preview(machine, cancellation(2, date(2026, 7, 1)))

    (credit,) = found["documents"]
    assert (credit["kind"], credit["bill_on"], credit["net"]["amount"]) == ("credit_note", "2026-07-01", "-604.93")
    assert found["contract"]["change"]["amount"] == "-604.93"


def test_a_preview_writes_nothing_and_has_the_documented_shape(
    machine: Machine, client: FlaskClient, database: Database
) -> None:
    machine.get("/orders")
    before = _rows(database)

    found = preview(machine, complicated())

    assert _rows(database) == before
    assert found["order"] == as_json(complicated())
    assert found["entitlements"][0]["grants"][0]["value"] == "0", "its line begins later"
    assert found["entitlement_changes"][0]["grants"][0]["value"] == "7"
    assert (found["is_signed"], found["salesforce_id"]) == (False, quote_id(1))
    document: Any = client.get("/api/openapi.json").json
    content = document["paths"]["/api/v1/preview"]["post"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)


def test_the_documented_body_takes_what_the_answer_shows(machine: Machine, client: FlaskClient) -> None:
    document: Any = client.get("/api/openapi.json").json
    content = document["paths"]["/api/v1/preview"]["post"]["requestBody"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}

    Draft202012Validator(schema).validate({"order": preview(machine, complicated())["order"]})


def test_usage_is_previewed_as_an_estimate(sqlite_machine: Machine) -> None:
    found = preview(sqlite_machine, order(1, seats(), usage_line()))

    estimates = [row["bill_on"] for row in found["documents"] if row["is_estimate"]]
    assert estimates == [f"2026-{month:02d}-01" for month in range(2, 13)] + ["2027-01-01"]


def test_an_order_that_cannot_be_sold_is_answered_with_all_faults_at_once(sqlite_machine: Machine) -> None:
    wrong = order(
        1, line(1, "Platform", quantity="-1"), line(2, "Seats", discount_percent=Decimal(140)), currency="XXX",
    )  # fmt: skip

    found = preview(sqlite_machine, wrong)

    assert {"UNKNOWN_CURRENCY", "DISCOUNT_ABOVE_100"} <= {fault["code"] for fault in found["faults"]}
    assert len(found["faults"]) >= 3
    assert found["contract"] is None
    assert found["documents"] == []
    assert found["order"]["currency"] == "XXX"


def test_a_total_that_differs_is_a_fault(sqlite_machine: Machine) -> None:
    found = preview(sqlite_machine, order(1, seats(), signed_total=Decimal("11999.99")))

    assert [fault["code"] for fault in found["faults"]] == ["TOTAL_MISMATCH"]


def test_a_change_of_nothing_known_waits(sqlite_machine: Machine) -> None:
    found = preview(sqlite_machine, upsell(2, quantity="80", prior="50", on=date(2026, 7, 1)))

    assert [fault["code"] for fault in found["faults"]] == ["WAITS_FOR_ORDER"]


def test_a_body_at_fault_is_refused_with_every_place(sqlite_machine: Machine) -> None:
    body = as_json(order(1, seats()))
    body["starts_on"] = "soon"
    body["line_items"][0]["quantity"] = "many"
    body["line_items"][0]["colour"] = "red"
    body["customer"].pop("ref")
    body["deal_type"] = "gift"

    answer: Any = sqlite_machine.post("/preview", {"order": body})

    assert answer.status_code == 400
    assert {fault["field"] for fault in answer.json["faults"]} == {
        "order.starts_on",
        "order.line_items.0.quantity",
        "order.line_items.0.colour",
        "order.customer.ref",
        "order.deal_type",
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order": None},
        {"salesforce_id": quote_id(1), "order": {}},
        {"order": []},
        {"order": {}, "org_id": "00D5g00000ABCDEEA2"},
    ],
)
def test_exactly_one_of_record_and_order_is_needed(sqlite_machine: Machine, body: Any) -> None:
    assert sqlite_machine.post("/preview", body).status_code == 400


def test_an_endless_order_is_refused_before_it_is_calculated(sqlite_machine: Machine) -> None:
    lines = [line(number, f"L{number}", ends_on=date(2099, 1, 1)) for number in range(1, 60)]

    answer: Any = sqlite_machine.post("/preview", {"order": as_json(order(1, *lines, ends_on=date(2099, 1, 1)))})

    assert answer.status_code == 400
    assert "months together" in answer.json["faults"][0]["message"]


@pytest.mark.parametrize("number", ["1E+999999", "NaN", "Infinity", "1e3", "0x10", "1_000", "--1", "", " 1", "٣", True])
def test_a_number_is_a_plain_number(sqlite_machine: Machine, number: Any) -> None:
    body = as_json(order(1, seats()))
    body["line_items"][0]["quantity"] = number

    answer: Any = sqlite_machine.post("/preview", {"order": body})

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json["faults"]] == ["order.line_items.0.quantity"]


def test_a_json_number_is_read_exactly(sqlite_machine: Machine) -> None:
    body = json.dumps({"order": as_json(order(1, seats()))}).replace('"unit_price": "20"', '"unit_price": 0.1')

    found: Any = sqlite_machine.send("/preview", body.encode()).json

    assert found["contract"]["value"]["amount"] == "60.00"


_STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=8), st.just({}),
    st.sampled_from(["", "1e9", "2026-02-30", "9999-12-31", "\ud800", "\x00"]), st.lists(st.integers(), max_size=2),
)  # fmt: skip
_NUMBERS = st.sampled_from(
    ["0", "-1", "1", "12", "0.000000000001", "999999999999999999", "-999999999999999999.999999999999", "33.333", "100"]
)
_DAYS = st.dates(date(2024, 1, 1), date(2029, 1, 1)).map(str) | st.sampled_from(["1990-01-01", "2200-01-01"])
_KINDS = (ChargeType, PriceModel, BillingTiming, ProvisionKind, DealType, Cadence)


def _alike(value: Any) -> st.SearchStrategy[Any]:
    """Another value of the same kind, which the body takes and the calculation must bear."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(0, 40)
    if value is None:
        return st.integers(1, 31) | _NUMBERS | _DAYS
    if isinstance(value, str) and value.replace(".", "").lstrip("-").isdigit():
        return _NUMBERS
    if isinstance(value, str) and len(value) == 10 and value[4] == "-":
        return _DAYS
    for kind in _KINDS:
        if value in [item.value for item in kind]:
            return st.sampled_from([item.value for item in kind])
    return st.sampled_from(["", "EUR", "JPY", "BHD", "USD", "DE", "0QL5g0000000001GAE", "plan-business"])


@pytest.mark.parametrize("kind", ["alike", "strange"])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_whatever_it_says_ends_in_an_error_of_ours(
    sqlite_machine: Machine, kind: str, data: st.DataObject
) -> None:
    body = copy.deepcopy(as_json(complicated()))
    for _ in range(data.draw(st.integers(1, 4))):
        place, name = data.draw(st.sampled_from(list(_places(body))))
        place[name] = data.draw(_alike(place[name]) if kind == "alike" else _STRANGE)

    answer = sqlite_machine.send("/preview", json.dumps({"order": body}).encode())

    assert answer.status_code in (200, 400), answer.text


def _places(value: Any) -> Any:
    """Every key of every object in the body."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield value, name
            yield from _places(item)
    elif isinstance(value, list):
        for item in value:
            yield from _places(item)


def _items(found: Any) -> list[tuple[str, ...]]:
    rows = [
        (document["bill_on"], item["description"], item["starts_on"], item["ends_on"], item["amount"]["amount"])
        for document in found["documents"]
        for item in document["items"]
    ]
    return sorted(rows)


def _rows(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
