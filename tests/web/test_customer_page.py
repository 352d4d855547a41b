"""The page of what a customer has, and the page of differences."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.services import Services
from connector.store.differences import FoundDifference, save_found
from connector.store.unit_of_work import Database
from tests.builders import make_token, make_user
from tests.conftest import NOW
from tests.web.conftest import Machine
from tests.web.serving import make_services, sign_in
from tests.web.test_api_access import _ACCOUNT, _AI, _event, _sell


@pytest.fixture
def services(sqlite_database: Database, clock: FixedClock) -> Services:
    return make_services(sqlite_database, clock)


@pytest.fixture
def visitor(services: Services) -> FlaskClient:
    """Somebody who is signed in, at a customer with a plan and some use."""
    app = create_app(services=services)
    token = make_token(services.database, services.clock, "read", "usage:write", "plans:write")
    machine = Machine(app.test_client(), token)
    _sell(services, machine)
    machine.post("/usage", {"events": [_event("one", 4, feature=_AI)]})
    make_user(services.database, services.clock)
    client = app.test_client()
    sign_in(client)
    return client


def test_the_page_shows_limits_and_credits_with_their_ledger(visitor: FlaskClient) -> None:
    page = visitor.get(f"/review/customers/{_ACCOUNT}")

    assert page.status_code == 200
    assert "Halvorsen" in page.text
    assert "16 left. In this period 20 were granted and 4 consumed." in page.text
    assert "consumed</td>" in page.text


def test_a_customer_that_is_unknown_is_not_found(visitor: FlaskClient) -> None:
    assert visitor.get("/review/customers/nobody").status_code == 404


def test_differences_are_listed_until_the_two_sides_agree(visitor: FlaskClient, services: Services) -> None:
    found = FoundDifference("plan-a: seats", "60", "50", "Halvorsen", fix="Correct the subscription.")

    def keep(*rows: FoundDifference) -> str:
        with services.database.unit_of_work() as work:
            save_found(work=work, room="access", subject="contract", subject_number="C-000001", found=rows, now=NOW)
            work.commit()
        return visitor.get("/review/differences").text

    assert "plan-a: seats" in keep(found)
    assert keep(found).count("plan-a: seats") == 1
    assert "Nothing differs." in keep()
