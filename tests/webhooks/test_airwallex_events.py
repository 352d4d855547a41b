"""Events of Airwallex: signed over timestamp and raw body, kept once, answered with 200 only after that."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.adapters.payments_airwallex import AirwallexPayments
from connector.adapters.payments_airwallex_calls import AirwallexSettings
from connector.config import parse_config
from connector.problems import register_error_handlers
from connector.services import Services
from connector.store.tables_collecting import provider_events
from connector.store.unit_of_work import Database
from tests.builders import ORG_ID
from tests.paying.airwallex import SECRET, signed
from tests.web.serving import make_services
from webhooks import BLUEPRINTS
from webhooks.airwallex_signatures import verify_airwallex

OLD_SECRET = "the-secret-before-this-one-0123456789"
BODY = json.dumps(
    {"id": "evt_1", "name": "payment_intent.succeeded", "account_id": "acct_1", "data": {"object": {"id": "int_1"}}}
).encode()


@pytest.fixture
def services(database: Database, clock: FixedClock) -> Services:
    config = parse_config(
        raw={
            "salesforce": {"instance_url": "http://127.0.0.1:1", "client_id": "client", "org_id": ORG_ID},
            "payments": {"provider": "airwallex"},
            "airwallex": {"client_id": "client", "account_id": "acct_1"},
        },
        environment={
            "COUNTERSIGN_AIRWALLEX_API_KEY": "k",
            "COUNTERSIGN_AIRWALLEX_WEBHOOK_SECRETS": f"{SECRET},{OLD_SECRET}",
        },
    )
    settings = AirwallexSettings(base_url="http://127.0.0.1:1", client_id="client", api_key="k")
    provider = AirwallexPayments(settings=settings, clock=clock)
    return make_services(database, clock, config=config, payments=provider)


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return client_of(services)


def client_of(services: Services) -> FlaskClient:
    """The receivers alone."""
    app = Flask("receivers")
    app.extensions["countersign"] = services
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    register_error_handlers(app)
    return app.test_client()


def send(client: FlaskClient, clock: FixedClock, body: bytes = BODY, **headers: str) -> TestResponse:
    """Send a body as Airwallex does; `headers` replace single ones (with _ for -)."""
    given = signed(body, at=clock.now()) | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/webhooks/airwallex", data=body, headers=given)


def kept(services: Services) -> list[Any]:
    """Every event that is kept."""
    with services.database.reading() as connection:
        return list(connection.execute(sa.select(provider_events).order_by(provider_events.c.id)))


def test_an_event_is_kept_with_its_raw_body_before_it_is_answered(
    client: FlaskClient, services: Services, clock: FixedClock
) -> None:
    answer = send(client, clock)

    (row,) = kept(services)
    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "known": 0})
    assert (row.event_id, row.kind, row.ref, row.state, row.is_late) == ("evt_1", "payment", "int_1", "waiting", False)
    assert (row.body, row.environment) == (BODY, "127.0.0.1")


def test_the_same_event_again_is_answered_with_200_and_kept_once(
    client: FlaskClient, services: Services, clock: FixedClock
) -> None:
    answers = [send(client, clock) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[2].json == {"accepted": 0, "known": 1}
    assert len(kept(services)) == 1


def test_the_published_example_of_a_signature_is_right(clock: FixedClock) -> None:
    body = (
        b'{"id":"evt_1","name":"deposit.settled","account_id":"acct_1","data":{"id":"dep_1","status":"SETTLED",'
        b'"amount":1190.00,"currency":"EUR","reference":"RF18539007547034"}}'
    )
    clock.set(clock.now().fromtimestamp(1_790_000_000, clock.now().tzinfo))

    assert verify_airwallex(
        body=body,
        timestamp="1790000000000",
        signature="d852bb58f97cad46af4c80a01a55d7cb6b2ad715f06e463008d8005f0ad146fd",
        secrets=["whsec_test_secret"],
        now=clock.now(),
    )


def test_the_old_secret_holds_while_both_are_set(client: FlaskClient, clock: FixedClock) -> None:
    headers = signed(BODY, at=clock.now(), secret=OLD_SECRET)

    assert client.post("/webhooks/airwallex", data=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x_signature": "0" * 64},
        {"x_signature": ""},
        {"x_signature": "é"},
        {"x_timestamp": ""},
        {"x_timestamp": "yesterday"},
        {"x_timestamp": "1772443800001"},
        {"x_timestamp": "9" * 40},
    ],
)
def test_a_wrong_signature_is_refused_and_leaves_no_row(
    client: FlaskClient, services: Services, clock: FixedClock, headers: dict[str, str]
) -> None:
    answer = send(client, clock, **headers)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (401, "WRONG_SIGNATURE")
    assert kept(services) == []


def test_a_body_that_was_parsed_and_written_again_is_refused(client: FlaskClient, clock: FixedClock) -> None:
    body = b'{"id":"evt_1","name":"deposit.settled","data":{"id":"dep_1","amount":1190.00}}'
    headers = signed(body, at=clock.now())

    answer = client.post("/webhooks/airwallex", data=json.dumps(json.loads(body)).encode(), headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize(("minutes", "is_late"), [(4, False), (6, True), (60 * 24 * 3, True), (-6, True)])
def test_an_old_event_is_kept_and_marked(
    client: FlaskClient, services: Services, clock: FixedClock, minutes: int, is_late: bool
) -> None:
    headers = signed(BODY, at=clock.now() - timedelta(minutes=minutes))

    assert client.post("/webhooks/airwallex", data=BODY, headers=headers).status_code == 200
    assert [row.is_late for row in kept(services)] == [is_late]


def test_an_event_that_is_older_than_any_retry_is_refused(
    client: FlaskClient, services: Services, clock: FixedClock
) -> None:
    answer = client.post("/webhooks/airwallex", data=BODY, headers=signed(BODY, at=clock.now() - timedelta(days=8)))

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (401, "STALE_SIGNATURE")
    assert kept(services) == []


@pytest.mark.parametrize(
    ("event", "state", "said"),
    [
        ({"name": "subscription.active"}, "ignored", "Nobody looks at subscription"),
        ({"account_id": "acct_other"}, "ignored", "another account"),
        ({"accountId": "acct_other", "account_id": None}, "ignored", "another account"),
        ({"data": {}}, "ignored", "names no object"),
        ({"data": None, "source_id": "int_7"}, "waiting", ""),
        ({"name": "deposit.settled", "data": {"id": "dep_1"}}, "waiting", ""),
    ],
)
def test_what_nobody_can_look_at_is_kept_with_the_reason(
    client: FlaskClient, services: Services, clock: FixedClock, event: dict[str, Any], state: str, said: str
) -> None:
    body = json.dumps(json.loads(BODY) | event).encode()

    assert send(client, clock, body).status_code == 200
    (row,) = kept(services)
    assert row.state == state
    assert said in row.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"id": 1, "name": "deposit.settled"}',
        b'{"id": "evt_1", "name": "<b>"}',
        b'{"id": "evt_1"}',
        b"[" * 100_000,
        b'{"id": "evt_1", "name": "a.b", "data": NaN}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_in_words(
    client: FlaskClient, services: Services, clock: FixedClock, body: bytes
) -> None:
    answer = send(client, clock, body)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (400, "BODY_REFUSED")
    assert kept(services) == []


def test_a_body_that_is_too_large_is_refused_before_it_is_judged(client: FlaskClient, clock: FixedClock) -> None:
    assert send(client, clock, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_without_airwallex_nobody_listens(services: Services, clock: FixedClock) -> None:
    answer = send(client_of(dataclasses.replace(services, payments=None)), clock)

    assert (answer.status_code, answer.get_json(force=True)["code"]) == (404, "PROVIDER_OFF")


def test_no_secret_is_told(client: FlaskClient, clock: FixedClock) -> None:
    answer = send(client, clock, x_signature="wrong")

    assert SECRET not in answer.text
    assert OLD_SECRET not in answer.text
