"""The whole application over a database of the test, and clients of it: a stranger, a signed-in person, a machine."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.store.unit_of_work import Database
from connector.usecases import sign_in as sign_in_usecase
from tests.builders import CHEAP_HASHER, make_token, make_user
from tests.recording import RecordingStarter
from tests.web.serving import make_services, sign_in


class Machine:
    """A caller of the API with a token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **parameters: Any) -> TestResponse:
        """GET below /api/v1."""
        return self._client.get(f"/api/v1{path}", query_string=parameters or None, headers=self._headers)

    def post(self, path: str, body: Any) -> TestResponse:
        """POST JSON below /api/v1."""
        return self._client.post(f"/api/v1{path}", json=body, headers=self._headers)

    def put(self, path: str, body: Any) -> TestResponse:
        """PUT JSON below /api/v1."""
        return self._client.put(f"/api/v1{path}", json=body, headers=self._headers)

    def upload(self, path: str, content: bytes, **fields: str) -> TestResponse:
        """POST a file as a form below /api/v1."""
        data = {**fields, "file": (io.BytesIO(content), "order.pdf")}
        return self._client.post(f"/api/v1{path}", data=data, headers=self._headers)

    def send(self, path: str, data: bytes, content_type: str = "application/json") -> TestResponse:
        """POST exactly these bytes below /api/v1."""
        headers = {**self._headers, "Content-Type": content_type}
        return self._client.post(f"/api/v1{path}", data=data, headers=headers)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords at a cost for tests: what is tested here is who gets in, not how dear guessing is."""
    monkeypatch.setattr(sign_in_usecase, "_HASHER", CHEAP_HASHER)


@pytest.fixture
def starter() -> RecordingStarter:
    return RecordingStarter()


@pytest.fixture
def app(sqlite_database: Database, clock: FixedClock, starter: RecordingStarter) -> Flask:
    return create_app(services=make_services(sqlite_database, clock, starter=starter))


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Nobody we know."""
    return app.test_client()


@pytest.fixture
def person(app: Flask, sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    """Anna, an administrator, signed in."""
    make_user(sqlite_database, clock, name="anna", role="admin")
    client = app.test_client()
    assert sign_in(client).status_code == 302
    return client


@pytest.fixture
def viewer(app: Flask, sqlite_database: Database, clock: FixedClock) -> FlaskClient:
    """Vera, who may only look, signed in."""
    make_user(sqlite_database, clock, name="vera", role="viewer")
    client = app.test_client()
    assert sign_in(client, name="vera").status_code == 302
    return client


@pytest.fixture
def machine(app: Flask, sqlite_database: Database, clock: FixedClock) -> Machine:
    """A script with a token for everything."""
    return Machine(app.test_client(), make_token(sqlite_database, clock))
