"""A provider on loopback, and the application that signs people in by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.bootstrap import make_identity_provider
from connector.config import Config, parse_config
from connector.store.unit_of_work import Database
from tests.identity.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.identity.visiting import Visitor
from tests.web.serving import SESSION_SECRET, make_config, make_services

ROLES = {"Viewers": "viewer", "Finance": "finance", "Controllers": "approver", "Admins": "admin"}


@pytest.fixture
def provider(clock: FixedClock) -> Iterator[Provider]:
    """A login provider whose clock is ours."""
    made = Provider(lambda: clock.now().timestamp())
    yield made
    made.stop()


@pytest.fixture
def settings(provider: Provider) -> Config:
    """Settings for that provider."""
    return settings_of(provider)


def settings_of(provider: Provider, **oidc: object) -> Config:
    """Settings for that provider; keyword arguments go to [web.oidc]."""
    section = {"issuer": provider.issuer, "client_id": CLIENT_ID, "roles": ROLES, "timeout": 2, **oidc}
    raw = make_config(login="oidc", oidc=section).model_dump(include={"salesforce", "web"})
    environment = {"COUNTERSIGN_SESSION_SECRET": SESSION_SECRET, "COUNTERSIGN_OIDC_CLIENT_SECRET": CLIENT_SECRET}
    return parse_config(raw={"web": raw["web"], "salesforce": list(raw["salesforce"])}, environment=environment)


def app_for(database: Database, clock: FixedClock, config: Config) -> Flask:
    """The application with that login provider."""
    identity = make_identity_provider(config, clock)
    return create_app(services=make_services(database, clock, config=config, identity=identity))


@pytest.fixture
def app(sqlite_database: Database, clock: FixedClock, settings: Config) -> Flask:
    return app_for(sqlite_database, clock, settings)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """A browser that nobody knows."""
    return Visitor(app.test_client())
