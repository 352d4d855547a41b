"""The stand-in for Stigg is strict itself: types, membership, one subscription per product, keys, limits, memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stigg

from connector.adapters.clock import FixedClock
from tests.stigg_server import API_KEY, StiggServer
from tests.stigg_server.catalogue import Catalogue, Entitled, SoldPlan

_SEATS = Entitled("feature-seats", is_custom=True)
_PLANS = (
    SoldPlan("plan-a", "product-a", (_SEATS,)),
    SoldPlan("plan-b", "product-a", (_SEATS,)),
    SoldPlan("plan-c", "product-c"),
    SoldPlan("plan-free", "product-f", pricing_type="FREE"),
)


@pytest.fixture
def server(clock: FixedClock) -> Iterator[StiggServer]:
    found = StiggServer(Catalogue(_PLANS), now=clock.now)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def client(server: StiggServer) -> Iterator[stigg.Stigg]:
    """The SDK itself, which refuses answers that do not fit its types."""
    with stigg.Stigg(
        api_key=API_KEY, base_url=server.base_url, max_retries=0, _strict_response_validation=True
    ) as found:
        found.v1.customers.provision(id="c1", name="One")
        yield found


def _post(server: StiggServer, path: str, body: Any, *, key: str = "") -> httpx.Response:
    headers = {"X-API-KEY": API_KEY, **({"Idempotency-Key": key} if key else {})}
    return httpx.post(f"{server.base_url}/api/v1{path}", json=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"id": "s", "customerId": "c1", "planId": "plan-a", "plan": "x"}, "knows no plan"),
        ({"id": "s", "customerId": "c1"}, "planId is required"),
        ({"id": 7, "customerId": "c1", "planId": "plan-a"}, "must be str"),
        ({"customerId": "c1", "planId": "plan-a", "startDate": "2026-03-01T00:00:00"}, "must be datetime"),
        ({"customerId": "c1", "planId": "plan-a", "billingPeriod": "ANNUAL"}, "one of MONTHLY, ANNUALLY"),
        (
            {
                "customerId": "c1", "planId": "plan-a",
                "entitlements": [{"id": "feature-seats", "type": "FEATURE", "usageLimit": 2.5}],
            },
            "must be int",
        ),
        (
            {
                "customerId": "c1", "planId": "plan-a",
                "entitlements": [{"customCurrencyId": "x", "type": "CREDIT", "amount": 1, "cadence": "MONTH"}],
            },
            "knows no customCurrencyId",
        ),
        ({"customerId": "c1", "planId": "plan-a", "metadata": {"n": 1}}, "metadata.n must be str"),
    ],
    ids=["key", "required", "type", "zone", "word", "fraction", "other interface", "metadata"],
)  # fmt: skip
def test_a_body_that_the_sdk_does_not_describe_is_refused(
    body: dict[str, Any], says: str, server: StiggServer, client: stigg.Stigg
) -> None:
    answer = _post(server, "/subscriptions", body)

    assert answer.status_code == 400
    assert says in answer.json()["message"]


def test_a_new_subscription_of_the_product_ends_the_running_one(server: StiggServer, client: stigg.Stigg) -> None:
    for ref, plan in (("s1", "plan-a"), ("s2", "plan-b")):
        client.v1.subscriptions.provision(id=ref, customer_id="c1", plan_id=plan)

    assert client.v1.subscriptions.retrieve("s1").data.cancel_reason == "UPGRADE_OR_DOWNGRADE"


@pytest.mark.parametrize(
    ("subscriptions", "error"),
    [
        ([{"new_subscription": {"customer_id": "c1", "plan_id": "plan-free"}}], stigg.BadRequestError),
        ([{"new_subscription": {"customer_id": "c2", "plan_id": "plan-a"}}], stigg.BadRequestError),
        ([{"new_subscription": {"customer_id": "c1", "plan_id": "plan-x"}}], stigg.NotFoundError),
        (
            [{"new_subscription": {"customer_id": "c1", "plan_id": plan}} for plan in ("plan-a", "plan-b")],
            stigg.ConflictError,
        ),
    ],
    ids=["free plan", "other customer", "unknown plan", "two of one product"],
)
def test_a_contract_is_made_whole_or_not_at_all(
    subscriptions: list[Any], error: type[Exception], server: StiggServer, client: stigg.Stigg
) -> None:
    client.v1.customers.provision(id="c2", name="Two")
    good: Any = {"new_subscription": {"customer_id": "c1", "plan_id": "plan-c"}}

    with pytest.raises(error):
        client.v1.contracts.create(customer_id="c1", contract_id="k1", subscriptions=[good, *subscriptions])

    assert (server.contracts.agreed, server.subscriptions.held) == ({}, {})


def test_the_same_contract_id_answers_with_what_exists(server: StiggServer, client: stigg.Stigg) -> None:
    client.v1.contracts.create(customer_id="c1", contract_id="k1", name="first")

    again = client.v1.contracts.create(customer_id="c1", contract_id="k1", name="second")

    assert again.data.name == "first"


def test_a_subscription_on_another_contract_is_refused_and_archiving_cancels_all(
    server: StiggServer, client: stigg.Stigg
) -> None:
    new: Any = {"new_subscription": {"id": "s1", "customer_id": "c1", "plan_id": "plan-a"}}
    client.v1.contracts.create(customer_id="c1", contract_id="k1", subscriptions=[new])
    with pytest.raises(stigg.BadRequestError, match="another contract"):
        client.v1.contracts.create(
            customer_id="c1", contract_id="k2", subscriptions=[{"existing_subscription_id": "s1"}]
        )

    client.v1.contracts.delete("k1")

    assert client.v1.subscriptions.retrieve("s1").data.status == "CANCELED"


def test_one_key_is_one_change_and_another_body_is_a_conflict(server: StiggServer, client: stigg.Stigg) -> None:
    body = {"id": "c9", "name": "Nine"}
    first = _post(server, "/customers", body, key="k")
    again = _post(server, "/customers", body, key="k")
    other = _post(server, "/customers", {**body, "name": "Ten"}, key="k")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.content == again.content


def test_nothing_is_forgotten_when_the_answer_is_lost(server: StiggServer, client: stigg.Stigg) -> None:
    server.fail("cut before", "POST", "/customers")
    with pytest.raises(httpx.TransportError):
        _post(server, "/customers", {"id": "before"})
    server.fail("cut after", "POST", "/customers")
    with pytest.raises(httpx.TransportError):
        _post(server, "/customers", {"id": "after"})

    assert set(server.subscriptions.customers) == {"c1", "after"}


def test_the_31st_change_of_one_customer_and_the_251st_of_all_are_too_many(
    server: StiggServer, client: stigg.Stigg, clock: FixedClock
) -> None:
    for number in range(29):
        client.v1.customers.update("c1", name=f"name {number}")
    with pytest.raises(stigg.RateLimitError) as raised:
        client.v1.customers.update("c1", name="one more")
    for number in range(220):
        server.limits.take(f"somebody {number}")
    with pytest.raises(stigg.RateLimitError):
        client.v1.customers.provision(id="c251", name="one more")
    clock.advance(timedelta(seconds=60))

    assert client.v1.customers.update("c1", name="later").data.name == "later"
    assert "retry-after" not in raised.value.response.headers


def test_without_the_key_nobody_gets_in(server: StiggServer) -> None:
    answer = httpx.get(f"{server.base_url}/api/v1/plans", headers={"X-API-KEY": "guessed"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
