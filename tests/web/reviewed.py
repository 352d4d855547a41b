"""The application of a finance team: books that bill, complete companies, people of each role, rules of review."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.adapters.clock import FixedClock
from connector.app import create_app
from connector.domain.review import ReviewRules
from connector.services import Services
from connector.store.unit_of_work import Database
from tests.billing import TAXES
from tests.builders import make_token, make_user
from tests.reviewing import ENTITIES, ROLES, RULES, Finance, make_finance
from tests.web.conftest import Machine
from tests.web.serving import csrf_of, make_services, sign_in


@dataclass
class Team:
    """People around one application; `finance` works below it, on the same database."""

    app: Flask
    services: Services
    finance: Finance
    clock: FixedClock
    _browsers: dict[str, FlaskClient] = field(default_factory=dict)

    def browser(self, name: str) -> FlaskClient:
        """That person, signed in."""
        if name not in self._browsers:
            client = self.app.test_client()
            assert sign_in(client, name=name).status_code == 302
            self._browsers[name] = client
        return self._browsers[name]

    def machine(self, person: str = "", *scopes: str) -> Machine:
        """A script that decides for that person."""
        token = make_token(self.services.database, self.clock, *scopes, person=person)
        return Machine(self.app.test_client(), token)

    def press(self, name: str, path: str, *, page: str = "", **form: Any) -> TestResponse:
        """That person sends a form that is on that page (the review page of the same document when none is named)."""
        client = self.browser(name)
        token = csrf_of(client.get(page or path.rpartition("/")[0]))
        return client.post(path, data={"csrf_token": token, **form})


def make_team(database: Database, clock: FixedClock, *, rules: ReviewRules = RULES, **changes: Any) -> Team:
    """A team with its application; its people are those of ROLES and olga, an administrator."""
    for name, role in {**ROLES, "olga": "admin"}.items():
        make_user(database, clock, name=name, role=role)
    finance = make_finance(database, clock, rules=rules)
    parts = {"rules": rules, "entities": ENTITIES, "taxes": TAXES, "board": finance.desk.board, **changes}
    services = make_services(database, clock, **parts)
    return Team(create_app(services=services), services, finance, clock)
