"""A browser that goes to the login provider and comes back."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Visitor:
    """One browser: the test client here, plain requests at the provider."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def leave(self, following: str = "") -> str:
        """Press the button; the provider's address that the browser is sent to."""
        answer = self.client.get("/login/provider", query_string={"next": following} if following else None)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def agree(self, address: str) -> str:
        """Sign in at the provider; the path and query with which the browser is sent back."""
        answer = requests.get(address, allow_redirects=False, timeout=5)
        back = urlsplit(answer.headers["Location"])
        assert back.path == "/login/callback"
        return f"{back.path}?{back.query}"

    def sign_in(self, following: str = "") -> TestResponse:
        """The whole way there and back."""
        return self.client.get(self.agree(self.leave(following)))

    def is_in(self) -> bool:
        """Whether pages open."""
        return self.client.get("/review/orders").status_code == 200
