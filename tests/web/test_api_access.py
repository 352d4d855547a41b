"""The API of access: a product gates its features and reports usage; plans are drafted and published."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.entitlements import AccessWanted, Grant
from connector.domain.terms import Customer
from connector.ports import SubscriptionRequest
from connector.services import Services
from connector.store import contracts
from connector.store.unit_of_work import Database
from connector.web.api import ACCESS, PREFIX
from tests.builders import make_token
from tests.conftest import NOW
from tests.web.conftest import Machine
from tests.web.serving import ORG_ID, make_services

_ACCOUNT = "0015g00000PqRsTAAV"
_CALLS, _AI = "feature-api-calls", "cred-type-ai"
_PLAN = {
    "product": "product-a",
    "name": "Plan A",
    "entitlements": [
        {"ref": _CALLS, "feature": "metered", "value": "100", "reset": "month", "draws": _AI, "draws_per_unit": "0.5"},
        {"ref": _AI, "kind": "credit", "value": 20, "cadence": "month"},
        {"ref": "feature-sso", "feature": "boolean", "value": 1},
    ],
}


@pytest.fixture
def services(sqlite_database: Database, clock: FixedClock) -> Services:
    return make_services(sqlite_database, clock)


@pytest.fixture
def machine(services: Services) -> Machine:
    token = make_token(services.database, services.clock, "read", "usage:write", "plans:write")
    return Machine(create_app(services=services).test_client(), token)


def _sell(services: Services, machine: Machine) -> str:
    """A customer with the plan from March on; answers the platform's ref."""
    machine.put("/plans/plan-a", _PLAN)
    machine.post("/plans/plan-a/publish", {})
    customer = Customer(ref=_ACCOUNT, name="Halvorsen")
    ref = services.platform.upsert_customer(key=f"customer-{ORG_ID}-{_ACCOUNT}", customer=customer)
    with services.database.unit_of_work() as work:
        contracts.save_customer(work=work, org_id=ORG_ID, customer=customer, platform_ref=ref, now=NOW)
        work.commit()
    plan = services.platform.fetch_plan(plan_ref="plan-a")
    assert plan is not None
    grants = tuple(
        Grant(one.ref, one.kind, one.value, cadence=one.cadence, reset_period=one.reset_period)
        for one in plan.entitlements
    )
    wanted = AccessWanted("plan-a", "product-a", date(2026, 3, 1), date(2027, 3, 1), grants, plan_version=plan.version)
    services.platform.grant(requests=[SubscriptionRequest("s-1", ref, "contract-1", wanted)])
    return ref


def _event(key: str, units: Any = 10, at: str = "2026-03-02T09:00:00Z", **changes: Any) -> dict[str, Any]:
    return {"key": key, "customer": _ACCOUNT, "feature": _CALLS, "units": units, "at": at, **changes}


def test_usage_counts_against_limits_and_draws_credits(services: Services, machine: Machine) -> None:
    _sell(services, machine)

    counted = machine.post("/usage", {"events": [_event("one"), _event("two", "5.5")]}).json
    found = machine.get(f"/customers/{_ACCOUNT}/entitlements").json

    assert counted == {"counted": 2, "repeated": 0}
    states = {one["ref"]: (one["limit"], one["used"], one["left"]) for one in found["entitlements"]}
    assert states[_CALLS] == ("100", "15.5", "84.5")
    assert [(one["credit"], Decimal(one["balance"])) for one in found["credits"]] == [(_AI, Decimal("12.25"))]


def test_an_event_that_is_sent_again_is_counted_once(services: Services, machine: Machine) -> None:
    _sell(services, machine)
    machine.post("/usage", {"events": [_event("one")]})

    again = machine.post("/usage", {"events": [_event("one"), _event("two")]})
    other = machine.post("/usage", {"events": [_event("one", 11)]})

    assert again.json == {"counted": 1, "repeated": 1}
    assert (other.status_code, other.json["code"]) == (422, "EVENT_CHANGED")


@pytest.mark.parametrize(
    ("event", "field", "code"),
    [
        (_event("x", at="2026-03-02T09:36:00Z"), "events.1.at", "EVENT_IN_FUTURE"),
        (_event("x", at="2026-01-20T09:00:00Z"), "events.1.at", "EVENT_TOO_LATE"),
        (_event("x", customer="0015g00000NOBODYAA"), "events.1.customer", "UNKNOWN_CUSTOMER"),
        (_event("x", feature="feature-nowhere"), "events.1.feature", "UNKNOWN_FEATURE"),
    ],
)
def test_a_batch_with_a_wrong_event_is_refused_whole(
    services: Services, machine: Machine, event: dict[str, Any], field: str, code: str
) -> None:
    _sell(services, machine)

    refused = machine.post("/usage", {"events": [_event("good"), event]})

    assert refused.status_code == 422
    assert [(fault["field"], fault["code"]) for fault in refused.json["faults"]] == [(field, code)]
    assert machine.post("/usage", {"events": [_event("good")]}).json["counted"] == 1


@pytest.mark.parametrize("units", [0, -1, "1e400", "NaN", "abc", True, None, "1.0000000001"])
def test_units_are_a_number_above_zero(services: Services, machine: Machine, units: Any) -> None:
    assert machine.post("/usage", {"events": [_event("x", units)]}).status_code == 400


@pytest.mark.parametrize(("requested", "is_allowed"), [("90", True), ("90.5", False)])
def test_a_check_answers_whether_more_may_be_used(
    services: Services, machine: Machine, requested: str, is_allowed: bool
) -> None:
    _sell(services, machine)
    machine.post("/usage", {"events": [_event("one")]})

    found = machine.get(f"/customers/{_ACCOUNT}/entitlements/{_CALLS}?requested={requested}").json

    assert found["is_allowed"] is is_allowed


def test_a_limit_is_counted_anew_each_period(services: Services, machine: Machine, clock: FixedClock) -> None:
    _sell(services, machine)
    machine.post("/usage", {"events": [_event("one", 100)]})
    used_up = machine.get(f"/customers/{_ACCOUNT}/entitlements/{_CALLS}").json

    clock.advance(timedelta(days=30))
    anew = machine.get(f"/customers/{_ACCOUNT}/entitlements/{_CALLS}").json

    assert (used_up["is_allowed"], anew["is_allowed"]) == (False, True)
    assert used_up["entitlement"]["reason"] == "The limit is used up."
    assert anew["entitlement"]["used"] == "0"


def test_a_customer_or_feature_that_is_unknown_is_not_found(services: Services, machine: Machine) -> None:
    _sell(services, machine)

    assert machine.get("/customers/nobody/entitlements").status_code == 404
    assert machine.get(f"/customers/{_ACCOUNT}/entitlements/feature-nowhere").status_code == 404


def test_a_published_version_stays_and_a_new_draft_is_the_next_one(machine: Machine) -> None:
    machine.put("/plans/plan-a", _PLAN)
    machine.put("/plans/plan-a", {**_PLAN, "name": "Plan A, again"})
    machine.post("/plans/plan-a/publish", {})
    machine.put("/plans/plan-a", {**_PLAN, "name": "Bigger"})

    found = machine.get("/plans/plan-a").json["data"]

    assert [(one["version"], one["state"], one["name"]) for one in found] == [
        (1, "published", "Plan A, again"), (2, "draft", "Bigger"),
    ]  # fmt: skip
    assert machine.post("/plans/plan-b/publish", None).status_code == 404


@pytest.mark.parametrize(
    ("entitlement", "says"),
    [
        ({"ref": "a", "kind": "credit", "value": 0, "cadence": "month"}, "above 0"),
        ({"ref": "a", "kind": "credit", "value": 5}, "cadence"),
        ({"ref": "a", "kind": "credit", "value": 5, "cadence": "quarter"}, "month"),
        ({"ref": "a", "kind": "credit", "value": 5, "cadence": "year", "rollover": True}, "without rollover"),
        ({"ref": "a", "value": "1.5"}, "whole number"),
        ({"ref": "a"}, "variable"),
        ({"ref": "a", "value": 1, "draws": "nothing"}, "no such credit"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_words(machine: Machine, entitlement: dict[str, Any], says: str) -> None:
    refused = machine.put("/plans/plan-a", {"product": "p", "entitlements": [entitlement]})

    assert refused.status_code in (400, 422)
    assert says in refused.text
    assert machine.get("/plans/plan-a").status_code == 404


def test_a_token_without_the_scope_changes_nothing(services: Services) -> None:
    reader = Machine(create_app(services=services).test_client(), make_token(services.database, services.clock, "read"))

    assert reader.put("/plans/plan-a", _PLAN).status_code == 403
    assert reader.post("/usage", {"events": []}).status_code == 403


def test_a_credit_of_a_customer_has_a_ledger(services: Services, machine: Machine) -> None:
    _sell(services, machine)
    machine.post("/usage", {"events": [_event("one", 4, feature=_AI)]})

    found = machine.get(f"/customers/{_ACCOUNT}/credits/{_AI}").json["data"]
    strange = machine.get(f"/customers/{_ACCOUNT}/credits/{_AI}", after="9" * 200)

    assert strange.status_code == 200
    assert [(one["kind"], one["amount"], one["balance"]) for one in found] == [
        ("consumed", "-4", "16"), ("granted", "20", "20"),
    ]  # fmt: skip


def test_every_answer_about_access_has_the_shape_that_is_documented(services: Services, machine: Machine) -> None:
    _sell(services, machine)
    draft = machine.put("/plans/plan-z", _PLAN)
    seen = {
        ("put", "/plans/{plan}"): draft,
        ("post", "/plans/{plan}/publish"): machine.post("/plans/plan-z/publish", {}),
        ("get", "/plans"): machine.get("/plans"),
        ("get", "/plans/{plan}"): machine.get("/plans/plan-z"),
        ("post", "/usage"): machine.post("/usage", {"events": [_event("one")]}),
        ("get", "/customers/{customer}/entitlements"): machine.get(f"/customers/{_ACCOUNT}/entitlements"),
        ("get", "/customers/{customer}/entitlements/{ref}"): machine.get(
            f"/customers/{_ACCOUNT}/entitlements/{_CALLS}"
        ),
        ("get", "/customers/{customer}/credits/{ref}"): machine.get(f"/customers/{_ACCOUNT}/credits/{_AI}"),
        ("get", "/differences"): machine.get("/differences"),
    }

    assert set(seen) == {(endpoint.method.lower(), endpoint.path) for endpoint in ACCESS}
    document = create_app(services=services).test_client().get("/api/openapi.json").json
    for (method, path), answer in seen.items():
        assert answer.status_code == 200, answer.text
        (media,) = document["paths"][PREFIX + path][method]["responses"]["200"]["content"].values()
        schema = {**media["schema"], "components": document["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json)
