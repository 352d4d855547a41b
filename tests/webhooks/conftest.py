"""A Flask application with the receivers alone, over a real database, with a starter that only writes down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.adapters.clock import FixedClock
from connector.config import Config, parse_config
from connector.ports import Org
from connector.problems import register_error_handlers
from connector.services import Services
from connector.store.unit_of_work import Database
from tests.recording import RecordingStarter
from tests.webhooks import sending
from webhooks import BLUEPRINTS

OBJECTS = ("Quote", "Order", "SBQQ__Quote__c")


@pytest.fixture
def starter() -> RecordingStarter:
    return RecordingStarter()


@pytest.fixture
def config() -> Config:
    common = {"client_id": "client", "instance_url": "https://example.my.salesforce.com"}
    return parse_config(
        raw={
            "salesforce": [
                {"name": "default", "org_id": sending.FIRST_ORG[:15], **common},
                {"name": "second", "org_id": sending.SECOND_ORG, **common},
            ]
        },
        environment={
            "COUNTERSIGN_SALESFORCE_PUSH_TOKENS": f"{sending.FIRST_TOKEN},{sending.OLD_FIRST_TOKEN}",
            "COUNTERSIGN_SALESFORCE_EVENT_SECRETS": f"{sending.FIRST_SECRET},{sending.OLD_FIRST_SECRET}",
            "COUNTERSIGN_SALESFORCE_SECOND_PUSH_TOKENS": sending.SECOND_TOKEN,
            "COUNTERSIGN_SALESFORCE_SECOND_EVENT_SECRETS": sending.SECOND_SECRET,
        },
    )


@pytest.fixture
def services(config: Config, database: Database, clock: FixedClock, starter: RecordingStarter) -> Services:
    nothing = cast(Any, None)
    orgs = {
        org_id: Org(
            org_id=org_id,
            name=name,
            gateway=nothing,
            mappings=dict.fromkeys(OBJECTS, nothing),
            is_signed=nothing,
            conditions={},
        )
        for org_id, name in ((sending.FIRST_ORG, "default"), (sending.SECOND_ORG, "second"))
    }
    return Services(
        config=config,
        database=database,
        clock=clock,
        starter=starter,
        orgs=orgs,
        platform=SimpleNamespace(name="embedded"),  # type: ignore[arg-type]
        board=nothing,
        usage=nothing,
    )


@pytest.fixture
def client(services: Services) -> FlaskClient:
    app = Flask("receivers")
    app.extensions["countersign"] = services
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    register_error_handlers(app)
    return app.test_client()
