"""Who may push: the client certificate where it is asked for, and not more often than is allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.config import Config
from connector.problems import register_error_handlers
from connector.services import Services
from connector.store.tables import inbox
from connector.store.unit_of_work import Database
from tests.webhooks import sending
from webhooks import BLUEPRINTS

SUBJECT, FINGERPRINT = "CN=proxy.salesforce.com,O=Salesforce, Inc.", "AB:CD:" + "01:" * 17 + "EF"
_PATH = f"/webhooks/salesforce/outbound/{sending.FIRST_TOKEN}"


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """What is refused here never reaches the database, so one kind is enough."""
    return sqlite_database


@pytest.fixture
def client_with(services: Services) -> Callable[..., FlaskClient]:
    """The receivers with other settings of the first org or of [web]."""

    def make(*, org: dict[str, Any] | None = None, **web: Any) -> FlaskClient:
        config: Config = services.config
        orgs = (config.salesforce[0].model_copy(update=org or {}), *config.salesforce[1:])
        changed = config.model_copy(update={"salesforce": orgs, "web": config.web.model_copy(update=web)})
        app = Flask("receivers")
        app.extensions["countersign"] = replace(services, config=changed)
        for blueprint in BLUEPRINTS:
            app.register_blueprint(blueprint)
        register_error_handlers(app)
        return app.test_client()

    return make


def _asks_for(*expected: str) -> dict[str, Any]:
    return {"client_cert_header": "X-Client-Cert", "client_cert_expected": expected}


@pytest.mark.parametrize(
    ("value", "status"),
    [(SUBJECT, 200), (FINGERPRINT, 200), (FINGERPRINT.replace(":", "").lower(), 200), ("", 403), (None, 403),
     ("CN=proxy.salesforce.com", 403), (f"{SUBJECT},{SUBJECT}", 403), (SUBJECT.lower(), 403), (":", 403)],
)  # fmt: skip
def test_only_the_expected_certificate_may_push(
    client_with: Callable[..., FlaskClient], database: Database, value: str | None, status: int
) -> None:
    client = client_with(org=_asks_for(SUBJECT, FINGERPRINT), trusted_proxies=1)
    headers = {} if value is None else {"X-Client-Cert": value}

    answer = client.post(_PATH, data=sending.outbound_body(1), headers=headers)

    assert answer.status_code == status
    assert _kept(database) == (1 if status == 200 else 0)


def test_without_a_trusted_proxy_the_header_is_worth_nothing(client_with: Callable[..., FlaskClient]) -> None:
    client = client_with(org=_asks_for(SUBJECT), trusted_proxies=0)

    answer = client.post(_PATH, data=sending.outbound_body(1), headers={"X-Client-Cert": SUBJECT})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "CLIENT_CERTIFICATE")


def test_another_org_is_not_asked(client_with: Callable[..., FlaskClient]) -> None:
    client = client_with(org=_asks_for(SUBJECT), trusted_proxies=1)
    body = sending.envelope(sending.notification(), org=f"<OrganizationId>{sending.SECOND_ORG}</OrganizationId>")

    answer = client.post(f"/webhooks/salesforce/outbound/{sending.SECOND_TOKEN}", data=body)

    assert answer.status_code == 200


def test_a_sender_gone_wild_waits_and_loses_nothing(
    client_with: Callable[..., FlaskClient], database: Database, clock: FixedClock
) -> None:
    client = client_with(pushes_per_minute=2)
    bodies = [sending.outbound_body(1, first=number) for number in (1, 2, 3)]
    answers = [client.post(_PATH, data=body) for body in bodies]
    other = client.post(
        f"/webhooks/salesforce/outbound/{sending.SECOND_TOKEN}",
        data=sending.envelope(sending.notification(9), org=f"<OrganizationId>{sending.SECOND_ORG}</OrganizationId>"),
    )

    clock.advance(timedelta(seconds=int(answers[2].headers["Retry-After"])))
    again = client.post(_PATH, data=bodies[2])

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].get_json()["code"] == "TOO_MANY_CALLS"
    assert "Ack" not in answers[2].text
    assert (other.status_code, again.status_code, _kept(database)) == (200, 200, 4)


def test_whoever_has_no_token_uses_up_nobodys_allowance(client_with: Callable[..., FlaskClient]) -> None:
    client = client_with(pushes_per_minute=1)

    strangers = [client.post("/webhooks/salesforce/outbound/" + "x" * 40, data=b"").status_code for _ in range(5)]

    assert set(strangers) == {401}
    assert client.post(_PATH, data=sending.outbound_body(1)).status_code == 200


def _kept(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one())
