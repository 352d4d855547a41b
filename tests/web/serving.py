"""The application over a database of the test, with an outside that nobody may ask."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.config import Config, parse_config
from connector.domain.status import Status
from connector.granting_embedded import embedded_platform, embedded_usage
from connector.ports import ApiUsage, Clock, Org
from connector.services import Services
from connector.store.unit_of_work import Database
from connector.usecases.show_status import StatusBoard
from tests.builders import ORG_ID, PASSWORD
from tests.recording import RecordingStarter

SESSION_SECRET = "test-session-secret-of-more-than-32-characters"


def make_config(*, session_secret: str = SESSION_SECRET, **web: Any) -> Config:
    """The smallest configuration; keyword arguments go to [web]."""
    raw = {
        "salesforce": {"instance_url": "http://127.0.0.1:8910", "client_id": "client", "org_id": ORG_ID},
        "web": web,
    }
    return parse_config(raw=raw, environment={"COUNTERSIGN_SESSION_SECRET": session_secret})


class SilentGateway:
    """An org that has nothing: what we keep ourselves must be shown without asking it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def server_now(self) -> datetime:
        """The time."""
        return self._clock.now()

    def usage(self) -> ApiUsage:
        """Some usage."""
        return ApiUsage(used=1200, limit=15_000, calls=37)

    def fetch(self, **_asked: Any) -> tuple[Any, ...]:
        """Nothing is there."""
        return ()


def make_services(database: Database, clock: Clock, *, config: Config | None = None, **changes: Any) -> Services:
    """Services over that database."""
    found = config or make_config()
    gateway: Any = SilentGateway(clock)
    org = Org(
        org_id=ORG_ID, name="default", gateway=gateway, mappings={}, is_signed=lambda _record: (True, ""), conditions={}
    )
    platform = embedded_platform(database=database, clock=clock, plans=())
    usage = embedded_usage(database=database, clock=clock, platform=platform)
    services = Services(
        config=found,
        database=database,
        clock=clock,
        starter=RecordingStarter(),
        orgs={ORG_ID: org},
        platform=platform,
        usage=usage,
        usage_door=usage,
        board=StatusBoard(fields=_no_fields, base_url=found.web.base_url),
    )
    return dataclasses.replace(services, **changes)


def csrf_of(answer: TestResponse) -> str:
    """The token of the first form on a page."""
    match = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert match, answer.text[:500]
    return match[1]


def sign_in(client: FlaskClient, *, name: str = "anna", password: str = PASSWORD, **form: str) -> TestResponse:
    """Fill in and send the sign-in form."""
    token = csrf_of(client.get("/login"))
    return client.post("/login", data={"csrf_token": token, "name": name, "password": password, **form})


def send_form(client: FlaskClient, path: str, *, page: str, **form: Any) -> TestResponse:
    """Send a form as the browser would: with the token of the page that it is on."""
    return client.post(path, data={"csrf_token": csrf_of(client.get(page)), **form})


def _no_fields(_object: str, _status: Status) -> Mapping[str, Any]:
    return {}
